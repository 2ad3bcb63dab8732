import Diagnostics
public import PromQL
import Series
import Settings
import Units

// Unit tests of rules, in promtool's format and with its judgement. Each test has series of its own, whose samples appear step
// by step; all groups are evaluated in order at every evaluation interval from the start to the last time asked for; alerts are
// compared at the evaluation that is not later than their time, expressions when all is done.
//
// A rule behaves as in the daemon (`RuleRunner`, `AlertStates`), without what guards the daemon against starts and clocks:
// the first evaluation counts.

/// Reads and runs files of unit tests.
public struct RuleUnitTests: Sendable {
    /// How one file fared.
    public struct Report: Sendable {
        public var file: String
        public var testCount: Int
        /// Rule files that do not exist.
        public var warnings: [String]
        /// In promtool's words; empty when all is as expected.
        public var failures: [String]

        public init(file: String, testCount: Int = 0, warnings: [String] = [], failures: [String] = []) {
            self.file = file
            self.testCount = testCount
            self.warnings = warnings
            self.failures = failures
        }
    }

    private let readFile: @Sendable (String) throws -> String
    private let expand: @Sendable (String) -> [String]
    private let features: QueryFeatures

    /// - Parameters:
    ///   - readFile: gives the text at a path.
    ///   - expand: gives the files that a path with `*` names, sorted; none where there is none.
    ///   - features: what rules and tests may use beyond the stable language.
    public init(
        readFile: @escaping @Sendable (String) throws -> String, expand: @escaping @Sendable (String) -> [String],
        features: QueryFeatures = []
    ) {
        self.readFile = readFile
        self.expand = expand
        self.features = features
    }

    /// Runs the tests of one file.
    /// - Throws: `InvalidInput` when it, or a rule file that it names, is none; what `readFile` throws.
    public func run(file: String) async throws -> Report {
        let section = try SettingsDocument.read(
            try readFile(file), file: file, sources: .verbatim, as: UnitTestFile.self
        ).section
        var report = Report(file: file, testCount: section.tests.count)
        let folder = file.contains("/") ? String(file[..<file.lastIndex(of: "/")!]) + "/" : ""
        var paths: [String] = []
        for pattern in section.ruleFiles {
            let path = pattern.hasPrefix("/") ? pattern : folder + pattern
            let found = expand(path)
            if found.isEmpty { report.warnings.append("no file match pattern \(path)") }
            paths += found
        }
        var groups: [RuleGroup] = []
        for path in paths {
            groups += try RuleFile.read(
                try readFile(path), file: path, templates: AnnotationTemplates(), features: features)
        }
        let order = Dictionary(uniqueKeysWithValues: section.groupOrder.enumerated().map { ($1, $0) })
        // Stable where the file says nothing: the order of the files.
        let ordered = groups.enumerated().sorted {
            (order[$0.element.name] ?? 0, $0.offset) < (order[$1.element.name] ?? 0, $1.offset)
        }.map(\.element)
        for test in section.tests {
            var run = try RuleTestRun(test, file: section, groups: ordered, features: features)
            try await run.run()
            report.failures += run.failures
        }
        return report
    }
}

/// One test of a file.
struct RuleTestRun {
    private struct Group {
        let group: RuleGroup
        var states: [AlertStates]
        var written: [Set<Labels>]
    }

    private let test: TestSection
    private let interval: Duration
    private let comparesFuzzily: Bool
    private var groups: [Group]
    private let series: TestSeries
    private let queries: QueryEngine
    private let runner: RuleRunner
    private(set) var failures: [String] = []

    init(_ test: TestSection, file: UnitTestFile, groups: [RuleGroup], features: QueryFeatures) throws {
        self.test = test
        interval = file.evaluationInterval
        comparesFuzzily = file.comparesFuzzily
        self.groups = groups.map { group in
            Group(
                group: group, states: group.rules.map { AlertStates(hold: $0.hold, keepFiring: $0.keepFiring) },
                written: Array(repeating: [], count: group.rules.count))
        }
        series = TestSeries(
            try test.series.map { try Self.columns($0, test, step: test.interval ?? file.evaluationInterval) })
        var options = QueryOptions()
        options.subqueryStep = interval
        options.features = features
        queries = QueryEngine(series, options: options)
        runner = RuleRunner(
            queries: queries, templates: AnnotationTemplates(queries: queries, externalURL: test.externalURL),
            externalLabels: test.externalLabels)
    }

    private static func columns(_ input: InputSection, _ test: TestSection, step: Duration) throws -> SeriesColumns {
        var column = SeriesColumns(labels: try SeriesNotation.labels(input.series), times: [], values: [])
        for (index, value) in try SeriesNotation.values(input.values).enumerated() {
            let time = test.start.millisecondsSinceEpoch + Int64(index) * step.wholeMilliseconds
            switch value {
            case .missing: continue
            case .number(let number): column.values.append(number)
            case .histogram(let histogram, _):
                column.histograms.append(HistogramSample(index: column.times.count, histogram: histogram))
                column.values.append(.nan)
            }
            column.times.append(time)
        }
        return column
    }

    mutating func run() async throws {
        var offset = Duration.zero
        let length = test.length
        while offset <= length {
            series.advance(to: test.start + offset)
            let faults = try await evaluate(at: test.start + offset, offset)
            failures += faults
            if !faults.isEmpty { return }
            for alert in test.alerts where offset <= alert.time && alert.time < offset + interval { compare(alert) }
            offset += interval
        }
        series.advance(to: test.start + length)
        for expression in test.expressions { try await compare(expression) }
    }

    /// - Returns: why rules could not be evaluated.
    private mutating func evaluate(at now: Timestamp, _ offset: Duration) async throws -> [String] {
        var faults: [String] = []
        for place in groups.indices {
            let group = groups[place].group
            let time = now - group.queryOffset
            for (index, rule) in group.rules.enumerated() {
                do {
                    let rows: [SampleBatch.Row]
                    switch rule.kind {
                    case .recording: rows = try await runner.rows(rule, limit: group.limit, at: time)
                    case .alerting:
                        let found = try await runner.alerts(rule, limit: group.limit, at: time)
                        _ = groups[place].states[index].observe(found, at: now)
                        rows = groups[place].states[index].sorted.flatMap { RuleGroupState.series($0) }
                    }
                    let labels = Set(rows.map(\.labels))
                    let ended = groups[place].written[index].subtracting(labels).map {
                        SampleBatch.Row(labels: $0, value: staleMarker)
                    }
                    groups[place].written[index] = labels
                    series.append(rows + ended, at: time)
                } catch let error where !(error is CancellationError) {
                    faults.append("    rule: \(rule.name), time: \(offset.goText), err: \(describe(error))")
                }
            }
        }
        return faults
    }

    // MARK: Comparing

    private mutating func compare(_ alert: AlertCaseSection) {
        let got = groups.flatMap { group in
            zip(group.group.rules, group.states).filter { $0.0.name == alert.name && $0.0.kind == .alerting }
                .flatMap { $0.1.sorted.filter { $0.state == .firing } }
        }.map { ShownAlert(labels: $0.labels, annotations: Labels($0.annotations.map { ($0.key, $0.value) })) }.sorted()
        let expected = alert.expected.map { expected in
            var labels = Labels(expected.labels.map { ($0.key, $0.value) })
            labels["alertname"] = alert.name
            return ShownAlert(
                labels: labels, annotations: Labels(expected.annotations.map { ($0.key, $0.value) }))
        }.sorted()
        guard got != expected else { return }
        let indent = "            "
        failures.append(
            """
            \(nameLine)    alertname: \(alert.name), time: \(alert.time.prometheusText), 
                    exp:\(ShownAlert.list(expected, indent)), 
                    got:\(ShownAlert.list(got, indent))
            """)
    }

    private var nameLine: String { test.name.map { "    name: \($0),\n" } ?? "" }

    private mutating func compare(_ test: ExpressionCaseSection) async throws {
        func fail(_ message: String) {
            failures.append(
                "    expr: \(quoted(test.expression)), time: \(test.time.prometheusText)\(message)")
        }
        var expected: [ShownSample] = []
        do {
            for sample in test.expected { expected.append(try ShownSample(sample)) }
        } catch {
            return fail(", err: \(describe(error))")
        }
        let got: [ShownSample]
        do {
            let result = try await queries.instant(test.expression, at: self.test.start + test.time)
            guard let samples = result.samples else {
                return fail(", err: rule result is not a vector or scalar")
            }
            got = samples.map { ShownSample($0) }.sorted { $0.labels < $1.labels }
        } catch let error where !(error is CancellationError) {
            return fail(", err: \(describe(error))")
        }
        expected.sort { $0.labels < $1.labels }
        let isEqual =
            got.count == expected.count
            && zip(expected, got).allSatisfy { $0.isEqual($1, fuzzily: comparesFuzzily) }
        guard !isEqual else { return }
        fail(",\n        exp: \(ShownSample.list(expected))\n        got: \(ShownSample.list(got))")
    }
}
