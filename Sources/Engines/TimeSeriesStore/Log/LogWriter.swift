import BinaryCoding
import DurableFiles

/// The end of the log: the segment that is written to, and the list of those before it.
struct LogWriter: ~Copyable {
    struct Segment: Sendable {
        var number: UInt64
        var path: String
        var byteCount: Int64
        /// Time of its newest sample; `Int64.min` where it has none.
        var lastTime: Int64
        /// Of the file of stretches beside it.
        var stretchByteCount: Int64 = 0
    }

    private let files: any FileSystem
    let folder: String
    private let segmentByteCountMax: Int64
    private var file: AppendFile?
    private var current: Segment?
    private var earlier: [Segment]
    private var lastNumber: UInt64
    /// What the records of the current segment say of the layouts of readings.
    var book = LayoutBook()
    /// The file of stretches of the segment that was written to last; nil where it cannot be written.
    private var stretches: (segment: UInt64, file: PageFile?) = (0, nil)
    /// Why stretches cannot be written, while they cannot.
    private(set) var stretchFault: String?
    private var hasUnsynced = false
    /// Segments that were given up before they could be synced.
    private var unsyncedEarlier: [String] = []

    init(
        files: any FileSystem, folder: String, segmentByteCountMax: Int64, earlier: [Segment], lastNumber: UInt64
    ) {
        self.files = files
        self.folder = folder
        self.segmentByteCountMax = segmentByteCountMax
        self.earlier = earlier
        self.lastNumber = lastNumber
    }

    var byteCount: Int64 { earlier.reduce(current?.byteCount ?? 0) { $0 + $1.byteCount } }
    var stretchByteCount: Int64 {
        earlier.reduce(current?.stretchByteCount ?? 0) { $0 + $1.stretchByteCount }
    }
    var segmentCount: Int { earlier.count + (current == nil ? 0 : 1) }

    /// Sees that a segment is open.
    /// - Returns: its number.
    mutating func prepare(at now: Int64) throws(FileError) -> UInt64 {
        if let current, current.byteCount < segmentByteCountMax {
            book.segmentEnd = current.byteCount
            return current.number
        }
        // A full segment that cannot be synced must not be lost sight of: the batch is refused, and the next one tries again.
        if current != nil { try rotate() }
        // Taken only when the file is there, so that a number that is missing means a file that was lost. What is left of a file that could
        // be made half-way was never written to, and is emptied by the next attempt.
        let number = lastNumber + 1
        let path = joined(folder, LogFormat.segmentName(number))
        let header = LogFormat.header(number: number, createdAt: now)
        do {
            var file = try files.create(path)
            try file.write(header)
            try files.syncFolder(folder)
            self.file = consume file
        } catch {
            // The first error is the one to tell; an empty segment that stays is passed over at the next start.
            try? files.remove(path)
            throw error
        }
        lastNumber = number
        current = Segment(number: number, path: path, byteCount: Int64(header.count), lastTime: .min)
        book.segmentEnd = Int64(header.count)
        hasUnsynced = true
        return number
    }

    /// Writes whole records into the segment that `prepare` gave. All or nothing: after a failure the segment is cut back, or given
    /// up where that fails.
    mutating func write(_ records: [UInt8], lastTime: Int64) throws(FileError) {
        guard var file = self.file.take(), var segment = current else { preconditionFailure("no segment is open") }
        do {
            hasUnsynced = true
            try file.write(records)
            segment.byteCount += Int64(records.count)
            segment.lastTime = max(segment.lastTime, lastTime)
            current = segment
            self.file = consume file
        } catch {
            do {
                try file.truncate(to: segment.byteCount)
                self.file = consume file
            } catch {
                unsyncedEarlier.append(segment.path)
                endSegment()
            }
            throw error
        }
    }

    /// Writes the stretches that ended with the last records beside the segment, and gives them to the head for its open samples. What
    /// cannot be written stays in memory, and is read from the log by the next start.
    mutating func writeStretches(_ head: inout Head) {
        for (stretch, numbers, times) in book.takeComplete() {
            guard let current, let payload = head.stretchPayload(stretch, numbers, times) else { continue }
            if stretches.segment != current.number { beginStretches(of: current.number) }
            var record = ByteWriter(reserving: LogFormat.recordHeaderByteCount + payload.count)
            record.record(.stretch) { $0.raw(payload) }
            guard let file = stretches.file else { continue }
            guard let start = file.write(record.bytes) else {
                stretchFault = "'\(file.path)' cannot be written"
                continue
            }
            stretchFault = nil
            self.current?.stretchByteCount += Int64(record.count)
            head.replaceOpen(
                numbers, by: payload,
                in: .file(file, start: start + Int64(LogFormat.recordHeaderByteCount), byteCount: payload.count))
        }
    }

    private mutating func beginStretches(of segment: UInt64) {
        let path = joined(stretchFolder, StretchFile.name(segment))
        stretches = (segment, nil)
        do throws(FileError) {
            try files.createFolders(stretchFolder)
            // The file of pages does not say why there cannot be one.
            try files.open(path, .replace).close()
        } catch {
            stretchFault = error.summary
            return
        }
        stretches.file = PageFile(named: path, files)
    }

    private var stretchFolder: String { joined(parentFolder(of: folder), StretchFile.folderName) }

    /// Makes what was written safe from a power cut. After a failure the kernel may have dropped the pages, so the segment is ended
    /// and nothing more is built on it.
    mutating func sync() throws(FileError) {
        while let path = unsyncedEarlier.last {
            try files.sync(path)
            unsyncedEarlier.removeLast()
        }
        guard hasUnsynced, var file = self.file.take() else { return }
        do {
            try file.sync()
            hasUnsynced = false
            self.file = consume file
        } catch {
            endSegment()
            throw error
        }
    }

    /// Syncs and closes the segment; the next sample begins another.
    mutating func rotate() throws(FileError) {
        try sync()
        guard let file = self.file.take() else { return }
        endSegment()
        try file.close()
    }

    private mutating func endSegment() {
        if let current { earlier.append(current) }
        current = nil
        hasUnsynced = false
    }

    /// Removes the oldest segments, as far as their samples are all older than `time`. Only from the front, so that the numbers of those
    /// that stay have no gap. What cannot be removed is tried again next time.
    mutating func removeSegments(before time: Int64) throws(FileError) {
        while let segment = earlier.first, segment.lastTime < time {
            // Without its segment it counts for nothing; a start removes what stays.
            try? files.remove(joined(stretchFolder, StretchFile.name(segment.number)))
            do throws(FileError) {
                try files.remove(segment.path)
            } catch {
                guard error.code == .notFound else { throw error }
            }
            earlier.removeFirst()
        }
    }
}
