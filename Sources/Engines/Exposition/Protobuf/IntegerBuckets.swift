import Series

// On the wire a native histogram's buckets are either counts as doubles, or whole numbers of which the first is written as it is and each
// other as the difference to the one before. All messages (exposition, remote write 1 and 2, remote read) share the fields
// but not their numbers, so what they have in common is here.

/// The buckets of one sign while a message is read.
struct WireBuckets {
    var spans: [NativeHistogram.Span] = []
    var deltas: [UInt64] = []
    var counts: [Double] = []

    /// A `BucketSpan`: 1 offset (sint32), 2 length (uint32).
    mutating func readSpan(_ reader: inout ProtobufReader) throws(ProtobufFault) {
        var message = try reader.message()
        var span = NativeHistogram.Span(offset: 0, length: 0)
        while let field = try message.field() {
            switch field {
            case 1:
                guard let offset = Int32(exactly: try message.zigzag()) else {
                    throw message.fault("a span's offset is too large")
                }
                span.offset = offset
            case 2:
                guard let length = UInt32(exactly: try message.unsigned()) else {
                    throw message.fault("a span's length is too large")
                }
                span.length = length
            default: try message.skip()
            }
        }
        spans.append(span)
    }

    /// Leaves out spans without buckets; the next one then begins where they ended.
    mutating func dropEmptySpans() {
        var carried: Int32 = 0
        var kept: [NativeHistogram.Span] = []
        for span in spans {
            carried = carried.addingReportingOverflow(span.offset).partialValue
            guard span.length > 0 else { continue }
            kept.append(.init(offset: carried, length: span.length))
            carried = 0
        }
        spans = kept
    }

    /// The counts of the buckets, whichever way they were written.
    /// - Throws: where the spans speak of another number of buckets.
    func buckets(_ reader: ProtobufReader) throws(ProtobufFault) -> [Double] {
        var result = counts
        if !deltas.isEmpty {
            var count: Int64 = 0
            result = deltas.map { delta in
                count &+= ProtobufReader.zigzagged(delta)
                return Double(count)
            }
        }
        var named: UInt64 = 0
        for (index, span) in spans.enumerated() {
            named += UInt64(span.length)
            guard index == 0 || span.offset >= 0 else {
                throw reader.fault("span number \(index + 1) of a histogram with a negative offset \(span.offset)")
            }
        }
        guard named == UInt64(result.count) else {
            throw reader.fault("the spans of a histogram name \(named) buckets, and it has \(result.count)")
        }
        return result
    }
}

extension NativeHistogram {
    /// Whether all counts are whole, so that they may be written as differences.
    var isWhole: Bool {
        ([count, zeroCount] + positiveBuckets + negativeBuckets).allSatisfy {
            $0 == $0.rounded() && $0 >= 0 && $0 < 9e15
        }
    }

    /// The whole counts as zigzag differences.
    static func deltas(_ buckets: [Double]) -> [UInt64] {
        var before: Int64 = 0
        return buckets.map { bucket in
            let count = Int64(bucket)
            defer { before = count }
            return ProtobufWriter.zigzagged(count - before)
        }
    }

    /// Whether the parts fit together, as the reference's `Validate` asks.
    /// - Returns: what is wrong.
    var fault: String? {
        let isCustom = schema == Self.customBucketsSchema
        guard isCustom || (-9...52).contains(schema) else { return "invalid histogram schema \(schema)" }
        if isCustom {
            guard zip(customBounds, customBounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
                return "histogram custom bounds must be in strictly increasing order"
            }
            if !negativeSpans.isEmpty || !negativeBuckets.isEmpty || zeroCount != 0 || zeroThreshold != 0 {
                return "a histogram with custom bounds must not have a zero bucket or negative buckets"
            }
            guard !customBounds.contains(where: { !$0.isFinite }) else {
                return "histogram custom bounds must be finite"
            }
            let reach = positiveSpans.reduce(0) { $0 + Int($1.offset) + Int($1.length) }
            guard reach <= customBounds.count + 1 else {
                return "the spans of a histogram reach bucket \(reach), and its bounds make \(customBounds.count + 1)"
            }
        } else if !customBounds.isEmpty {
            return "histogram with exponential schema must not have custom bounds"
        }
        if zeroCount < 0 { return "histogram has a negative zero bucket" }
        for buckets in [positiveBuckets, negativeBuckets] where buckets.contains(where: { $0 < 0 }) {
            return "histogram has a bucket whose observation count is negative"
        }
        if count < 0 { return "histogram has a negative observation count" }
        if isWhole {
            let inBuckets = (positiveBuckets + negativeBuckets).reduce(zeroCount, +)
            // Observations of NaN are in no bucket.
            guard sum.isNaN ? inBuckets <= count : inBuckets == count else {
                return
                    "\(Int64(inBuckets)) observations found in buckets, but the Count field is \(Int64(count)): histogram's observation count should \(sum.isNaN ? "be at least" : "equal") the number of observations found in the buckets"
            }
        }
        return nil
    }
}
