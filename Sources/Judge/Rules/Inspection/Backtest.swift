import Diagnostics
public import Series
public import Units

// When a rule would have fired. The expression is asked over the stretch of time in steps, in pieces that a server answers, and
// the alerts' state machine of the daemon walks through the answers: hold times and `keep_firing_for` count as they do live.
//
// What a recording rule of the same file would have given is not computed: its series must be in the history.

/// Answers range queries over the stored history.
public protocol RangeAsking: Sendable {
    /// - Returns: the series with their values at each step, without stale markers.
    func range(_ expression: String, from start: Timestamp, through end: Timestamp, step: Duration) async throws
        -> [SeriesColumns]
}

/// Runs alerting rules over the past.
public struct Backtest: Sendable {
    /// One time at which a rule would have been pending or fired for one set of labels.
    public struct Episode: Sendable, Hashable {
        public var labels: Labels
        public var pendingAt: Timestamp
        /// Nil: the condition went away before its hold time was over.
        public var firedAt: Timestamp?
        /// Nil: it still held at the end.
        public var endedAt: Timestamp?
        /// The element's value when it fired; when it became pending if it did not.
        public var value: Double
        /// The values nearest and farthest from zero while it lasted.
        public var lowest: Double
        public var highest: Double
    }

    public struct RuleReport: Sendable {
        public var group: String
        public var rule: String
        public var expression: String
        /// By begin.
        public var episodes: [Episode]
        /// Why nothing can be said about the rule; nil when it was evaluated.
        public var failure: String?
    }

    /// Steps in one query; a server refuses more than 11,000.
    private static let stepsInQueryMax = 10_000
    /// Steps altogether: a year of minutes.
    public static let stepsMax = 600_000

    private let asking: any RangeAsking

    public init(_ asking: any RangeAsking) {
        self.asking = asking
    }

    /// - Parameter step: nil: the group's interval, or `defaultStep` where it names none.
    /// - Throws: `BacktestFault` when there would be too many steps; `CancellationError`.
    public func run(
        _ groups: [RuleGroup], from start: Timestamp, through end: Timestamp, step: Duration?, defaultStep: Duration
    ) async throws -> [RuleReport] {
        var reports: [RuleReport] = []
        for group in groups {
            let step = step ?? group.interval ?? defaultStep
            let count = (end - start) / step
            guard count <= Double(Self.stepsMax) else {
                throw BacktestFault(steps: Int(count), step: step)
            }
            for rule in group.rules where rule.kind == .alerting {
                var report = RuleReport(
                    group: group.name, rule: rule.name, expression: rule.expressionText, episodes: [])
                do {
                    report.episodes = try await episodes(rule, group, from: start, through: end, step: step)
                } catch let error where !(error is CancellationError) {
                    report.failure = describe(error)
                }
                reports.append(report)
            }
        }
        return reports
    }

    private func episodes(
        _ rule: Rule, _ group: RuleGroup, from start: Timestamp, through end: Timestamp, step: Duration
    ) async throws -> [Episode] {
        var states = AlertStates(hold: rule.hold, keepFiring: rule.keepFiring)
        var open: [Labels: Episode] = [:]
        var closed: [Episode] = []
        var from = start
        while from <= end {
            let through = min(end, from + step * (Self.stepsInQueryMax - 1))
            let columns = try await asking.range(
                rule.expressionText, from: from - group.queryOffset, through: through - group.queryOffset, step: step)
            let labels = columns.map { alertLabels($0.labels, rule) }
            var places = Array(repeating: 0, count: columns.count)
            var time = from
            while time <= through {
                let asked = (time - group.queryOffset).millisecondsSinceEpoch
                var found: [AlertStates.Found] = []
                for (index, column) in columns.enumerated() {
                    while places[index] < column.times.count, column.times[places[index]] < asked { places[index] += 1 }
                    guard places[index] < column.times.count, column.times[places[index]] == asked else { continue }
                    let value = column.values[places[index]]
                    found.append(AlertStates.Found(labels: labels[index], annotations: [:], value: value))
                    open[labels[index]]?.see(value)
                }
                for change in states.observe(found, at: time) { note(change, at: time, &open, &closed) }
                time = time + step
            }
            from = through + step
        }
        return (closed + open.values).sorted { ($0.pendingAt, $0.labels) < ($1.pendingAt, $1.labels) }
    }

    private func note(
        _ change: AlertStates.Change, at time: Timestamp, _ open: inout [Labels: Episode], _ closed: inout [Episode]
    ) {
        let alert = change.alert
        switch change {
        case .pending, .fired:
            var episode =
                open[alert.labels]
                ?? Episode(
                    labels: alert.labels, pendingAt: alert.activeAt, value: alert.value, lowest: alert.value,
                    highest: alert.value)
            if case .fired = change {
                episode.firedAt = time
                episode.value = alert.value
            }
            open[alert.labels] = episode
        case .resolved, .cleared:
            guard var episode = open.removeValue(forKey: alert.labels) else { return }
            episode.endedAt = time
            closed.append(episode)
        }
    }

    /// Labels that are templates may name what only an evaluation knows; they are shown as they are written.
    private func alertLabels(_ labels: Labels, _ rule: Rule) -> Labels {
        var labels = labels.dropping([Labels.metricName])
        for (name, value) in rule.labels { labels[name] = value }
        labels["alertname"] = rule.name
        return labels
    }
}

extension Backtest.Episode {
    fileprivate mutating func see(_ value: Double) {
        lowest = min(lowest, value)
        highest = max(highest, value)
    }
}
