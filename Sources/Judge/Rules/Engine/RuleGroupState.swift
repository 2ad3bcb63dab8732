import Events
import JSONCoding
import PromQL
import Series
import Units

/// All that is remembered of a group between two evaluations. A value: an evaluation works on a copy, which takes its place
/// only when what changed is on disk.
struct RuleGroupState: Sendable {
    struct RuleState: Sendable {
        var alerts: AlertStates
        var status: RuleStatus
        /// Series written at the last evaluation; those that are not written again end with a stale marker.
        var written: Set<Labels> = []
    }

    let group: RuleGroup
    let interval: Duration
    var clock: EvaluationClock
    var rules: [RuleState]
    var lastEvaluation: Timestamp?
    var lastDuration: Duration?
    var iterations = 0
    var missed = 0
    var evaluations = 0
    var failures = 0
    var note: String?
    /// Samples that the rules gave at the last evaluation.
    var lastSampleCount = 0
    /// All rules together, where the group's duration also has the time to store.
    var lastRuleDuration = Duration.zero
    /// Whether the hold times of an earlier run are still to be looked up.
    var isToBeRestored = false

    init(_ group: RuleGroup, defaultInterval: Duration, restored: [RestoredAlert]) {
        self.group = group
        interval = group.interval ?? defaultInterval
        clock = EvaluationClock(interval: interval)
        rules = group.rules.map { rule in
            let open = restored.filter { restored in
                restored.rule == rule.name && rule.kind == .alerting && Self.carries(restored.alert, rule)
            }.map(\.alert)
            let alerts = AlertStates(hold: rule.hold, keepFiring: rule.keepFiring, restored: open)
            let status = RuleStatus(
                kind: rule.kind, name: rule.name, expression: rule.expressionText,
                printedExpression: rule.expression.description, hold: rule.hold,
                keepFiring: rule.keepFiring, labels: rule.labels, annotations: rule.annotations, alerts: alerts.sorted)
            var state = RuleState(alerts: alerts, status: status)
            state.written = Set(alerts.sorted.flatMap { Self.series($0).map(\.labels) })
            return state
        }
    }

    /// Rules of one name are told apart by their plain labels (`severity`); templates may have given anything.
    static func carries(_ alert: ActiveAlert, _ rule: Rule) -> Bool {
        rule.labels.allSatisfy { name, value in value.contains("{{") || alert.labels[name] == value }
    }

    /// Takes over counters and times of the same group before a reload.
    mutating func inherit(_ old: RuleGroupState) {
        iterations = old.iterations
        missed = old.missed
        evaluations = old.evaluations
        failures = old.failures
        lastEvaluation = old.lastEvaluation
        lastDuration = old.lastDuration
        lastSampleCount = old.lastSampleCount
        lastRuleDuration = old.lastRuleDuration
        isToBeRestored = old.isToBeRestored
        if interval == old.interval { clock = old.clock }
        for index in rules.indices {
            let name = rules[index].status.name
            guard
                let same = old.rules.first(where: {
                    $0.status.name == name && $0.status.labels == rules[index].status.labels
                })
            else { continue }
            rules[index].status.health = same.status.health
            rules[index].status.lastError = same.status.lastError
            rules[index].status.lastEvaluation = same.status.lastEvaluation
            rules[index].status.lastDuration = same.status.lastDuration
            rules[index].written.formUnion(same.written)
        }
    }

    /// `ALERTS` and `ALERTS_FOR_STATE` of one alert.
    static func series(_ alert: ActiveAlert) -> [SampleBatch.Row] {
        var state = alert.labels
        state[Labels.metricName] = "ALERTS"
        state["alertstate"] = alert.state.rawValue
        var since = alert.labels
        since[Labels.metricName] = "ALERTS_FOR_STATE"
        return [
            SampleBatch.Row(labels: state, value: 1),
            SampleBatch.Row(labels: since, value: alert.activeAt.secondsSinceEpoch.rounded(.down)),
        ]
    }

    var status: RuleGroupStatus {
        RuleGroupStatus(
            id: group.id, name: group.name, file: group.file, interval: interval, lastEvaluation: lastEvaluation,
            lastDuration: lastDuration, limit: group.limit, queryOffset: group.queryOffset, missedEvaluations: missed,
            note: note, rules: rules.map(\.status))
    }

    /// All that the group has written and that ends with it.
    var allWritten: Set<Labels> {
        rules.reduce(into: Set(ownRows().map(\.labels))) { $0.formUnion($1.written) }
    }

    static let metadata = [
        MetricMetadata("prometheus_rule_group_interval_seconds", .gauge, "How often the group is evaluated."),
        MetricMetadata("prometheus_rule_group_rules", .gauge, "The rules of the group."),
        MetricMetadata("prometheus_rule_group_iterations_total", .counter, "Evaluations of the group."),
        MetricMetadata(
            "prometheus_rule_group_iterations_missed_total", .counter,
            "Evaluations that were left out since the one before had not ended."),
        MetricMetadata("prometheus_rule_evaluations_total", .counter, "Evaluations of the group's rules."),
        MetricMetadata("prometheus_rule_evaluation_failures_total", .counter, "Evaluations that failed."),
        MetricMetadata(
            "prometheus_rule_group_last_evaluation_samples", .gauge, "Samples that the last evaluation gave."),
        MetricMetadata(
            "prometheus_rule_group_last_rule_duration_sum_seconds", .gauge,
            "How long all rules took together at the last evaluation."),
        MetricMetadata(
            "prometheus_rule_group_last_duration_seconds", .gauge, "How long the last evaluation took."),
        MetricMetadata(
            "prometheus_rule_group_last_evaluation_timestamp_seconds", .gauge,
            "When the group was evaluated last, in Unix seconds."),
    ]

    /// The series about the group, named as the reference names them.
    func ownRows() -> [SampleBatch.Row] {
        func row(_ name: String, _ value: Double) -> SampleBatch.Row {
            SampleBatch.Row(labels: Labels(name, ["rule_group": group.id]), value: value)
        }
        var rows = [
            row("prometheus_rule_group_interval_seconds", interval.inSeconds),
            row("prometheus_rule_group_rules", Double(rules.count)),
            row("prometheus_rule_group_iterations_total", Double(iterations)),
            row("prometheus_rule_group_iterations_missed_total", Double(missed)),
            row("prometheus_rule_evaluations_total", Double(evaluations)),
            row("prometheus_rule_evaluation_failures_total", Double(failures)),
            row("prometheus_rule_group_last_evaluation_samples", Double(lastSampleCount)),
            row("prometheus_rule_group_last_rule_duration_sum_seconds", lastRuleDuration.inSeconds),
        ]
        if let lastDuration { rows.append(row("prometheus_rule_group_last_duration_seconds", lastDuration.inSeconds)) }
        if let lastEvaluation {
            rows.append(
                row("prometheus_rule_group_last_evaluation_timestamp_seconds", lastEvaluation.secondsSinceEpoch))
        }
        return rows
    }
}

extension AlertStates.Change {
    var alert: ActiveAlert {
        switch self {
        case .pending(let alert), .fired(let alert), .resolved(let alert), .cleared(let alert): alert
        }
    }

    func event(_ group: RuleGroup, _ rule: String, at time: Timestamp) -> Event {
        let kind: EventKind =
            switch self {
            case .pending: .alertPending
            case .fired: .alertFired
            case .resolved: .alertResolved
            case .cleared: .alertCleared
            }
        return Event.about(alert, kind, group: group.id, rule: rule, at: time)
    }
}

extension Event {
    static func about(
        _ alert: ActiveAlert, _ kind: EventKind, group: String, rule: String, at time: Timestamp, reason: String? = nil
    ) -> Event {
        var payload: [String: JSONValue] = [
            "labels": .object(
                Dictionary(alert.labels.pairs.map { ($0.name, .string($0.value)) }) { first, _ in first }),
            "annotations": .object(alert.annotations.mapValues { .string($0) }),
            "value": .string(goNumber(alert.value)),
            "activeAt": .integer(alert.activeAt.millisecondsSinceEpoch),
            "fingerprint": .string(alert.fingerprint),
            "group": .string(group),
            "rule": .string(rule),
        ]
        if let began = alert.beganAt { payload["beganAt"] = .integer(began.millisecondsSinceEpoch) }
        if let reason { payload["reason"] = .string(reason) }
        return Event(at: time, by: Actor(.rule, rule), kind, "alert/\(rule)", .object(payload))
    }
}
