public import Commands
import Diagnostics
import Rules
import Series
import Units
import WebAPI

/// `jaga rules` on files, without the daemon.
public struct RuleToolbox: RuleTools {
    /// For groups that name no interval.
    private static let defaultInterval = Duration.seconds(15)

    public init() {}

    public func check(_ files: [String]) async throws -> [RuleFileReport] {
        try expanded(files).map { file in
            do {
                let report = try RuleFile.check(try readText(file), file: file, templates: AnnotationTemplates())
                return RuleFileReport(
                    file: file, alertingCount: report.alertingCount, recordingCount: report.recordingCount, faults: [],
                    findings: report.findings.map(\.description))
            } catch let invalid as InvalidInput {
                return RuleFileReport(file: file, faults: invalid.diagnostics.map(\.description), findings: [])
            }
        }
    }

    public func test(_ files: [String]) async throws -> [RuleTestReport] {
        let tests = RuleUnitTests(readFile: { try readText($0) }, expand: { RuleCollection.expanded($0) })
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

    public func backtest(_ request: BacktestRequest, asking ask: @escaping RangeQuestion) async throws
        -> [BacktestReport]
    {
        let groups = try RuleFile.read(
            try readText(request.file), file: request.file, templates: AnnotationTemplates())
        let reports = try await Backtest(RangeQuestioner(ask: ask)).run(
            groups, from: request.start, through: request.end, step: request.step, defaultStep: Self.defaultInterval)
        return reports.map { report in
            BacktestReport(
                group: report.group, rule: report.rule, expression: report.expression,
                episodes: report.episodes.map { episode($0, until: request.end) }, failure: report.failure)
        }
    }

    private func episode(_ episode: Backtest.Episode, until end: Timestamp) -> BacktestReport.Episode {
        BacktestReport.Episode(
            labels: dictionary(episode.labels), pendingAt: episode.pendingAt, firedAt: episode.firedAt,
            endedAt: episode.endedAt,
            firingMs: episode.firedAt.map { ((episode.endedAt ?? end) - $0).wholeMilliseconds },
            value: PrometheusJSON.text(episode.value), lowest: PrometheusJSON.text(episode.lowest),
            highest: PrometheusJSON.text(episode.highest))
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
            SeriesColumns(
                labels: Labels(columns.labels.map { ($0.key, $0.value) }),
                times: columns.times, values: columns.values)
        }
    }
}
