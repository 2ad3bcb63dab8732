import BinaryCoding
import DurableFiles

// The file of stretches beside a segment: records as in the log, of one type, with no header.

enum StretchFile {
    static let folderName = "head"

    static func name(_ segment: UInt64) -> String { LogFormat.segmentName(segment).dropLast(4) + ".chunks" }

    static func segment(of name: String) -> UInt64? {
        name.hasSuffix(".chunks") ? LogFormat.segmentNumber(of: name.dropLast(7) + ".wal") : nil
    }
}

/// The stretches of a segment, found by the record that each begins with.
struct StoredStretches {
    private struct Entry {
        var stretch: Stretch
        var start: Int64
        var byteCount: Int
    }

    private var entries: [Int64: Entry] = [:]
    private var file: PageFile?
    /// Of the whole file, whether or not it can be used.
    private(set) var byteCount: Int64 = 0

    init() {}

    /// Reads where each stretch lies; a file that ends in the middle of one, or is damaged, is read as far as it goes.
    init(_ files: any FileSystem, _ path: String) {
        guard let file = PageFile(reading: path, files), let size = file.size else { return }
        self.file = file
        byteCount = size
        let headCount = LogFormat.recordHeaderByteCount + Stretch.headByteCount
        var place: Int64 = 0
        while place + Int64(headCount) <= size {
            // What is not found here is read from the log.
            guard let bytes = try? file.bytes(at: place, count: headCount), bytes.starts(with: LogFormat.mark),
                bytes[4] == LogFormat.RecordType.stretch.rawValue
            else { return }
            var reader = ByteReader(bytes)
            guard (try? reader.skip(5)) != nil, let length = try? reader.fixed(UInt32.self),
                length <= LogFormat.payloadByteCountMax, (try? reader.skip(4)) != nil,
                let stretch = try? Stretch(&reader)
            else { return }
            let byteCount = LogFormat.recordHeaderByteCount + Int(length)
            entries[stretch.firstRecord] = Entry(stretch: stretch, start: place, byteCount: byteCount)
            place += Int64(byteCount)
        }
    }

    func stretch(from record: Int64) -> Stretch? { entries[record]?.stretch }

    /// The payload of a stretch, checked, and the page that it is.
    /// - Returns: nil where it cannot be read.
    func contents(of stretch: Stretch) -> (payload: [UInt8], page: HeadPage)? {
        guard let file, let entry = entries[stretch.firstRecord],
            let bytes = try? file.bytes(at: entry.start, count: entry.byteCount), bytes.count == entry.byteCount
        else { return nil }
        let payload = Array(bytes[LogFormat.recordHeaderByteCount...])
        var stored = ByteReader(bytes)
        guard (try? stored.skip(9)) != nil, let checksum = try? stored.fixed(UInt32.self),
            checksum == LogFormat.checksum(.stretch, payload)
        else { return nil }
        let start = entry.start + Int64(LogFormat.recordHeaderByteCount)
        return (payload, .file(file, start: start, byteCount: payload.count))
    }
}
