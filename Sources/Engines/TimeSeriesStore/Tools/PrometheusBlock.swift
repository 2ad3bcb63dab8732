import BinaryCoding
public import DurableFiles
public import Series

// Reads a block folder of Prometheus 2 and 3 (index versions 1 and 2, chunks of version 1), as `prometheus/tsdb/docs/format/index.md` and
// `chunks.md` describe them. Numbers of fixed width are big-endian; uvarint and varint are those of Go: LEB128, signed ones zigzag.
// Checksums are CRC32C of the bytes before them, and all of them are checked. What its `tombstones` delete is left out, as Prometheus
// leaves it out when it reads the block. The index is read into memory, the chunks a window at a time: a block of months has gigabytes
// of them.

/// Samples that are in a block and were not given, by what they are.
public typealias LeftOutSamples = [String: Int]

/// A block of Prometheus on disk.
public struct PrometheusBlock: Sendable {
    private let folder: String
    private let files: any FileSystem
    private let index: [UInt8]
    private let version: UInt8
    private var symbols: [String] = []
    /// In version 1 a symbol is named by its place in the file.
    private var symbolPlaces: [Int: Int] = [:]
    private let seriesStart: Int
    private let seriesEnd: Int
    /// Paths of the files of chunks, in their order.
    private let segments: [String]
    /// What was deleted, by the reference of the series.
    private let deleted: [UInt64: [ClosedRange<Int64>]]

    /// An index past this is not read into memory.
    private static let fileByteCountMax = 2 << 30

    /// - Parameter folder: the folder with `meta.json`, `index` and `chunks/`.
    /// - Throws: `StoreError`.
    public init(_ folder: String, files: any FileSystem = RealFiles()) throws(StoreError) {
        self.folder = folder
        self.files = files
        let indexPath = joined(folder, "index")
        let bytes = try fileAccess(indexPath) { () throws(FileError) in
            try files.contents(of: indexPath, byteCountMax: Self.fileByteCountMax)
        }
        index = bytes
        let chunkFolder = joined(folder, "chunks")
        segments = try fileAccess(chunkFolder) { () throws(FileError) in
            try files.list(chunkFolder).compactMap { name in Int(name).map { ($0, name) } }.sorted { $0.0 < $1.0 }
                .map { joined(chunkFolder, $0.1) }
        }
        deleted = try readPrometheusTombstones(joined(folder, "tombstones"), files)
        do throws(CodingError) {
            // Magic and version, and the table of contents with its checksum.
            guard bytes.count >= 5 + 52 else { throw CodingError(.truncated, at: bytes.count) }
            var reader = BigEndianReader(bytes, at: 0)
            guard try reader.fixed32() == 0xBAAA_D700 else { throw CodingError(.invalid, at: 0) }
            version = try reader.byte()
            guard version == 1 || version == 2 else { throw CodingError(.invalid, at: 4) }
            let contents = bytes.count - 52
            var table = BigEndianReader(bytes, at: contents)
            var places: [Int] = []
            for _ in 0..<6 { places.append(Int(truncatingIfNeeded: try table.fixed64())) }
            guard Checksum.of(Array(bytes[contents..<contents + 48])) == (try table.fixed32()) else {
                throw CodingError(.invalid, at: contents)
            }
            seriesStart = places[1]
            seriesEnd = places.filter { $0 > places[1] }.min() ?? contents
            guard places[0] > 0, seriesStart > 0, seriesEnd <= contents else {
                throw CodingError(.invalid, at: contents)
            }
            try readSymbols(at: places[0])
        } catch {
            throw StoreError(.damaged, indexPath, at: Int64(error.offset))
        }
    }

    private mutating func readSymbols(at place: Int) throws(CodingError) {
        var reader = BigEndianReader(index, at: place)
        let length = Int(try reader.fixed32())
        let start = reader.offset
        let count = Int(try reader.fixed32())
        for _ in 0..<count {
            symbolPlaces[reader.offset] = symbols.count
            symbols.append(try reader.text())
        }
        guard reader.offset == start + length,
            Checksum.of(Array(index[start..<start + length])) == (try reader.fixed32())
        else { throw CodingError(.invalid, at: place) }
    }

    /// Gives all series one by one with their samples.
    /// - Returns: what could not be given: samples in chunks of encodings that this program does not know.
    /// - Throws: `StoreError` of code `damaged` with file and offset, or what `body` throws.
    @discardableResult
    public func forEachSeries(_ body: (SeriesColumns) throws -> Void) throws -> LeftOutSamples {
        var place = seriesStart
        var chunks = ChunkWindow(segments, files)
        var leftOut: LeftOutSamples = [:]
        while true {
            if version == 2 { place = (place + 15) / 16 * 16 }
            guard place < seriesEnd else { return leftOut }
            let reference = UInt64(version == 2 ? place / 16 : place)
            let series: (labels: Labels, chunks: [Int64])
            do throws(CodingError) {
                guard let found = try self.series(at: &place) else { return leftOut }
                series = found
            } catch {
                throw StoreError(.damaged, joined(folder, "index"), at: Int64(error.offset))
            }
            var columns = SeriesColumns(labels: series.labels, times: [], values: [])
            for chunk in series.chunks { try add(chunk, to: &columns, &chunks, &leftOut) }
            if let ranges = deleted[reference] { columns.remove(ranges) }
            try body(columns)
        }
    }

    /// - Returns: labels and references of chunks; nil where padding begins.
    private func series(at place: inout Int) throws(CodingError) -> (labels: Labels, chunks: [Int64])? {
        var reader = BigEndianReader(index, at: place)
        let length = Int(truncatingIfNeeded: try reader.uvarint())
        if length == 0 { return nil }
        let start = reader.offset
        guard length > 0, length <= index.count - start - 4 else { throw CodingError(.truncated, at: place) }
        var end = BigEndianReader(index, at: start + length)
        guard Checksum.of(Array(index[start..<start + length])) == (try end.fixed32()) else {
            throw CodingError(.invalid, at: place)
        }
        place = end.offset
        var pairs: [(String, String)] = []
        for _ in 0..<(try reader.uvarint()) {
            pairs.append((try symbol(try reader.uvarint(), start), try symbol(try reader.uvarint(), start)))
        }
        var chunks: [Int64] = []
        for chunk in 0..<(try reader.uvarint()) {
            // Times of chunks are known from the chunks.
            if chunk == 0 { _ = try reader.varint() } else { _ = try reader.uvarint() }
            _ = try reader.uvarint()
            chunks.append(
                chunk == 0 ? Int64(bitPattern: try reader.uvarint()) : chunks[chunks.count - 1] &+ (try reader.varint())
            )
        }
        return (Labels(pairs), chunks)
    }

    private func symbol(_ reference: UInt64, _ place: Int) throws(CodingError) -> String {
        let number = Int(truncatingIfNeeded: reference)
        let known = version == 2 ? number : symbolPlaces[number] ?? -1
        guard symbols.indices.contains(known) else { throw CodingError(.invalid, at: place) }
        return symbols[known]
    }

    private func add(
        _ reference: Int64, to columns: inout SeriesColumns, _ chunks: inout ChunkWindow,
        _ leftOut: inout LeftOutSamples
    ) throws(StoreError) {
        let (encoding, data) = try chunks.chunk(reference)
        do throws(CodingError) {
            switch encoding {
            case 1: try readXORChunk(data, into: &columns)
            case 2: try readHistogramChunk(data, hasFloats: false, into: &columns, &leftOut)
            case 3: try readHistogramChunk(data, hasFloats: true, into: &columns, &leftOut)
            default:
                // Every encoding so far begins with the number of its samples.
                guard data.count >= 2 else { throw CodingError(.truncated, at: 0) }
                leftOut["encoding \(encoding)", default: 0] += Int(data[0]) << 8 | Int(data[1])
            }
        } catch {
            throw StoreError(.damaged, chunks.path(of: reference), at: reference & 0xFFFF_FFFF)
        }
    }
}

/// Reads fixed and variable numbers as Prometheus writes them.
struct BigEndianReader {
    private let bytes: [UInt8]
    private(set) var offset: Int

    init(_ bytes: [UInt8], at offset: Int) {
        self.bytes = bytes
        self.offset = offset
    }

    mutating func byte() throws(CodingError) -> UInt8 {
        guard offset >= 0, offset < bytes.count else { throw CodingError(.truncated, at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func fixed32() throws(CodingError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 { value = value << 8 | UInt32(try byte()) }
        return value
    }

    mutating func fixed64() throws(CodingError) -> UInt64 {
        UInt64(try fixed32()) << 32 | UInt64(try fixed32())
    }

    mutating func uvarint() throws(CodingError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 64 else { throw CodingError(.tooLarge, at: offset) }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    mutating func varint() throws(CodingError) -> Int64 { zigzagDecoded(try uvarint()) }

    mutating func text() throws(CodingError) -> String {
        let length = Int(truncatingIfNeeded: try uvarint())
        guard length >= 0, offset + length <= bytes.count,
            let text = String(validating: bytes[offset..<offset + length], as: UTF8.self)
        else { throw CodingError(.notText, at: offset) }
        offset += length
        return text
    }
}
