import BinaryCoding
public import DurableFiles
import Synchronization

/// Makes a damaged store readable again: opening it sets aside what cannot be read at all, and blocks and files of the log of which a part
/// cannot be read are written anew with the rest. Nothing is thrown away: what was damaged is in `<folder>/damaged`. Blocks that were set aside
/// before are named, and taken back into use where they can be read after all. No other program may use the folder meanwhile. Blocks.
/// - Returns: what was found, each with the place where the damaged file is now.
/// - Throws: `StoreError` of code `fileFailed`.
public func repairStore(
    _ folder: String, files: any FileSystem = RealFiles(), settings: StoreSettings = StoreSettings()
) throws(StoreError) -> [StoreProblem] {
    let store = try TimeSeriesStore.open(folder: folder, files: files, settings: settings)
    var problems = store.health.problems
    for block in store.state.withLock({ $0.blocks }) {
        do throws(StoreError) {
            if let problem = try store.salvage(block) { problems.append(problem) }
        } catch {
            guard error.code == .damaged else { throw error }
            problems.append(
                StoreProblem(kind: .blockDamaged, file: block.path, byteOffset: error.byteOffset ?? 0, count: 0))
        }
    }
    problems += try store.takeBackSetAside(
        except: Set(problems.flatMap { [$0.file, $0.setAsideAs].compactMap(\.self) }))
    let setAside = try LogRepair(files: files, folder: store.logFolder, damagedFolder: store.damagedFolder).run()
    for index in problems.indices where problems[index].kind == .samplesOrphaned {
        problems[index].setAsideAs = setAside[problems[index].file]
    }
    return problems
}

extension TimeSeriesStore {
    /// Writes the readable chunks of a block anew, if there are others, or bytes that are not as the format has them.
    /// - Returns: nil where all of it is as it was written.
    func salvage(_ block: Block) throws(StoreError) -> StoreProblem? {
        let index = try block.readIndex(files)
        let reader = try BlockReader(block, index: index, files)
        let gatherer = SampleGatherer(
            readers: [reader], resolutions: [block.name.resolution], head: nil, from: .min, through: .max)
        gatherer.add(reader: 0, matching: [])
        var firstOffset: Int64?
        var bad: Set<Int> = []
        for slot in 0..<gatherer.slotCount {
            do throws(StoreError) {
                _ = try gatherer.samples(of: slot)
            } catch {
                guard error.code == .damaged else { throw error }
                firstOffset = min(firstOffset ?? .max, error.byteOffset ?? 0)
                bad.insert(slot)
            }
        }
        if firstOffset == nil { firstOffset = try block.strayOffset(index, files) }
        guard let firstOffset else { return nil }
        for slot in bad { gatherer.keepReadablePieces(of: slot) }
        let aside = try fileAccess(damagedFolder) { () throws(FileError) in
            try files.freePath(block.name.text, in: damagedFolder)
        }
        // The damaged file stays where it is until the new one takes its place, and keeps its second name then: whatever fails in
        // between, nothing readable is out of reach.
        try fileAccess(block.path) { () throws(FileError) in
            try files.linkOrCopy(block.path, to: aside)
            try files.syncFolder(damagedFolder)
        }
        // Without its sources: blocks that it was made of and that are still there have what it lost, and are read again.
        let made = try writeBlock(block.name, metadata: index.metadata) { writer throws(StoreError) in
            for (slot, labels) in gatherer.ordered() where !gatherer.pieces[slot].isEmpty {
                let samples = try blockSamples(gatherer, slot, [])
                try fileAccess(folder) { () throws(FileError) in try writer.add(labels, samples) }
            }
        }
        if made == nil {
            try fileAccess(block.path) { () throws(FileError) in
                try files.remove(block.path)
                try files.syncFolder(blockFolder)
            }
        }
        state.withLock { state in
            state.blocks.removeAll { $0.name == block.name }
            state.indexes.forget(block.path)
            if let made { state.insert(made) }
        }
        var problem = StoreProblem(
            kind: .blockDamaged, file: block.path, byteOffset: firstOffset,
            count: block.sampleCount - (made?.sampleCount ?? 0))
        problem.setAsideAs = aside
        return problem
    }
}
