import BinaryCoding
import Compression
import DurableFiles
import Series

// The numbers of `docs/formats/series-wal.md`, and the payloads both ways.

enum LogFormat {
    static let magic = Array("JAGAWAL2".utf8)
    static let headerByteCount = 28
    static let mark: [UInt8] = [0x4A, 0x52, 0x45, 0x43]
    static let recordHeaderByteCount = 13
    static let payloadByteCountMax = 1 << 20
    /// Past this a new segment begins. Each declares all series again, which must stay small beside the samples.
    static let segmentByteCountMax: Int64 = 32 << 20
    static let sampleCountMax = 4096
    /// Samples of a record of type 4: 13 bytes each at worst, numbers included, stay below the limit of a record.
    static let columnCountMax = 60_000
    /// Declarations unpacked past this are no declarations but damage.
    static let declarationByteCountMax = 8 << 20
    /// After this many records of a layout one begins anew, so that damage costs no more than those before it.
    static let chainLengthMax = 128
    /// Shorter layouts always begin anew: there is little to save.
    static let chainedCountMin = 8
    /// A series' labels must fit into one record with room to spare.
    static let labelsByteCountMax = 64 << 10

    enum RecordType: UInt8 {
        case series = 1
        case samples = 2
        case metadata = 3
        case columns = 4
        case packedSeries = 5
        case histograms = 6
        case late = 7
        case describedMetadata = 8
        /// In the files of stretches alone.
        case stretch = 9
    }

    /// The payload of type 1 that one of type 5 packs.
    static func unpackedSeries(_ payload: [UInt8]) throws(CodingError) -> [UInt8] {
        var reader = ByteReader(payload)
        let count = try reader.count(limit: declarationByteCountMax)
        let offset = reader.offset
        // The caller reports the record's place; how it is damaged helps nobody.
        guard let contents = try? zstdBlockContents(Array(payload[offset...]), byteCount: count) else {
            throw CodingError(.invalid, at: offset)
        }
        return contents
    }

    /// The checksum in the header of a record.
    static func checksum(_ type: RecordType, _ payload: [UInt8]) -> UInt32 {
        var writer = ByteWriter()
        writer.byte(type.rawValue)
        writer.fixed(UInt32(payload.count))
        var sum = Checksum()
        sum.add(writer.bytes)
        sum.add(payload)
        return sum.value
    }

    static func segmentName(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".wal"
    }

    static func segmentNumber(of name: String) -> UInt64? {
        guard name.hasSuffix(".wal"), name.utf8.count >= 12 else { return nil }
        return UInt64(name.dropLast(4))
    }

    static func header(number: UInt64, createdAt: Int64) -> [UInt8] {
        var writer = ByteWriter(reserving: headerByteCount)
        writer.raw(magic)
        writer.fixed(number)
        writer.fixed(createdAt)
        writer.fixed(Checksum.of(writer.bytes))
        return writer.bytes
    }

    /// Metric types by their number on disk.
    static let metricTypes: [MetricType] = [
        .untyped, .counter, .gauge, .histogram, .summary, .info, .gaugeHistogram, .stateSet,
    ]
}

extension ByteWriter {
    /// A whole record; `body` writes its payload.
    mutating func record(_ type: LogFormat.RecordType, _ body: (inout ByteWriter) -> Void) {
        raw(LogFormat.mark)
        let start = count
        byte(type.rawValue)
        fixed(UInt32(0))
        fixed(UInt32(0))
        body(&self)
        let length = count - start - 9
        precondition(length <= LogFormat.payloadByteCountMax, "a record of \(length) bytes")
        overwrite(UInt32(length), at: start + 1)
        var sum = Checksum()
        sum.add(bytes.span.bytes.extracting(start..<start + 5))
        sum.add(bytes.span.bytes.extracting(start + 9..<count))
        overwrite(sum.value, at: start + 5)
    }

    mutating func labels(_ labels: Labels) {
        varint(labels.pairs.count)
        for pair in labels.pairs {
            text(pair.name)
            text(pair.value)
        }
    }

    /// The payload of types 2 and 7.
    mutating func samples(_ numbers: ArraySlice<UInt32>, _ times: ArraySlice<Int64>, _ values: ArraySlice<Double>) {
        let base = times.first ?? 0
        zigzag(base)
        var last: Int64 = 0
        for index in numbers.indices {
            zigzag(Int64(numbers[index]) - last)
            zigzag(times[index] &- base)
            double(values[index])
            last = Int64(numbers[index])
        }
    }

    mutating func metadata(_ entry: MetricMetadata) {
        text(entry.name)
        byte(UInt8(LogFormat.metricTypes.firstIndex(of: entry.type) ?? 0))
        text(entry.help)
        text(entry.unit)
    }
}

extension ByteReader {
    mutating func labels() throws(CodingError) -> Labels {
        let count = try count(limit: LogFormat.labelsByteCountMax)
        var pairs: [(String, String)] = []
        for _ in 0..<count { pairs.append((try text(), try text())) }
        return Labels(pairs)
    }

    /// - Parameter hasUnit: as version 2 writes it.
    mutating func metadata(hasUnit: Bool) throws(CodingError) -> MetricMetadata {
        let name = try text()
        let type = Int(try byte())
        guard type < LogFormat.metricTypes.count else { throw CodingError(.invalid, at: offset - 1) }
        let help = try text()
        return MetricMetadata(name, LogFormat.metricTypes[type], help, unit: hasUnit ? try text() : "")
    }
}
