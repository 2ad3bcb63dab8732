import Diagnostics
import Events
import JSONCoding
import PromQL
import Series
import Units

/// Evaluates single rules: asks the query, makes labels and texts, and says what came out. Keeps nothing.
struct RuleRunner: Sendable {
    let queries: QueryEngine
    let templates: any TemplateExpanding
    let externalLabels: [String: String]

    /// The elements of a rule's expression as alerts.
    func alerts(_ rule: Rule, limit: Int, at time: Timestamp) async throws -> [AlertStates.Found] {
        var found: [AlertStates.Found] = []
        var seen: Set<Labels> = []
        for sample in try await elements(rule, at: time) {
            let data = AlertTemplateData(
                labels: Dictionary(sample.labels.pairs.map { ($0.name, $0.value) }) { first, _ in first },
                value: sample.value, externalLabels: externalLabels, time: time)
            var labels = sample.labels.dropping([Labels.metricName])
            for (name, template) in rule.labels { labels[name] = await expanded(template, data) }
            labels["alertname"] = rule.name
            guard seen.insert(labels).inserted else {
                throw PlainFailure(
                    "duplicate-alert", "vector contains metrics with the same labelset after applying alert labels",
                    hint: "Keep a label that tells the elements apart.")
            }
            var annotations: [String: String] = [:]
            for (name, template) in rule.annotations { annotations[name] = await expanded(template, data) }
            found.append(AlertStates.Found(labels: labels, annotations: annotations, value: sample.value))
        }
        try check(found.count, "alerts", limit)
        return found
    }

    /// The rows that a recording rule stores.
    func rows(_ rule: Rule, limit: Int, at time: Timestamp) async throws -> [SampleBatch.Row] {
        var rows: [SampleBatch.Row] = []
        var seen: Set<Labels> = []
        for sample in try await elements(rule, at: time) {
            var labels = sample.labels
            for (name, value) in rule.labels { labels[name] = value }
            labels[Labels.metricName] = rule.name
            guard seen.insert(labels).inserted else {
                throw PlainFailure(
                    "duplicate-series", "vector contains metrics with the same labelset after applying rule labels")
            }
            if let histogram = sample.histogram {
                rows.append(SampleBatch.Row(labels: labels, histogram: histogram))
            } else {
                rows.append(SampleBatch.Row(labels: labels, value: sample.value))
            }
        }
        try check(rows.count, "series", limit)
        return rows
    }

    private func elements(_ rule: Rule, at time: Timestamp) async throws -> [QueryResult.Sample] {
        guard let samples = try await queries.instant(rule.expression, at: time).samples else {
            throw PlainFailure("rule-type", "the expression gives neither an instant vector nor a scalar")
        }
        return samples
    }

    /// In the reference's words.
    private func check(_ count: Int, _ kind: String, _ limit: Int) throws {
        guard limit == 0 || count <= limit else {
            throw PlainFailure("rule-limit", "exceeded limit of \(limit) with \(count) \(kind)")
        }
    }

    /// A text that cannot be made must not hide the alert: the alert goes out with the fault in the text's place.
    private func expanded(_ template: String, _ data: AlertTemplateData) async -> String {
        guard template.contains("{{") else { return template }
        do {
            return try await templates.expand(template, data)
        } catch {
            return "<error expanding template: \(describe(error))>"
        }
    }
}
