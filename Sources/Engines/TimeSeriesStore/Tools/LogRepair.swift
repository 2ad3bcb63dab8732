import BinaryCoding
import DurableFiles

// A start reads a damaged segment as far as it goes and leaves it as it is, so that the next one finds and tells the same damage again. To
// repair is to write it anew: a good header, and the records that can be read, byte for byte. Each carries its own checksum and none
// says where it stands, so a reader finds in the new file what it found in the old one. Where a segment is missing, an empty one takes
// its place: what it held was told, and is told once. Samples that belong to nobody, since the declaration of their series is lost, are left out.
//
// A new segment is written beside, synced and renamed. The damaged bytes were set aside when the store was opened; a segment of which more is
// left out keeps its old bytes under a second name in `damaged`.

/// Writes the damaged segments of a log anew. Nobody may write to the log meanwhile.
struct LogRepair {
    let files: any FileSystem
    /// Where the segments are.
    let folder: String
    /// Where what was damaged is kept.
    let damagedFolder: String

    /// More than this are not missing, but a file has a strange name.
    private static let missingCountMax: UInt64 = 10_000
    private static let chunkByteCount = 1 << 20

    /// - Returns: the segments of which samples were left out, each with the place of its old bytes.
    /// - Throws: `StoreError` of code `fileFailed`; what was not reached is as it was.
    func run() throws(StoreError) -> [String: String] {
        try fileAccess(folder) { () throws(FileError) in
            var setAside: [String: String] = [:]
            let names = try files.list(folder)
            // What a repair that was cut off left.
            for name in names where name.hasSuffix(".wal.new") { try files.remove(joined(folder, name)) }
            var last: UInt64?
            for number in names.compactMap({ LogFormat.segmentNumber(of: $0) }).sorted() {
                if let last, number - last - 1 <= Self.missingCountMax {
                    for missing in last + 1..<number { try replace(missing, by: nil) }
                }
                last = try repair(number, &setAside) ? number : nil
            }
            try files.syncFolder(folder)
            return setAside
        }
    }

    /// - Returns: false for a segment of another version, which is left alone.
    private func repair(_ number: UInt64, _ setAside: inout [String: String]) throws(FileError) -> Bool {
        var scanner = try SegmentScanner(files.openForReading(path(number)))
        var isDamaged = false
        switch try scanner.header(number: number) {
        case .otherVersion: return false
        case .valid: break
        case .tooShort, .damaged: isDamaged = true
        }
        var records = ReadableRecords()
        var isReadable = true
        scanning: while isReadable {
            switch try scanner.next() {
            case .damage: isDamaged = true
            case .end: break scanning
            case .record(let type, let payload, _):
                do throws(CodingError) {
                    switch try records.part(type, payload) {
                    case .whole: break
                    case .reading(_, _, _, let isWhole): isReadable = isWhole
                    case .samples, .nothing: isReadable = false
                    }
                } catch {
                    isReadable = false
                }
            }
        }
        if !isReadable {
            let path = path(number)
            let aside = try files.freePath(LogFormat.segmentName(number), in: damagedFolder)
            try files.linkOrCopy(path, to: aside)
            try files.syncFolder(damagedFolder)
            setAside[path] = aside
        }
        if isDamaged || !isReadable {
            try replace(number, by: SegmentScanner(files.openForReading(path(number))), isReadable: isReadable)
        }
        return true
    }

    /// Puts a segment with the readable records of `scanner` in the place of what there is.
    /// - Parameter isReadable: whether each record can stay as it is.
    private func replace(
        _ number: UInt64, by scanner: consuming SegmentScanner?, isReadable: Bool = true
    ) throws(FileError) {
        let path = path(number)
        let beside = path + ".new"
        let createdAt = try files.status(of: path)?.modifiedAt ?? 0
        var file = try files.create(beside)
        var pending = ByteWriter()
        pending.raw(LogFormat.header(number: number, createdAt: createdAt))
        var records = ReadableRecords()
        var book = LayoutBook()
        if var scanner = consume scanner {
            copying: while true {
                switch try scanner.next() {
                case .end: break copying
                case .damage: continue
                case .record(let type, let payload, let offset):
                    // A record whose contents make no sense is left out.
                    let part = isReadable ? .whole : (try? records.part(type, payload)) ?? .nothing
                    switch part {
                    case .nothing: break
                    case .whole:
                        let end = offset + Int64(LogFormat.recordHeaderByteCount + payload.count)
                        pending.raw(try scanner.bytes(offset..<end, limit: .max))
                    case .samples(let numbers, let times, let values):
                        pending.record(type) { $0.samples(numbers[...], times[...], values[...]) }
                    case .reading(let numbers, let time, let values, _):
                        book.write(numbers, time, values, in: number, to: &pending)
                    }
                    guard pending.count >= Self.chunkByteCount else { continue }
                    try file.write(pending.bytes)
                    pending = ByteWriter()
                }
            }
        }
        try file.write(pending.bytes)
        try file.sync()
        try file.close()
        // The chunks beside the segment are found by the places of records, which are others now.
        let stretches = joined(joined(parentFolder(of: folder), StretchFile.folderName), StretchFile.name(number))
        if try files.status(of: stretches) != nil { try files.remove(stretches) }
        try files.rename(beside, to: path)
    }

    private func path(_ number: UInt64) -> String { joined(folder, LogFormat.segmentName(number)) }
}

extension FileSystem {
    /// A path in `folder` for a file like `name` that is free: something that was cut off may have taken the first.
    func freePath(_ name: String, in folder: String) throws(FileError) -> String {
        var path = joined(folder, name)
        var number = 2
        while try status(of: path) != nil {
            path = joined(folder, "\(name)-\(number)")
            number += 1
        }
        return path
    }
}
