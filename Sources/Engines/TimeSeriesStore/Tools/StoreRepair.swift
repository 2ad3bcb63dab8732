import BinaryCoding
public import DurableFiles
import Synchronization

/// Makes a damaged store readable again: opening it sets aside what cannot be read at all, and blocks of which a part cannot be read are
/// written anew with the rest. Nothing is thrown away: what was damaged is in `<folder>/damaged`. No other program may use the
/// folder meanwhile. Blocks.
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
    return problems
}

extension TimeSeriesStore {
    /// Writes the readable chunks of a block anew, if there are others.
    /// - Returns: nil where all of it is readable.
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
        guard let firstOffset else { return nil }
        for slot in bad { gatherer.keepReadablePieces(of: slot) }
        let aside = joined(damagedFolder, block.name.text)
        try fileAccess(block.path) { () throws(FileError) in
            try files.rename(block.path, to: aside)
            try files.syncFolder(damagedFolder)
        }
        let made = try writeBlock(block.name, metadata: index.metadata) { writer throws(StoreError) in
            for (slot, labels) in gatherer.ordered() where !gatherer.pieces[slot].isEmpty {
                let samples = try blockSamples(gatherer, slot, [])
                try fileAccess(folder) { () throws(FileError) in try writer.add(labels, samples) }
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
