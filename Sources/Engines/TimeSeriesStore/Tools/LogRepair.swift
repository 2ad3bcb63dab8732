import DurableFiles

// A start reads a damaged segment as far as it goes and leaves it as it is, so that the next one finds and tells the same damage again. To
// repair is to write it anew: a good header, and the records that can be read, byte for byte. Each carries its own checksum and none
// says where it stands, so a reader finds in the new file what it found in the old one. Where a segment is missing, an empty one takes
// its place: what it held was told, and is told once.
//
// A new segment is written beside, synced and renamed. The damaged bytes were set aside when the store was opened.

/// Writes the damaged segments of a log anew. Nobody may write to the log meanwhile.
struct LogRepair {
    let files: any FileSystem
    /// Where the segments are.
    let folder: String

    /// More than this are not missing, but a file has a strange name.
    private static let missingCountMax: UInt64 = 10_000
    private static let chunkByteCount = 1 << 20

    /// - Throws: `StoreError` of code `fileFailed`; what was not reached is as it was.
    func run() throws(StoreError) {
        try fileAccess(folder) { () throws(FileError) in
            let names = try files.list(folder)
            // What a repair that was cut off left.
            for name in names where name.hasSuffix(".wal.new") { try files.remove(joined(folder, name)) }
            var last: UInt64?
            for number in names.compactMap({ LogFormat.segmentNumber(of: $0) }).sorted() {
                if let last, number - last - 1 <= Self.missingCountMax {
                    for missing in last + 1..<number { try replace(missing, by: nil) }
                }
                last = try repair(number) ? number : nil
            }
            try files.syncFolder(folder)
        }
    }

    /// - Returns: false for a segment of another version, which is left alone.
    private func repair(_ number: UInt64) throws(FileError) -> Bool {
        var scanner = try SegmentScanner(files.openForReading(path(number)))
        var isDamaged = false
        switch try scanner.header(number: number) {
        case .otherVersion: return false
        case .valid: break
        case .tooShort, .damaged: isDamaged = true
        }
        scanning: while !isDamaged {
            switch try scanner.next() {
            case .record: continue
            case .damage: isDamaged = true
            case .end: break scanning
            }
        }
        if isDamaged { try replace(number, by: SegmentScanner(files.openForReading(path(number)))) }
        return true
    }

    /// Puts a segment with the readable records of `scanner` in the place of what there is.
    private func replace(_ number: UInt64, by scanner: consuming SegmentScanner?) throws(FileError) {
        let path = path(number)
        let beside = path + ".new"
        let createdAt = try files.status(of: path)?.modifiedAt ?? 0
        var file = try files.create(beside)
        var pending = LogFormat.header(number: number, createdAt: createdAt)
        if var scanner = consume scanner {
            copying: while true {
                switch try scanner.next() {
                case .end: break copying
                case .damage: continue
                case .record(_, let payload, let offset):
                    let end = offset + Int64(LogFormat.recordHeaderByteCount + payload.count)
                    pending += try scanner.bytes(offset..<end, limit: .max)
                    guard pending.count >= Self.chunkByteCount else { continue }
                    try file.write(pending)
                    pending = []
                }
            }
        }
        try file.write(pending)
        try file.sync()
        try file.close()
        try files.rename(beside, to: path)
    }

    private func path(_ number: UInt64) -> String { joined(folder, LogFormat.segmentName(number)) }
}
