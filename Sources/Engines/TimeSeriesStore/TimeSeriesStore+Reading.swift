import BlockingCalls
import Diagnostics
import DurableFiles
public import Series
import Synchronization
public import Units

extension TimeSeriesStore {
    /// - Throws: `StoreError` of code `damaged` with file and offset when a block that the answer needs cannot be read,
    ///   `CancellationError` when the calling task is cancelled.
    public func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        try await select(matchers, from: start, through: end, within: SelectionBounds())
    }

    public func select(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, within bounds: SelectionBounds
    ) async throws -> [SeriesColumns] {
        var range = TimeRange(start, end)
        range.looks = bounds.looks
        return try await reading { [range] stop in
            let (gatherer, tombstones) = try self.gatherer(matchers, range, stop, isLatestEnough: bounds.isLatestEnough)
            let reading = SelectionReading(
                bounds: bounds, isLatestEnough: bounds.isLatestEnough && tombstones.isEmpty, tombstones: tombstones,
                stop: stop)
            return try reading.columns(gatherer)
        }
    }

    public func labelNames(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [String]
    {
        try await texts(matchers, TimeRange(start, end), LabelTexts(valuesOf: nil))
    }

    public func labelValues(
        _ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp
    ) async throws -> [String] {
        try await texts(matchers, TimeRange(start, end), LabelTexts(valuesOf: name))
    }

    /// The labels of the series matching any of `selectors` with samples in the range, sorted.
    /// - Parameter limit: no more than the first of them.
    public func series(
        _ selectors: [[LabelMatcher]], from start: Timestamp, through end: Timestamp, limit: Int = .max
    ) async throws -> [Labels] {
        let range = TimeRange(start, end)
        return try await reading { stop in
            var found: [Labels] = []
            for matchers in selectors {
                let (gatherer, _) = try self.gatherer(matchers, range, stop)
                for slot in try gatherer.firstSlots(limit, stop) { found.append(gatherer.labels(of: slot)) }
            }
            guard selectors.count > 1 else { return found }
            return Array(Set(found).sorted().prefix(limit))
        }
    }

    public func metadata() async throws -> MetadataByName { state.withLock { $0.metadata } }

    /// Runs `body` on a thread that may wait for the disk and compute for long.
    private func reading<Value: Sendable>(_ body: @escaping @Sendable (StopFlag) throws -> Value) async throws -> Value
    {
        try Task.checkCancellation()
        let stop = StopFlag()
        do {
            return try await withTaskCancellationHandler {
                if BlockingThreads.mayBlockHere { return try body(stop) }
                return try await Self.readers.run { try body(stop) }
            } onCancel: {
                stop.set()
            }
        } catch {
            noteDamage(error)
            throw error
        }
    }

    /// Everything that an answer is made of: taken in one step, so that no sample is seen twice or missed while samples move to a block.
    func gatherer(
        _ matchers: [LabelMatcher], _ range: TimeRange, _ stop: StopFlag? = nil, isLatestEnough: Bool = false
    ) throws -> (SampleGatherer, [Tombstone]) {
        while true {
            let (blocks, head, tombstones) = state.withLock { state in
                let blocks = state.blocks.filter {
                    $0.start <= range.end && $0.end > range.start(of: $0.name.resolution)
                }
                let earliest = blocks.map { range.start(of: $0.name.resolution) }.min() ?? range.start
                let tombstones = state.tombstones.filter { $0.from <= range.end && $0.through >= earliest }
                return (
                    blocks,
                    // Where some are deleted, the newest that is left is not known yet.
                    HeadSnapshot(
                        state.head, state.head.series(matching: matchers), from: range.start, through: range.end,
                        isLatestEnough: isLatestEnough && tombstones.isEmpty), tombstones
                )
            }
            do {
                var readers: [BlockReader] = []
                for block in blocks {
                    if stop?.isSet == true { throw CancellationError() }
                    readers.append(try BlockReader(block, index: try index(of: block), files))
                }
                let gatherer = SampleGatherer(
                    readers: readers, resolutions: blocks.map(\.name.resolution), head: head, in: range)
                for reader in readers.indices {
                    if stop?.isSet == true { throw CancellationError() }
                    gatherer.add(reader: reader, matching: matchers)
                }
                gatherer.addHead()
                return (gatherer, tombstones)
            } catch let error as StoreError where error.isRemovedFile {
                // Removed or joined with others after the snapshot was taken: look again. A file that is gone although it is in
                // the list is another matter.
                let isStillListed = state.withLock { state in state.blocks.contains { $0.path == error.subject } }
                if isStillListed { throw error }
            }
        }
    }

    func index(of block: Block) throws(StoreError) -> BlockIndex {
        if let kept = state.withLock({ $0.indexes.index(of: block.path) }) { return kept }
        let index = try block.readIndex(files)
        state.withLock { state in
            // The block may have been written anew meanwhile, under the same name.
            guard state.blocks.contains(where: { $0.identity == block.identity }) else { return }
            state.indexes.keep(index, of: block.path)
        }
        return index
    }

    /// What is asked for of the series that match and have samples in the range, sorted.
    private func texts(_ matchers: [LabelMatcher], _ range: TimeRange, _ wanted: LabelTexts) async throws -> [String] {
        try await reading { stop in
            // Under the lock no more than the numbers of pairs are put together: with a million of them, knowing and sorting their texts
            // takes a second in which nothing could be written.
            let (found, blocks) = try self.state.withLock { state in
                let blocks = state.blocks.filter { $0.start <= range.end && $0.end > range.start }
                var set = state.head.series(matching: matchers)
                state.head.keepSeries(&set, withSamplesFrom: range.start, through: range.end)
                return (try wanted.texts(of: set, in: state.head, stop), blocks)
            }
            // Of one index each text comes once.
            if blocks.isEmpty { return found.map(ByteText.init).sorted().map(\.text) }
            var texts = Set(found.lazy.map(ByteText.init))
            for block in blocks {
                if stop.isSet { throw CancellationError() }
                let index: BlockIndex
                do throws(StoreError) {
                    index = try self.index(of: block)
                } catch {
                    // Removed by age, or joined with others, whose labels come with the rest.
                    if error.isRemovedFile { continue }
                    throw error
                }
                var set = index.series(matching: matchers)
                if block.start < range.start || block.end > range.end {
                    for series in set.members
                    where index.chunks(of: series, from: range.start, through: range.end).isEmpty {
                        set.remove(series)
                    }
                }
                texts.formUnion(try wanted.texts(of: set, in: index, stop).lazy.map(ByteText.init))
            }
            return texts.sorted().map(\.text)
        }
    }
}

/// A closed range of milliseconds.
struct TimeRange: Sendable {
    let start: Int64
    let end: Int64
    var looks: SelectionBounds.InstantLooks?

    init(start: Int64, end: Int64) {
        self.start = start
        self.end = end
    }

    init(_ start: Timestamp, _ end: Timestamp) {
        self.init(start: start.millisecondsSinceEpoch, end: end.millisecondsSinceEpoch)
    }

    /// Where samples of a resolution begin to matter: those that stand for a step do so for longer.
    func start(of resolution: Int64) -> Int64 {
        guard resolution > 0, let looks else { return start }
        return min(start, looks.from.millisecondsSinceEpoch - looks.lookback.wholeMilliseconds - resolution + 1)
    }
}

/// Tells a thread that nobody waits for its answer any more.
final class StopFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

extension StoreError {
    var isRemovedFile: Bool { code == .fileFailed && (cause as? FileError)?.code == .notFound }
}
