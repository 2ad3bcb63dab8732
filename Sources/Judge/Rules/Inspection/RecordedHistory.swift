import Diagnostics
import PromQL
import Series
import Synchronization
import Units

// What the recording rules of a file would have recorded. A rule is asked over the whole stretch of time at once, at its group's steps, and its
// answer stands in memory before the stored history, where the rules after it find it. A series that a step does not give again ends there
// with a stale marker, as it does live.
//
// Live, a rule may also read what a later one recorded a step ago; here it finds what is stored under that name.

/// Gives a rule's expression over a time in which the file's recording rules had run.
actor RecordedHistory: RangeAsking {
    private struct Recorder {
        let rule: Rule
        let group: RuleGroup
        let step: Duration
    }

    private let recorders: [Recorder]
    /// How far before the begin anything in the file looks, one rule through another.
    private let reach: Duration
    private let overlay: OverlaidSeries
    private let engine: QueryEngine
    private var done: Set<Int> = []
    private let start: Timestamp
    private let end: Timestamp

    init(
        _ groups: [RuleGroup], stored: any SeriesReading, options: QueryOptions, from start: Timestamp,
        through end: Timestamp, step: (RuleGroup) -> Duration
    ) {
        recorders = groups.flatMap { group in
            group.rules.filter { $0.kind == .recording }.map { Recorder(rule: $0, group: group, step: step(group)) }
        }
        let alerting = groups.flatMap(\.rules).filter { $0.kind == .alerting }
        reach = recorders.reduce(alerting.map { $0.expression.reach(options.lookback) }.max() ?? .zero) {
            $0 + $1.rule.expression.reach(options.lookback)
        }
        overlay = OverlaidSeries(stored)
        engine = QueryEngine(overlay, options: options)
        self.start = start
        self.end = end
    }

    /// Whether `expression` reads a series that the file records.
    nonisolated func isNeeded(by expression: Expression) -> Bool { !readers(expression).isEmpty }

    private nonisolated func readers(_ expression: Expression) -> [Int] {
        let selectors = expression.selectors.map(\.matchers)
        return recorders.indices.filter { index in
            let name = recorders[index].rule.name
            return selectors.contains { matchers in
                matchers.allSatisfy { $0.name != Labels.metricName || $0.matches(name) }
            }
        }
    }

    /// Works out what `expression` needs.
    /// - Throws: `BacktestFault`, `QueryFault`, and what the rules' answers are refused for.
    func prepare(_ expression: Expression) async throws {
        var needed: Set<Int> = []
        var pending = readers(expression)
        while let index = pending.popLast() {
            guard needed.insert(index).inserted else { continue }
            // Only what stands before it is known by then.
            pending += readers(recorders[index].rule.expression).filter { $0 < index }
        }
        for index in needed.sorted() where !done.contains(index) {
            try await record(recorders[index])
            done.insert(index)
        }
    }

    private func record(_ recorder: Recorder) async throws {
        let step = recorder.step
        let before = Int((reach / step).rounded(.up))
        let begin = start - step * before - recorder.group.queryOffset
        let last = end - recorder.group.queryOffset
        let count = (last - begin) / step
        guard count <= Double(Backtest.stepsMax) else { throw BacktestFault(steps: Int(count), step: step) }
        var columns: [Labels: SeriesColumns] = [:]
        var from = begin
        while from <= last {
            let through = min(last, from + step * (Backtest.stepsInQueryMax - 1))
            let answer = try await engine.range(recorder.rule.expression, from: from, through: through, step: step)
            guard case .matrix(let rows) = answer.value else { break }
            var seen: Set<Labels> = []
            for row in rows {
                var labels = row.labels
                for (name, value) in recorder.rule.labels { labels[name] = value }
                labels[Labels.metricName] = recorder.rule.name
                guard seen.insert(labels).inserted else {
                    throw PlainFailure(
                        "duplicate-series", "vector contains metrics with the same labelset after applying rule labels")
                }
                columns[labels, default: SeriesColumns(labels: labels, times: [], values: [])].append(row)
            }
            from = through + step
        }
        let stepMs = step.wholeMilliseconds
        overlay.put(
            recorder.rule.name, columns.values.map { $0.ending(every: stepMs, through: last.millisecondsSinceEpoch) })
    }

    func range(_ expression: String, from start: Timestamp, through end: Timestamp, step: Duration) async throws
        -> [SeriesColumns]
    {
        try await EngineRanges(engine).range(expression, from: start, through: end, step: step)
    }
}

extension SeriesColumns {
    fileprivate mutating func append(_ more: SeriesColumns) {
        for sample in more.histograms {
            histograms.append(.init(index: times.count + sample.index, histogram: sample.histogram))
        }
        times += more.times
        values += more.values
    }

    /// With a stale marker at the first step that has no sample, after each stretch.
    fileprivate func ending(every step: Int64, through end: Int64) -> SeriesColumns {
        var result = SeriesColumns(labels: labels, times: [], values: [])
        var histograms = self.histograms[...]
        for index in times.indices {
            if histograms.first?.index == index {
                result.histograms.append(
                    .init(index: result.times.count, histogram: histograms.removeFirst().histogram))
            }
            result.times.append(times[index])
            result.values.append(values[index])
            let next = times[index] + step
            guard index + 1 < times.count ? times[index + 1] > next : next <= end else { continue }
            result.times.append(next)
            result.values.append(staleMarker)
        }
        return result
    }
}

/// Stored series, some names of which others have taken the place of.
private final class OverlaidSeries: BoundedSeriesReading {
    private let stored: any SeriesReading
    private let names = Mutex<[String: [SeriesColumns]]>([:])

    init(_ stored: any SeriesReading) { self.stored = stored }

    /// Two rules of one name record into the same series.
    func put(_ name: String, _ columns: [SeriesColumns]) { names.withLock { $0[name, default: []] += columns } }

    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        try await select(matchers, from: start, through: end, within: SelectionBounds())
    }

    func select(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, within bounds: SelectionBounds
    ) async throws -> [SeriesColumns] {
        let names = names.withLock { $0 }
        // Here they are told apart by them.
        var bounds = bounds
        bounds.needsLabels = true
        var found: [SeriesColumns] = []
        for column in names.values.joined() where matchers.allSatisfy({ $0.matches(column.labels) }) {
            let part = column.part(from: start.millisecondsSinceEpoch, through: end.millisecondsSinceEpoch)
            if !part.times.isEmpty { found.append(part) }
        }
        let named = matchers.first { $0.name == Labels.metricName && $0.op == .equal }?.value
        if named == nil || names[named!] == nil {
            let old =
                if let stored = stored as? any BoundedSeriesReading {
                    try await stored.select(matchers, from: start, through: end, within: bounds)
                } else {
                    try await stored.select(matchers, from: start, through: end)
                }
            found += old.filter { names[$0.labels.name] == nil }
        }
        return found.sorted { $0.labels < $1.labels }
    }

    func labelNames(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws -> [String]
    {
        let found = try await select(matchers, from: start, through: end)
        return Set(found.flatMap { $0.labels.pairs.map(\.name) }).sorted()
    }

    func labelValues(_ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp)
        async throws -> [String]
    {
        let found = try await select(matchers, from: start, through: end)
        return Set(found.compactMap { $0.labels[name] }).sorted()
    }

    func metadata() async throws -> MetadataByName { [:] }
}

extension SeriesColumns {
    fileprivate func part(from start: Int64, through end: Int64) -> SeriesColumns {
        let first = times.firstIndex { $0 >= start } ?? times.count
        let last = times.lastIndex { $0 <= end } ?? -1
        guard first <= last else { return SeriesColumns(labels: labels, times: [], values: []) }
        var part = SeriesColumns(
            labels: labels, times: Array(times[first...last]), values: Array(values[first...last]))
        for sample in histograms where sample.index >= first && sample.index <= last {
            part.histograms.append(.init(index: sample.index - first, histogram: sample.histogram))
        }
        return part
    }
}
