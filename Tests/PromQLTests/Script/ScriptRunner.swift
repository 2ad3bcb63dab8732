import PromQL
import Series
import Units

/// How one `eval` of a script ended.
struct ScriptOutcome: Sendable {
    var line: Int
    var query: String
    /// Nil: passed.
    var failure: String?
}

/// Runs scripts against an engine over series in arrays.
struct ScriptRunner {
    /// The settings that the reference's own suite assumes.
    static var suiteOptions: QueryOptions {
        var options = QueryOptions()
        options.delaysNameRemoval = true
        return options
    }

    let store = ArraySeries()
    let engine: QueryEngine

    init(options: QueryOptions = Self.suiteOptions) {
        engine = QueryEngine(store, options: options)
    }

    func run(_ script: QueryScript) async throws -> [ScriptOutcome] {
        var outcomes: [ScriptOutcome] = []
        for command in script.commands {
            switch command {
            case .clear: store.removeAll()
            case .load(let gap, let definitions): for definition in definitions { load(definition, gap: gap) }
            case .evaluate(let evaluation):
                let failure = await failure(of: evaluation)
                outcomes.append(ScriptOutcome(line: evaluation.line, query: evaluation.query, failure: failure))
            }
        }
        return outcomes
    }

    private func load(_ definition: QueryScript.Definition, gap: Duration) {
        var column = SeriesColumns(labels: definition.labels, times: [], values: [])
        for (index, value) in definition.values.enumerated() {
            guard case .number(let number) = value else { continue }
            column.times.append(Int64(index) * gap.wholeMilliseconds)
            column.values.append(number)
        }
        store.add(column)
    }

    private func failure(of evaluation: QueryScript.Evaluation) async -> String? {
        let result: QueryResult
        do {
            result = try await answer(evaluation)
        } catch {
            guard let fails = evaluation.fails else { return "failed: \(error)" }
            return fails.accepts("\(error)") ? nil : "failed with another message: \(error)"
        }
        if evaluation.fails != nil { return "should have failed, gave \(result.value)" }
        if let fault = notesFault(evaluation, result) { return fault }
        switch evaluation.span {
        case .instant(let time):
            if let fault = compare(result, evaluation) { return fault }
            return await rangeFault(evaluation, around: time)
        case .range(let start, _, let step):
            return compare(result, evaluation, start, step)
        }
    }

    private func answer(_ evaluation: QueryScript.Evaluation) async throws -> QueryResult {
        switch evaluation.span {
        case .instant(let time): try await engine.instant(evaluation.query, at: time)
        case .range(let start, let end, let step):
            try await engine.range(evaluation.query, from: start, through: end, step: step)
        }
    }

    private func notesFault(_ evaluation: QueryScript.Evaluation, _ result: QueryResult) -> String? {
        if evaluation.isFreeOfWarnings, !result.warnings.isEmpty { return "unwanted warnings: \(result.warnings)" }
        if evaluation.isFreeOfInfos, !result.infos.isEmpty { return "unwanted infos: \(result.infos)" }
        if let warns = evaluation.warns, !result.warnings.contains(where: warns.accepts) {
            return "no such warning among \(result.warnings)"
        }
        if let informs = evaluation.informs, !result.infos.contains(where: informs.accepts) {
            return "no such info among \(result.infos)"
        }
        return nil
    }

    // MARK: Comparing

    private func compare(_ result: QueryResult, _ evaluation: QueryScript.Evaluation) -> String? {
        switch result.value {
        case .string(let text, _):
            return evaluation.string == text ? nil : "gave the string '\(text)'"
        case .scalar(let value, _):
            guard case .number(let wanted)? = evaluation.scalar else { return "gave the scalar \(value)" }
            return isNearly(wanted, value) ? nil : "gave \(value) instead of \(wanted)"
        case .vector(let samples):
            return compare(samples.map { ($0.labels, $0.value) }, evaluation)
        case .matrix(let rows):
            // A range selector at one instant; expectations list its samples in order.
            let wanted = evaluation.series.map { ($0.labels, $0.values) }
            guard rows.count == wanted.count else { return "gave \(rows)" }
            for (labels, values) in wanted {
                let numbers = values.compactMap { if case .number(let number) = $0 { number } else { nil } }
                guard let row = rows.first(where: { $0.labels == labels }), row.values.count == numbers.count,
                    zip(row.values, numbers).allSatisfy({ isNearly($1, $0) })
                else { return "gave \(rows)" }
            }
            return nil
        }
    }

    private func compare(_ samples: [(labels: Labels, value: Double)], _ evaluation: QueryScript.Evaluation) -> String?
    {
        let shown = samples.map { "\($0.labels) \($0.value)" }
        if evaluation.scalar != nil || evaluation.string != nil { return "gave the vector \(shown)" }
        guard samples.count == evaluation.series.count else {
            return "gave \(samples.count) elements instead of \(evaluation.series.count): \(shown)"
        }
        for (index, wanted) in evaluation.series.enumerated() {
            guard let place = samples.firstIndex(where: { $0.labels == wanted.labels }) else {
                return "lacks \(wanted.labels): \(shown)"
            }
            if evaluation.isOrdered && place != index { return "order differs: \(shown)" }
            guard case .number(let number)? = wanted.values.first else { return "wants a native histogram" }
            guard isNearly(number, samples[place].value) else {
                return "gave \(samples[place].value) instead of \(number) for \(wanted.labels)"
            }
        }
        return nil
    }

    private func compare(
        _ result: QueryResult, _ evaluation: QueryScript.Evaluation, _ start: Timestamp, _ step: Duration
    ) -> String? {
        guard case .matrix(let rows) = result.value else { return "gave \(result.value)" }
        var wanted = evaluation.series
        if let scalar = evaluation.scalar { wanted = [.init(labels: [:], values: [scalar])] }
        guard rows.count == wanted.count else {
            return "gave \(rows.count) series instead of \(wanted.count): \(rows.map { "\($0.labels) \($0.values)" })"
        }
        for line in wanted {
            guard let row = rows.first(where: { $0.labels == line.labels }) else {
                return "lacks \(line.labels): \(rows.map(\.labels))"
            }
            var times: [Int64] = []
            var values: [Double] = []
            for (index, value) in line.values.enumerated() {
                switch value {
                case .missing: continue
                case .histogram: return "wants a native histogram"
                case .number(let number):
                    times.append(start.millisecondsSinceEpoch + Int64(index) * step.wholeMilliseconds)
                    values.append(number)
                }
            }
            guard row.times == times, zip(row.values, values).allSatisfy({ isNearly($1, $0) }) else {
                return "gave \(row.labels) \(zip(row.times, row.values).map { "\($1) @\($0)" })"
            }
        }
        return nil
    }

    /// An instant query must give what the middle step of a range query around it gives.
    private func rangeFault(_ evaluation: QueryScript.Evaluation, around time: Timestamp) async -> String? {
        guard !evaluation.isOrdered, let expression = try? Expression.parse(evaluation.query),
            expression.type == .scalar || expression.type == .instantVector,
            // These two refer to the range itself.
            !evaluation.query.contains("start()"), !evaluation.query.contains("end()"),
            !evaluation.query.contains("step()"), !evaluation.query.contains("range()")
        else { return nil }
        do {
            let minute = Duration.seconds(60)
            let result = try await engine.range(expression, from: time - minute, through: time + minute, step: minute)
            guard case .matrix(let rows) = result.value else { return "the range query gave \(result.value)" }
            let middle = rows.compactMap { row -> (labels: Labels, value: Double)? in
                row.times.firstIndex(of: time.millisecondsSinceEpoch).map { (row.labels, row.values[$0]) }
            }
            if case .number(let wanted)? = evaluation.scalar {
                return middle.count == 1 && isNearly(wanted, middle[0].value) ? nil : "as a range gave \(middle)"
            }
            return compare(middle, evaluation).map { "as a range: \($0)" }
        } catch {
            return "as a range failed: \(error)"
        }
    }
}

extension QueryScript.Evaluation.Text {
    func accepts(_ text: String) -> Bool {
        switch self {
        case .any: true
        case .exactly(let wanted): text == wanted
        case .pattern(let pattern): (try? AnchoredPattern(".*(?:\(pattern)).*").matches(text)) ?? false
        }
    }
}

/// Equal to one part in a million, NaN to NaN.
private func isNearly(_ wanted: Double, _ got: Double) -> Bool {
    if wanted == got || (wanted.isNaN && got.isNaN) { return true }
    let size = min(wanted.magnitude + got.magnitude, .greatestFiniteMagnitude)
    guard wanted != 0, got != 0, size >= .leastNormalMagnitude else { return (wanted - got).magnitude < 1e-300 }
    return (wanted - got).magnitude / size < 1e-6
}
