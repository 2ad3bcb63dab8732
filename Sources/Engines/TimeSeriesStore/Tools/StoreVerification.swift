import BinaryCoding
public import DurableFiles

// Looks at every byte of a store without changing one: each block's footer, index and frames, each chunk decoded; each segment of the
// log record by record, as a start reads it; and the blocks that a start has set aside. It may run beside a daemon that uses the folder: what that one removes meanwhile is passed over.

/// What was found in a store's folder.
public struct StoreVerification: Sendable, Hashable {
    public internal(set) var blockCount = 0
    public internal(set) var blockSampleCount: Int64 = 0
    public internal(set) var blockByteCount: Int64 = 0
    public internal(set) var segmentCount = 0
    public internal(set) var recordCount = 0
    public internal(set) var logByteCount: Int64 = 0
    /// Empty where all is well.
    public internal(set) var problems: [StoreProblem] = []

    public var isIntact: Bool { problems.isEmpty }
}

/// Checks a store's folder (`<data>/series`). Blocks.
/// - Throws: `StoreError` of code `fileFailed` when the folder cannot be listed. What is damaged is in the answer.
public func verifyStore(_ folder: String, files: any FileSystem = RealFiles()) throws(StoreError) -> StoreVerification {
    var found = StoreVerification()
    let blocks = joined(folder, "blocks")
    var used: Set<String> = []
    for text in try names(in: blocks, files) {
        guard let name = BlockFormat.Name(text) else { continue }
        let path = joined(blocks, text)
        do throws(StoreError) {
            let block = try Block(path, name: name, files: files)
            let index = try block.readIndex(files)
            used.insert(text)
            used.formUnion(index.sourceNames)
            try verify(block, files, index)
            found.blockCount += 1
            found.blockSampleCount += block.sampleCount
            found.blockByteCount += block.byteCount
        } catch {
            if error.isRemovedFile { continue }
            guard error.code == .damaged else { throw error }
            found.problems.append(
                StoreProblem(kind: .blockDamaged, file: path, byteOffset: error.byteOffset ?? 0, count: 0))
        }
    }
    for block in try SetAsideBlock.all(in: joined(folder, "damaged"), beside: used, files) {
        found.problems.append(block.problem)
    }
    let log = joined(folder, "wal")
    let segments = try names(in: log, files).compactMap { LogFormat.segmentNumber(of: $0) }.sorted()
    var last: UInt64?
    for number in segments {
        if let last, let problem = missingSegments(after: last, before: number, log) { found.problems.append(problem) }
        let path = joined(log, LogFormat.segmentName(number))
        do throws(FileError) {
            let isKnown = try verifySegment(number, path, isLast: number == segments.last, files, &found)
            // Of another version: whoever wrote it may have removed those after it.
            last = isKnown ? number : nil
        } catch {
            if error.code == .notFound { continue }
            throw StoreError(.fileFailed, path, cause: error)
        }
    }
    let tombstones = joined(folder, TombstoneFile.name)
    do {
        _ = try TombstoneFile.read(try files.contents(of: tombstones))
    } catch let error as FileError where error.code == .notFound {
        // Nothing was deleted.
    } catch {
        // Unreadable or not as it was written: either way it cannot be said what is deleted.
        found.problems.append(StoreProblem(kind: .tombstonesDamaged, file: tombstones, byteOffset: 0, count: 0))
    }
    return found
}

/// What is to be said of the files of the log between two that are there; nil where none is missing.
func missingSegments(after earlier: UInt64, before later: UInt64, _ folder: String) -> StoreProblem? {
    guard later > earlier + 1 else { return nil }
    return StoreProblem(
        kind: .segmentMissing, file: joined(folder, LogFormat.segmentName(earlier + 1)), byteOffset: 0,
        count: Int64(clamping: later - earlier - 1))
}

/// What there is in a folder; nothing where it is missing.
func names(in folder: String, _ files: any FileSystem) throws(StoreError) -> [String] {
    try fileAccess(folder) { () throws(FileError) in try files.status(of: folder) == nil ? [] : try files.list(folder) }
}

/// Reads every chunk.
func verify(_ block: Block, _ files: any FileSystem, _ index: BlockIndex) throws(StoreError) {
    let reader = try BlockReader(block, index: index, files)
    let gatherer = SampleGatherer(
        readers: [reader], resolutions: [block.name.resolution], head: nil, from: .min, through: .max)
    gatherer.add(reader: 0, matching: [])
    var count: Int64 = 0
    for slot in 0..<gatherer.slotCount { count += Int64(try gatherer.samples(of: slot).times.count) }
    guard count == block.sampleCount else { throw StoreError(.damaged, block.path, at: block.byteCount) }
    for frame in index.frames.indices { _ = try reader.contents(of: frame) }
    if let stray = try block.strayOffset(index, files) { throw StoreError(.damaged, block.path, at: stray) }
}

/// - Returns: false for a segment of another version.
private func verifySegment(
    _ number: UInt64, _ path: String, isLast: Bool, _ files: any FileSystem, _ found: inout StoreVerification
) throws(FileError) -> Bool {
    var scanner = try SegmentScanner(files.openForReading(path))
    found.segmentCount += 1
    found.logByteCount += scanner.byteCount
    switch try scanner.header(number: number) {
    case .valid: break
    case .tooShort:
        // The newest may be in the making at this moment.
        if !isLast,
            let problem = missingSegments(
                after: max(1, number) - 1, before: number + 1, parentFolder(of: path))
        {
            found.problems.append(problem)
        }
        return true
    case .otherVersion:
        found.problems.append(
            StoreProblem(kind: .versionUnknown, file: path, byteOffset: 7, count: scanner.byteCount))
        return false
    case .damaged:
        found.problems.append(
            StoreProblem(kind: .logDamaged, file: path, byteOffset: 0, count: Int64(LogFormat.headerByteCount)))
    }
    // Read as a start reads it, into a head of its own, since each segment stands alone.
    var replay = SegmentReplay(stretches: StoredStretches())
    var state = TimeSeriesStore.State(settings: StoreSettings(), pageFiles: nil)
    while true {
        switch try scanner.next() {
        case .end:
            replay.finish(&state)
            if let problem = replay.orphans(in: path) { found.problems.append(problem) }
            return true
        case .record(let type, let payload, let offset):
            found.recordCount += 1
            do throws(CodingError) {
                try replay.apply(type, payload, at: offset, to: &state)
            } catch {
                found.problems.append(
                    StoreProblem(
                        kind: .logDamaged, file: path, byteOffset: offset,
                        count: Int64(LogFormat.recordHeaderByteCount + payload.count)))
            }
        case .damage(let range, let isTail):
            // The end of the last segment may be a write that goes on at this moment.
            if isTail && isLast { continue }
            found.problems.append(
                StoreProblem(
                    kind: .logDamaged, file: path, byteOffset: range.lowerBound,
                    count: range.upperBound - range.lowerBound))
        }
    }
}
