import BinaryCoding
import DurableFiles
import Series

/// A block on disk. Only the footer is kept in memory; index and chunks are read when a query needs them.
struct Block: Sendable {
    let path: String
    let start: Int64
    /// Not included.
    let end: Int64
    let sampleCount: Int64
    let seriesCount: Int
    let byteCount: Int64
    private let indexOffset: Int64
    private let indexByteCount: Int
    private let indexChecksum: UInt32

    /// Reads and checks the footer.
    /// - Throws: `StoreError` of code `damaged`, or `fileFailed`.
    init(_ path: String, start: Int64, end: Int64, files: any FileSystem) throws(StoreError) {
        self.path = path
        self.start = start
        self.end = end
        let (size, header, footer) = try fileAccess(path) { () throws(FileError) in
            let file = try files.openForReading(path)
            let size = try file.size()
            let footerStart = max(0, size - Int64(BlockFormat.footerByteCount))
            return (
                size, try file.read(at: 0, count: BlockFormat.headerByteCount),
                try file.read(at: footerStart, count: BlockFormat.footerByteCount)
            )
        }
        byteCount = size
        guard header.starts(with: BlockFormat.magic) else { throw StoreError(.damaged, path, at: 0) }
        let footerOffset = size - Int64(BlockFormat.footerByteCount)
        let damaged = StoreError(.damaged, path, at: max(0, footerOffset))
        guard footer.count == BlockFormat.footerByteCount, footer.suffix(8).elementsEqual(BlockFormat.endMagic) else {
            throw damaged
        }
        do throws(CodingError) {
            var reader = ByteReader(footer)
            indexOffset = try reader.fixed()
            let indexLength: Int64 = try reader.fixed()
            let storedStart: Int64 = try reader.fixed()
            let storedEnd: Int64 = try reader.fixed()
            sampleCount = try reader.fixed()
            seriesCount = Int(try reader.fixed(UInt32.self))
            try reader.skip(4)
            indexChecksum = try reader.fixed()
            let footerChecksum: UInt32 = try reader.fixed()
            guard Checksum.of(Array(footer[..<52])) == footerChecksum, storedStart == start, storedEnd == end,
                indexOffset >= Int64(BlockFormat.headerByteCount), indexLength >= 0,
                indexOffset &+ indexLength == footerOffset
            else { throw CodingError(.invalid, at: 0) }
            indexByteCount = Int(indexLength)
        } catch {
            throw damaged
        }
    }

    func readIndex(_ files: any FileSystem) throws(StoreError) -> BlockIndex {
        let bytes = try fileAccess(path) { () throws(FileError) in
            try files.openForReading(path).read(at: indexOffset, count: indexByteCount)
        }
        guard bytes.count == indexByteCount, Checksum.of(bytes) == indexChecksum else {
            throw StoreError(.damaged, path, at: indexOffset)
        }
        do throws(CodingError) {
            return try BlockIndex(bytes, start: start, chunkEnd: indexOffset)
        } catch {
            throw StoreError(.damaged, path, at: indexOffset + Int64(error.offset))
        }
    }
}

/// Reads the chunks of one block during one query.
struct ChunkReader: ~Copyable {
    private let path: String
    private let file: ReadFile

    init(_ block: Block, _ files: any FileSystem) throws(StoreError) {
        path = block.path
        file = try ReadFile(opening: block.path, files)
    }

    /// Adds the samples of `places`, which lie one behind the other, to the columns.
    func read(
        _ places: [BlockIndex.ChunkPlace], from start: Int64, through end: Int64, times: inout [Int64],
        values: inout [Double]
    ) throws(StoreError) {
        guard let first = places.first, let last = places.last else { return }
        let length = Int(last.offset - first.offset) + last.length
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try file.read(at: first.offset, count: length)
        } catch {
            throw StoreError(.fileFailed, path, cause: error)
        }
        guard bytes.count == length else { throw StoreError(.damaged, path, at: first.offset) }
        for place in places {
            let begin = Int(place.offset - first.offset)
            let payloadEnd = begin + place.length - 4
            let stored = bytes[payloadEnd..<payloadEnd + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard Checksum.of(bytes.span.bytes.extracting(begin..<payloadEnd)) == stored,
                ChunkEncoding(rawValue: bytes[begin]) == .xor
            else { throw StoreError(.damaged, path, at: place.offset) }
            do throws(CodingError) {
                try decodeChunk(
                    bytes, in: begin + 1..<payloadEnd, sampleCount: place.sampleCount, from: start, through: end,
                    times: &times, values: &values)
            } catch {
                throw StoreError(.damaged, path, at: place.offset)
            }
        }
    }
}

extension ReadFile {
    fileprivate init(opening path: String, _ files: any FileSystem) throws(StoreError) {
        do throws(FileError) {
            self = try files.openForReading(path)
        } catch {
            throw StoreError(.fileFailed, path, cause: error)
        }
    }
}

/// Turns the door's error into the store's.
func fileAccess<Value>(_ path: String, _ body: () throws(FileError) -> Value) throws(StoreError) -> Value {
    do throws(FileError) {
        return try body()
    } catch {
        throw StoreError(.fileFailed, path, cause: error)
    }
}
