public import Logging
public import Series
import Synchronization
public import Units

// Reads every source on its own interval and stores what it gives. Three promises:
//
//   - No source holds another up: each has a task of its own, at most one reading in flight, and a deadline. When the
//     deadline passes, the failure is stored at once, even while the reading still refuses to end.
//   - A failed or late reading stores `<upMetric> 0`, and a stale marker for every series that the reading before gave and
//     this one does not: an old healthy value must not stand in for an unknown one.
//   - Sources can be exchanged while it runs. Those that stay the same keep their rhythm and their counts.
//
// When readings happen: once soon after the start, each source a little later than the other, then on a grid of the time of
// day (12:00:00, 12:00:15 …) shifted by a hash of the source's name, so that fifty sources do not all work in one moment and
// a restart does not move them. A reading that takes longer than its interval leaves slots out; they are never made up.

/// A source to run, and what tells whether it is still the same after a reload.
public struct SourcePlan: Sendable {
    public let source: any SampleSource
    /// What the source was made from: its settings. Sources of equal name and identity are the same.
    public let identity: any (Hashable & Sendable)

    public init(_ source: any SampleSource, identity: any (Hashable & Sendable)) {
        self.source = source
        self.identity = identity
    }

    func isSame(as other: SourcePlan) -> Bool {
        source.name == other.source.name && AnyHashable(identity) == AnyHashable(other.identity)
    }
}

/// What pages show of a source.
public struct SourceSnapshot: Sendable {
    public var name: String
    public var labels: Labels
    public var interval: Duration
    /// After this long a reading counts as failed.
    public var deadline: Duration
    public var upMetric: String
    /// When the last finished reading began; nil before the first one.
    public var lastReadingAt: Timestamp?
    public var lastDuration: Duration?
    /// Nil before the first reading: unknown.
    public var isUp: Bool?
    /// Why the last reading failed; nil when it worked.
    public var lastError: String?
    public var lastHint: String?
    public var sampleCount = 0
    public var readingCount = 0
    public var failureCount = 0
    /// Samples that the store refused as too old or contradictory.
    public var refusedSampleCount = 0
    public var appendFailureCount = 0
}

/// Runs sources until it is cancelled.
public final class SourceRunner: Sendable {
    private let store: any SeriesAppending
    private let clock: any Clock<Duration>
    private let wallClock: any WallClock
    private let logger: Logger
    private let ownLabels: Labels
    private let state: Mutex<State>
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    private struct State {
        var plans: [SourcePlan]
        var runs: [SourceRun] = []
        var isRunning = false
    }

    /// - Parameters:
    ///   - ownLabels: carried by the runner's own series (`jaga_source_…`), as `host`.
    public init(
        _ plans: [SourcePlan] = [], appendingTo store: any SeriesAppending, clock: any Clock<Duration>,
        wallClock: any WallClock, logger: Logger, ownLabels: Labels = Labels()
    ) {
        Self.checkNames(plans)
        self.store = store
        self.clock = clock
        self.wallClock = wallClock
        self.logger = logger
        self.ownLabels = ownLabels
        state = Mutex(State(plans: plans))
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Exchanges the sources. Those that are the same as before go on undisturbed; removed ones end, and their series with
    /// them.
    public func replace(with plans: [SourcePlan]) {
        Self.checkNames(plans)
        state.withLock { $0.plans = plans }
        changed.yield()
    }

    /// All sources, in the order they were given.
    public var snapshot: [SourceSnapshot] {
        let (plans, runs) = state.withLock { ($0.plans, $0.runs) }
        return plans.map { plan in
            runs.first { $0.plan.isSame(as: plan) }?.snapshot ?? SourceRun.emptySnapshot(of: plan.source)
        }
    }

    /// Reads until the task is cancelled, and returns when no reading is in flight any more.
    public func run() async {
        let isFirst = state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        precondition(isFirst, "a source runner runs once")
        await withDiscardingTaskGroup { group in
            for run in adoptPlans() { group.addTask { await run.live() } }
            for await _ in changes {
                for run in adoptPlans() { group.addTask { await run.live() } }
            }
            group.cancelAll()
        }
    }

    /// Ends the runs that are no longer wanted and makes those that are new.
    /// - Returns: the new ones.
    private func adoptPlans() -> [SourceRun] {
        let (ended, begun) = state.withLock { state in
            let kept = state.runs.filter { run in state.plans.contains { $0.isSame(as: run.plan) } }
            let ended = state.runs.filter { run in !kept.contains { $0 === run } }
            let begun = state.plans.filter { plan in !kept.contains { $0.plan.isSame(as: plan) } }.map { plan in
                SourceRun(
                    plan, store: store, clock: clock, wallClock: wallClock, logger: logger, ownLabels: ownLabels)
            }
            state.runs = kept + begun
            return (ended, begun)
        }
        for run in ended { run.stop() }
        return begun
    }

    private static func checkNames(_ plans: [SourcePlan]) {
        let names = plans.map(\.source.name)
        precondition(Set(names).count == names.count, "two sources have the same name: \(names.sorted())")
    }
}
