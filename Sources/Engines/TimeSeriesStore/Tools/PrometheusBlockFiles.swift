import BinaryCoding
import DurableFiles
import Series

/// Chunks of a block of Prometheus, from a window that moves over its files: series follow each other as their chunks do.
struct ChunkWindow {
    private let segments: [String]
    private let files: any FileSystem
    private var segment = -1
    private var start: Int64 = 0
    private var bytes: [UInt8] = []

    private static let windowByteCount = 1 << 20
    /// Prometheus cuts chunks of histograms at a kilobyte, and others at 120 samples.
    private static let chunkByteCountMax = 64 << 20
    /// The length, in at most five bytes, and the encoding.
    private static let headByteCountMax = 6

    init(_ segments: [String], _ files: any FileSystem) {
        self.segments = segments
        self.files = files
    }

    /// The file that a reference leads to.
    func path(of reference: Int64) -> String {
        let segment = Int(truncatingIfNeeded: reference >> 32)
        return segments.indices.contains(segment) ? segments[segment] : "chunks/\(segment)"
    }

    /// - Returns: number of the encoding, and the bytes behind it.
    /// - Throws: `StoreError` of code `damaged` when the reference leads nowhere or the checksum does not fit.
    mutating func chunk(_ reference: Int64) throws(StoreError) -> (encoding: UInt8, data: [UInt8]) {
        let place = reference & 0xFFFF_FFFF
        do throws(CodingError) {
            let head = try read(reference, Self.headByteCountMax)
            var reader = BigEndianReader(bytes, at: head)
            let length = Int(truncatingIfNeeded: try reader.uvarint())
            guard length >= 2, length <= Self.chunkByteCountMax else { throw CodingError(.tooLarge, at: Int(place)) }
            let skipped = reader.offset - head
            let begin = try read(reference, skipped + 1 + length + 4) + skipped
            guard begin + 1 + length + 4 <= bytes.count else { throw CodingError(.truncated, at: Int(place)) }
            var end = BigEndianReader(bytes, at: begin + 1 + length)
            guard Checksum.of(Array(bytes[begin..<begin + 1 + length])) == (try end.fixed32()) else {
                throw CodingError(.invalid, at: Int(place))
            }
            return (bytes[begin], Array(bytes[begin + 1..<begin + 1 + length]))
        } catch {
            throw StoreError(.damaged, path(of: reference), at: place)
        }
    }

    /// Brings at least `count` bytes from a reference on into the window, as far as the file has them.
    /// - Returns: where in the window they begin.
    private mutating func read(_ reference: Int64, _ count: Int) throws(CodingError) -> Int {
        let (wanted, place) = (Int(truncatingIfNeeded: reference >> 32), reference & 0xFFFF_FFFF)
        guard segments.indices.contains(wanted) else { throw CodingError(.invalid, at: Int(place)) }
        if wanted == segment, place >= start, place + Int64(count) <= start + Int64(bytes.count) {
            return Int(place - start)
        }
        do throws(FileError) {
            bytes = try files.openForReading(segments[wanted])
                .read(at: place, count: max(count, Self.windowByteCount))
        } catch {
            throw CodingError(.truncated, at: Int(place))
        }
        (segment, start) = (wanted, place)
        guard !bytes.isEmpty else { throw CodingError(.truncated, at: Int(place)) }
        return 0
    }
}

/// Reads the list of what was deleted from a block (`prometheus/tsdb/docs/format/tombstones.md`).
/// - Returns: ranges of times by the reference of the series; none where the block has no such list.
func readPrometheusTombstones(
    _ path: String, _ files: any FileSystem
) throws(StoreError) -> [UInt64: [ClosedRange<Int64>]] {
    let bytes = try fileAccess(path) { () throws(FileError) in
        try files.status(of: path) == nil ? nil : try files.contents(of: path, byteCountMax: 256 << 20)
    }
    guard let bytes else { return [:] }
    var found: [UInt64: [ClosedRange<Int64>]] = [:]
    do throws(CodingError) {
        var reader = BigEndianReader(bytes, at: 0)
        guard try reader.fixed32() == 0x0130_BA30, try reader.byte() == 1, bytes.count >= 9 else {
            throw CodingError(.invalid, at: 0)
        }
        let end = bytes.count - 4
        var sum = BigEndianReader(bytes, at: end)
        guard Checksum.of(Array(bytes[5..<end])) == (try sum.fixed32()) else { throw CodingError(.invalid, at: end) }
        while reader.offset < end {
            let reference = try reader.uvarint()
            let (first, last) = (try reader.varint(), try reader.varint())
            guard first <= last else { throw CodingError(.invalid, at: reader.offset) }
            found[reference, default: []].append(first...last)
        }
    } catch {
        throw StoreError(.damaged, path, at: Int64(error.offset))
    }
    return found
}

extension SeriesColumns {
    /// Removes the samples of these times.
    mutating func remove(_ ranges: [ClosedRange<Int64>]) {
        var kept = SeriesColumns(labels: labels, times: [], values: [])
        var own = histograms[...]
        for index in times.indices {
            let histogram = own.first?.index == index ? own.removeFirst().histogram : nil
            guard !ranges.contains(where: { $0.contains(times[index]) }) else { continue }
            if let histogram { kept.histograms.append(.init(index: kept.times.count, histogram: histogram)) }
            kept.times.append(times[index])
            kept.values.append(values[index])
        }
        self = kept
    }
}
