import BinaryCoding
import Series

// The chunks of Prometheus: `prometheus/tsdb/docs/format/chunks.md`. XOR chunks are those of "Gorilla" with signs as Go shifts them;
// histogram chunks hold the layout once and then each field as a difference of differences (integers) or as XOR (floats).

/// Adds the samples of an XOR chunk.
func readXORChunk(_ data: [UInt8], into columns: inout SeriesColumns) throws(CodingError) {
    var bits = GoBits(BitReader(data))
    let count = Int(try bits.reader.bits(16))
    var time: Int64 = 0
    var delta: Int64 = 0
    var value = XORState()
    for index in 0..<count {
        switch index {
        case 0:
            time = zigzagDecoded(try bits.uvarint())
            value.bits = try bits.reader.bits(64)
        case 1:
            delta = Int64(bitPattern: try bits.uvarint())
            time &+= delta
            try value.read(&bits)
        default:
            delta &+= try bits.timeChange()
            time &+= delta
            try value.read(&bits)
        }
        columns.times.append(time)
        columns.values.append(Double(bitPattern: value.bits))
    }
}

/// Adds the samples of a histogram chunk.
/// - Parameters:
///   - hasFloats: counts are doubles, not integers.
///   - leftOut: counts histograms of schemas that are not known.
func readHistogramChunk(
    _ data: [UInt8], hasFloats: Bool, into columns: inout SeriesColumns, _ leftOut: inout LeftOutSamples
) throws(CodingError) {
    var bits = GoBits(BitReader(data))
    let count = Int(try bits.reader.bits(16))
    // The two high bits: 0 unknown, 1 not reset, 2 reset, 3 gauge.
    let header = try bits.reader.bits(8) >> 6
    let layout = try bits.histogramLayout()
    let hints: [NativeHistogram.ResetHint] = [.unknown, .notReset, .reset, .gauge]
    let bucketCount = layout.positiveSpans.bucketCount + layout.negativeSpans.bucketCount
    guard bucketCount <= 1 << 16 else { throw CodingError(.tooLarge, at: 0) }
    var fields = HistogramFields(bucketCount: bucketCount, hasFloats: hasFloats)
    for index in 0..<count {
        try fields.read(&bits, isFirst: index == 0)
        let sum = Double(bitPattern: fields.sum.bits)
        if sum.isStaleMarker {
            columns.times.append(fields.time)
            columns.values.append(sum)
            continue
        }
        var histogram = layout
        // Inside a chunk of a counter there is no reset; what the first one is, the chunk's head says.
        histogram.resetHint = header == 3 ? .gauge : index == 0 ? hints[Int(header)] : .notReset
        histogram.sum = sum
        (histogram.count, histogram.zeroCount) = fields.counts
        let buckets = fields.buckets(positiveCount: layout.positiveSpans.bucketCount)
        histogram.positiveBuckets = buckets.positive
        histogram.negativeBuckets = buckets.negative
        guard histogram.hasKnownSchema else {
            leftOut["histogram schema \(histogram.schema)", default: 0] += 1
            continue
        }
        guard histogram.isWellFormed else { throw CodingError(.invalid, at: 0) }
        columns.times.append(fields.time)
        columns.histograms.append(HistogramSample(index: columns.values.count, histogram: histogram))
        columns.values.append(.nan)
    }
}

extension NativeHistogram {
    /// Whether the bounds of its buckets can be told.
    fileprivate var hasKnownSchema: Bool { (-4...8).contains(schema) || schema == Self.customBucketsSchema }
}

/// What is known of the sample before.
private struct HistogramFields {
    let hasFloats: Bool
    var time: Int64 = 0
    private var timeDelta: Int64 = 0
    /// Count, zero count, then the buckets; of integers the buckets are differences from the one before.
    private var integers: [Int64]
    private var deltas: [Int64]
    private var floats: [XORState]
    var sum = XORState()

    init(bucketCount: Int, hasFloats: Bool) {
        self.hasFloats = hasFloats
        integers = [Int64](repeating: 0, count: hasFloats ? 0 : bucketCount + 2)
        deltas = integers
        floats = [XORState](repeating: XORState(), count: hasFloats ? bucketCount + 2 : 0)
    }

    mutating func read(_ bits: inout GoBits, isFirst: Bool) throws(CodingError) {
        if isFirst {
            time = try bits.varbit()
        } else {
            timeDelta &+= try bits.varbit()
            time &+= timeDelta
        }
        for field in 0..<2 { try readField(field, &bits, isFirst, isUnsigned: true) }
        if isFirst { sum.bits = try bits.reader.bits(64) } else { try sum.read(&bits) }
        // A stale marker has no buckets.
        if Double(bitPattern: sum.bits).isStaleMarker { return }
        for field in 2..<max(2, hasFloats ? floats.count : integers.count) {
            try readField(field, &bits, isFirst, isUnsigned: false)
        }
    }

    private mutating func readField(
        _ field: Int, _ bits: inout GoBits, _ isFirst: Bool, isUnsigned: Bool
    ) throws(CodingError) {
        if hasFloats {
            if isFirst { floats[field].bits = try bits.reader.bits(64) } else { try floats[field].read(&bits) }
        } else if isFirst {
            integers[field] = isUnsigned ? Int64(bitPattern: try bits.varbitUnsigned()) : try bits.varbit()
        } else {
            deltas[field] &+= try bits.varbit()
            integers[field] &+= deltas[field]
        }
    }

    var counts: (Double, Double) {
        hasFloats
            ? (Double(bitPattern: floats[0].bits), Double(bitPattern: floats[1].bits))
            : (Double(UInt64(bitPattern: integers[0])), Double(UInt64(bitPattern: integers[1])))
    }

    func buckets(positiveCount: Int) -> (positive: [Double], negative: [Double]) {
        func values(_ range: Range<Int>) -> [Double] {
            if hasFloats { return range.map { Double(bitPattern: floats[$0].bits) } }
            var running: Int64 = 0
            return range.map {
                running &+= integers[$0]
                return Double(running)
            }
        }
        let end = hasFloats ? floats.count : integers.count
        return (values(2..<2 + positiveCount), values(2 + positiveCount..<end))
    }
}

/// A double that is read as the XOR with the one before.
private struct XORState {
    var bits: UInt64 = 0
    private var width = 0
    private var trailing = 0

    mutating func read(_ source: inout GoBits) throws(CodingError) {
        guard try source.reader.bit() else { return }
        if try source.reader.bit() {
            let leading = Int(try source.reader.bits(5))
            width = Int(try source.reader.bits(6))
            // 64 does not fit into six bits.
            if width == 0 { width = 64 }
            trailing = 64 - leading - width
            guard trailing >= 0 else { throw CodingError(.invalid, at: 0) }
        }
        bits ^= try source.reader.bits(width) << UInt64(trailing)
    }
}

/// Numbers in streams of bits, as Prometheus writes them.
private struct GoBits {
    var reader: BitReader

    init(_ reader: BitReader) {
        self.reader = reader
    }

    mutating func uvarint() throws(CodingError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 70, by: 7) {
            let next = try reader.bits(8)
            value |= (next & 0x7F) << shift
            if next < 0x80 { return value }
        }
        throw CodingError(.tooLarge, at: 0)
    }

    mutating func timeChange() throws(CodingError) -> Int64 { try change(widths: [14, 17, 20, 64]) }
    mutating func varbit() throws(CodingError) -> Int64 { try change(widths: Self.varbitWidths) }

    mutating func varbitUnsigned() throws(CodingError) -> UInt64 {
        let width = try width(Self.varbitWidths)
        return width == 0 ? 0 : try reader.bits(width)
    }

    private static let varbitWidths = [3, 6, 9, 12, 18, 25, 56, 64]

    /// As many ones as the width has its place in the list, from 1 on; no zero ends the last.
    private mutating func width(_ widths: [Int]) throws(CodingError) -> Int {
        var ones = 0
        while ones < widths.count, try reader.bit() { ones += 1 }
        return ones == 0 ? 0 : widths[ones - 1]
    }

    private mutating func change(widths: [Int]) throws(CodingError) -> Int64 {
        let width = try width(widths)
        guard width > 0 else { return 0 }
        let bits = try reader.bits(width)
        guard width < 64 else { return Int64(bitPattern: bits) }
        // The half of the range itself is positive: -(2^(w-1) - 1) … 2^(w-1).
        return bits > 1 << UInt64(width - 1) ? Int64(bits) - 1 << Int64(width) : Int64(bits)
    }

    mutating func histogramLayout() throws(CodingError) -> NativeHistogram {
        let threshold = try zeroThreshold()
        guard let schema = Int8(exactly: try varbit()) else { throw CodingError(.invalid, at: 0) }
        var layout = NativeHistogram(schema: schema)
        layout.zeroThreshold = threshold
        layout.positiveSpans = try spans()
        layout.negativeSpans = try spans()
        if schema == NativeHistogram.customBucketsSchema {
            for _ in 0..<(try length()) { layout.customBounds.append(try bound()) }
        }
        return layout
    }

    private mutating func length() throws(CodingError) -> Int {
        let count = try varbitUnsigned()
        guard count <= 1 << 16 else { throw CodingError(.tooLarge, at: 0) }
        return Int(count)
    }

    private mutating func spans() throws(CodingError) -> [NativeHistogram.Span] {
        var spans: [NativeHistogram.Span] = []
        for _ in 0..<(try length()) {
            let length = try length()
            guard let offset = Int32(exactly: try varbit()) else { throw CodingError(.invalid, at: 0) }
            spans.append(.init(offset: offset, length: UInt32(length)))
        }
        return spans
    }

    private mutating func zeroThreshold() throws(CodingError) -> Double {
        let byte = try reader.bits(8)
        switch byte {
        case 0: return 0
        case 255: return Double(bitPattern: try reader.bits(64))
        default: return Double(sign: .plus, exponent: Int(byte) - 244, significand: 1)
        }
    }

    /// A bound that is thousandths is written as an integer plus one, all others as they are, after a zero.
    private mutating func bound() throws(CodingError) -> Double {
        let coded = try varbitUnsigned()
        return coded == 0 ? Double(bitPattern: try reader.bits(64)) : Double(coded - 1) / 1000
    }
}
