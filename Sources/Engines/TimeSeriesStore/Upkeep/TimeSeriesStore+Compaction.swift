import Units
import Diagnostics
import DurableFiles
import Series
import Synchronization

// Blocks of two hours are many after two weeks, and each repeats the labels. So neighbours are joined: three of 2 h to one of 6 h, four of
// those to one of 24 h, and so on by threes, up to a tenth of the retention, since a block is removed as a whole. A window is joined when it
// has ended. Blocks that overlap (samples that came late, a history that was imported twice) are joined whatever their size.
//
// Every join writes all its samples anew, so the widest window comes first that a few blocks fill: of an imported history a day's twelve
// blocks are joined at once, and not by way of 6 h. No more than `joinedCountMax` at a time, since the indexes of all of them are in
// memory. Where much is left, rounds follow each other with pauses as long as they took, so that whoever stores samples meanwhile has
// the disk and a processor for at least half of the time.
//
// Blocks of two hours have one sample in them of each longer step. Joined blocks are coarsened again by their own step, which changes
// nothing where that was done.
//
// The new block names those that it was made of. It counts from the moment of its renaming; those others are removed after that, or at the
// next start, so that a crash at any step leaves either them or the new one to be read.

extension TimeSeriesStore {
    /// Blocks joined in one round of maintenance: more wait for the next, so that retention and the log get their turn.
    private static let compactionCountMax = 32
    /// Blocks that are joined to one at a time.
    private static let joinedCountMax = 16

    /// The lengths of joined blocks, rising.
    private func compactionSpans(_ resolution: Int64) -> [Int64] {
        let longest = max(
            settings.retention.wholeMilliseconds,
            settings.keep.flatMap(\.tiers).filter { $0.step.wholeMilliseconds == resolution }
                .map(\.age.wholeMilliseconds).max() ?? 0)
        var spans: [Int64] = []
        var next = spanMilliseconds * 3
        while next <= longest / 10 {
            spans.append(next)
            next *= spans.count == 1 ? 4 : 3
        }
        return spans
    }

    /// - Returns: whether there may be more to join.
    func compact() throws(StoreError) -> Bool {
        for _ in 0..<Self.compactionCountMax {
            let (blocks, minimum) = state.withLock { ($0.soundBlocks, $0.head.minimumTime) }
            guard let group = nextGroup(blocks, before: minimum) else { return false }
            let name = BlockFormat.Name(
                start: group.map(\.start).min()!, end: group.map(\.end).max()!,
                resolution: group[0].name.resolution)
            do throws(StoreError) {
                try replace(group, by: name)
            } catch {
                // The next round joins the others.
                if noteDamage(error) { continue }
                throw error
            }
            state.withLock { $0.counts.blocksCompacted += 1 }
        }
        return true
    }

    /// The blocks to be joined next; at least two.
    private func nextGroup(_ blocks: [Block], before minimum: Int64) -> [Block]? {
        for resolution in Set(blocks.map(\.name.resolution)).sorted() {
            let own = blocks.filter { $0.name.resolution == resolution }
            if let overlapping = overlapping(own) { return overlapping }
            var crowded: [Block]?
            for span in compactionSpans(resolution).reversed() {
                let small = own.filter { $0.end - $0.start < span }
                let windows = Dictionary(grouping: small) { spanStart(of: $0.start, span) }
                for (start, group) in windows.sorted(by: { $0.key < $1.key })
                where group.count > 1 && start + span <= minimum && group.allSatisfy({ $0.end <= start + span }) {
                    if group.count <= Self.joinedCountMax { return group }
                    crowded = group
                }
            }
            // With settings of which no narrower window fits, as many as may be joined of the narrowest.
            if let crowded { return Array(crowded.prefix(Self.joinedCountMax)) }
        }
        return nil
    }

    /// The first blocks that overlap each other, as many as may be joined at a time; nil where none do.
    /// - Parameter blocks: of one resolution, in order of time.
    private func overlapping(_ blocks: [Block]) -> [Block]? {
        var group: [Block] = []
        var end = Int64.min
        for block in blocks {
            if block.start < end, group.count < Self.joinedCountMax {
                group.append(block)
                end = max(end, block.end)
                continue
            }
            if group.count > 1 { return group }
            group = [block]
            end = block.end
        }
        return group.count > 1 ? group : nil
    }

    /// A name like this one that no block has. A file of a block is never replaced by another: who still reads it would find other
    /// bytes, and a failure right after would leave a list that does not fit the disk.
    func freeName(_ wanted: BlockFormat.Name) -> BlockFormat.Name {
        let (taken, obsolete) = state.withLock { (Set($0.blocks.map(\.name)), Set($0.obsolete)) }
        var name = wanted
        while taken.contains(name) || obsolete.contains(joined(blockFolder, name.text)) { name.part += 1 }
        return name
    }

    /// Writes `blocks` anew as one, without what was deleted and with those series only that `test` lets pass, and removes them. Under
    /// `changes`.
    /// - Returns: the new block; nil where nothing was left.
    @discardableResult
    func replace(
        _ blocks: [Block], by name: BlockFormat.Name, keeping test: (Labels) -> Bool = { _ in true }
    ) throws(StoreError) -> Block? {
        let made = try merged(blocks, freeName(name), test)
        state.withLock { state in
            for block in blocks {
                state.blocks.removeAll { $0.path == block.path }
                state.indexes.forget(block.path)
                state.forgetDamage(of: block.path)
                state.obsolete.append(block.path)
            }
            if let made { state.insert(made) }
        }
        try removeObsolete()
        return made
    }

    private func merged(
        _ blocks: [Block], _ name: BlockFormat.Name, _ test: (Labels) -> Bool
    ) throws(StoreError) -> Block? {
        let readers = try readers(of: blocks)
        let gatherer = SampleGatherer(
            readers: readers, resolutions: blocks.map(\.name.resolution), head: nil, from: .min, through: .max)
        for reader in readers.indices { gatherer.add(reader: reader, matching: []) }
        let (tombstones, metadata) = state.withLock { ($0.tombstones, $0.sortedMetadata) }
        let ordered = gatherer.ordered()
        let names = Set(ordered.map { $0.labels.name })
        return try writeBlock(
            name, metadata: metadata.filter { names.contains($0.name) }, sources: blocks.map(\.identity)
        ) { writer throws(StoreError) in
            for (slot, labels) in ordered where test(labels) {
                var samples = try blockSamples(gatherer, slot, tombstones.filter { $0.matches(labels) })
                if name.resolution > 0 { samples = coarsened(samples, step: name.resolution) }
                try fileAccess(folder) { () throws(FileError) in try writer.add(labels, samples) }
            }
        }
    }

    /// The samples of a slot as a block holds them: aggregates stay aggregates.
    func blockSamples(
        _ gatherer: SampleGatherer, _ slot: Int, _ tombstones: [Tombstone]
    ) throws(StoreError) -> BlockSamples {
        if gatherer.pieces[slot].allSatisfy({ $0.resolution > 0 }), let found = try gatherer.aggregates(of: slot) {
            var samples = BlockSamples(times: found.times)
            let kept = found.times.indices.filter { index in
                !tombstones.contains { $0.from <= found.times[index] && found.times[index] <= $0.through }
            }
            samples.times = kept.map { found.times[$0] }
            var columns = AggregateColumns()
            for index in kept { columns.add(found.columns[index]) }
            samples.aggregates = columns
            return samples
        }
        let found = try gatherer.samples(of: slot)
        var samples = BlockSamples(times: found.times, values: found.values, histograms: found.histograms)
        samples.remove(tombstones)
        return samples
    }

    func readers(of blocks: [Block]) throws(StoreError) -> [BlockReader] {
        var readers: [BlockReader] = []
        for block in blocks { readers.append(try BlockReader(block, index: try block.readIndex(files), files)) }
        return readers
    }

    /// Removes the files of blocks that are not used any more. What cannot be removed is tried again next time.
    func removeObsolete() throws(StoreError) {
        for path in state.withLock({ $0.obsolete }) {
            do throws(FileError) {
                try files.remove(path)
            } catch {
                guard error.code == .notFound else { throw StoreError(.fileFailed, path, cause: error) }
            }
            state.withLock { $0.obsolete.removeAll { $0 == path } }
        }
    }
}
