import Series

/// A native histogram as `prometheus.Histogram` and `io.prometheus.write.v2.Histogram` have it, with the same field numbers.
struct WireHistogram {
    var histogram = NativeHistogram(schema: 0)
    var time: Int64 = 0
    /// Its spans and buckets do not fit together.
    var fault: String?

    init(_ message: inout ProtobufReader) throws(ProtobufFault) {
        var positive = WireBuckets()
        var negative = WireBuckets()
        while let field = try message.field() {
            switch field {
            case 1: histogram.count = Double(try message.unsigned())
            case 2: histogram.count = try message.double()
            case 3: histogram.sum = try message.double()
            case 4:
                guard let schema = Int8(exactly: try message.zigzag()) else {
                    throw message.fault("a schema is too large")
                }
                histogram.schema = schema
            case 5: histogram.zeroThreshold = try message.double()
            case 6: histogram.zeroCount = Double(try message.unsigned())
            case 7: histogram.zeroCount = try message.double()
            case 8: try negative.readSpan(&message)
            case 9: try message.varints(into: &negative.deltas)
            case 10: try message.doubles(into: &negative.counts)
            case 11: try positive.readSpan(&message)
            case 12: try message.varints(into: &positive.deltas)
            case 13: try message.doubles(into: &positive.counts)
            case 14:
                let hints: [NativeHistogram.ResetHint] = [.unknown, .reset, .notReset, .gauge]
                let number = try message.unsigned()
                guard number < hints.count else { throw message.fault("\(number) is no reset hint") }
                histogram.resetHint = hints[Int(number)]
            case 15: time = try message.signed()
            case 16: try message.doubles(into: &histogram.customBounds)
            default: try message.skip()
            }
        }
        do throws(ProtobufFault) {
            positive.dropEmptySpans()
            negative.dropEmptySpans()
            histogram.positiveBuckets = try positive.buckets(message)
            histogram.negativeBuckets = try negative.buckets(message)
            histogram.positiveSpans = positive.spans
            histogram.negativeSpans = negative.spans
        } catch {
            fault = error.message
        }
    }
}

extension ProtobufWriter {
    /// The fields of a histogram. Whole counts are written as differences, others as doubles.
    mutating func histogram(_ histogram: NativeHistogram, at time: Int64) {
        let isWhole = histogram.isWhole
        if isWhole { count(1, histogram.count, always: true) } else { double(2, histogram.count, always: true) }
        double(3, histogram.sum)
        zigzag(4, Int64(histogram.schema))
        double(5, histogram.zeroThreshold)
        if isWhole { count(6, histogram.zeroCount, always: true) } else { double(7, histogram.zeroCount, always: true) }
        for span in histogram.negativeSpans { message(8) { write(span, to: &$0) } }
        buckets(histogram.negativeBuckets, deltas: 9, counts: 10, isWhole: isWhole)
        for span in histogram.positiveSpans { message(11) { write(span, to: &$0) } }
        buckets(histogram.positiveBuckets, deltas: 12, counts: 13, isWhole: isWhole)
        unsigned(14, UInt64(histogram.resetHint.rawValue))
        signed(15, time)
        packedDoubles(16, histogram.customBounds)
    }

    private mutating func buckets(_ buckets: [Double], deltas: Int, counts: Int, isWhole: Bool) {
        if isWhole {
            packedVarints(deltas, NativeHistogram.deltas(buckets))
        } else {
            packedDoubles(counts, buckets)
        }
    }
}
