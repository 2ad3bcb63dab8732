import BinaryCoding
import DurableFiles
import Series

// Writes blocks as Prometheus describes them (`prometheus/tsdb/docs/format/{index,chunks,tombstones}.md`), from the description alone and
// apart from the reader, so that the two can be held against each other.

/// A block's files, put together by hand.
struct PrometheusBlockBuilder {
    struct Chunk {
        var encoding: UInt8
        var data: [UInt8]
    }

    var indexVersion: UInt8 = 2
    /// In order of their labels.
    var series: [(labels: Labels, chunks: [Chunk])] = []
    /// Number of the series, first and last time.
    var tombstones: [(series: Int, first: Int64, last: Int64)]?
    /// A chunk never leads over the end of a file; each file holds this many chunks at most.
    var chunksPerFile = Int.max

    func write(to folder: String, _ files: MemoryFiles) throws {
        try files.createFolders(joined(folder, "chunks"))
        var references: [[UInt64]] = []
        var segments: [[UInt8]] = []
        var count = 0
        for entry in series {
            var own: [UInt64] = []
            for chunk in entry.chunks {
                if segments.isEmpty || count == chunksPerFile {
                    segments.append(Self.big(0x85BD_40DD as UInt32) + [1, 0, 0, 0])
                    count = 0
                }
                count += 1
                own.append(UInt64(segments.count - 1) << 32 | UInt64(segments[segments.count - 1].count))
                let body = [chunk.encoding] + chunk.data
                segments[segments.count - 1] += Self.uvarint(UInt64(chunk.data.count)) + body
                segments[segments.count - 1] += Self.big(Checksum.of(body))
            }
            references.append(own)
        }
        for (number, bytes) in segments.enumerated() {
            try files.replace(joined(folder, "chunks/00000\(number + 1)"), with: bytes)
        }
        let (index, places) = makeIndex(references)
        try files.replace(joined(folder, "index"), with: index)
        if let tombstones {
            var body: [UInt8] = []
            for stone in tombstones {
                body += Self.uvarint(places[stone.series]) + Self.varint(stone.first) + Self.varint(stone.last)
            }
            try files.replace(
                joined(folder, "tombstones"),
                with: Self.big(0x0130_BA30 as UInt32) + [1] + body + Self.big(Checksum.of(body)))
        }
    }

    /// - Returns: the file, and how each series is referred to.
    private func makeIndex(_ references: [[UInt64]]) -> ([UInt8], [UInt64]) {
        var index = Self.big(0xBAAA_D700 as UInt32) + [indexVersion]
        let symbols = Set(series.flatMap { $0.labels.pairs.flatMap { [$0.name, $0.value] } }).sorted { $0 < $1 }
        let symbolStart = index.count
        var table = Self.big(UInt32(symbols.count))
        var numbers: [String: UInt64] = [:]
        for (number, symbol) in symbols.enumerated() {
            // Version 1 names a symbol by its place in the file, version 2 by its number.
            numbers[symbol] = indexVersion == 1 ? UInt64(symbolStart + 4 + table.count) : UInt64(number)
            table += Self.uvarint(UInt64(symbol.utf8.count)) + Array(symbol.utf8)
        }
        index += Self.big(UInt32(table.count)) + table + Self.big(Checksum.of(table))
        let seriesStart = index.count
        var places: [UInt64] = []
        for (number, entry) in series.enumerated() {
            if indexVersion == 2 { while !index.count.isMultiple(of: 16) { index.append(0) } }
            places.append(UInt64(indexVersion == 2 ? index.count / 16 : index.count))
            var body = Self.uvarint(UInt64(entry.labels.pairs.count))
            for pair in entry.labels.pairs {
                body += Self.uvarint(numbers[pair.name]!) + Self.uvarint(numbers[pair.value]!)
            }
            body += Self.uvarint(UInt64(references[number].count))
            for (chunk, reference) in references[number].enumerated() {
                // The times of chunks are in the chunks; what stands here only has to be skipped.
                body += chunk == 0 ? Self.varint(-5) + Self.uvarint(300) : Self.uvarint(7) + Self.uvarint(300)
                body +=
                    chunk == 0
                    ? Self.uvarint(reference)
                    : Self.varint(Int64(reference) - Int64(references[number][chunk - 1]))
            }
            index += Self.uvarint(UInt64(body.count)) + body + Self.big(Checksum.of(body))
        }
        let end = index.count
        var contents: [UInt8] = []
        for place in [symbolStart, seriesStart, end, end, end, end] { contents += Self.big(UInt64(place)) }
        index += contents + Self.big(Checksum.of(contents))
        return (index, places)
    }

    static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (value.bitWidth - 8 - 8 * $0)) }
    }

    static func uvarint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [UInt8]())
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func varint(_ value: Int64) -> [UInt8] { uvarint(UInt64(bitPattern: value << 1 ^ value >> 63)) }
}

/// The bits of a histogram chunk.
struct HistogramChunkBuilder {
    private var bits = BitWriter()

    /// - Parameter flags: the two high bits of the second field: 2 reset, 1 not reset, 0 unknown, 3 gauge.
    static func integers(
        _ histograms: [NativeHistogram], at times: [Int64], flags: UInt64
    ) -> PrometheusBlockBuilder.Chunk {
        var builder = HistogramChunkBuilder()
        builder.head(histograms, flags)
        var rows = zip(histograms, times).map { histogram, time in
            [time, Int64(histogram.count), Int64(histogram.zeroCount)] + deltas(histogram.positiveBuckets)
                + deltas(histogram.negativeBuckets)
        }
        // A stale marker has no buckets, and its counts stand still.
        for row in rows.indices where histograms[row].sum.isStaleMarker {
            rows[row] = Array(rows[row].prefix(1)) + (row == 0 ? [0, 0] : Array(rows[row - 1][1...2]))
        }
        var before = [Int64](repeating: 0, count: rows[0].count)
        var sum = XORBits()
        for row in rows.indices {
            var differences: [Int64] = []
            for field in rows[row].indices {
                let value = row == 0 ? rows[row][field] : rows[row][field] - rows[row - 1][field]
                differences.append(value)
                let written = row < 2 ? value : value - before[field]
                switch (row, field) {
                case (0, 1), (0, 2): builder.varbitUnsigned(UInt64(written))
                default: builder.varbit(written)
                }
                if field == 2 { sum.write(histograms[row].sum, isFirst: row == 0, to: &builder.bits) }
            }
            before = differences
        }
        return .init(encoding: 2, data: builder.bits.bytes)
    }

    static func floats(
        _ histograms: [NativeHistogram], at times: [Int64], flags: UInt64
    ) -> PrometheusBlockBuilder.Chunk {
        var builder = HistogramChunkBuilder()
        builder.head(histograms, flags)
        var columns = [XORBits](
            repeating: XORBits(),
            count: 3 + histograms[0].positiveBuckets.count + histograms[0].negativeBuckets.count)
        for (row, histogram) in histograms.enumerated() {
            switch row {
            case 0: builder.varbit(times[0])
            case 1: builder.varbit(times[1] - times[0])
            default: builder.varbit(times[row] - 2 * times[row - 1] + times[row - 2])
            }
            let fields =
                [histogram.count, histogram.zeroCount, histogram.sum] + histogram.positiveBuckets
                + histogram.negativeBuckets
            for (field, value) in fields.enumerated() {
                columns[field].write(value, isFirst: row == 0, to: &builder.bits)
            }
        }
        return .init(encoding: 3, data: builder.bits.bytes)
    }

    private static func deltas(_ buckets: [Double]) -> [Int64] {
        zip(buckets, [0] + buckets).map { Int64($0) - Int64($1) }
    }

    private mutating func head(_ histograms: [NativeHistogram], _ flags: UInt64) {
        let layout = histograms[0]
        bits.bits(UInt64(histograms.count), 16)
        bits.bits(flags << 6, 8)
        if layout.zeroThreshold == 0 {
            bits.bits(0, 8)
        } else if layout.zeroThreshold.significand == 1, (-243...10).contains(layout.zeroThreshold.exponent) {
            bits.bits(UInt64(layout.zeroThreshold.exponent + 244), 8)
        } else {
            bits.bits(255, 8)
            bits.bits(layout.zeroThreshold.bitPattern, 64)
        }
        varbit(Int64(layout.schema))
        for spans in [layout.positiveSpans, layout.negativeSpans] {
            varbitUnsigned(UInt64(spans.count))
            for span in spans {
                varbitUnsigned(UInt64(span.length))
                varbit(Int64(span.offset))
            }
        }
        guard layout.schema == NativeHistogram.customBucketsSchema else { return }
        varbitUnsigned(UInt64(layout.customBounds.count))
        for bound in layout.customBounds {
            let thousands = bound * 1000
            if thousands >= 0, thousands <= 33_554_430, thousands == thousands.rounded() {
                varbitUnsigned(UInt64(thousands) + 1)
            } else {
                bits.bits(0, 1)
                bits.bits(bound.bitPattern, 64)
            }
        }
    }

    private static let widths = [3, 6, 9, 12, 18, 25, 56]

    private mutating func varbit(_ value: Int64) {
        guard value != 0 else { return bits.bits(0, 1) }
        for (place, width) in Self.widths.enumerated() {
            let half = Int64(1) << Int64(width - 1)
            guard value >= -(half - 1), value <= half else { continue }
            return put(UInt64(bitPattern: value), width, place)
        }
        put(UInt64(bitPattern: value), 64, 7)
    }

    private mutating func varbitUnsigned(_ value: UInt64) {
        guard value != 0 else { return bits.bits(0, 1) }
        for (place, width) in Self.widths.enumerated() where value < 1 << UInt64(width) {
            return put(value, width, place)
        }
        put(value, 64, 7)
    }

    /// Ones for the place in the list, a zero unless it is the last, then the low bits.
    private mutating func put(_ value: UInt64, _ width: Int, _ place: Int) {
        for _ in 0...place { bits.bits(1, 1) }
        if place < 7 { bits.bits(0, 1) }
        bits.bits(value, width)
    }
}

/// A column of doubles as each one's XOR with the one before.
private struct XORBits {
    private var before: UInt64 = 0
    private var leading = -1
    private var trailing = 0

    mutating func write(_ value: Double, isFirst: Bool, to bits: inout BitWriter) {
        defer { before = value.bitPattern }
        guard !isFirst else { return bits.bits(value.bitPattern, 64) }
        let difference = value.bitPattern ^ before
        guard difference != 0 else { return bits.bits(0, 1) }
        bits.bits(1, 1)
        let (zeros, tail) = (min(31, difference.leadingZeroBitCount), difference.trailingZeroBitCount)
        if leading >= 0, zeros >= leading, tail >= trailing {
            bits.bits(0, 1)
        } else {
            (leading, trailing) = (zeros, tail)
            bits.bits(1, 1)
            bits.bits(UInt64(leading), 5)
            bits.bits(UInt64(64 - leading - trailing) & 63, 6)
        }
        bits.bits(difference >> UInt64(trailing), 64 - leading - trailing)
    }
}
