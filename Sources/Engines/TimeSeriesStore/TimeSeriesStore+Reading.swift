import BinaryCoding
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
        let range = TimeRange(start, end)
        let snapshot = self.snapshot(matchers, range)
        let collected = try await overBlocks(snapshot.blocks) { block, index, reader, stop in
            var found: [SeriesColumns] = []
            for series in index.series(matching: matchers) {
                if stop.isSet { break }
                let places = index.chunks(of: series, from: range.start, through: range.end)
                guard !places.isEmpty else { continue }
                var times: [Int64] = []
                var values: [Double] = []
                try reader.read(places, from: range.start, through: range.end, times: &times, values: &values)
                if !times.isEmpty {
                    found.append(SeriesColumns(labels: index.labels(of: series), times: times, values: values))
                }
            }
            return found
        }
        return try merge(collected, with: snapshot.series, range)
    }

    public func labelNames(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [String]
    {
        let labels = try await matchingLabels(matchers, TimeRange(start, end))
        return sortedTexts(Set(labels.flatMap { $0.pairs.map(\.name) }))
    }

    public func labelValues(
        _ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp
    ) async throws -> [String] {
        let labels = try await matchingLabels(matchers, TimeRange(start, end))
        return sortedTexts(Set(labels.compactMap { $0[name] }))
    }

    public func metadata() async throws -> [String: MetricMetadata] { state.withLock { $0.metadata } }

    /// Labels of the series that have a chunk reaching into the range.
    private func matchingLabels(_ matchers: [LabelMatcher], _ range: TimeRange) async throws -> Set<Labels> {
        let snapshot = self.snapshot(matchers, range)
        let collected = try await overBlocks(snapshot.blocks) { block, index, reader, stop in
            index.series(matching: matchers)
                .filter { !index.chunks(of: $0, from: range.start, through: range.end).isEmpty }
                .map { index.labels(of: $0) }
        }
        return Set(collected.joined()).union(snapshot.series.map(\.labels))
    }

    private func sortedTexts(_ texts: Set<String>) -> [String] {
        texts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What a query works on: taken in one step, so that no sample is seen twice or missed while samples move to a block.
    private struct Snapshot: Sendable {
        var blocks: [Block]
        /// With the chunks that reach into the range.
        var series: [BlockSeries]
    }

    private func snapshot(_ matchers: [LabelMatcher], _ range: TimeRange) -> Snapshot {
        state.withLock { state in
            let blocks = state.blocks.filter { $0.start <= range.end && $0.end > range.start }
            let series = state.head.places(matching: matchers).compactMap { place -> BlockSeries? in
                let entry = state.head.series[place]
                let chunks = entry.chunks.filter { $0.minTime <= range.end && $0.maxTime >= range.start }
                return chunks.isEmpty ? nil : BlockSeries(labels: entry.labels, chunks: chunks)
            }
            return Snapshot(blocks: blocks, series: series)
        }
    }

    /// Runs `body` on every block in order, on a thread that may wait for the disk.
    private func overBlocks<Element: Sendable>(
        _ blocks: [Block],
        _ body: @escaping @Sendable (Block, BlockIndex, borrowing ChunkReader, StopFlag) throws -> [Element]
    ) async throws -> [[Element]] {
        guard !blocks.isEmpty else {
            try Task.checkCancellation()
            return []
        }
        let stop = StopFlag()
        return try await withTaskCancellationHandler {
            try await Self.readers.run {
                try blocks.map { block in
                    if stop.isSet { throw CancellationError() }
                    do {
                        return try body(block, try self.index(of: block), try ChunkReader(block, self.files), stop)
                    } catch let error as StoreError where error.isRemovedFile {
                        // Removed by age after the snapshot was taken.
                        return []
                    }
                }
            }
        } onCancel: {
            stop.set()
        }
    }

    private func index(of block: Block) throws(StoreError) -> BlockIndex {
        if let kept = state.withLock({ $0.indexes.index(of: block.path) }) { return kept }
        let index = try block.readIndex(files)
        state.withLock { $0.indexes.keep(index, of: block.path) }
        return index
    }

    /// Joins the parts of each series, blocks first, and sorts by labels.
    private func merge(_ collected: [[SeriesColumns]], with head: [BlockSeries], _ range: TimeRange) throws
        -> [SeriesColumns]
    {
        var places: [Labels: Int] = [:]
        var answer: [SeriesColumns] = []
        for part in collected.joined() {
            if let place = places[part.labels] {
                answer[place].times += part.times
                answer[place].values += part.values
            } else {
                places[part.labels] = answer.count
                answer.append(part)
            }
        }
        for entry in head {
            try Task.checkCancellation()
            let place = places[entry.labels] ?? answer.count
            if place == answer.count { answer.append(SeriesColumns(labels: entry.labels, times: [], values: [])) }
            // Taken out and put back, so that the columns grow in place and are not copied.
            var times: [Int64] = []
            var values: [Double] = []
            swap(&times, &answer[place].times)
            swap(&values, &answer[place].values)
            let expected = entry.chunks.reduce(times.count) { $0 + $1.sampleCount }
            times.reserveCapacity(expected)
            values.reserveCapacity(expected)
            for chunk in entry.chunks {
                do throws(CodingError) {
                    try decodeChunk(
                        chunk.bytes, in: 0..<chunk.bytes.count, sampleCount: chunk.sampleCount, from: range.start,
                        through: range.end, times: &times, values: &values)
                } catch {
                    preconditionFailure("a chunk in memory does not decode: \(error)")
                }
            }
            swap(&times, &answer[place].times)
            swap(&values, &answer[place].values)
        }
        return answer.filter { !$0.times.isEmpty }.sorted { $0.labels < $1.labels }
    }
}

/// A closed range of milliseconds.
private struct TimeRange: Sendable {
    let start: Int64
    let end: Int64

    init(_ start: Timestamp, _ end: Timestamp) {
        self.start = start.millisecondsSinceEpoch
        self.end = end.millisecondsSinceEpoch
    }
}

/// Tells a thread that nobody waits for its answer any more.
private final class StopFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

extension StoreError {
    fileprivate var isRemovedFile: Bool { code == .fileFailed && (cause as? FileError)?.code == .notFound }
}
