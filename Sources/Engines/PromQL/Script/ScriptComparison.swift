import Series
import Units

/// Holds an answer against what a script expects of it. Numbers agree to one part in a million, NaN with NaN.
struct ScriptComparison {
    let evaluation: QueryScript.Evaluation

    private typealias Row = (labels: Labels, samples: [(time: Int64, value: SampleValue)])

    func fault(instant result: QueryResult) -> String? {
        switch result.value {
        case .string(let text, _):
            guard let wanted = evaluation.string else { return "expected \(wantedText), got the string '\(text)'" }
            return wanted == text ? nil : "expected the string '\(wanted)', got '\(text)'"
        case .scalar(let value, _):
            guard let wanted = evaluation.scalar else {
                return "expected \(wantedText), got the number \(goGeneral(value))"
            }
            return isNearly(wanted, value) ? nil : "expected \(goGeneral(wanted)), got \(goGeneral(value))"
        case .vector(let samples):
            return fault(samples.map { ($0.labels, [(Int64(0), $0.sampleValue)]) }, shown: result.value.shown)
        case .matrix(let rows): return fault(raw: rows.map(row))
        }
    }

    func fault(middle result: QueryResult, at time: Timestamp) -> String? {
        guard case .matrix(let columns) = result.value else { return "got \(result.value.shown)" }
        let rows = columns.map(row).compactMap { row -> Row? in
            let kept = row.samples.filter { $0.time == time.millisecondsSinceEpoch }
            return kept.isEmpty ? nil : (row.labels, kept)
        }
        if let wanted = evaluation.scalar {
            guard rows.count == 1, case .number(let got) = rows[0].samples[0].value, isNearly(wanted, got) else {
                return "expected \(goGeneral(wanted)), got \(shown(rows))"
            }
            return nil
        }
        return fault(rows, shown: shown(rows))
    }

    func fault(range result: QueryResult, _ start: Timestamp, _ step: Duration) -> String? {
        guard case .matrix(let columns) = result.value else {
            return "expected \(wantedText), got \(result.value.shown)"
        }
        var wanted = evaluation.series
        if let scalar = evaluation.scalar {
            let count = columns.first?.times.count ?? 1
            wanted = [.init(labels: [:], values: Array(repeating: .number(scalar), count: count))]
        }
        return fault(columns.map(row), wanted, from: start, step)
    }

    // MARK: Vectors

    private func fault(_ rows: [Row], shown: String) -> String? {
        guard evaluation.scalar == nil, evaluation.string == nil, evaluation.rawSamples == nil else {
            return "expected \(wantedText), got \(shown)"
        }
        for (index, wanted) in evaluation.series.enumerated() {
            guard let place = rows.firstIndex(where: { $0.labels == wanted.labels }) else {
                return "expected \(wanted.labels), got \(shown)"
            }
            if evaluation.isOrdered && place != index {
                return "expected \(wanted.labels) at place \(index + 1), got it at place \(place + 1): \(shown)"
            }
            guard wanted.values.count == 1, let value = wanted.values.first else {
                return "expected one value for \(wanted.labels) in an instant query, found \(wanted.values.count)"
            }
            guard agrees(value, rows[place].samples[0].value) else {
                return "expected \(text(value)) for \(wanted.labels), got \(text(rows[place].samples[0].value))"
            }
        }
        let stray = rows.first { row in !evaluation.series.contains { $0.labels == row.labels } }
        if let stray { return "expected no \(stray.labels), got \(shown)" }
        if rows.count != evaluation.series.count {
            return "expected \(evaluation.series.count) series, got \(rows.count): \(shown)"
        }
        return nil
    }

    // MARK: Matrices

    private func fault(raw rows: [Row]) -> String? {
        if let raw = evaluation.rawSamples {
            return fault(rows, evaluation.series, from: raw.start, raw.step)
        }
        // Without times the values are compared in their order.
        guard rows.count == evaluation.series.count else { return "expected \(wantedText), got \(shown(rows))" }
        for wanted in evaluation.series {
            let values = wanted.values.filter { if case .missing = $0 { false } else { true } }
            guard let row = rows.first(where: { $0.labels == wanted.labels }), row.samples.count == values.count,
                zip(values, row.samples).allSatisfy({ agrees($0, $1.value) })
            else { return "expected \(text(wanted)), got \(shown(rows))" }
        }
        return nil
    }

    private func fault(
        _ rows: [Row], _ wanted: [QueryScript.Definition], from start: Timestamp, _ step: Duration
    ) -> String? {
        for line in wanted {
            guard let row = rows.first(where: { $0.labels == line.labels }) else {
                return "expected \(line.labels), got \(shown(rows))"
            }
            var times: [Int64] = []
            var values: [QueryScript.Value] = []
            for (index, value) in line.values.enumerated() {
                if case .missing = value { continue }
                times.append(start.millisecondsSinceEpoch + Int64(index) * step.wholeMilliseconds)
                values.append(value)
            }
            let place = times.indices.first { index in
                index >= row.samples.count || row.samples[index].time != times[index]
                    || !agrees(values[index], row.samples[index].value)
            }
            if let place {
                return "expected \(text(values[place])) at \(times[place]) ms for \(line.labels), got \(shown([row]))"
            }
            if row.samples.count > times.count {
                return "expected \(times.count) values for \(line.labels), got \(shown([row]))"
            }
        }
        let stray = rows.first { row in !wanted.contains { $0.labels == row.labels } }
        return stray.map { "expected no \($0.labels), got \(shown(rows))" }
    }

    private func row(_ columns: SeriesColumns) -> Row {
        var samples = zip(columns.times, columns.values).map { (time: $0, value: SampleValue.number($1)) }
        for sample in columns.histograms { samples[sample.index].value = .histogram(Histogram(sample.histogram)) }
        return (columns.labels, samples)
    }

    // MARK: Values

    private func agrees(_ wanted: QueryScript.Value, _ got: SampleValue) -> Bool {
        switch (wanted, got) {
        case (.number(let a), .number(let b)): return isNearly(a, b)
        case (.histogram(let native, let hasHint), .histogram(let b)):
            let a = Histogram(native)
            return (!hasHint || a.hint == b.hint) && a.schema == b.schema && a.bounds == b.bounds
                && a.zeroThreshold == b.zeroThreshold && isNearly(a.zeroCount, b.zeroCount)
                && isNearly(a.count, b.count) && isNearly(a.sum, b.sum) && agrees(a.positive, b.positive)
                && agrees(a.negative, b.negative)
        default: return false
        }
    }

    private func agrees(_ a: BucketRow, _ b: BucketRow) -> Bool {
        var (a, b) = (a, b)
        a.compact()
        b.compact()
        return a.indices == b.indices && zip(a.counts, b.counts).allSatisfy { isNearly($0, $1) }
    }

    private func isNearly(_ wanted: Double, _ got: Double) -> Bool {
        if wanted == got || (wanted.isNaN && got.isNaN) { return true }
        let size = min(wanted.magnitude + got.magnitude, .greatestFiniteMagnitude)
        guard wanted != 0, got != 0, size >= .leastNormalMagnitude else { return (wanted - got).magnitude < 1e-300 }
        return (wanted - got).magnitude / size < 1e-6
    }

    // MARK: Texts

    private var wantedText: String {
        if let string = evaluation.string { return "the string '\(string)'" }
        if let scalar = evaluation.scalar { return "the number \(goGeneral(scalar))" }
        return evaluation.series.isEmpty ? "nothing" : evaluation.series.map(text).joined(separator: ", ")
    }

    private func text(_ definition: QueryScript.Definition) -> String {
        "\(definition.labels) \(definition.values.map(text).joined(separator: " "))"
    }

    private func text(_ value: QueryScript.Value) -> String {
        switch value {
        case .missing: "_"
        case .number(let number): goGeneral(number)
        case .histogram(let histogram, _): Histogram(histogram).notation
        }
    }

    private func text(_ value: SampleValue) -> String { value.shown }

    private func shown(_ rows: [Row]) -> String {
        let lines = rows.prefix(10).map { row in
            "\(row.labels) \(row.samples.map { "\($0.value.shown) @\($0.time)" }.joined(separator: " "))"
        }
        return lines.isEmpty ? "nothing" : lines.joined(separator: ", ") + (rows.count > 10 ? " and more" : "")
    }
}

extension QueryResult.Sample {
    fileprivate var sampleValue: SampleValue { histogram.map { .histogram(Histogram($0)) } ?? .number(value) }
}

extension SampleValue {
    fileprivate var shown: String {
        switch self {
        case .number(let number): goGeneral(number)
        case .histogram(let histogram): histogram.notation
        }
    }
}

extension QueryResult.Value {
    var shown: String {
        switch self {
        case .scalar(let value, _): return "the number \(goGeneral(value))"
        case .string(let text, _): return "the string '\(text)'"
        case .vector(let samples):
            if samples.isEmpty { return "nothing" }
            return samples.prefix(20).map { "\($0.labels) \($0.sampleValue.shown)" }.joined(separator: ", ")
        case .matrix(let rows):
            return "\(rows.count) series: \(rows.prefix(10).map { "\($0.labels) \($0.values.map(goGeneral))" })"
        }
    }
}

extension Histogram {
    /// As scripts write it.
    var notation: String {
        var parts = ["schema:\(schema)", "count:\(goGeneral(count))", "sum:\(goGeneral(sum))"]
        if zeroCount != 0 { parts.append("z_bucket:\(goGeneral(zeroCount))") }
        if zeroThreshold != 0 { parts.append("z_bucket_w:\(goGeneral(zeroThreshold))") }
        for (prefix, row) in [("", positive), ("n_", negative)] {
            guard let first = row.indices.first, let last = row.indices.last, last - first < 1000 else { continue }
            if first != 0 { parts.append("\(prefix)offset:\(first)") }
            var counts = [Double](repeating: 0, count: last - first + 1)
            for (index, count) in zip(row.indices, row.counts) { counts[index - first] = count }
            parts.append("\(prefix)buckets:[\(counts.map(goGeneral).joined(separator: " "))]")
        }
        if isCustom { parts.append("custom_values:[\(bounds.map(goGeneral).joined(separator: " "))]") }
        switch hint {
        case .unknown: break
        case .reset: parts.append("counter_reset_hint:reset")
        case .notReset: parts.append("counter_reset_hint:not_reset")
        case .gauge: parts.append("counter_reset_hint:gauge")
        }
        return "{{\(parts.joined(separator: " "))}}"
    }
}
