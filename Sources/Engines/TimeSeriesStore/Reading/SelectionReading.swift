import BlockingCalls
import Series
import Synchronization

/// Reads what a gatherer has found: all series in the order of their labels, on several threads where that is worth it.
struct SelectionReading: Sendable {
    let bounds: SelectionBounds
    let isLatestEnough: Bool
    let tombstones: [Tombstone]
    let stop: StopFlag

    /// Fewer pieces than these are read before another thread is awake.
    private static let parallelPieceCountMin = 512
    private static let seriesAtOnceMax = 32

    /// - Throws: `StoreError`, `TooManySamples`, `MemoryRefusal`, `CancellationError` when `stop` is set.
    func columns(_ gatherer: SampleGatherer) throws -> [SeriesColumns] {
        let needsLabels = bounds.needsLabels || !tombstones.isEmpty
        let slots =
            if bounds.needsOrder {
                gatherer.ordered(withLabels: needsLabels)
            } else {
                (0..<gatherer.slotCount).map { (slot: $0, labels: needsLabels ? gatherer.labels(of: $0) : Labels()) }
            }
        let count = Atomic(0)
        var pieceCount = 0
        for pieces in gatherer.pieces where pieceCount < Self.parallelPieceCountMin { pieceCount += pieces.count }
        guard pieceCount >= Self.parallelPieceCountMin, parallelWidth > 1 else {
            var answer: [SeriesColumns] = []
            answer.reserveCapacity(slots.count)
            for (index, slot) in slots.enumerated() {
                if index % Self.seriesAtOnceMax == 0 { try checkTime() }
                if let columns = try read(slot, gatherer, count) { answer.append(columns) }
            }
            return answer
        }
        // A gatherer is for one thread; whoever begins a piece takes one that is free.
        let idle = Mutex(IdleGatherers(gatherer))
        let failure = Mutex<(any Error)?>(nil)
        let isFailed = Atomic(false)
        var answer = [SeriesColumns?](repeating: nil, count: slots.count)
        answer.withUnsafeMutableBufferPointer { buffer in
            // Each place is written by the one thread that reads its slot.
            nonisolated(unsafe) let answer = buffer
            inParallel(slots.count, grain: fairGrain(slots.count, max: Self.seriesAtOnceMax)) { range in
                guard !isFailed.load(ordering: .relaxed) else { return }
                do {
                    try checkTime()
                    let own = try idle.withLock { try $0.take() }
                    defer { idle.withLock { $0.giveBack(own) } }
                    for index in range { answer[index] = try read(slots[index], own, count) }
                } catch {
                    isFailed.store(true, ordering: .relaxed)
                    failure.withLock { $0 = $0 ?? error }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        return [SeriesColumns](unsafeUninitializedCapacity: answer.count) { found, count in
            for index in answer.indices {
                guard let columns = answer[index].take() else { continue }
                found.initializeElement(at: count, to: columns)
                count += 1
            }
        }
    }

    private func checkTime() throws {
        if bounds.isOver() { throw CancellationError() }
    }

    /// - Parameter total: samples of the answer so far.
    /// - Returns: nil for a series without samples in the range.
    private func read(
        _ slot: (slot: Int, labels: Labels), _ gatherer: SampleGatherer, _ total: borrowing Atomic<Int>
    ) throws -> SeriesColumns? {
        if stop.isSet { throw CancellationError() }
        var found = try isLatestEnough ? gatherer.latestSample(of: slot.slot) : gatherer.samples(of: slot.slot)
        guard !found.times.isEmpty else { return nil }
        let isUntouched = !tombstones.contains { $0.matches(slot.labels) }
        if let steps = bounds.steps, isUntouched {
            gatherer.thinner.thin(&found, to: steps)
            guard !found.times.isEmpty else { return nil }
        }
        let own = found.times.count + found.histograms.count * bounds.samplesPerHistogram
        let count = total.add(own, ordering: .relaxed).newValue
        guard count <= bounds.samplesMax else { throw TooManySamples(count: count) }
        try bounds.memory?.take(own * SelectionBounds.bytesPerSample + SelectionBounds.bytesPerSeries)
        if isUntouched {
            // Of histograms the name is told where they do not go together.
            let isNamed = bounds.needsLabels || found.histograms.isEmpty
            var columns = SeriesColumns(
                labels: isNamed ? slot.labels : gatherer.labels(of: slot.slot), times: found.times,
                values: found.values, histograms: found.histograms,
                coarse: found.coarse)
            // Looked at here, the values are still in the processor's cache.
            columns.isFreeOfMarkers = !hasStaleMarker(columns.values)
            try addFigures(to: &columns, slot.slot, gatherer)
            return columns
        }
        var samples = BlockSamples(times: found.times, values: found.values, histograms: found.histograms)
        samples.remove(tombstones.filter { $0.matches(slot.labels) })
        guard samples.count > 0 else { return nil }
        var columns = SeriesColumns(
            labels: slot.labels, times: samples.times, values: samples.values, histograms: samples.histograms,
            coarse: found.coarse)
        try addFigures(to: &columns, slot.slot, gatherer)
        return columns
    }

    private func addFigures(to columns: inout SeriesColumns, _ slot: Int, _ gatherer: SampleGatherer) throws {
        guard !bounds.figures.isEmpty, !columns.coarse.isEmpty else { return }
        // All five for a moment, whichever are wanted.
        try bounds.memory?.take(columns.times.count * 5 * MemoryLayout<Double>.stride)
        let found = try gatherer.aggregates(of: slot, columns.times, columns.values, columns.coarse)
        columns.figures = found.map { StepColumns($0, bounds.figures) }
    }
}

/// Gatherers of the same pieces that no thread uses just now.
///
/// `@unchecked Sendable`: each is with one thread at a time, the one that took it; of the first one a twin takes only what never changes.
private struct IdleGatherers: @unchecked Sendable {
    private let first: SampleGatherer
    private var idle: [SampleGatherer]

    init(_ first: SampleGatherer) {
        self.first = first
        idle = [first]
    }

    mutating func take() throws(StoreError) -> SampleGatherer {
        if let known = idle.popLast() { return known }
        return try first.twin()
    }

    mutating func giveBack(_ gatherer: SampleGatherer) { idle.append(gatherer) }
}
