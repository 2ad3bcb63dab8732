import Diagnostics
import Settings
import Units

/// A file of unit tests as promtool reads it: <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>.
struct UnitTestFile: SettingsSection {
    let ruleFiles: [String]
    let evaluationInterval: Duration
    let groupOrder: [String]
    let comparesFuzzily: Bool
    let tests: [TestSection]

    init(_ reader: SettingsReader) {
        ruleFiles = reader.texts("rule_files", "Rule files, relative to this file; '*' stands for any text in a name.")
        evaluationInterval = reader.duration(
            "evaluation_interval", default: .seconds(60), atLeast: .milliseconds(1), "How often rules are evaluated.")
        groupOrder = reader.texts("group_eval_order", "Groups in the order in which they are evaluated.")
        comparesFuzzily = reader.boolean(
            "fuzzy_compare", default: false, "Whether values that differ by a millionth are equal.")
        tests = reader.list("tests", of: TestSection.self, "Tests, each with series of its own.")
        var seen: Set<String> = []
        for group in groupOrder where !seen.insert(group).inserted {
            reader.fault("group_eval_order", "group name repeated in evaluation order: \(group)")
        }
    }
}

struct TestSection: SettingsSection {
    let name: String?
    let interval: Duration?
    let start: Timestamp
    let series: [InputSection]
    let alerts: [AlertCaseSection]
    let expressions: [ExpressionCaseSection]
    let externalLabels: [String: String]
    let externalURL: String

    init(_ reader: SettingsReader) {
        name = reader.optionalText("name", "The test's name.")
        interval = reader.optionalDuration(
            "interval", atLeast: .milliseconds(1), "The step of the series; the evaluation's by default.")
        let start = reader.optionalText("start_timestamp", "When the series begin: RFC 3339, or seconds since 1970.")
        self.start =
            start.flatMap { text in
                Timestamp(rfc3339: text)
                    ?? Double(text).flatMap { $0.isFinite ? Timestamp(secondsSinceEpoch: $0) : nil }
            } ?? Timestamp(millisecondsSinceEpoch: 0)
        if let start, Timestamp(rfc3339: start) == nil, Double(start)?.isFinite != true {
            reader.fault("start_timestamp", "'\(start)' is neither RFC 3339 nor seconds since 1970")
        }
        series = reader.list("input_series", of: InputSection.self, "Series that are there.")
        alerts = reader.list("alert_rule_test", of: AlertCaseSection.self, "Alerts that must fire, and no others.")
        expressions = reader.list("promql_expr_test", of: ExpressionCaseSection.self, "Answers to expressions.")
        externalLabels = reader.textMap("external_labels", "'$externalLabels' of templates.")
        externalURL = reader.text("external_url", default: "", "'$externalURL' of templates.")
    }

    /// Until when rules are evaluated, from the start.
    var length: Duration {
        max(alerts.map(\.time).max() ?? .zero, expressions.map(\.time).max() ?? .zero)
    }
}

struct InputSection: SettingsSection {
    let series: String
    let values: String

    init(_ reader: SettingsReader) {
        series = reader.requiredText("series", "The series: name{label=\"value\"}.")
        values = reader.text("values", default: "", "Its samples, one for each step.")
        do {
            _ = try SeriesNotation.labels(series)
        } catch {
            reader.fault("series", "is no series: \(error)")
        }
        do {
            _ = try SeriesNotation.values(values)
        } catch {
            reader.fault("values", "are no samples: \(error)")
        }
    }
}

struct AlertCaseSection: SettingsSection {
    struct Expected: SettingsSection {
        let labels: [String: String]
        let annotations: [String: String]

        init(_ reader: SettingsReader) {
            labels = reader.textMap("exp_labels", "The alert's labels, 'alertname' left out.")
            annotations = reader.textMap("exp_annotations", "Its expanded annotations.")
        }
    }

    let time: Duration
    let name: String
    let expected: [Expected]

    init(_ reader: SettingsReader) {
        time = reader.duration("eval_time", default: .zero, "When, from the start.")
        name = reader.text("alertname", default: "", "The alert.")
        expected = reader.list("exp_alerts", of: Expected.self, "What fires then.")
        if name.isEmpty {
            reader.fault(
                nil,
                "an item under alert_rule_test misses required attribute alertname at eval_time \(time.prometheusText)")
        }
    }
}

struct ExpressionCaseSection: SettingsSection {
    struct Expected: SettingsSection {
        let labels: String
        let value: Double?
        let histogram: String

        init(_ reader: SettingsReader) {
            labels = reader.text("labels", default: "{}", "The element: name{label=\"value\"}.")
            let text = reader.optionalText("value", "Its value.")
            value = text.flatMap { SeriesNotation.number($0) }
            histogram = reader.text("histogram", default: "", "Its native histogram.")
            if let text, value == nil { reader.fault("value", "'\(text)' is no number") }
        }
    }

    let time: Duration
    let expression: String
    let expected: [Expected]

    init(_ reader: SettingsReader) {
        expression = reader.requiredText("expr", "The expression.")
        time = reader.duration("eval_time", default: .zero, "When, from the start.")
        expected = reader.list("exp_samples", of: Expected.self, "Its answer.")
    }
}
