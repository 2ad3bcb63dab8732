public import Commands
import Diagnostics
import JSONCoding
import PromQL
import Rules
import Series
import Units
import WebAPI

/// `jaga rules` on files, without the daemon.
public struct RuleToolbox: RuleTools {
    /// For groups that name no interval.
    private static let defaultInterval = Duration.seconds(15)

    public init() {}

    public func check(_ files: [String], features: [String]) async throws -> [RuleFileReport] {
        let allowed = try options(features).features
        return try expanded(files).map { file in
            do {
                let report = try RuleFile.check(
                    try readText(file), file: file, templates: AnnotationTemplates(), features: allowed)
                return RuleFileReport(
                    file: file, alertingCount: report.alertingCount, recordingCount: report.recordingCount, faults: [],
                    findings: report.findings.map(\.description))
            } catch let invalid as InvalidInput {
                return RuleFileReport(file: file, faults: invalid.diagnostics.map(\.description), findings: [])
            }
        }
    }

    public func test(_ files: [String], features: [String]) async throws -> [RuleTestReport] {
        let tests = RuleUnitTests(
            readFile: { try readText($0) }, expand: { RuleCollection.expanded($0) },
            features: try options(features).features)
        var reports: [RuleTestReport] = []
        for file in try expanded(files) {
            do {
                let report = try await tests.run(file: file)
                reports.append(
                    RuleTestReport(
                        file: file, testCount: report.testCount, warnings: report.warnings, failures: report.failures,
                        isInvalid: false))
            } catch let invalid as InvalidInput {
                reports.append(
                    RuleTestReport(
                        file: file, testCount: 0, warnings: [], failures: invalid.diagnostics.map(\.description),
                        isInvalid: true))
            }
        }
        return reports
    }

    public func backtest(_ request: BacktestRequest, on past: BacktestPast) async throws -> [BacktestReport] {
        let options = try options(request.features)
        let groups = try RuleFile.read(
            try readText(request.file), file: request.file, templates: AnnotationTemplates(),
            features: options.features)
        let backtest: Backtest
        switch past {
        case .daemon(let range, let samples):
            let stored = SampleQuestioner(ask: samples)
            backtest = Backtest(
                RangeQuestioner(ask: range), stored: stored, options: options,
                templates: AnnotationTemplates(queries: QueryEngine(stored, options: options)))
        case .store(let store):
            let engine = QueryEngine(store, options: options)
            backtest = Backtest(
                EngineRanges(engine), stored: store, options: options, templates: AnnotationTemplates(queries: engine))
        }
        let reports = try await backtest.run(
            groups, from: request.start, through: request.end, step: request.step, defaultStep: Self.defaultInterval)
        return reports.map { report in
            BacktestReport(
                group: report.group, rule: report.rule, expression: report.expression,
                episodes: report.episodes.map { episode($0, until: request.end) }, failure: report.failure)
        }
    }

    private func options(_ features: [String]) throws -> QueryOptions {
        var options = QueryOptions()
        for name in features {
            if name == QueryOptions.delayedNameRemovalFlag {
                options.delaysNameRemoval = true
            } else if let feature = QueryFeatures(flag: name) {
                options.features.insert(feature)
            } else {
                throw PlainFailure(
                    "usage", "'\(name)' is no feature",
                    hint: "There are \(QueryOptions.flags.joined(separator: ", ")).")
            }
        }
        return options
    }

    private func episode(_ episode: Backtest.Episode, until end: Timestamp) -> BacktestReport.Episode {
        BacktestReport.Episode(
            labels: dictionary(episode.labels), pendingAt: episode.pendingAt, firedAt: episode.firedAt,
            endedAt: episode.endedAt,
            firingMs: episode.firedAt.map { ((episode.endedAt ?? end) - $0).wholeMilliseconds },
            value: PrometheusJSON.text(episode.value), lowest: PrometheusJSON.text(episode.lowest),
            highest: PrometheusJSON.text(episode.highest), annotations: episode.annotations)
    }

    private func expanded(_ paths: [String]) throws -> [String] {
        try paths.flatMap { path in
            let files = RuleCollection.expanded(path)
            guard !files.isEmpty else { throw PlainFailure("not-found", "'\(path)' names no file") }
            return files
        }
    }
}

/// The daemon's API as a backtest asks it.
private struct RangeQuestioner: RangeAsking {
    let ask: RangeQuestion

    func range(_ expression: String, from start: Timestamp, through end: Timestamp, step: Duration) async throws
        -> [SeriesColumns]
    {
        try await ask(expression, start, end, step).map { columns in
            SeriesColumns(labels: columns.labels, times: columns.times, values: columns.values)
        }
    }
}

/// The daemon's samples, asked for by selectors.
private struct SampleQuestioner: SeriesReading {
    let ask: SampleQuestion

    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        let conditions = matchers.map { matcher in
            "\(JSONValue.quoted(matcher.name))\(matcher.op.rawValue)\(JSONValue.quoted(matcher.value))"
        }
        return try await ask("{\(conditions.joined(separator: ","))}", start, end).map { columns in
            SeriesColumns(labels: columns.labels, times: columns.times, values: columns.values)
        }.sorted { $0.labels < $1.labels }
    }

    func labelNames(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws -> [String]
    {
        Set(try await select(matchers, from: start, through: end).flatMap { $0.labels.pairs.map(\.name) }).sorted()
    }

    func labelValues(_ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp)
        async throws -> [String]
    {
        Set(try await select(matchers, from: start, through: end).compactMap { $0.labels[name] }).sorted()
    }

    func metadata() async throws -> MetadataByName { [:] }
}
