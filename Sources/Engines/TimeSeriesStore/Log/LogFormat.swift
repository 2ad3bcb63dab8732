import BinaryCoding
import DurableFiles
import Series

// The numbers of `docs/formats/series-wal.md`, and the payloads both ways.

enum LogFormat {
    static let magic = Array("JAGAWAL1".utf8)
    static let headerByteCount = 28
    static let mark: [UInt8] = [0x4A, 0x52, 0x45, 0x43]
    static let recordHeaderByteCount = 13
    static let payloadByteCountMax = 1 << 20
    /// Past this a new segment begins: 8 MiB hold about an hour of 2,000 series at 15 s, so that little is kept for long after
    /// its samples moved to a block.
    static let segmentByteCountMax: Int64 = 8 << 20
    static let sampleCountMax = 4096
    /// A series' labels must fit into one record with room to spare.
    static let labelsByteCountMax = 64 << 10

    enum RecordType: UInt8 {
        case series = 1
        case samples = 2
        case metadata = 3
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
    static let metricTypes: [MetricType] = [.untyped, .counter, .gauge, .histogram, .summary]
}

/// A sample on its way into the log.
struct PendingSample {
    var place: Int
    var time: Int64
    var value: Double
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

    mutating func samples(_ samples: ArraySlice<PendingSample>) {
        let base = samples.first?.time ?? 0
        zigzag(base)
        var last = 0
        for sample in samples {
            zigzag(Int64(sample.place - last))
            zigzag(sample.time &- base)
            double(sample.value)
            last = sample.place
        }
    }

    mutating func metadata(_ entry: MetricMetadata) {
        text(entry.name)
        byte(UInt8(LogFormat.metricTypes.firstIndex(of: entry.type) ?? 0))
        text(entry.help)
    }
}

extension ByteReader {
    mutating func labels() throws(CodingError) -> Labels {
        let count = try count(limit: LogFormat.labelsByteCountMax)
        var pairs: [(String, String)] = []
        for _ in 0..<count { pairs.append((try text(), try text())) }
        return Labels(pairs)
    }

    mutating func metadata() throws(CodingError) -> MetricMetadata {
        let name = try text()
        let type = Int(try byte())
        guard type < LogFormat.metricTypes.count else { throw CodingError(.invalid, at: offset - 1) }
        return MetricMetadata(name, LogFormat.metricTypes[type], try text())
    }
}
