import Diagnostics
import PromQL
import Rules
import Series
import Synchronization
import Units

/// Series in memory that can be written, read, and made to fail.
final class MemorySeries: SeriesReading, SeriesAppending, Sendable {
    struct Broken: Error {}

    private struct State {
        var columns: [Labels: SeriesColumns] = [:]
        var isBroken = false
    }

    private let state = Mutex(State())

    /// While set, every read fails.
    func breakReads(_ isBroken: Bool) { state.withLock { $0.isBroken = isBroken } }

    func put(_ selector: String, _ value: Double, at time: Timestamp) throws {
        var labels: Labels = [:]
        for matcher in try Expression.parseSelector(selector) { labels[matcher.name] = matcher.value }
        put(labels, value, at: time)
    }

    private func put(_ labels: Labels, _ value: Double, at time: Timestamp) {
        state.withLock {
            var column = $0.columns[labels] ?? SeriesColumns(labels: labels, times: [], values: [])
            column.times.append(time.millisecondsSinceEpoch)
            column.values.append(value)
            $0.columns[labels] = column
        }
    }

    func append(_ batch: SampleBatch) async throws -> AppendOutcome {
        for row in batch.rows { put(row.labels, row.value, at: row.timestamp ?? batch.timestamp) }
        return AppendOutcome(stored: batch.rows.count)
    }

    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        try state.withLock { state in
            if state.isBroken { throw Broken() }
            return state.columns.values
                .filter { column in matchers.allSatisfy { $0.matches(column.labels) } }
                .compactMap { column in
                    let range = start.millisecondsSinceEpoch...end.millisecondsSinceEpoch
                    let kept = column.times.indices.filter { range.contains(column.times[$0]) }
                    guard !kept.isEmpty else { return nil }
                    return SeriesColumns(
                        labels: column.labels, times: kept.map { column.times[$0] },
                        values: kept.map { column.values[$0] })
                }
                .sorted { $0.labels < $1.labels }
        }
    }

    func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(try await select(matchers, from: from, through: through).flatMap { $0.labels.pairs.map(\.name) }).sorted()
    }

    func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
        -> [String]
    {
        Set(try await select(matchers, from: from, through: through).compactMap { $0.labels[name] }).sorted()
    }

    func metadata() async throws -> MetadataByName { [:] }
}

/// Knows `{{ $value }}`, `{{ $labels.x }}` and a filter that it leaves out. What it does not know is a fault.
struct SimpleTemplates: TemplateExpanding {
    static let filters: Set<String> = ["humanize", "humanizePercentage", "humanizeDuration", "humanize1024"]

    func check(_ template: String) throws { _ = try expanded(template, AlertTemplateData(labels: [:], value: 0)) }
    func expand(_ template: String, _ data: AlertTemplateData) async throws -> String { try expanded(template, data) }

    private func expanded(_ template: String, _ data: AlertTemplateData) throws -> String {
        var result = ""
        var parts = template.split(separator: "{{", omittingEmptySubsequences: false)[...]
        result += parts.removeFirst()
        for part in parts {
            let pieces = part.split(separator: "}}", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2 else { throw PlainFailure("template", "unclosed action in '\(template)'") }
            let words = pieces[0].split(separator: " ")
            if words.count == 3 {
                guard words[1] == "|", Self.filters.contains(String(words[2])) else {
                    throw PlainFailure("template", "unknown filter in '\(template)'")
                }
            }
            switch words.first ?? "" {
            case "$value": result += goNumber(data.value)
            case let word where word.hasPrefix("$labels."): result += data.labels[String(word.dropFirst(8))] ?? ""
            default: throw PlainFailure("template", "unknown action '\(pieces[0])'")
            }
            result += pieces[1]
        }
        return result
    }
}

/// 2026-01-01T00:00:00Z
let newYear = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)
