import Diagnostics
public import PromQL
public import Series
public import Units

// When a rule would have fired. The expression is asked over the stretch of time in steps, in pieces that a server answers, and
// the alerts' state machine of the daemon walks through the answers: hold times and `keep_firing_for` count as they do live. What
// recording rules of the same file would have recorded is worked out first, where an alert reads it (`RecordedHistory`).

/// Answers range queries over the stored history.
public protocol RangeAsking: Sendable {
    /// - Returns: the series with their values at each step, without stale markers.
    func range(_ expression: String, from start: Timestamp, through end: Timestamp, step: Duration) async throws
        -> [SeriesColumns]
}

/// Answers range queries with an engine of this process.
public struct EngineRanges: RangeAsking {
    private let engine: QueryEngine

    public init(_ engine: QueryEngine) { self.engine = engine }

    public func range(_ expression: String, from start: Timestamp, through end: Timestamp, step: Duration) async throws
        -> [SeriesColumns]
    {
        switch try await engine.range(expression, from: start, through: end, step: step).value {
        case .matrix(let rows): rows
        default: []
        }
    }
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
        /// As they were when it fired; when it became pending if it did not.
        public var annotations: [String: String] = [:]
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
    static let stepsInQueryMax = 10_000
    /// Steps altogether: a year of minutes.
    public static let stepsMax = 600_000

    private let asking: any RangeAsking
    private let stored: (any SeriesReading)?
    private let options: QueryOptions
    private let templates: any TemplateExpanding

    /// - Parameters:
    ///   - stored: the samples, for rules that read what others of the file record; nil: what is stored under those names is taken.
    ///   - options: how rules are evaluated.
    ///   - templates: expands labels and annotations.
    public init(
        _ asking: any RangeAsking, stored: (any SeriesReading)? = nil, options: QueryOptions = QueryOptions(),
        templates: any TemplateExpanding = AnnotationTemplates()
    ) {
        self.asking = asking
        self.stored = stored
        self.options = options
        self.templates = templates
    }

    /// - Parameter step: nil: the group's interval, or `defaultStep` where it names none.
    /// - Throws: `BacktestFault` when there would be too many steps; `CancellationError`.
    public func run(
        _ groups: [RuleGroup], from start: Timestamp, through end: Timestamp, step: Duration?, defaultStep: Duration
    ) async throws -> [RuleReport] {
        var reports: [RuleReport] = []
        let recorded = stored.map {
            RecordedHistory(groups, stored: $0, options: options, from: start, through: end) {
                step ?? $0.interval ?? defaultStep
            }
        }
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
                    var asking = asking
                    if let recorded, recorded.isNeeded(by: rule.expression) {
                        try await recorded.prepare(rule.expression)
                        asking = recorded
                    }
                    report.episodes = try await episodes(rule, group, asking, from: start, through: end, step: step)
                } catch let error where !(error is CancellationError) {
                    report.failure = describe(error)
                }
                reports.append(report)
            }
        }
        return reports
    }

    private func episodes(
        _ rule: Rule, _ group: RuleGroup, _ asking: any RangeAsking, from start: Timestamp, through end: Timestamp,
        step: Duration
    ) async throws -> [Episode] {
        let hasTemplates = rule.labels.values.contains { $0.contains("{{") }
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
                var elements: [Labels: Labels] = [:]
                for (index, column) in columns.enumerated() {
                    while places[index] < column.times.count, column.times[places[index]] < asked { places[index] += 1 }
                    guard places[index] < column.times.count, column.times[places[index]] == asked else { continue }
                    let value = column.values[places[index]]
                    var own = labels[index]
                    if hasTemplates {
                        for (name, template) in rule.labels where name != "alertname" {
                            own[name] = await expanded(template, column.labels, value, at: time)
                        }
                    }
                    guard elements.updateValue(column.labels, forKey: own) == nil else {
                        throw PlainFailure(
                            "duplicate-alert",
                            "vector contains metrics with the same labelset after applying alert labels")
                    }
                    found.append(AlertStates.Found(labels: own, annotations: [:], value: value))
                    open[own]?.see(value)
                }
                for change in states.observe(found, at: time) {
                    note(change, at: time, &open, &closed)
                    guard let element = elements[change.alert.labels], open[change.alert.labels] != nil else {
                        continue
                    }
                    for (name, template) in rule.annotations {
                        open[change.alert.labels]?.annotations[name] = await expanded(
                            template, element, change.alert.value, at: time)
                    }
                }
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

    private func expanded(_ template: String, _ labels: Labels, _ value: Double, at time: Timestamp) async -> String {
        guard template.contains("{{") else { return template }
        let data = AlertTemplateData(
            labels: Dictionary(labels.pairs.map { ($0.name, $0.value) }) { first, _ in first }, value: value, time: time
        )
        do {
            return try await templates.expand(template, data)
        } catch {
            return "<error expanding template: \(describe(error))>"
        }
    }

    /// Those of an alert whose labels are no templates.
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
