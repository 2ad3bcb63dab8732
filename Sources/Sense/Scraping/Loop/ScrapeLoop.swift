import BlockingCalls
import Diagnostics
import Exposition
import Logging
import Series
import Synchronization
import Units

/// What the loops of one instance share.
struct ScrapeSurroundings: Sendable {
    var store: any ColumnAppending
    var clock: any Clock<Duration>
    var wallClock: any WallClock
    var logger: Logger
    var userAgent: String
    /// Differs between instances that scrape the same targets.
    var seed: String
    /// How long it was from scrape to scrape, over all targets.
    var lengths = IntervalLengths()
}

/// The time from one scrape of a target to its next, by the interval that was asked for: whether scrapes keep their rhythm.
final class IntervalLengths: Sendable {
    private let summaries = Mutex<[Duration: DurationSummary]>([:])

    func add(_ length: Duration, of interval: Duration, at now: Timestamp) {
        summaries.withLock { $0[interval, default: DurationSummary()].add(length, at: now) }
    }

    func report(into batch: inout SampleBatch) {
        let name = "prometheus_target_interval_length_seconds"
        for (interval, summary) in summaries.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            summary.report(
                name, [0.01, 0.05, 0.5, 0.9, 0.99], labels: ["interval": interval.prometheusText], into: &batch)
        }
        batch.metadata[name] = MetricMetadata(name, .summary, "How long it was from scrape to scrape.")
    }
}

/// Scrapes one target on and on.
final class ScrapeLoop: Sendable {
    /// A scrape waits for its target, reads the page and writes it to the log on one of these from its beginning to its end: it has
    /// nothing to do meanwhile, and handing it from thread to thread would cost more than the page. So many targets can hang at once
    /// before others have to wait for a thread; an idle one ends after some seconds.
    static let threads = BlockingThreads(threadCountMax: 256)

    let target: Target
    private let job: ScrapeJob
    private let around: ScrapeSurroundings
    /// Why all scrapes of the job fail; nil when they need not.
    private let refusal: @Sendable () -> String?
    private let worker: ScrapeWorker
    private let state: Mutex<State>
    private let stopped: AsyncStream<Void>
    private let stopping: AsyncStream<Void>.Continuation

    private struct State {
        var status: TargetStatus
    }

    init(
        _ target: Target, _ job: ScrapeJob, _ around: ScrapeSurroundings, refusal: @escaping @Sendable () -> String?
    ) {
        self.target = target
        self.job = job
        self.around = around
        self.refusal = refusal
        worker = ScrapeWorker(job, target, around)
        state = Mutex(
            State(
                status: TargetStatus(
                    pool: job.name, discoveredLabels: target.discoveredLabels, labels: target.labels, url: target.url,
                    interval: target.interval, timeout: target.timeout)))
        (stopped, stopping) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var status: TargetStatus { state.withLock { $0.status } }

    /// What the target's last page said of its metrics.
    func metadata() -> MetadataByName { worker.metadata() }

    func stop() { stopping.finish() }

    /// Scrapes until `stop` or cancellation. After `stop` the target's series are marked as ended.
    func run() async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.scrapeOnAndOn()
                return false
            }
            group.addTask {
                for await _ in self.stopped {}
                return !Task.isCancelled
            }
            let isStopped = await group.next()!
            group.cancelAll()
            await group.waitForAll()
            if isStopped { await worker.endSeries(at: around.wallClock.now) }
        }
    }

    private func scrapeOnAndOn() async {
        let times = ScrapeTimes(interval: target.interval, target: target, seed: around.seed)
        do {
            var planned = around.wallClock.now + .milliseconds(times.firstDelayMs)
            var last: Timestamp?
            while true {
                let wait = planned - around.wallClock.now
                if wait > .zero { try await around.clock.sleep(for: wait) }
                let now = around.wallClock.now
                if let last { around.lengths.add(now - last, of: target.interval, at: now) }
                last = now
                await scrape(at: times.aligned(now, to: planned))
                try Task.checkCancellation()
                planned = times.next(after: now, now: around.wallClock.now)
            }
        } catch {
            // Only cancellation ends the loop.
        }
    }

    func scrapeOnce() async { await scrape(at: around.wallClock.now) }

    private func scrape(at now: Timestamp) async {
        let result = await worker.scrape(at: now, refusal: refusal())
        guard !Task.isCancelled else { return }
        let failure = result.failure
        let wasHealth = state.withLock { state in
            let before = state.status.health
            state.status.lastScrape = now
            state.status.lastDuration = result.duration
            state.status.health = failure == nil ? .up : .down
            state.status.lastError = failure.map { ($0 as? any Failure)?.oneLine ?? describe($0) }
            state.status.lastHint = (failure as? any Failure)?.hint
            state.status.sampleCount = result.sampleCount
            state.status.scrapeCount += 1
            if failure != nil { state.status.failureCount += 1 }
            state.status.refusedSampleCount += result.refusedCount
            return before
        }
        note(failure, before: wasHealth)
    }

    /// One line when a target goes down and one when it comes back, not one for each scrape.
    private func note(_ failure: (any Error)?, before: TargetStatus.Health) {
        let place: Logger.Metadata = ["job": "\(job.name)", "instance": "\(target.labels["instance"] ?? "")"]
        if let failure, before != .down {
            around.logger.warning(
                "target cannot be scraped", metadata: place.merging(["error": "\(describe(failure))"]) { $1 })
        } else if failure == nil, before == .down {
            around.logger.info("target can be scraped again", metadata: place)
        }
    }
}
