import BinaryCoding
import Series

// Native histograms in few bytes: neighbouring samples nearly always have the same buckets, so each bucket becomes a column of its own and
// is written as any other column of numbers is. `docs/formats/series-chunks.md` is the exact description.

/// Adds a chunk of `histograms`, of which there is at least one, to `bytes`.
func encodeHistograms(_ histograms: ArraySlice<NativeHistogram>, into bytes: inout [UInt8]) {
    bytes.append(ChunkKind.histograms.rawValue)
    var start = histograms.startIndex
    while start < histograms.endIndex {
        var end = start + 1
        while end < histograms.endIndex, histograms[end].hasLayout(of: histograms[start]) { end += 1 }
        encodeRun(histograms[start..<end], into: &bytes)
        start = end
    }
}

private func encodeRun(_ run: ArraySlice<NativeHistogram>, into bytes: inout [UInt8]) {
    let first = run.first!
    appendVarint(UInt64(run.count), to: &bytes)
    bytes.append(UInt8(bitPattern: first.schema))
    withUnsafeBytes(of: first.zeroThreshold.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    for spans in [first.positiveSpans, first.negativeSpans] {
        appendVarint(UInt64(spans.count), to: &bytes)
        for span in spans {
            appendVarint(zigzagEncoded(Int64(span.offset)), to: &bytes)
            appendVarint(UInt64(span.length), to: &bytes)
        }
    }
    appendVarint(UInt64(first.customBounds.count), to: &bytes)
    for bound in first.customBounds {
        withUnsafeBytes(of: bound.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
    for histogram in run { bytes.append(histogram.resetHint.rawValue) }
    func add(_ column: [Double]) {
        var part: [UInt8] = []
        column.withUnsafeBufferPointer { encodeValues($0, into: &part) }
        appendVarint(UInt64(part.count), to: &bytes)
        bytes += part
    }
    add(run.map(\.count))
    add(run.map(\.zeroCount))
    add(run.map(\.sum))
    for bucket in first.positiveBuckets.indices { add(run.map { $0.positiveBuckets[bucket] }) }
    for bucket in first.negativeBuckets.indices { add(run.map { $0.negativeBuckets[bucket] }) }
}

/// Buckets of one histogram past this are no histogram but damage.
private let bucketCountMax = 1 << 16

/// Reads a chunk of `count` histograms.
func decodeHistograms(_ source: inout ByteSource, count: Int) throws(CodingError) -> [NativeHistogram] {
    guard try source.byte() == ChunkKind.histograms.rawValue else { throw CodingError(.invalid, at: 0) }
    var found: [NativeHistogram] = []
    while found.count < count {
        let length = try source.count(limit: count - found.count)
        guard length > 0 else { throw CodingError(.invalid, at: source.offset) }
        var layout = NativeHistogram(schema: Int8(bitPattern: try source.byte()))
        layout.zeroThreshold = Double(bitPattern: try source.word())
        layout.positiveSpans = try spans(&source)
        layout.negativeSpans = try spans(&source)
        for _ in 0..<(try source.count(limit: bucketCountMax)) {
            layout.customBounds.append(Double(bitPattern: try source.word()))
        }
        var run: [NativeHistogram] = []
        for _ in 0..<length {
            guard let hint = NativeHistogram.ResetHint(rawValue: try source.byte()) else {
                throw CodingError(.invalid, at: source.offset)
            }
            layout.resetHint = hint
            run.append(layout)
        }
        for (index, value) in try column(&source, length).enumerated() { run[index].count = value }
        for (index, value) in try column(&source, length).enumerated() { run[index].zeroCount = value }
        for (index, value) in try column(&source, length).enumerated() { run[index].sum = value }
        for _ in 0..<layout.positiveSpans.bucketCount {
            for (index, value) in try column(&source, length).enumerated() { run[index].positiveBuckets.append(value) }
        }
        for _ in 0..<layout.negativeSpans.bucketCount {
            for (index, value) in try column(&source, length).enumerated() { run[index].negativeBuckets.append(value) }
        }
        found += run
    }
    return found
}

private func spans(_ source: inout ByteSource) throws(CodingError) -> [NativeHistogram.Span] {
    var spans: [NativeHistogram.Span] = []
    for _ in 0..<(try source.count(limit: bucketCountMax)) {
        guard let offset = Int32(exactly: try source.zigzag()) else { throw CodingError(.invalid, at: source.offset) }
        spans.append(.init(offset: offset, length: UInt32(try source.count(limit: bucketCountMax))))
    }
    guard spans.bucketCount <= bucketCountMax else { throw CodingError(.tooLarge, at: source.offset) }
    return spans
}

extension [NativeHistogram.Span] {
    var bucketCount: Int { reduce(0) { $0 + Int($1.length) } }
}

extension NativeHistogram {
    func hasLayout(of other: NativeHistogram) -> Bool {
        schema == other.schema && zeroThreshold.bitPattern == other.zeroThreshold.bitPattern
            && positiveSpans == other.positiveSpans && negativeSpans == other.negativeSpans
            && customBounds == other.customBounds
    }

    /// What the head compares in place of a value: two histograms of an instant count as the same when their counts and sums are.
    var admissionBits: UInt64 { count.bitPattern &* 31 ^ sum.bitPattern }

    /// Whether the buckets are as many as the spans say, without which nothing could be made of them.
    var isWellFormed: Bool {
        positiveBuckets.count == positiveSpans.bucketCount && negativeBuckets.count == negativeSpans.bucketCount
            && positiveBuckets.count + negativeBuckets.count <= bucketCountMax && customBounds.count <= bucketCountMax
    }
}
