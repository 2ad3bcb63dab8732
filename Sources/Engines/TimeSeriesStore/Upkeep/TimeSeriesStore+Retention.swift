import Diagnostics
import DurableFiles
import Series
import Synchronization
import Units

// How long a series is kept is decided by the first rule of `keep` that fits it, else by `retention`. A rule is a row of tiers: raw samples
// up to an age, then one sample a step up to another, and so on. When a block is older than the age of its tier for some of its series,
// these move on: their next tier is written as a block of that resolution first, then the block is written anew without them, or
// removed when none is left. A crash in between leaves both; a reader prefers the finer samples, and the next round does it again.

extension TimeSeriesStore {
    func applyRetention(at now: Int64) throws(StoreError) {
        try removeObsolete()
        let newest = state.withLock { $0.newestTime } ?? now
        let present = min(now, newest)
        for block in state.withLock({ $0.blocks }) {
            do throws(StoreError) {
                try applyRetention(to: block, at: present)
            } catch {
                // The others grow old as well.
                guard noteDamage(error) else { throw error }
            }
        }
        try applySizeLimit()
    }

    /// Ages that matter for blocks of a resolution.
    private func ages(_ resolution: Int64) -> [Int64] {
        var ages = [settings.retention.wholeMilliseconds]
        for rule in settings.keep { ages.append(age(of: rule, resolution)) }
        return Array(Set(ages)).sorted()
    }

    /// The age past which nothing is kept, of any resolution.
    private var longestAge: Int64 {
        settings.longestAge.wholeMilliseconds
    }

    /// How old samples of a resolution may become under a rule.
    private func age(of rule: KeepRule, _ resolution: Int64) -> Int64 {
        if resolution == 0 { return rule.raw.wholeMilliseconds }
        // After a change of the settings a resolution may be in no rule: it counts as the next coarser one.
        let tier = rule.tiers.first { $0.step.wholeMilliseconds >= resolution } ?? rule.tiers.last
        return (tier?.age ?? rule.raw).wholeMilliseconds
    }

    private func rule(for labels: Labels) -> KeepRule? { settings.keep.first { $0.matches(labels) } }

    private func age(of labels: Labels, _ resolution: Int64) -> Int64 {
        rule(for: labels).map { age(of: $0, resolution) } ?? settings.retention.wholeMilliseconds
    }

    private func applyRetention(to block: Block, at present: Int64) throws(StoreError) {
        let resolution = block.name.resolution
        let ages = ages(resolution)
        guard let due = ages.last(where: { block.end <= present &- $0 }) else { return }
        if settings.keep.isEmpty {
            try drop(block)
            return
        }
        if state.withLock({ $0.damagedBlocks.contains(block.path) }) {
            // What can be read of it moves on when it is repaired, and goes at an age at which no series is kept.
            if block.end <= present &- longestAge { try drop(block) }
            return
        }
        // Looked at for this age before, and what was due is done.
        if state.withLock({ $0.agedTo[block.identity] ?? -1 }) >= due { return }
        let index = try block.readIndex(files)
        var isKept = false
        var steps: Set<Int64> = []
        for series in 0..<index.seriesCount {
            let labels = index.labels(of: series)
            if age(of: labels, resolution) > due {
                isKept = true
            } else if let step = nextStep(labels, block, present) {
                steps.insert(step)
            }
        }
        for step in steps.sorted() { try downsample(block, to: step, due: due, at: present) }
        if !isKept {
            try drop(block)
            return
        }
        let leaves = (0..<index.seriesCount).contains { age(of: index.labels(of: $0), resolution) <= due }
        let left = leaves ? try replace([block], by: block.name) { age(of: $0, resolution) > due } : block
        if let left { state.withLock { $0.agedTo[left.identity] = due } }
    }

    /// The step of the next tier that a block is not too old for; nil where there is none.
    private func nextStep(_ labels: Labels, _ block: Block, _ present: Int64) -> Int64? {
        rule(for: labels)?.tiers.first {
            $0.step.wholeMilliseconds > block.name.resolution && block.end > present &- $0.age.wholeMilliseconds
        }?.step.wholeMilliseconds
    }

    private func downsample(
        _ block: Block, to step: Int64, due: Int64, at present: Int64
    ) throws(StoreError) {
        let readers = try readers(of: [block])
        let gatherer = SampleGatherer(
            readers: readers, resolutions: [block.name.resolution], head: nil, from: .min, through: .max)
        gatherer.add(reader: 0, matching: [])
        let (tombstones, metadata) = state.withLock { ($0.tombstones, $0.metadata) }
        let name = freeName(BlockFormat.Name(start: block.start, end: block.end, resolution: step))
        let made = try writeBlock(name, metadata: metadata.values.sorted { precedes($0.name, $1.name) }) {
            writer throws(StoreError) in
            for (slot, labels) in gatherer.ordered()
            where age(of: labels, block.name.resolution) <= due && nextStep(labels, block, present) == step {
                let samples = try blockSamples(gatherer, slot, tombstones.filter { $0.matches(labels) })
                let isCounter = isCounter(labels.name, metadata[labels.name]?.type)
                let coarse = downsampled(samples, step: step, isCounter: isCounter)
                try fileAccess(folder) { () throws(FileError) in try writer.add(labels, coarse) }
            }
        }
        guard let made else { return }
        state.withLock { state in
            state.insert(made)
            state.counts.blocksDownsampled += 1
        }
    }

    private func applySizeLimit() throws(StoreError) {
        let limit = settings.retentionSize.bytes
        guard limit > 0 else { return }
        while true {
            let (blocks, headByteCount) = state.withLock { ($0.blocks, $0.headFileByteCount) }
            let isOver = blocks.reduce(headByteCount, { $0 + $1.byteCount }) > limit
            guard isOver, blocks.count > 1, let oldest = blocks.min(by: { $0.end < $1.end }) else {
                return state.withLock { $0.health.isOverRetentionSize = isOver }
            }
            try drop(oldest)
        }
    }

    /// Removes a block.
    private func drop(_ block: Block) throws(StoreError) {
        // Out of the list first: a query that comes now does not look for the file any more.
        state.withLock { state in
            state.blocks.removeAll { $0.path == block.path }
            state.indexes.forget(block.path)
            state.agedTo[block.identity] = nil
        }
        do throws(FileError) {
            try files.remove(block.path)
        } catch {
            guard error.code == .notFound else {
                state.withLock { $0.insert(block) }
                throw StoreError(.fileFailed, block.path, cause: error)
            }
        }
        state.withLock { state in
            state.forgetDamage(of: block.path)
            state.counts.blocksRemoved += 1
        }
    }
}
