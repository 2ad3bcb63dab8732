import BinaryCoding
import Compression
import Diagnostics
import DurableFiles
import Series

/// A block on disk. Only the footer is kept in memory; index and chunks are read when a query needs them.
struct Block: Sendable {
    let path: String
    let name: BlockFormat.Name
    let version: Int
    let sampleCount: Int64
    let seriesCount: Int
    let byteCount: Int64
    private let indexOffset: Int64
    private let indexByteCount: Int
    /// Unpacked.
    private let indexContentByteCount: Int
    private let indexChecksum: UInt32

    /// Tells this block from a later one of the same name.
    var identity: String { "\(name.text)#\(String(indexChecksum, radix: 16))#\(sampleCount)" }

    var start: Int64 { name.start }
    /// Not included.
    var end: Int64 { name.end }

    /// Reads and checks the footer.
    /// - Throws: `StoreError` of code `damaged`, or `fileFailed`.
    init(_ path: String, name: BlockFormat.Name, files: any FileSystem) throws(StoreError) {
        self.path = path
        self.name = name
        let (size, header, tail) = try fileAccess(path) { () throws(FileError) in
            let file = try files.openForReading(path)
            let size = try file.size()
            let tailStart = max(0, size - Int64(BlockFormat.footerByteCount))
            return (
                size, try file.read(at: 0, count: BlockFormat.headerByteCount),
                try file.read(at: tailStart, count: BlockFormat.footerByteCount)
            )
        }
        byteCount = size
        let isOld = header.starts(with: BlockFormat.Version1.magic)
        guard isOld || header.starts(with: BlockFormat.magic) else { throw StoreError(.damaged, path, at: 0) }
        version = isOld ? 1 : 2
        let footerByteCount = isOld ? BlockFormat.Version1.footerByteCount : BlockFormat.footerByteCount
        let endMagic = isOld ? BlockFormat.Version1.endMagic : BlockFormat.endMagic
        let footer = Array(tail.suffix(footerByteCount))
        let footerOffset = size - Int64(footerByteCount)
        let damaged = StoreError(.damaged, path, at: max(0, footerOffset))
        guard footer.count == footerByteCount, footer.suffix(8).elementsEqual(endMagic) else { throw damaged }
        do throws(CodingError) {
            var reader = ByteReader(footer)
            indexOffset = try reader.fixed()
            let indexLength: Int64 = try reader.fixed()
            let contentLength: Int64 = isOld ? indexLength : try reader.fixed()
            let storedStart: Int64 = try reader.fixed()
            let storedEnd: Int64 = try reader.fixed()
            sampleCount = try reader.fixed()
            seriesCount = Int(try reader.fixed(UInt32.self))
            try reader.skip(4)
            let resolution: Int64 = isOld ? 0 : try reader.fixed()
            indexChecksum = try reader.fixed()
            let covered = reader.offset
            let footerChecksum: UInt32 = try reader.fixed()
            guard Checksum.of(Array(footer[..<covered])) == footerChecksum, storedStart == name.start,
                storedEnd == name.end, resolution == name.resolution,
                indexOffset >= Int64(BlockFormat.headerByteCount), indexLength >= 0,
                indexOffset &+ indexLength == footerOffset, contentLength >= 0,
                contentLength <= Int64(BlockFormat.indexByteCountMax)
            else { throw CodingError(.invalid, at: 0) }
            indexByteCount = Int(indexLength)
            indexContentByteCount = Int(contentLength)
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
        do {
            if version == 1 { return try BlockIndex(version1: bytes, start: start, chunkEnd: indexOffset) }
            let contents = try zstdBlockContents(bytes, byteCount: indexContentByteCount)
            return try BlockIndex(contents, start: start, chunkEnd: indexOffset)
        } catch {
            throw StoreError(.damaged, path, at: indexOffset, cause: error)
        }
    }
}

extension Block {
    /// The first byte of the file that no checksum covers and that is not as the format has it: something else than a zero where zeros are,
    /// or bytes between the frames and the index. No answer comes from there, so only who checks the disk looks for it.
    /// - Returns: nil where there is none.
    func strayOffset(_ index: BlockIndex, _ files: any FileSystem) throws(StoreError) -> Int64? {
        let footer = version == 1 ? BlockFormat.Version1.footerByteCount : BlockFormat.footerByteCount
        let zeros = version == 1 ? BlockFormat.Version1.footerZeros : BlockFormat.footerZeros
        let footerStart = byteCount - Int64(footer)
        for (start, range) in [(0, BlockFormat.headerZeros), (footerStart, zeros)] as [(Int64, Range<Int>)] {
            let place = start + Int64(range.lowerBound)
            let bytes = try fileAccess(path) { () throws(FileError) in
                try files.openForReading(path).read(at: place, count: range.count)
            }
            if let stray = bytes.firstIndex(where: { $0 != 0 }) { return place + Int64(stray) }
        }
        // The chunks of version 1 have gaps where their index says so.
        guard version > 1 else { return nil }
        let framesEnd = index.frames.last.map { $0.fileOffset + Int64($0.storedByteCount) }
        return framesEnd == indexOffset ? nil : framesEnd ?? Int64(BlockFormat.headerByteCount)
    }
}

/// Reads the chunks of one block during one query. It keeps the frames used last, since the series of a query lie side by side.
final class BlockReader {
    let index: BlockIndex
    private let path: String
    private let files: any FileSystem
    private var file: ReadFile
    /// The one used last stands last.
    private var frames: [(number: Int, contents: [UInt8])] = []
    private static let frameCountMax = 4
    /// Decoded times, which many series share.
    private var times: [Int32: [Int64]] = [:]
    private static let timeCountMax = 256
    /// Made for the first frame that is packed.
    private var decompressor: ZstdBlockDecompressor?

    convenience init(_ block: Block, index: BlockIndex, _ files: any FileSystem) throws(StoreError) {
        try self.init(block.path, index, files)
    }

    /// Another reader of the same block, for another thread.
    func twin() throws(StoreError) -> BlockReader { try BlockReader(path, index, files) }

    private init(_ path: String, _ index: BlockIndex, _ files: any FileSystem) throws(StoreError) {
        self.path = path
        self.index = index
        self.files = files
        do throws(FileError) {
            file = try files.openForReading(path)
        } catch {
            throw StoreError(.fileFailed, path, cause: error)
        }
    }

    /// The times of a chunk.
    func times(of chunk: BlockIndex.ChunkEntry) throws(StoreError) -> [Int64] {
        if let known = times[chunk.time] { return known }
        let entry = index.times[Int(chunk.time)]
        let decoded = try withBytes(entry.offset, Int(entry.byteCount)) { bytes throws(CodingError) in
            var source = ByteSource(bytes)
            return try decodedIntegers(&source, count: Int(entry.sampleCount))
        }
        guard decoded.first == entry.first, decoded.last == entry.last else {
            throw StoreError(.damaged, path, at: place(entry.offset))
        }
        if times.count >= Self.timeCountMax { times.removeAll(keepingCapacity: true) }
        times[chunk.time] = decoded
        return decoded
    }

    /// Reads a chunk, of version 2.
    func withChunk<Value>(
        _ chunk: BlockIndex.ChunkEntry, _ body: (UnsafeRawBufferPointer) throws(CodingError) -> Value
    ) throws(StoreError) -> Value {
        try withBytes(chunk.offset, Int(chunk.byteCount), body)
    }

    /// Times and values of a chunk of version 1.
    func legacyChunk(_ chunk: BlockIndex.ChunkEntry) throws(StoreError) -> (times: [Int64], values: [Double]) {
        let length = Int(chunk.byteCount)
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try file.read(at: chunk.offset, count: length)
        } catch {
            throw StoreError(.fileFailed, path, cause: error)
        }
        let payloadEnd = length - 4
        guard bytes.count == length else { throw StoreError(.damaged, path, at: chunk.offset) }
        let stored = bytes[payloadEnd...].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard Checksum.of(bytes.span.bytes.extracting(0..<payloadEnd)) == stored,
            ChunkKind(rawValue: bytes[0]) == .legacy
        else { throw StoreError(.damaged, path, at: chunk.offset) }
        var times: [Int64] = []
        var values: [Double] = []
        do throws(CodingError) {
            try decodeChunk(
                bytes, in: 1..<payloadEnd, sampleCount: Int(index.times[Int(chunk.time)].sampleCount), from: .min,
                through: .max, times: &times, values: &values)
        } catch {
            throw StoreError(.damaged, path, at: chunk.offset)
        }
        return (times, values)
    }

    private func withBytes<Value>(
        _ offset: Int64, _ count: Int, _ body: (UnsafeRawBufferPointer) throws(CodingError) -> Value
    ) throws(StoreError) -> Value {
        let slot = try frame(holding: offset)
        let frame = index.frames[frames[slot].number]
        let start = Int(offset - frame.start)
        guard start + count <= frame.byteCount else { throw StoreError(.damaged, path, at: frame.fileOffset) }
        let result = frames[slot].contents.withUnsafeBytes { bytes -> Result<Value, CodingError> in
            do throws(CodingError) {
                return .success(try body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])))
            } catch {
                return .failure(error)
            }
        }
        do throws(CodingError) {
            return try result.get()
        } catch {
            throw StoreError(.damaged, path, at: frame.fileOffset)
        }
    }

    /// Sees that the frame is in memory.
    /// - Returns: its place in `frames`.
    private func frame(holding offset: Int64) throws(StoreError) -> Int {
        if let place = frames.lastIndex(where: {
            index.frames[$0.number].start <= offset
                && offset < index.frames[$0.number].start + Int64(index.frames[$0.number].byteCount)
        }) {
            return place
        }
        var low = 0
        var high = index.frames.count
        while low < high {
            let middle = (low + high) / 2
            if index.frames[middle].start + Int64(index.frames[middle].byteCount) <= offset {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < index.frames.count else { throw StoreError(.damaged, path, at: 0) }
        let contents = try contents(of: low)
        if frames.count == Self.frameCountMax { frames.removeFirst() }
        frames.append((low, contents))
        return frames.count - 1
    }

    /// Reads, checks and unpacks a frame.
    func contents(of number: Int) throws(StoreError) -> [UInt8] {
        let frame = index.frames[number]
        let stored: [UInt8]
        do throws(FileError) {
            stored = try file.read(at: frame.fileOffset, count: frame.storedByteCount)
        } catch {
            throw StoreError(.fileFailed, path, cause: error)
        }
        guard stored.count == frame.storedByteCount, Checksum.of(stored) == frame.checksum else {
            throw StoreError(.damaged, path, at: frame.fileOffset)
        }
        guard frame.codec == .zstd else { return stored }
        do throws(CompressionFailure) {
            if decompressor == nil { decompressor = try ZstdBlockDecompressor() }
            return try decompressor!.contents(stored, byteCount: frame.byteCount)
        } catch {
            throw StoreError(.damaged, path, at: frame.fileOffset, cause: error)
        }
    }

    private func place(_ offset: Int64) -> Int64 {
        index.frames.first { $0.start <= offset && offset < $0.start + Int64($0.byteCount) }?.fileOffset ?? 0
    }
}

/// `count` integers as an array.
func decodedIntegers(_ source: inout ByteSource, count: Int) throws(CodingError) -> [Int64] {
    var failure: CodingError?
    let decoded = [Int64](unsafeUninitializedCapacity: count) { buffer, made in
        let output = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
        do throws(CodingError) { try decodeIntegers(&source, into: output) } catch { failure = error }
        made = count
    }
    if let failure { throw failure }
    return decoded
}

/// Turns the door's error into the store's.
func fileAccess<Value>(_ path: String, _ body: () throws(FileError) -> Value) throws(StoreError) -> Value {
    do throws(FileError) {
        return try body()
    } catch {
        throw StoreError(.fileFailed, path, cause: error)
    }
}
