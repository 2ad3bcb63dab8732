import BinaryCoding
import Diagnostics
import DurableFiles
import Series
import Units

/// Opens the folder of a store: blocks first, then the log, segment by segment. Damage is set aside and noted; for a reader it stays where it is.
struct Recovery {
    let files: any FileSystem
    let folder: String
    /// Whether all on the disk stays as it is.
    let isForReading: Bool
    let settings: StoreSettings
    /// What the store begins with; complete when `run` has returned.
    private(set) var state: TimeSeriesStore.State
    private var segments: [LogWriter.Segment] = []
    private var lastNumber: UInt64 = 0
    /// The segment that was read last, where it is known that the next one follows it.
    private var lastRead: UInt64?

    /// The names of the blocks in use, of those that they were made of, and of those that are set aside now.
    private var knownNames: Set<String> = []

    /// Of damaged bytes at most this much is set aside a time.
    private static let setAsideByteCountMax = 16 << 20

    init(files: any FileSystem, folder: String, settings: StoreSettings, isForReading: Bool = false) {
        // What is put right below only if that works stays as it is then, without more ado.
        self.files = isForReading ? ReadOnlyFiles(files) : files
        self.folder = folder
        self.settings = settings
        self.isForReading = isForReading
        state = TimeSeriesStore.State(
            settings: settings, pageFiles: isForReading ? nil : PageFiles(files, in: folder))
    }

    private var logFolder: String { joined(folder, "wal") }
    private var blockFolder: String { joined(folder, "blocks") }

    /// - Returns: the end of the log.
    mutating func run(segmentByteCountMax: Int64) throws(StoreError) -> LogWriter {
        if !isForReading {
            try fileAccess(folder) { () throws(FileError) in
                for name in ["wal", "blocks", "damaged"] { try files.createFolders(joined(folder, name)) }
            }
            removeUnfinishedSnapshots()
        }
        try openBlocks()
        try noteSetAside()
        try readTombstones()
        try readLog()
        // Series whose samples are all in blocks are declared in the log but have nothing in the head.
        state.head.dropSamples(before: state.head.minimumTime)
        let log = LogWriter(
            files: files, folder: logFolder, segmentByteCountMax: segmentByteCountMax, earlier: segments,
            lastNumber: lastNumber)
        state.note(log)
        noteFullDisk()
        return log
    }

    /// A start on a full disk takes no samples until there is room, and says so from the beginning.
    private mutating func noteFullDisk() {
        // What the system does not say is learnt with the first batch.
        guard let space = try? files.space(at: folder), space.availableBytes < TimeSeriesStore.roomToGoOn else {
            return
        }
        state.health.isWritable = false
        state.health.isDiskFull = true
        state.health.writeFault = FileError(.write, logFolder, errorNumber: FileError.noSpaceNumber).summary
    }

    /// What a process that ended while it made a snapshot left behind.
    private func removeUnfinishedSnapshots() {
        let snapshots = joined(folder, "snapshots")
        // Best effort: what stays has a name that nobody takes for a snapshot's, and the next start tries again.
        for name in (try? files.list(snapshots)) ?? [] where name.hasSuffix(TimeSeriesStore.unfinishedSuffix) {
            try? files.removeTree(joined(snapshots, name))
        }
    }

    private mutating func openBlocks() throws(StoreError) {
        let names = try names(in: blockFolder, files)
        var sources: Set<String> = []
        for name in names {
            let path = joined(blockFolder, name)
            if name.hasSuffix(".new") {
                // A block that was never finished; its samples are still in the log. What cannot be removed is passed over.
                try? files.remove(path)
                continue
            }
            guard let blockName = BlockFormat.Name(name) else { continue }
            do throws(StoreError) {
                let block = try Block(path, name: blockName, files: files)
                let index = try block.readIndex(files)
                for entry in index.metadata { state.metadata[entry.name] = entry }
                sources.formUnion(index.sources)
                knownNames.formUnion(index.sourceNames)
                knownNames.insert(name)
                state.insert(block)
            } catch {
                guard error.code == .damaged else { throw error }
                setAside(.blockDamaged, path, name: name, at: error.byteOffset ?? 0)
                knownNames.insert(name)
            }
        }
        // Blocks that were joined to one before the process ended and could remove them.
        for block in state.blocks where sources.contains(block.identity) {
            state.blocks.removeAll { $0.path == block.path }
            state.obsolete.append(block.path)
        }
        state.head.minimumTime = state.blocks.map(\.end).max() ?? .min
        state.newestTaken = state.head.minimumTime == .min ? .min : state.head.minimumTime - 1
    }

    /// What a start before had to set aside is missing still, until a copy is put back or the file is removed.
    private mutating func noteSetAside() throws(StoreError) {
        // The settings of a reader are not those that the samples were kept by.
        let (oldest, hasNoNewest) = state.newestTaken.subtractingReportingOverflow(
            settings.longestAge.wholeMilliseconds)
        for block in try SetAsideBlock.unreadable(in: joined(folder, "damaged"), beside: knownNames, files) {
            if isForReading || hasNoNewest || block.name.end > oldest {
                state.health.problems.append(block.problem)
            }
        }
    }

    private mutating func readTombstones() throws(StoreError) {
        let path = joined(folder, TombstoneFile.name)
        let bytes = try fileAccess(path) { () throws(FileError) in
            try files.status(of: path) == nil ? nil : try files.contents(of: path)
        }
        guard let bytes else { return }
        do throws(CodingError) {
            state.tombstones = try TombstoneFile.read(bytes)
        } catch {
            setAside(.tombstonesDamaged, path, name: TombstoneFile.name, at: Int64(error.offset))
        }
    }

    private mutating func setAside(_ kind: StoreProblem.Kind, _ path: String, name: String, at offset: Int64) {
        var problem = StoreProblem(kind: kind, file: path, byteOffset: offset, count: 0)
        let damaged = joined(folder, "damaged")
        // What cannot be set aside stays, and the problem says that it does.
        if !isForReading, let target = try? files.freePath(name, in: damaged),
            (try? files.rename(path, to: target)) != nil
        {
            problem.setAsideAs = target
            // A rename that a crash undoes is done again.
            try? files.syncFolder(damaged)
            try? files.syncFolder(parentFolder(of: path))
        }
        state.health.problems.append(problem)
    }

    private mutating func readLog() throws(StoreError) {
        let names = try names(in: logFolder, files)
        let numbers = names.compactMap { LogFormat.segmentNumber(of: $0) }.sorted()
        if !isForReading { removeStretches(except: Set(numbers)) }
        for number in numbers {
            if let lastRead { noteMissing(after: lastRead, before: number) }
            let path = joined(logFolder, LogFormat.segmentName(number))
            try fileAccess(path) { () throws(FileError) in
                (lastNumber, lastRead) = (number, number)
                try readSegment(number, path, isLast: number == numbers.last)
            }
        }
    }

    private var stretchFolder: String { joined(folder, StretchFile.folderName) }

    /// Files beside segments that are gone.
    private func removeStretches(except segments: Set<UInt64>) {
        // Best effort: they count for nothing, and the next start tries again.
        for name in (try? files.list(stretchFolder)) ?? [] {
            guard let number = StretchFile.segment(of: name), !segments.contains(number) else { continue }
            try? files.remove(joined(stretchFolder, name))
        }
    }

    private mutating func noteMissing(after earlier: UInt64, before later: UInt64) {
        if let problem = missingSegments(after: earlier, before: later, logFolder) {
            state.health.problems.append(problem)
        }
    }

    private mutating func readSegment(_ number: UInt64, _ path: String, isLast: Bool) throws(FileError) {
        var scanner = try SegmentScanner(files.openForReading(path))
        switch try scanner.header(number: number) {
        case .valid: break
        case .tooShort:
            guard isLast else {
                noteMissing(after: max(1, number) - 1, before: number + 1)
                segments.append(
                    LogWriter.Segment(number: number, path: path, byteCount: scanner.byteCount, lastTime: .min))
                return
            }
            // The process ended between making the file and writing its header: nothing in it was acknowledged.
            if !isForReading { try files.remove(path) }
            lastNumber = max(1, number) - 1
            return
        case .otherVersion:
            // Whoever wrote it may have removed those after it.
            lastRead = nil
            state.health.problems.append(
                StoreProblem(kind: .versionUnknown, file: path, byteOffset: 7, count: scanner.byteCount))
            return
        case .damaged:
            // The records carry checksums of their own, so they count although the header does not.
            let range = Int64(0)..<Int64(LogFormat.headerByteCount)
            try noteDamage(range, .logDamaged, number, path, scanner)
        }
        var segment = LogWriter.Segment(number: number, path: path, byteCount: scanner.byteCount, lastTime: .min)
        let stretches = StoredStretches(files, joined(stretchFolder, StretchFile.name(number)))
        segment.stretchByteCount = stretches.byteCount
        var replay = SegmentReplay(stretches: stretches)
        reading: while true {
            switch try scanner.next() {
            case .end: break reading
            case .record(let type, let payload, let offset):
                do throws(CodingError) {
                    try replay.apply(type, payload, at: offset, to: &state)
                } catch {
                    // The checksum holds but the contents make no sense: a fault of the writer, not of the disk.
                    let end = offset + Int64(LogFormat.recordHeaderByteCount + payload.count)
                    try noteDamage(offset..<end, .logDamaged, number, path, scanner)
                }
            case .damage(let range, let isTail):
                try noteDamage(range, isTail && isLast ? .tailCutOff : .logDamaged, number, path, scanner)
                if isTail && isLast && !isForReading {
                    try files.truncate(path, to: range.lowerBound)
                    segment.byteCount = range.lowerBound
                }
            }
        }
        // The process before this one may have ended between a write and its sync, and nobody else would sync it any more.
        do throws(FileError) {
            if !isForReading { try files.sync(path) }
        } catch {
            state.health.maintenanceFault = error.summary
        }
        segment.lastTime = replay.lastTime
        segments.append(segment)
        replay.finish(&state)
        if let problem = replay.orphans(in: path) { state.health.problems.append(problem) }
    }

    private mutating func noteDamage(
        _ range: Range<Int64>, _ kind: StoreProblem.Kind, _ number: UInt64, _ path: String,
        _ scanner: borrowing SegmentScanner
    ) throws(FileError) {
        let target = joined(
            joined(folder, "damaged"), "\(LogFormat.segmentName(number).dropLast(4))-\(range.lowerBound).bin")
        var problem = StoreProblem(
            kind: kind, file: path, byteOffset: range.lowerBound, count: range.upperBound - range.lowerBound)
        if !isForReading {
            let bytes = try scanner.bytes(range, limit: Self.setAsideByteCountMax)
            // Without room for the copy the store must start all the same.
            if (try? files.replace(target, with: bytes)) != nil { problem.setAsideAs = target }
        }
        state.health.problems.append(problem)
    }
}

/// Brings the records of one segment into the head.
struct SegmentReplay {
    /// Number in the segment → number in the head, plus one; 0 for none.
    private var places: [UInt32] = []
    private var pairs = DeclaredPairs()
    private var layouts: LayoutReader
    var lastTime = Int64.min
    private var orphanCount: Int64 = 0

    /// The samples that cannot be given to a series, once `finish` was called; nil where there are none.
    func orphans(in path: String) -> StoreProblem? {
        orphanCount > 0 ? StoreProblem(kind: .samplesOrphaned, file: path, byteOffset: 0, count: orphanCount) : nil
    }

    init(stretches: StoredStretches) {
        layouts = LayoutReader(stretches)
    }

    mutating func apply(
        _ type: LogFormat.RecordType, _ payload: [UInt8], at offset: Int64, to state: inout TimeSeriesStore.State
    ) throws(CodingError) {
        switch type {
        case .samples, .late, .histograms: layouts.halt(&state.head)
        case .series, .packedSeries, .metadata, .describedMetadata, .columns, .stretch: break
        }
        switch type {
        case .series: try declare(payload, &state)
        case .packedSeries: try declare(LogFormat.unpackedSeries(payload), &state)
        case .metadata, .describedMetadata:
            var reader = ByteReader(payload)
            while !reader.isAtEnd {
                let entry = try reader.metadata(hasUnit: type == .describedMetadata)
                state.metadata[entry.name] = entry
            }
        case .samples: try Self.forEachSample(payload) { add($0, $1, $2, &state) }
        case .columns: try readColumns(payload, at: offset, &state)
        case .late:
            try Self.forEachSample(payload) { number, time, value in
                guard let place = place(number) else {
                    orphanCount += 1
                    return
                }
                state.head.late[place, default: LateSamples()].insert(time, value)
                state.counts.samplesReplayed += 1
            }
            lastTime = max(lastTime, state.newestTaken)
        case .histograms: try addHistogram(payload, &state)
        case .stretch: throw CodingError(.invalid, at: 0)
        }
    }

    private mutating func declare(
        _ payload: [UInt8], _ state: inout TimeSeriesStore.State
    ) throws(CodingError) {
        layouts.noteDeclarations()
        var reader = ByteReader(payload)
        while !reader.isAtEnd {
            let number = try reader.count(limit: 1 << 28)
            let place = try pairs.read(&reader, payload, into: &state.head)
            if number >= places.count {
                places += [UInt32](repeating: 0, count: max(number + 1 - places.count, places.count))
            }
            // A number that stands for another series from here on: what waits is of the one before.
            if places[number] > 0, places[number] != UInt32(place + 1) { layouts.settleAll(&state.head) }
            places[number] = UInt32(place + 1)
        }
    }

    private func place(_ number: UInt32) -> Int? {
        guard Int(number) < places.count, places[Int(number)] > 0 else { return nil }
        return Int(places[Int(number)]) - 1
    }

    static func forEachSample(
        _ payload: [UInt8], _ body: (UInt32, Int64, Double) -> Void
    ) throws(CodingError) {
        var reader = ByteReader(payload)
        let base = try reader.zigzag()
        var number: Int64 = 0
        while !reader.isAtEnd {
            number &+= try reader.zigzag()
            let time = base &+ (try reader.zigzag())
            body(UInt32(truncatingIfNeeded: number), time, try reader.double())
        }
    }

    private mutating func readColumns(
        _ payload: [UInt8], at offset: Int64, _ state: inout TimeSeriesStore.State
    ) throws(CodingError) {
        let known = places
        let reading = try layouts.read(payload, at: offset, into: &state.head) { number in
            Int(number) < known.count ? Int32(known[Int(number)]) - 1 : -1
        }
        guard let reading else { return }
        lastTime = max(lastTime, reading.time)
        orphanCount += Int64(reading.unknownCount)
        guard reading.storedCount > 0 else { return }
        state.counts.samplesReplayed += Int64(reading.storedCount)
        state.newestTaken = max(state.newestTaken, reading.time)
    }

    private mutating func add(
        _ number: UInt32, _ time: Int64, _ value: Double, _ state: inout TimeSeriesStore.State
    ) {
        lastTime = max(lastTime, time)
        guard let place = place(number) else {
            orphanCount += 1
            return
        }
        layouts.settle(place, &state.head)
        if case .stored = state.head.admit(place, time, value.bitPattern) {
            state.head.add(place, time, value)
            state.counts.samplesReplayed += 1
            state.newestTaken = max(state.newestTaken, time)
        }
    }

    private mutating func addHistogram(
        _ payload: [UInt8], _ state: inout TimeSeriesStore.State
    ) throws(CodingError) {
        var reader = ByteReader(payload)
        let number = UInt32(truncatingIfNeeded: try reader.varint())
        let time = try reader.zigzag()
        let offset = reader.offset
        let histogram = try decodedHistogram(payload, from: offset)
        lastTime = max(lastTime, time)
        guard let place = place(number) else {
            orphanCount += 1
            return
        }
        layouts.settle(place, &state.head)
        if case .stored = state.head.admit(place, time, histogram.admissionBits) {
            state.head.add(place, time, histogram)
            state.counts.samplesReplayed += 1
            state.newestTaken = max(state.newestTaken, time)
        }
    }

    private func decodedHistogram(_ payload: [UInt8], from offset: Int) throws(CodingError) -> NativeHistogram {
        let result = payload.withUnsafeBytes { bytes -> Result<NativeHistogram, CodingError> in
            var source = ByteSource(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
            do throws(CodingError) {
                return .success(try decodeHistograms(&source, count: 1)[0])
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Ends the marches, and counts what the layouts could not give.
    mutating func finish(_ state: inout TimeSeriesStore.State) {
        layouts.settleAll(&state.head)
        layouts.halt(&state.head)
        state.counts.samplesReplayed += layouts.settledCount
        state.counts.samplesFromStretches += layouts.takenCount
        state.newestTaken = max(state.newestTaken, layouts.settledTime)
        orphanCount += layouts.sampleCountLost
    }
}
