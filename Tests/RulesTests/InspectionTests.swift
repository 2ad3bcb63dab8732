import Diagnostics
import PromQL
import Series
import Testing
import Units

@testable import Rules

/// Goal: what a rule misses is named, and what it would have done is found. Method: series in memory, asked directly.
@Suite struct InspectionTests {
    let series = MemorySeries()
    func at(_ seconds: Int) -> Timestamp { newYear + .seconds(seconds) }

    @Test func `selectors without series are named, with the nearest name`() async throws {
        try series.put("node_load1{host=\"a\"}", 1, at: at(0))
        try series.put("up{job=\"shop\"}", 1, at: at(-3000))
        let expressions: Set<String> = [
            "node_laod1 > 3", "node_load1{host=\"b\"} > 3", "node_load1 > 3", "rate(up[1h]) > 0", "up == 0",
            "absent(nothing{a=\"b\"})", "node_load1 > on() group_left sum(xyzzy)",
        ]
        let found = try await SelectorInspector(series).unmatched(expressions, at: at(10))
        #expect(
            found == [
                "node_laod1 > 3": [.init(selector: "node_laod1", isNameUnknown: true, nearestName: "node_load1")],
                "node_load1{host=\"b\"} > 3": [.init(selector: "node_load1{host=\"b\"}", isNameUnknown: false)],
                "up == 0": [.init(selector: "up", isNameUnknown: false)],
                "node_load1 > on() group_left sum(xyzzy)": [.init(selector: "xyzzy", isNameUnknown: true)],
            ])
    }

    private struct Asking: RangeAsking {
        let engine: QueryEngine

        func range(_ expression: String, from start: Timestamp, through end: Timestamp, step: Duration) async throws
            -> [SeriesColumns]
        {
            guard
                case .matrix(let columns) = try await engine.range(expression, from: start, through: end, step: step)
                    .value
            else { return [] }
            return columns
        }
    }

    @Test func `a backtest finds when alerts would have been pending, fired and ended`() async throws {
        // Down for half a minute, for five minutes, and from the twentieth minute on.
        for second in stride(from: 0, through: 1500, by: 15) {
            let isDown = (300..<330).contains(second) || (600..<900).contains(second) || second >= 1200
            try series.put("up{instance=\"a\"}", isDown ? 0 : 1, at: at(second))
        }
        let rule = try Rule(.alerting, "Down", "up == 0", hold: .seconds(60), labels: ["severity": "critical"])
        let record = try Rule(.recording, "x:y", "sum(up)")
        let group = RuleGroup(name: "g", file: "f", interval: .seconds(15), rules: [record, rule])
        let reports = try await Backtest(Asking(engine: QueryEngine(series))).run(
            [group], from: at(0), through: at(1500), step: nil, defaultStep: .seconds(60))
        #expect(reports.map(\.rule) == ["Down"])
        let episodes = try #require(reports.first).episodes
        #expect(episodes.map(\.pendingAt) == [at(300), at(600), at(1200)])
        #expect(episodes.map(\.firedAt) == [nil, at(660), at(1260)])
        #expect(episodes.map(\.endedAt) == [at(330), at(900), nil])
        #expect(episodes.first?.labels == ["alertname": "Down", "instance": "a", "severity": "critical"])
    }

    /// The alert looks at the ratio, the ratio at another recorded series; neither is stored, and what is stored under one of the names is old.
    @Test func `a backtest works out what the file records`() async throws {
        for second in stride(from: 0, through: 900, by: 15) {
            for instance in ["a", "b"] {
                try series.put("up{instance=\"\(instance)\"}", second >= 300 && second < 600 ? 0 : 1, at: at(second))
            }
            try series.put("all:down", 9, at: at(second))
        }
        let rules = [
            try Rule(.recording, "all:down", "count(up == 0)", labels: ["team": "shop"]),
            try Rule(.recording, "all:down:ratio", "all:down / on() count(up)"),
            try Rule(
                .alerting, "ManyDown", "avg_over_time(all:down:ratio[30s]) > 0.5",
                labels: ["level": "{{ if gt $value 0.9 }}high{{ else }}low{{ end }}"],
                annotations: ["summary": "{{ $value | humanizePercentage }} down"]),
        ]
        let engine = QueryEngine(series)
        let reports = try await Backtest(EngineRanges(engine), stored: series).run(
            [RuleGroup(name: "g", file: "f", interval: .seconds(15), rules: rules)], from: at(0), through: at(900),
            step: nil, defaultStep: .seconds(60))
        let report = try #require(reports.first)
        #expect(reports.count == 1 && report.failure == nil, "\(report)")
        let episode = try #require(report.episodes.first)
        #expect(report.episodes.count == 1 && episode.pendingAt == at(300), "\(report)")
        // The series end with a stale marker at 600 s; the range of 30 s holds its last sample one step longer.
        #expect(episode.endedAt == at(615))
        #expect(episode.labels == ["alertname": "ManyDown", "level": "high"])
        #expect(episode.annotations == ["summary": "100% down"])
    }

    @Test func `what is experimental is allowed in rules where the settings allow it`() throws {
        let yaml = """
            groups:
              - name: g
                rules:
                  - alert: A
                    expr: mad_over_time(up[5m]) > 0
                  - record: r
                    expr: limitk(3, up)
            """
        let fault = #expect(throws: InvalidInput.self) {
            try RuleFile.read(yaml, file: "r.yml", templates: AnnotationTemplates())
        }
        #expect(
            fault?.diagnostics.first?.description.hasPrefix(
                "r.yml:5:15: groups[0].rules[0].expr: could not parse expression: 1:1: parse error: "
                    + "function \"mad_over_time\" is not enabled") == true, "\(fault?.diagnostics ?? [])")
        #expect(
            fault?.diagnostics.allSatisfy {
                $0.description.hasSuffix(
                    "; the feature 'promql-experimental-functions' switches it on, by 'queries.features' or --enable-feature"
                )
            } == true)
        #expect(fault?.diagnostics.count == 2)
        let groups = try RuleFile.read(
            yaml, file: "r.yml", templates: AnnotationTemplates(), features: .experimentalFunctions)
        #expect(groups.first?.rules.map(\.expressionText) == ["mad_over_time(up[5m]) > 0", "limitk(3, up)"])
        let report = try RuleFile.check(
            yaml, file: "r.yml", templates: AnnotationTemplates(), features: .experimentalFunctions)
        #expect(report.alertingCount == 1 && report.recordingCount == 1)
    }

    @Test func `unmatched selectors are found in experimental expressions too`() async throws {
        let found = try await SelectorInspector(series).unmatched(["mad_over_time(nothing[5m])"], at: at(10))
        #expect(found["mad_over_time(nothing[5m])"]?.map(\.selector) == ["nothing"])
    }

    @Test func `unit tests run experimental rules where the flag is on`() async throws {
        let files = [
            "r.yml": "groups: [{name: g, rules: [{record: r, expr: 'mad_over_time(x[3m])'}]}]\n",
            "t.yml": """
            rule_files: [r.yml]
            evaluation_interval: 1m
            tests:
              - interval: 1m
                input_series: [{series: x, values: '1 2 9'}]
                promql_expr_test:
                  - {expr: r, eval_time: 2m, exp_samples: [{labels: r, value: 1}]}
                  - {expr: 'limitk(1, r)', eval_time: 2m, exp_samples: [{labels: r, value: 1}]}

            """,
        ]
        let tests = RuleUnitTests(
            readFile: { files[$0] ?? "" }, expand: { files[$0] == nil ? [] : [$0] }, features: .experimentalFunctions)
        let report = try await tests.run(file: "t.yml")
        #expect(report.failures.isEmpty && report.testCount == 1, "\(report)")
        let strict = RuleUnitTests(readFile: { files[$0] ?? "" }, expand: { files[$0] == nil ? [] : [$0] })
        await #expect(throws: InvalidInput.self) { try await strict.run(file: "t.yml") }
    }

    @Test func `a backtest that would take too many steps is refused with the figures`() async throws {
        let group = RuleGroup(name: "g", file: "f", rules: [try Rule(.alerting, "A", "up == 0")])
        let fault = await #expect(throws: BacktestFault.self) {
            try await Backtest(Asking(engine: QueryEngine(series))).run(
                [group], from: at(0), through: at(86_400), step: .milliseconds(1), defaultStep: .seconds(15))
        }
        #expect(fault?.summary == "86400000 steps of 1ms are more than the 600000 that one backtest takes")
    }

    @Test func `likely mistakes in a rule file are found with their places`() throws {
        let yaml = """
            groups:
              - name: g
                interval: 5m
                rules:
                  - alert: A
                    expr: sum by (job) (up) == 0
                    for: 1m
                    annotations:
                      summary: "{{ $labels.instance }} of {{ $labels.job }}"
                  - alert: A
                    expr: up == 0
            """
        let report = try RuleFile.check(yaml, file: "r.yml", templates: AnnotationTemplates())
        #expect(report.alertingCount == 2)
        #expect(
            report.findings.map(\.description) == [
                "r.yml:9:20: warning: groups[0].rules[0].annotations.summary: the template names the label 'instance', "
                    + "which the expression does not keep",
                "r.yml:7:14: warning: groups[0].rules[0].for: is shorter than the group's interval, so the alert fires no "
                    + "sooner than after that",
                "r.yml:10:16: warning: groups[0].rules[1].alert: duplicate rule: A with the same labels stands at "
                    + "groups[0].rules[0] too",
            ])
    }
}
