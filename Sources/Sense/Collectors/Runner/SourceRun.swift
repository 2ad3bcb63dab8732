import BlockingCalls
import Diagnostics
import Logging
import Series
import Synchronization
import Units

/// The life of one source.
final class SourceRun: Sendable {
    let plan: SourcePlan
    private let store: any SeriesAppending
    private let clock: any Clock<Duration>
    private let wallClock: any WallClock
    private let logger: Logger
    private let ownLabels: Labels
    private let state: Mutex<State>
    private let stopped: AsyncStream<Void>
    private let stopping: AsyncStream<Void>.Continuation

    private struct State {
        var snapshot: SourceSnapshot
        /// The series of the last reading, for the stale markers.
        var live: [Labels] = []
    }

    init(
        _ plan: SourcePlan, store: any SeriesAppending, clock: any Clock<Duration>, wallClock: any WallClock,
        logger: Logger, ownLabels: Labels
    ) {
        self.plan = plan
        self.store = store
        self.clock = clock
        self.wallClock = wallClock
        self.logger = logger
        self.ownLabels = ownLabels
        state = Mutex(State(snapshot: Self.emptySnapshot(of: plan.source)))
        (stopped, stopping) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    static func emptySnapshot(of source: any SampleSource) -> SourceSnapshot {
        SourceSnapshot(
            name: source.name, labels: source.labels, interval: source.interval, deadline: source.deadline,
            upMetric: source.upMetric)
    }

    var snapshot: SourceSnapshot { state.withLock { $0.snapshot } }

    func stop() { stopping.finish() }

    /// Reads on and on, until `stop` or cancellation. After `stop` the source's series are marked as ended.
    func live() async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.readOnAndOn()
                return false
            }
            group.addTask {
                for await _ in self.stopped {}
                return !Task.isCancelled
            }
            let isStopped = await group.next()!
            group.cancelAll()
            await group.waitForAll()
            if isStopped { await endSeries() }
        }
    }

    private func readOnAndOn() async {
        let source = plan.source
        let times = ReadingTimes(interval: source.interval, name: source.name)
        do {
            try await clock.sleep(for: times.firstDelay)
            while true {
                let started = wallClock.now
                try await readOnce(at: started)
                try await clock.sleep(for: times.delay(at: wallClock.now, after: started))
            }
        } catch {
            // Only cancellation ends the loop.
        }
    }

    private enum Ending: Sendable {
        case read(Result<SampleBatch, any Error>)
        case late
    }

    /// - Throws: `CancellationError` alone.
    private func readOnce(at now: Timestamp) async throws {
        let source = plan.source
        let clock = clock
        let stopwatch = Stopwatch(clock)
        await withTaskGroup(of: Ending?.self) { group in
            group.addTask {
                do { return .read(.success(try await source.read(at: now))) } catch { return .read(.failure(error)) }
            }
            // A sleep fails when it is cancelled alone, and then nobody waits for what it says.
            group.addTask { (try? await clock.sleep(for: source.deadline)) == nil ? nil : .late }
            let first = await group.next()!
            group.cancelAll()
            if Task.isCancelled { return }
            // Stored before the group waits for a reading that may not heed its cancellation.
            switch first {
            case .read(.success(let batch))?: await keep(batch, at: now, stopwatch.elapsed)
            case .read(.failure(let error))?: await fail(error, at: now, stopwatch.elapsed)
            case .late?, nil: await fail(DeadlineExceeded(limit: source.deadline), at: now, stopwatch.elapsed)
            }
        }
        try Task.checkCancellation()
    }

    private func keep(_ reading: SampleBatch, at now: Timestamp, _ duration: Duration) async {
        var batch = reading
        let source = plan.source
        let own = batch.rows.first { $0.labels.name == source.upMetric && $0.labels.pairs.count == 1 }?.value
        if own == nil { batch.add(source.upMetric, [:], 1) }
        let isUp = own.map { $0 != 0 } ?? true
        await store(&batch, isUp: isUp, error: isUp ? nil : CollectorErrorText.sourceSaysDown, nil, at: now, duration)
    }

    private func fail(_ error: any Error, at now: Timestamp, _ duration: Duration) async {
        var batch = SampleBatch(at: now)
        batch.add(plan.source.upMetric, [:], 0)
        let failure = error as? any Failure
        await store(
            &batch, isUp: false, error: failure?.oneLine ?? describe(error), failure?.hint, at: now, duration)
    }

    private func store(
        _ batch: inout SampleBatch, isUp: Bool, error: String?, _ hint: String?, at now: Timestamp, _ duration: Duration
    ) async {
        batch.label(with: plan.source.labels)
        let series = batch.rows.map(\.labels)
        let (vanished, snapshot, wasUp) = state.withLock { state in
            let current = Set(series)
            let vanished = state.live.filter { !current.contains($0) }
            state.live = series
            let wasUp = state.snapshot.isUp
            state.snapshot.lastReadingAt = now
            state.snapshot.lastDuration = duration
            state.snapshot.isUp = isUp
            state.snapshot.lastError = error
            state.snapshot.lastHint = hint
            state.snapshot.sampleCount = series.count
            state.snapshot.readingCount += 1
            if !isUp { state.snapshot.failureCount += 1 }
            return (vanished, state.snapshot, wasUp)
        }
        batch.rows += vanished.map { SampleBatch.Row(labels: $0, value: staleMarker) }
        addOwnSeries(snapshot, to: &batch)
        note(isUp: isUp, wasUp: wasUp, error)
        await append(batch)
    }

    private func addOwnSeries(_ snapshot: SourceSnapshot, to batch: inout SampleBatch) {
        func put(_ name: String, _ type: MetricType, _ help: String, _ value: Double) {
            batch.put(
                name, type, help, value, ownLabels.merging(Labels(name, ["source": snapshot.name])))
        }
        put("jaga_source_up", .gauge, "Whether the last reading of the source worked.", snapshot.isUp == true ? 1 : 0)
        put(
            "jaga_source_duration_seconds", .gauge, "Time that the last reading took.",
            snapshot.lastDuration?.inSeconds ?? 0)
        put("jaga_source_readings_total", .counter, "Readings of the source.", Double(snapshot.readingCount))
        put("jaga_source_failures_total", .counter, "Readings that failed.", Double(snapshot.failureCount))
        put(
            "jaga_source_samples_refused_total", .counter, "Samples that the store refused.",
            Double(snapshot.refusedSampleCount))
    }

    private func append(_ batch: SampleBatch) async {
        do {
            let outcome = try await store.append(batch)
            let refused = outcome.outOfOrder + outcome.duplicate
            if refused > 0 { state.withLock { $0.snapshot.refusedSampleCount += refused } }
        } catch {
            guard !Task.isCancelled else { return }
            state.withLock { state in
                state.snapshot.appendFailureCount += 1
                state.snapshot.lastError = "read, but not stored: \(describe(error))"
            }
            logger.error(
                "samples not stored", metadata: ["source": "\(plan.source.name)", "error": "\(describe(error))"])
        }
    }

    /// The source was taken out: its series end now instead of fading after five minutes.
    private func endSeries() async {
        let live = state.withLock { state in
            defer { state.live = [] }
            return state.live
        }
        guard !live.isEmpty else { return }
        var batch = SampleBatch(at: wallClock.now)
        batch.rows = live.map { SampleBatch.Row(labels: $0, value: staleMarker) }
        var own = SampleBatch(at: batch.timestamp)
        addOwnSeries(snapshot, to: &own)
        batch.rows += own.rows.map { SampleBatch.Row(labels: $0.labels, value: staleMarker) }
        await append(batch)
    }

    /// One line when a source goes down and one when it comes back, not one for each reading.
    private func note(isUp: Bool, wasUp: Bool?, _ error: String?) {
        if !isUp && wasUp != false {
            logger.warning(
                "source cannot be read", metadata: ["source": "\(plan.source.name)", "error": "\(error ?? "")"])
        } else if isUp && wasUp == false {
            logger.info("source can be read again", metadata: ["source": "\(plan.source.name)"])
        }
    }
}

enum CollectorErrorText {
    static let sourceSaysDown = "the source answered and says that it is down"
}

/// Measures on any clock.
private struct Stopwatch {
    private let measure: () -> Duration

    init(_ clock: some Clock<Duration>) {
        let start = clock.now
        measure = { start.duration(to: clock.now) }
    }

    var elapsed: Duration { measure() }
}
