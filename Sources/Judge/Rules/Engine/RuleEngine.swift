import Diagnostics
public import Events
import JSONCoding
public import Logging
public import PromQL
public import Series
public import Units

/// Evaluates rule groups and keeps the states of their alerts.
///
/// What changed in an evaluation is recorded in one call; the new states count only when that call has returned. A fault in
/// between leaves the old states, and the next evaluation finds the same changes again.
public actor RuleEngine {
    private let runner: RuleRunner
    private let series: any SeriesAppending
    /// Nil: hold times go on by what the ledger says alone.
    let history: (any SeriesReading)?
    private let events: any EventRecording
    private(set) var defaultInterval: Duration
    private let clock: any Clock<Duration>
    let logger: Logger
    private(set) var states: [RuleGroupState]
    private var busy: Set<String> = []
    /// Open alerts that no rule carries any more.
    private var orphans: [RestoredAlert]
    /// Series of rules and groups that are gone from the configuration, which are yet to end with a stale marker.
    private var departed: Set<Labels> = []
    private(set) var ruleDurations = DurationSummary()
    private(set) var groupDurations = DurationSummary()
    /// Groups that wait for one of the places in which groups are evaluated.
    var waiting: [Timetable.Due] = []
    var runningCount = 0

    /// - Parameters:
    ///   - groups: names and files together are unique.
    ///   - defaultInterval: for groups that name none.
    ///   - history: the stored series, for the hold times of alerts that were open when the program ended.
    ///   - restored: the alerts that were open when the program ended, from `AlertStateProjection.open`.
    ///   - clock: measures durations.
    public init(
        groups: [RuleGroup], defaultInterval: Duration, queries: QueryEngine, series: any SeriesAppending,
        history: (any SeriesReading)? = nil, events: any EventRecording, templates: any TemplateExpanding,
        externalLabels: [String: String] = [:],
        restored: [RestoredAlert] = [], clock: any Clock<Duration>, logger: Logger
    ) {
        runner = RuleRunner(queries: queries, templates: templates, externalLabels: externalLabels)
        self.series = series
        self.history = history
        self.events = events
        self.defaultInterval = defaultInterval
        self.clock = clock
        self.logger = logger
        (states, orphans) = Self.states(groups, defaultInterval, restored)
        for index in states.indices { states[index].isToBeRestored = true }
    }

    private static func states(_ groups: [RuleGroup], _ interval: Duration, _ restored: [RestoredAlert])
        -> ([RuleGroupState], orphans: [RestoredAlert])
    {
        var byGroup = Dictionary(grouping: restored, by: \.group)
        var orphans: [RestoredAlert] = []
        let states = groups.map { group in
            let own = byGroup.removeValue(forKey: group.id) ?? []
            orphans += own.filter { open in
                !group.rules.contains {
                    $0.kind == .alerting && $0.name == open.rule && RuleGroupState.carries(open.alert, $0)
                }
            }
            return RuleGroupState(group, defaultInterval: interval, restored: own)
        }
        return (states, orphans + byGroup.values.flatMap { $0 })
    }

    /// What pages and the API show.
    public var snapshot: [RuleGroupStatus] { states.map(\.status) }

    /// Every open alert.
    public var activeAlerts: [ActiveAlert] { states.flatMap { $0.rules.flatMap(\.alerts.sorted) } }

    /// Takes the groups of a new configuration. Open alerts of rules that are still there go on; the others end at the next
    /// evaluation.
    /// - Parameter defaultInterval: nil: as before.
    public func replace(groups: [RuleGroup], defaultInterval: Duration? = nil) {
        if let defaultInterval { self.defaultInterval = defaultInterval }
        let open = states.flatMap { state in
            zip(state.group.rules, state.rules).flatMap { rule, ruleState in
                ruleState.alerts.sorted.map { RestoredAlert(group: state.group.id, rule: rule.name, alert: $0) }
            }
        }
        let old = Dictionary(states.map { ($0.group.id, $0) }, uniquingKeysWith: { first, _ in first })
        var (next, orphans) = Self.states(groups, self.defaultInterval, open + self.orphans)
        for index in next.indices {
            if let before = old[next[index].group.id] { next[index].inherit(before) }
        }
        // Rules that moved to another group write the same series there; those do not end.
        let stillNamed = Set(next.flatMap(\.group.rules).filter { $0.kind == .recording }.map(\.name))
        let kept = next.reduce(into: Set<Labels>()) { $0.formUnion($1.allWritten) }
        for state in states { departed.formUnion(state.allWritten) }
        departed = departed.subtracting(kept).filter { !stillNamed.contains($0.name) }
        states = next
        self.orphans = orphans
    }

    // MARK: Evaluating

    /// Evaluates one group at `now`.
    /// - Parameter id: `RuleGroup.id`.
    /// - Returns: nil when there is no such group.
    /// - Throws: when what changed could not be recorded; the states are then as before. Also `CancellationError`.
    @discardableResult
    public func evaluate(_ id: String, at now: Timestamp) async throws -> GroupEvaluation? {
        guard let place = states.firstIndex(where: { $0.group.id == id }) else { return nil }
        guard busy.insert(id).inserted else {
            states[place].missed += 1
            return GroupEvaluation(wasSkipped: true)
        }
        defer { busy.remove(id) }
        try await retireOrphans(at: now)
        await endDeparted(at: now)
        guard let current = states.first(where: { $0.group.id == id }) else { return nil }
        var state = current
        var outcome = GroupEvaluation()
        let verdict = state.clock.verdict(at: now)
        switch verdict {
        case .skip(let behind):
            state.note = "the clock stands \(behind.briefText) before the last evaluation; alerts stay as they are"
            commit(state)
            outcome.wasSkipped = true
            return outcome
        case .rebase:
            for index in state.rules.indices { state.rules[index].alerts.rebase(to: now) }
        case .evaluate, .settle: break
        }
        state.note = nil
        if state.isToBeRestored { await recall(&state, at: now) }
        state.lastSampleCount = 0
        state.lastRuleDuration = .zero
        var changes: [Event] = []
        let took = try await measured(clock) {
            for index in state.rules.indices {
                try await self.evaluate(
                    rule: index, of: &state, at: now, isSettling: verdict != .evaluate, &changes, &outcome)
            }
        }
        if !changes.isEmpty { try await events.record(changes) }
        state.iterations += 1
        state.lastEvaluation = now
        state.lastDuration = took
        groupDurations.add(took, at: now)
        commit(state)
        var batch = SampleBatch(at: now)
        batch.rows = state.ownRows()
        await store(batch, of: state.group.id)
        return outcome
    }

    /// Puts `state` in its place, unless a reload has replaced the group with another while it was evaluated.
    private func commit(_ state: RuleGroupState) {
        guard let place = states.firstIndex(where: { $0.group.id == state.group.id }) else {
            orphans += zip(state.group.rules, state.rules).flatMap { rule, ruleState in
                ruleState.alerts.sorted.map { RestoredAlert(group: state.group.id, rule: rule.name, alert: $0) }
            }
            return
        }
        let hasSameRules =
            states[place].group.rules.map(\.identity) == state.group.rules.map(\.identity)
            && states[place].interval == state.interval
        if hasSameRules {
            let missed = states[place].missed
            states[place] = state
            states[place].missed = missed
        } else {
            let open = zip(state.group.rules, state.rules).flatMap { rule, ruleState in
                ruleState.alerts.sorted.map { RestoredAlert(group: state.group.id, rule: rule.name, alert: $0) }
            }
            let (next, orphans) = Self.states([states[place].group], defaultInterval, open)
            states[place] = next[0]
            states[place].inherit(state)
            self.orphans += orphans
        }
    }

    private func evaluate(
        rule index: Int, of state: inout RuleGroupState, at now: Timestamp, isSettling: Bool, _ changes: inout [Event],
        _ outcome: inout GroupEvaluation
    ) async throws {
        let group = state.group
        let rule = group.rules[index]
        let time = now - group.queryOffset
        state.evaluations += 1
        var failure: (any Error)?
        let took = try await measured(clock) {
            do {
                switch rule.kind {
                case .alerting:
                    let found = try await self.runner.alerts(rule, limit: group.limit, at: time)
                    state.rules[index].status.lastElementCount = found.count
                    for change in state.rules[index].alerts.observe(found, at: now, isSettling: isSettling) {
                        changes.append(change.event(group, rule.name, at: now))
                        if case .fired = change { outcome.fired += 1 }
                        if case .resolved = change { outcome.resolved += 1 }
                    }
                case .recording:
                    let rows = try await self.runner.rows(rule, limit: group.limit, at: time)
                    state.rules[index].status.lastElementCount = rows.count
                    state.lastSampleCount += rows.count
                    var recorded = SampleBatch(at: time)
                    recorded.rows = rows + self.ended(rows, &state.rules[index])
                    // At once, since the rules after this one may ask for it.
                    if !recorded.rows.isEmpty { try await self.series.append(recorded) }
                }
            } catch let error where !(error is CancellationError) {
                failure = error
            }
        }
        state.rules[index].status.lastEvaluation = now
        state.rules[index].status.lastDuration = took
        state.lastRuleDuration += took
        ruleDurations.add(took, at: now)
        note(failure, rule, &state, index, at: now, &changes)
        if failure != nil { outcome.failedRules += 1 }
        if rule.kind == .alerting {
            state.rules[index].status.alerts = state.rules[index].alerts.sorted
            let rows = state.rules[index].alerts.sorted.flatMap { RuleGroupState.series($0) }
            state.lastSampleCount += rows.count
            var batch = SampleBatch(at: time)
            batch.rows = rows + ended(rows, &state.rules[index])
            // Like recorded series, so that the rules after this one see which alerts are open. Should what changed not
            // reach the ledger, the next evaluation finds the same again, and these series were right all the while.
            if !batch.rows.isEmpty { await store(batch, of: group.id) }
        }
    }

    /// Stale markers for the series that were written last time and are not among `rows`.
    private func ended(_ rows: [SampleBatch.Row], _ rule: inout RuleGroupState.RuleState) -> [SampleBatch.Row] {
        let now = Set(rows.map(\.labels))
        defer { rule.written = now }
        return rule.written.subtracting(now).sorted().map { SampleBatch.Row(labels: $0, value: staleMarker) }
    }

    /// Whether a condition holds is unknown when it cannot be evaluated. That is told once, when it begins.
    private func note(
        _ failure: (any Error)?, _ rule: Rule, _ state: inout RuleGroupState, _ index: Int, at now: Timestamp,
        _ changes: inout [Event]
    ) {
        guard let failure else {
            state.rules[index].status.health = .ok
            state.rules[index].status.lastError = nil
            return
        }
        let text = (failure as? any Failure)?.oneLine ?? describe(failure)
        state.failures += 1
        if state.rules[index].status.health != .failed {
            changes.append(
                Event(
                    at: now, by: Actor(.rule, rule.name), .ruleFailed, "rule/\(rule.name)",
                    ["group": .string(state.group.id), "rule": .string(rule.name), "error": .string(text)]))
            logger.warning("rule cannot be evaluated", metadata: ["rule": "\(rule.name)", "error": "\(text)"])
        }
        state.rules[index].status.health = .failed
        state.rules[index].status.lastError = text
    }

    private func store(_ batch: SampleBatch, of group: String) async {
        do {
            try await series.append(batch)
        } catch {
            // The states are safe in the ledger; these series only show them.
            logger.warning(
                "series of a rule group were not stored",
                metadata: ["group": "\(group)", "error": "\(describe(error))"])
        }
    }

    /// Ends the series of rules and groups that a reload took away.
    func endDeparted(at now: Timestamp) async {
        guard !departed.isEmpty else { return }
        var batch = SampleBatch(at: now)
        batch.rows = departed.sorted().map { SampleBatch.Row(labels: $0, value: staleMarker) }
        departed = []
        await store(batch, of: "(removed)")
    }

    /// Counts evaluations of a group that were left out.
    func countMissed(_ count: Int, of id: String) {
        guard count > 0, let place = states.firstIndex(where: { $0.group.id == id }) else { return }
        states[place].missed += count
    }

    func isBusy(_ id: String) -> Bool { busy.contains(id) || waiting.contains { $0.group == id } }

    /// Ends alerts whose rule is gone from the configuration.
    private func retireOrphans(at now: Timestamp) async throws {
        let leaving = orphans
        guard !leaving.isEmpty else { return }
        orphans = []
        do {
            try await events.record(
                leaving.map { open in
                    let kind: EventKind = open.alert.state == .firing ? .alertResolved : .alertCleared
                    return .about(
                        open.alert, kind, group: open.group, rule: open.rule, at: now, reason: "the rule was removed")
                })
        } catch {
            orphans += leaving
            throw error
        }
    }
}

extension Rule {
    /// What makes two rules the same across a reload.
    fileprivate var identity: [String] {
        [kind.rawValue, name, expressionText, hold.prometheusText, keepFiring.prometheusText]
            + labels.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
            + annotations.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
    }
}

/// How long `body` takes by `clock`.
private func measured<C: Clock>(_ clock: C, _ body: () async throws -> Void) async throws -> Duration
where C.Duration == Duration {
    let start = clock.now
    try await body()
    return start.duration(to: clock.now)
}
