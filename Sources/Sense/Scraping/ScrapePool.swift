import Diagnostics
import Logging
import Series
import Synchronization
import Units

/// The targets of one job: found, relabelled, scraped.
final class ScrapePool: Sendable {
    let job: ScrapeJob
    private let around: ScrapeSurroundings
    private let discoveries: [any TargetDiscovery]
    private let state: Mutex<State>
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let stopped: AsyncStream<Void>
    private let stopping: AsyncStream<Void>.Continuation

    private struct State {
        /// By discovery; nil before the first list.
        var groups: [[TargetGroup]?]
        var statuses: [DiscoveryStatus]
        var loops: [Target.Identity: ScrapeLoop] = [:]
        /// The loops' identities in the order in which discovery found them.
        var order: [Target.Identity] = []
        var dropped: [DroppedTarget] = []
        var droppedCount = 0
        var refusal: String?
        var isStopped = false
    }

    /// Dropped targets that are listed at most: a discovery may find a whole cluster and keep a handful.
    private static let droppedMax = 10_000

    init(_ job: ScrapeJob, _ around: ScrapeSurroundings) {
        self.job = job
        self.around = around
        discoveries = job.discoveries.map(\.discovery)
        state = Mutex(
            State(
                groups: Array(repeating: nil, count: discoveries.count),
                statuses: discoveries.map { DiscoveryStatus(pool: job.name, mechanism: $0.mechanism) }))
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (stopped, stopping) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Adds what there is to tell.
    func report(into report: inout TargetsReport) {
        state.withLock { state in
            report.active += state.order.compactMap { state.loops[$0]?.status }
            report.dropped += state.dropped
            report.droppedCounts[job.name] = state.droppedCount
            report.discoveries += state.statuses
        }
    }

    var loops: [ScrapeLoop] { state.withLock { state in state.order.compactMap { state.loops[$0] } } }

    /// Asks every discovery once.
    /// - Returns: the targets, not yet scraped.
    func findOnce() async -> [ScrapeLoop] {
        for (index, discovery) in discoveries.enumerated() { await refresh(index, discovery) }
        return adopt()
    }

    /// Ends the pool; its series are marked as ended.
    func stop() { stopping.finish() }

    /// Finds and scrapes until `stop` or cancellation.
    func run() async {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.live()
                return false
            }
            group.addTask {
                for await _ in self.stopped {}
                return !Task.isCancelled
            }
            if await group.next()! {
                // The loops write their ends before they come back; only then the rest is cancelled.
                let loops = state.withLock { state in
                    defer { state.loops = [:] }
                    // A list that comes in now must not begin anything.
                    state.isStopped = true
                    return state.loops.values.map { $0 }
                }
                for loop in loops { loop.stop() }
                changed.finish()
            } else {
                group.cancelAll()
            }
            await group.waitForAll()
        }
    }

    private func live() async {
        await withTaskGroup(of: Void.self) { scrapes in
            await withTaskGroup(of: Void.self) { finders in
                for index in discoveries.indices { finders.addTask { await self.find(index) } }
                for await _ in changes {
                    for loop in adopt() {
                        scrapes.addTask(executorPreference: ScrapeLoop.threads) { await loop.run() }
                    }
                }
                finders.cancelAll()
            }
            if Task.isCancelled { scrapes.cancelAll() }
            await scrapes.waitForAll()
        }
    }

    /// Keeps the list of one discovery up to date.
    private func find(_ index: Int) async {
        let discovery = discoveries[index]
        do {
            while true {
                await refresh(index, discovery)
                guard let refresh = discovery.refresh else { return }
                let until = around.wallClock.now + refresh
                while around.wallClock.now < until {
                    let rest = until - around.wallClock.now
                    try await around.clock.sleep(for: min(rest, discovery.changePoll ?? rest))
                    if discovery.changePoll != nil, await discovery.hasChanged() { break }
                }
                try Task.checkCancellation()
            }
        } catch {
            // Only cancellation ends the loop.
        }
    }

    private func refresh(_ index: Int, _ discovery: any TargetDiscovery) async {
        let start = ContinuousClock.now
        var found: [TargetGroup]?
        var fault: String?
        do {
            found = try await discovery.read()
        } catch let partial as PartialDiscovery {
            found = partial.groups
            fault = partial.fault
        } catch {
            if Task.isCancelled { return }
            fault = (error as? any Failure)?.oneLine ?? describe(error)
        }
        let now = around.wallClock.now
        let (isNew, before) = state.withLock { state in
            let isNew = found != nil && state.groups[index] != found
            if let found { state.groups[index] = found }
            let before = state.statuses[index].lastError
            state.statuses[index].refreshCount += 1
            if fault != nil { state.statuses[index].failureCount += 1 }
            state.statuses[index].lastError = fault
            state.statuses[index].lastRefresh = now
            state.statuses[index].lastDuration = start.duration(to: .now)
            state.statuses[index].targetCount = state.groups[index]?.reduce(0) { $0 + $1.targets.count } ?? 0
            return (isNew, before)
        }
        if let fault, before == nil {
            around.logger.warning(
                "targets could not be looked up; the last list stays",
                metadata: ["job": "\(job.name)", "mechanism": "\(discovery.mechanism)", "error": "\(fault)"])
        }
        if isNew { changed.yield() }
    }

    /// Makes targets of what was found, ends the loops that are no longer wanted and makes those that are new.
    /// - Returns: the new ones.
    private func adopt() -> [ScrapeLoop] {
        let groups = state.withLock { $0.groups }
        var wanted: [(Target.Identity, Target)] = []
        var seen: Set<Target.Identity> = []
        var dropped: [DroppedTarget] = []
        var droppedCount = 0
        let listed = min(job.keepDroppedTargets ?? Self.droppedMax, Self.droppedMax)
        for group in groups.compactMap({ $0 }).joined() {
            for own in group.targets {
                var missing: (labels: Labels, reason: String?)?
                switch job.target(own, group: group.labels) {
                case .target(let target):
                    if seen.insert(target.identity).inserted { wanted.append((target.identity, target)) }
                case .dropped(let labels): missing = (labels, nil)
                case .invalid(let labels, let reason): missing = (labels, reason)
                }
                guard let missing else { continue }
                droppedCount += 1
                if let reason = missing.reason {
                    around.logger.error(
                        "a target cannot be scraped as it stands",
                        metadata: ["job": "\(job.name)", "target": "\(missing.labels)", "error": "\(reason)"])
                }
                if dropped.count < listed {
                    dropped.append(
                        DroppedTarget(pool: job.name, discoveredLabels: missing.labels, reason: missing.reason))
                }
            }
        }
        var refusal: String?
        if let most = job.limits.targets, wanted.count > most {
            refusal = "target_limit exceeded (number of targets: \(wanted.count), limit: \(most))"
        }
        let (ended, begun) = state.withLock { state in
            guard !state.isStopped else { return ([ScrapeLoop](), [ScrapeLoop]()) }
            let ended = state.loops.filter { !seen.contains($0.key) }
            for identity in ended.keys { state.loops[identity] = nil }
            var begun: [ScrapeLoop] = []
            for (identity, target) in wanted where state.loops[identity] == nil {
                let loop = ScrapeLoop(target, job, around) { [weak self] in
                    self?.state.withLock { $0.refusal }
                }
                state.loops[identity] = loop
                begun.append(loop)
            }
            state.order = wanted.map(\.0)
            state.dropped = dropped
            state.droppedCount = droppedCount
            state.refusal = refusal
            return (ended.values.map { $0 }, begun)
        }
        for loop in ended { loop.stop() }
        return begun
    }
}
