import BinaryCoding
import Diagnostics
import DurableFiles
import Series
import Units

/// Opens the folder of a store: blocks first, then the log, segment by segment. Damage is set aside and noted.
struct Recovery {
    let files: any FileSystem
    let folder: String
    let settings: StoreSettings
    /// What the store begins with; complete when `run` has returned.
    private(set) var state: TimeSeriesStore.State
    private var segments: [LogWriter.Segment] = []
    private var lastNumber: UInt64 = 0

    /// Of damaged bytes at most this much is set aside a time.
    private static let setAsideByteCountMax = 16 << 20

    init(files: any FileSystem, folder: String, settings: StoreSettings) {
        self.files = files
        self.folder = folder
        self.settings = settings
        state = TimeSeriesStore.State(head: Head(spanMilliseconds: max(1, settings.blockSpan.wholeMilliseconds)))
    }

    private var logFolder: String { joined(folder, "wal") }
    private var blockFolder: String { joined(folder, "blocks") }

    /// - Returns: the end of the log.
    mutating func run(segmentByteCountMax: Int64) throws(StoreError) -> LogWriter {
        try fileAccess(folder) { () throws(FileError) in
            for name in ["wal", "blocks", "damaged"] { try files.createFolders(joined(folder, name)) }
        }
        try openBlocks()
        try readLog()
        // Series whose samples are all in blocks are declared in the log but have nothing in the head.
        state.head.dropSamples(before: state.head.minimumTime)
        let log = LogWriter(
            files: files, folder: logFolder, segmentByteCountMax: segmentByteCountMax, earlier: segments,
            lastNumber: lastNumber)
        state.note(log)
        return log
    }

    private mutating func openBlocks() throws(StoreError) {
        let names = try fileAccess(blockFolder) { () throws(FileError) in try files.list(blockFolder) }
        for name in names {
            let path = joined(blockFolder, name)
            if name.hasSuffix(".new") {
                // A block that was never finished; its samples are still in the log.
                try? files.remove(path)
                continue
            }
            guard let span = BlockFormat.span(of: name) else { continue }
            do throws(StoreError) {
                let block = try Block(path, start: span.start, end: span.end, files: files)
                let index = try block.readIndex(files)
                for entry in index.metadata { state.metadata[entry.name] = entry }
                state.blocks.append(block)
            } catch {
                guard error.code == .damaged else { throw error }
                setAside(block: path, name: name, at: error.byteOffset ?? 0)
            }
        }
        state.blocks.sort { $0.start < $1.start }
        state.head.minimumTime = state.blocks.map(\.end).max() ?? .min
    }

    private mutating func setAside(block path: String, name: String, at offset: Int64) {
        var problem = StoreProblem(kind: .blockDamaged, file: path, byteOffset: offset, count: 0)
        let target = joined(joined(folder, "damaged"), name)
        if (try? files.rename(path, to: target)) != nil {
            problem.setAsideAs = target
            try? files.syncFolder(joined(folder, "damaged"))
            try? files.syncFolder(blockFolder)
        }
        state.health.problems.append(problem)
    }

    private mutating func readLog() throws(StoreError) {
        let names = try fileAccess(logFolder) { () throws(FileError) in try files.list(logFolder) }
        let numbers = names.compactMap { LogFormat.segmentNumber(of: $0) }.sorted()
        for number in numbers {
            let path = joined(logFolder, LogFormat.segmentName(number))
            try fileAccess(path) { () throws(FileError) in
                try readSegment(number, path, isLast: number == numbers.last)
            }
        }
        lastNumber = numbers.last ?? 0
    }

    private mutating func readSegment(_ number: UInt64, _ path: String, isLast: Bool) throws(FileError) {
        var scanner = try SegmentScanner(files.openForReading(path))
        switch try scanner.header(number: number) {
        case .valid: break
        case .tooShort:
            // The process ended between making the file and writing its header: nothing in it was acknowledged.
            try files.remove(path)
            return
        case .otherVersion:
            state.health.problems.append(
                StoreProblem(kind: .versionUnknown, file: path, byteOffset: 7, count: scanner.byteCount))
            return
        case .damaged:
            // The records carry checksums of their own, so they count although the header does not.
            let range = Int64(0)..<Int64(LogFormat.headerByteCount)
            try noteDamage(range, .logDamaged, number, path, scanner)
        }
        var segment = LogWriter.Segment(number: number, path: path, byteCount: scanner.byteCount, lastTime: .min)
        var replay = SegmentReplay()
        reading: while true {
            switch try scanner.next() {
            case .end: break reading
            case .record(let type, let payload, let offset):
                do throws(CodingError) {
                    try replay.apply(type, payload, to: &state)
                } catch {
                    // The checksum holds but the contents make no sense: a fault of the writer, not of the disk.
                    let end = offset + Int64(LogFormat.recordHeaderByteCount + payload.count)
                    try noteDamage(offset..<end, .logDamaged, number, path, scanner)
                }
            case .damage(let range, let isTail):
                try noteDamage(range, isTail && isLast ? .tailCutOff : .logDamaged, number, path, scanner)
                if isTail && isLast {
                    try files.truncate(path, to: range.lowerBound)
                    segment.byteCount = range.lowerBound
                }
            }
        }
        // The process before this one may have ended between a write and its sync, and nobody else would sync it any more.
        do throws(FileError) {
            try files.sync(path)
        } catch {
            state.health.maintenanceFault = error.summary
        }
        segment.lastTime = replay.lastTime
        segments.append(segment)
        if replay.orphanCount > 0 {
            state.health.problems.append(
                StoreProblem(kind: .samplesOrphaned, file: path, byteOffset: 0, count: replay.orphanCount))
        }
    }

    private mutating func noteDamage(
        _ range: Range<Int64>, _ kind: StoreProblem.Kind, _ number: UInt64, _ path: String,
        _ scanner: borrowing SegmentScanner
    ) throws(FileError) {
        let target = joined(
            joined(folder, "damaged"), "\(LogFormat.segmentName(number).dropLast(4))-\(range.lowerBound).bin")
        var problem = StoreProblem(
            kind: kind, file: path, byteOffset: range.lowerBound, count: range.upperBound - range.lowerBound)
        let bytes = try scanner.bytes(range, limit: Self.setAsideByteCountMax)
        // Without room for the copy the store must start all the same.
        if (try? files.replace(target, with: bytes)) != nil { problem.setAsideAs = target }
        state.health.problems.append(problem)
    }
}

/// Brings the records of one segment into the head.
private struct SegmentReplay {
    /// Number in the segment → place in the head.
    private var places: [UInt64: Int] = [:]
    var lastTime = Int64.min
    var orphanCount: Int64 = 0

    mutating func apply(
        _ type: LogFormat.RecordType, _ payload: [UInt8], to state: inout TimeSeriesStore.State
    ) throws(CodingError) {
        var reader = ByteReader(payload)
        switch type {
        case .series:
            while !reader.isAtEnd {
                let number = try reader.varint()
                places[number] = state.head.place(of: try reader.labels())
            }
        case .metadata:
            while !reader.isAtEnd {
                let entry = try reader.metadata()
                state.metadata[entry.name] = entry
            }
        case .samples:
            let base = try reader.zigzag()
            var number: Int64 = 0
            while !reader.isAtEnd {
                number &+= try reader.zigzag()
                let time = base &+ (try reader.zigzag())
                let value = try reader.double()
                lastTime = max(lastTime, time)
                guard let place = places[UInt64(bitPattern: number)] else {
                    orphanCount += 1
                    continue
                }
                if case .stored = state.head.admit(place, time, value) {
                    state.head.add(place, time, value)
                    state.counts.samplesReplayed += 1
                }
            }
        }
    }
}
