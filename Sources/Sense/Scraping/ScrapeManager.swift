public import Logging
public import Series
import Synchronization
public import Units

// Scrapes as Prometheus does. Each job has a pool: its discoveries find lists of targets, relabelling makes targets of them, and
// each target has a loop of its own, so that no target holds another up. A loop asks for the page, turns it into columns and hands
// them to the store together with what the scrape says of itself (`up` …).
//
// Promises:
//
//   - A scrape is stored as a whole or fails as a whole: `up 0`, a stale marker for everything that lived, and the reason.
//   - A target that goes away, by discovery or by a reload, ends with stale markers. Jobs and targets that stay the same over a
//     reload keep their rhythm and their counts.
//   - A discovery that fails keeps its last good list, and says so.

/// Finds and scrapes the targets of all jobs until it is cancelled.
public final class ScrapeManager: Sendable {
    private let around: ScrapeSurroundings
    private let state: Mutex<State>
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    private struct State {
        var jobs: [ScrapeJob]
        var pools: [ScrapePool] = []
        var isRunning = false
    }

    /// - Parameters:
    ///   - userAgent: what targets see, as in "jaga/1.0".
    ///   - seed: differs between instances that scrape the same targets, so that they do not do so in the same moment.
    public init(
        _ jobs: [ScrapeJob] = [], appendingTo store: any ColumnAppending, clock: any Clock<Duration>,
        wallClock: any WallClock, logger: Logger, userAgent: String, seed: String = ""
    ) {
        around = ScrapeSurroundings(
            store: store, clock: clock, wallClock: wallClock, logger: logger, userAgent: userAgent, seed: seed)
        state = Mutex(State(jobs: jobs))
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Exchanges the jobs. Those that are the same go on undisturbed; removed ones end, and their series with them.
    public func replace(with jobs: [ScrapeJob]) {
        state.withLock { $0.jobs = jobs }
        changed.yield()
    }

    /// All targets, in the order of the jobs.
    public var report: TargetsReport {
        var report = TargetsReport()
        for pool in pools { pool.report(into: &report) }
        return report
    }

    /// Adds how the scrapes keep their rhythm, under the reference's name.
    public func reportIntervals(into batch: inout SampleBatch) { around.lengths.report(into: &batch) }

    /// What targets say of their metrics.
    /// - Parameters:
    ///   - matchers: which targets, by their labels.
    ///   - metric: only this one.
    ///   - limit: entries at most.
    public func metadata(
        _ matchers: [LabelMatcher] = [], metric: String? = nil, limit: Int = .max
    ) async -> [TargetMetadata] {
        var found: [TargetMetadata] = []
        for pool in pools {
            for loop in pool.loops where matchers.allSatisfy({ $0.matches(loop.target.labels) }) {
                let metadata = loop.metadata()
                let entries =
                    metric.map { [metadata[$0]].compactMap { $0 } } ?? metadata.values.sorted { $0.name < $1.name }
                for entry in entries {
                    guard found.count < limit else { return found }
                    found.append(TargetMetadata(target: loop.target.labels, metadata: entry))
                }
            }
        }
        return found
    }

    private var pools: [ScrapePool] {
        let (jobs, pools) = state.withLock { ($0.jobs, $0.pools) }
        return jobs.compactMap { job in pools.first { $0.job == job } }
    }

    /// Scrapes until the task is cancelled, and returns when no scrape is in flight any more.
    public func run() async {
        let isFirst = state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        precondition(isFirst, "a scrape manager runs once")
        await withDiscardingTaskGroup { group in
            for pool in adopt() { group.addTask { await pool.run() } }
            for await _ in changes {
                for pool in adopt() { group.addTask { await pool.run() } }
            }
            group.cancelAll()
        }
    }

    /// Ends the pools that are no longer wanted and makes those that are new.
    /// - Returns: the new ones.
    private func adopt() -> [ScrapePool] {
        let (ended, begun) = state.withLock { state in
            let kept = state.pools.filter { pool in state.jobs.contains(pool.job) }
            let ended = state.pools.filter { pool in !kept.contains { $0 === pool } }
            let begun = state.jobs.filter { job in !kept.contains { $0.job == job } }.map { ScrapePool($0, around) }
            state.pools = kept + begun
            return (ended, begun)
        }
        for pool in ended { pool.stop() }
        return begun
    }
}
