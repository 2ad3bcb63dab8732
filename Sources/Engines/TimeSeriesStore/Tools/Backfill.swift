import BlockingCalls
import DurableFiles
public import Series
import Synchronization
public import Units

// Old samples from elsewhere go past the head straight into blocks: collected in memory up to a bound, then one block for each span that
// they touch. They may overlap what is stored: a reader takes the samples of both, and of two of one instant the one stored first. What a
// series has already for an instant is left out therefore, so that the same history given twice takes its room once. A downsampled sample
// has all of its step up to its own time: what is given for that again would count twice when it is downsampled in its turn.

/// How a backfill fared.
public struct BackfillOutcome: Sendable, Hashable {
    public var stored: Int64 = 0
    /// For instants for which their series has a sample in a block, or one that stands for them; that one stays.
    public var known: Int64 = 0
    /// Of another value than the sample given before for the same instant of the series; that one stays.
    public var duplicate: Int64 = 0
    /// For instants that are still in memory, where only the way of a scrape leads.
    public var tooNew: Int64 = 0
    /// Later than the clock allows: a block of theirs would keep the present out.
    public var ahead: Int64 = 0
    public var blocksWritten = 0

    public init() {}
}

/// Takes old samples and writes blocks of them. For one task; call `finish` at the end.
public struct Backfill: ~Copyable {
    private let store: TimeSeriesStore
    /// By the start of the span, then by series.
    private var spans: [Int64: [Labels: BlockSamples]] = [:]
    private var pendingCount = 0
    public private(set) var outcome = BackfillOutcome()
    /// Samples that are collected before blocks are written: 16 bytes each, and what labels take.
    private let pendingCountMax: Int
    /// Samples from here on are in memory, or are to come there.
    private var limit: Int64
    private let latest: Int64

    /// - Parameter latest: samples after this are refused: the present, with as much room as clocks may differ by. Nil takes all.
    public init(
        into store: TimeSeriesStore, latest: Timestamp? = nil, pendingCountMax: Int = 2_000_000
    ) {
        self.store = store
        self.latest = latest?.millisecondsSinceEpoch ?? .max
        self.pendingCountMax = pendingCountMax
        limit = store.backfillLimit
    }

    /// Adds samples of one series, times rising. Blocks when blocks are written.
    /// - Throws: `StoreError`; then a part may have been stored, and the same may be given again.
    public mutating func add(_ columns: SeriesColumns) throws {
        var histogram = 0
        for index in columns.times.indices {
            let time = columns.times[index]
            let isHistogram = histogram < columns.histograms.count && columns.histograms[histogram].index == index
            defer { if isHistogram { histogram += 1 } }
            guard time <= latest else {
                outcome.ahead += 1
                continue
            }
            guard time < limit else {
                outcome.tooNew += 1
                continue
            }
            let start = spanStart(of: time, store.spanMilliseconds)
            spans[start, default: [:]][columns.labels, default: BlockSamples()].add(
                time, columns.values[index], isHistogram ? columns.histograms[histogram].histogram : nil)
            pendingCount += 1
        }
        if pendingCount >= pendingCountMax { try flush() }
    }

    /// Writes what is left, and joins the new blocks with those there.
    public consuming func finish() throws -> BackfillOutcome {
        try flush()
        return outcome
    }

    private mutating func flush() throws {
        for start in spans.keys.sorted() {
            let written = try store.writeBackfilled(spans[start]!, from: start)
            outcome.stored += written.stored
            outcome.known += written.known
            outcome.duplicate += written.duplicate
            if written.stored > 0 { outcome.blocksWritten += 1 }
            spans[start] = nil
        }
        pendingCount = 0
        limit = store.backfillLimit
    }
}

extension BlockSamples {
    mutating func add(_ time: Int64, _ value: Double, _ histogram: NativeHistogram?) {
        if let histogram { histograms.append(HistogramSample(index: times.count, histogram: histogram)) }
        times.append(time)
        values.append(value)
    }

    /// Puts the samples in order of time; of two of one instant the first given stays.
    /// - Returns: how many of those that do not stay had another value.
    mutating func sort() -> Int64 {
        if zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) { return 0 }
        var byIndex: [Int: NativeHistogram] = [:]
        for sample in histograms { byIndex[sample.index] = sample.histogram }
        func isSame(_ one: Int, _ other: Int) -> Bool {
            guard let histogram = byIndex[one], let other = byIndex[other] else {
                return byIndex[one] == nil && byIndex[other] == nil
                    && values[one].bitPattern == values[other].bitPattern
            }
            // As a scraped one is judged.
            return histogram.admissionBits == other.admissionBits
        }
        var duplicateCount: Int64 = 0
        var kept = -1
        var result = BlockSamples()
        for index in times.indices.sorted(by: { (times[$0], $0) < (times[$1], $1) }) {
            if result.times.last == times[index] {
                if !isSame(kept, index) { duplicateCount += 1 }
            } else {
                result.add(times[index], values[index], byIndex[index])
                kept = index
            }
        }
        self = result
        return duplicateCount
    }
}

extension TimeSeriesStore {
    /// Where the oldest span in memory begins.
    fileprivate var backfillLimit: Int64 {
        state.withLock { state in state.head.firstTime.map { spanStart(of: $0, spanMilliseconds) } ?? .max }
    }

    /// Writes a block of old samples of one span.
    /// - Returns: how many, how many were stored before, and how many had another value than one of the same instant.
    func writeBackfilled(
        _ series: [Labels: BlockSamples], from start: Int64
    ) throws(StoreError) -> (stored: Int64, known: Int64, duplicate: Int64) {
        var series = series
        var duplicate: Int64 = 0
        for labels in series.keys { duplicate += series[labels]!.sort() }
        let written = try writeSorted(series, from: start)
        return (written.stored, written.known, duplicate)
    }

    private func writeSorted(
        _ sorted: [Labels: BlockSamples], from start: Int64
    ) throws(StoreError) -> (stored: Int64, known: Int64) {
        let result = changes.withLock { _ -> Result<(stored: Int64, known: Int64), StoreError> in
            do throws(StoreError) {
                let metadata = state.withLock { $0.sortedMetadata }
                var series = sorted
                let known = try leaveOutKnown(&series, from: start)
                // Up to the last sample only: what is newer shall come the usual way.
                let last = series.values.compactMap { $0.times.max() }.max() ?? start
                let name = freeName(BlockFormat.Name(start: start, end: last + 1))
                let block = try writeBlock(name, metadata: metadata) { writer throws(StoreError) in
                    for (labels, samples) in series.sorted(by: { $0.key < $1.key }) where !samples.times.isEmpty {
                        try fileAccess(folder) { () throws(FileError) in try writer.add(labels, samples) }
                    }
                }
                guard let block else { return .success((0, known)) }
                state.withLock { state in
                    state.insert(block)
                    state.head.minimumTime = max(state.head.minimumTime, block.end)
                    state.newestTaken = max(state.newestTaken, block.end - 1)
                    state.counts.blocksWritten += 1
                }
                return .success((block.sampleCount, known))
            } catch {
                noteDamage(error)
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Leaves out the samples of `series` for whose instants blocks have one, or one that stands for them. Under `changes`.
    /// - Returns: how many.
    private func leaveOutKnown(_ series: inout [Labels: BlockSamples], from start: Int64) throws(StoreError) -> Int64 {
        var count: Int64 = 0
        for resolution in Set(state.withLock { $0.blocks.map(\.name.resolution) }).sorted() {
            count += try leaveOutKnown(&series, from: start, at: resolution)
        }
        return count
    }

    private func leaveOutKnown(
        _ series: inout [Labels: BlockSamples], from start: Int64, at resolution: Int64
    ) throws(StoreError) -> Int64 {
        // The one that stands for the last of them comes at the end of its step.
        let last = start + spanMilliseconds - 1
        let end = resolution > 0 ? spanStart(of: last, resolution) + resolution : last + 1
        let blocks = state.withLock { state in
            state.blocks.filter { $0.name.resolution == resolution && $0.start < end && $0.end > start }
        }
        guard !blocks.isEmpty else { return 0 }
        let gatherer = SampleGatherer(
            readers: try blocks.map { block throws(StoreError) in
                try BlockReader(block, index: try index(of: block), files)
            },
            resolutions: blocks.map { _ in resolution }, head: nil, from: start, through: end - 1)
        for reader in blocks.indices { gatherer.add(reader: reader, matching: []) }
        var count: Int64 = 0
        for slot in 0..<gatherer.slotCount {
            let labels = gatherer.labels(of: slot)
            guard var samples = series[labels] else { continue }
            let times = try gatherer.samples(of: slot).times
            let before = samples.count
            samples.keep { time in
                let place = lowerBound(times, time)
                guard place < times.count else { return true }
                return resolution > 0
                    ? spanStart(of: times[place], resolution) != spanStart(of: time, resolution) : times[place] != time
            }
            guard samples.count < before else { continue }
            count += Int64(before - samples.count)
            series[labels] = samples
        }
        return count
    }
}
