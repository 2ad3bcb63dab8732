import Series
import Units

/// How one `eval` of a script ended, or one line that could not be read.
public struct ScriptOutcome: Sendable, Hashable {
    /// From 1.
    public var line: Int
    /// Empty for a line that could not be read.
    public var query: String
    /// What was expected and what came; nil when the case passed.
    public var failure: String?

    public init(line: Int, query: String, failure: String?) {
        self.line = line
        self.query = query
        self.failure = failure
    }
}

/// Runs scripts of queries on series held in memory.
public struct ScriptRunner: Sendable {
    /// The settings that the reference's own suite assumes: everything that is experimental on, names of metrics dropped at the end.
    public static var suiteOptions: QueryOptions {
        var options = QueryOptions()
        options.delaysNameRemoval = true
        options.features = .allSyntax
        return options
    }

    private let store = ScriptStore()
    private let engine: QueryEngine
    private let checksRanges: Bool

    /// - Parameters:
    ///   - checksRanges: whether an instant query must also give what the middle step of a range query around it gives.
    ///   - clock: measures the time that a query may take.
    public init(
        options: QueryOptions = Self.suiteOptions, limits: QueryLimits = QueryLimits(), checksRanges: Bool = false,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        engine = QueryEngine(store, limits: limits, options: options, clock: clock)
        self.checksRanges = checksRanges
    }

    /// One outcome for each `eval` and each fault, in the order of their lines.
    public func run(_ script: QueryScript) async -> [ScriptOutcome] {
        var outcomes: [ScriptOutcome] = []
        for command in script.commands {
            switch command {
            case .clear: store.removeAll()
            case .load(let gap, let definitions, let convertsClassic):
                for definition in definitions { load(definition, gap: gap) }
                guard convertsClassic else { continue }
                for (labels, samples) in convertedClassic(definitions) {
                    store.add(labels, samples.map { (Int64($0.index) * gap.wholeMilliseconds, $0.value) })
                }
            case .fault(let fault):
                outcomes.append(ScriptOutcome(line: fault.line, query: "", failure: fault.message))
            case .evaluate(let evaluation):
                let failure = await failure(of: evaluation)
                outcomes.append(ScriptOutcome(line: evaluation.line, query: evaluation.query, failure: failure))
            }
        }
        return outcomes
    }

    private func load(_ definition: QueryScript.Definition, gap: Duration) {
        var samples: [(time: Int64, value: SampleValue)] = []
        for (index, value) in definition.values.enumerated() {
            let time = Int64(index) * gap.wholeMilliseconds
            switch value {
            case .number(let number): samples.append((time, .number(number)))
            case .histogram(let histogram, _): samples.append((time, .histogram(Histogram(histogram))))
            case .missing: break
            }
        }
        store.add(definition.labels, samples)
    }

    private func failure(of evaluation: QueryScript.Evaluation) async -> String? {
        let result: QueryResult
        do {
            result = try await answer(evaluation)
        } catch {
            let message = (error as? QueryFault)?.summary ?? "\(error)"
            if evaluation.fails.isEmpty { return "expected an answer, got the error: \(message)" }
            return evaluation.fails.first { !$0.accepts(message) }
                .map { "expected an error \($0.described), got: \(message)" }
        }
        if let wanted = evaluation.fails.first {
            return "expected an error \(wanted.described), got \(result.value.shown)"
        }
        if let fault = notesFault(evaluation, result) { return fault }
        let comparison = ScriptComparison(evaluation: evaluation)
        switch evaluation.span {
        case .instant(let time):
            if let fault = comparison.fault(instant: result) { return fault }
            return checksRanges ? await rangeFault(comparison, around: time) : nil
        case .range(let start, _, let step):
            return comparison.fault(range: result, start, step)
        }
    }

    private func answer(_ evaluation: QueryScript.Evaluation) async throws -> QueryResult {
        switch evaluation.span {
        case .instant(let time): try await engine.instant(evaluation.query, at: time)
        case .range(let start, let end, let step):
            try await engine.range(evaluation.query, from: start, through: end, step: step)
        }
    }

    /// Every expectation must meet a note; and where there is one of a kind, every note of that kind must be expected.
    private func notesFault(_ evaluation: QueryScript.Evaluation, _ result: QueryResult) -> String? {
        if evaluation.isFreeOfWarnings, let first = result.warnings.first {
            return "expected no warning, got: \(first)"
        }
        if evaluation.isFreeOfInfos, let first = result.infos.first { return "expected no info, got: \(first)" }
        for (kind, wanted, got) in [
            ("warning", evaluation.warns, result.warnings), ("info", evaluation.informs, result.infos),
        ] where !wanted.isEmpty {
            if let missing = wanted.first(where: { text in !got.contains(where: text.accepts) }) {
                return "expected a \(kind) \(missing.described), got: \(got.isEmpty ? "none" : "\(got)")"
            }
            if let stray = got.first(where: { note in !wanted.contains { $0.accepts(note) } }) {
                return "expected no other \(kind), got: \(stray)"
            }
        }
        return nil
    }

    private func rangeFault(_ comparison: ScriptComparison, around time: Timestamp) async -> String? {
        let query = comparison.evaluation.query
        // What cannot be read was judged as an instant query already.
        guard !comparison.evaluation.isOrdered,
            let expression = try? Expression.parse(query, features: engine.options.features),
            expression.type == .scalar || expression.type == .instantVector,
            // These refer to the range itself.
            !["start()", "end()", "step()", "range()"].contains(where: query.contains)
        else { return nil }
        do {
            let minute = Duration.seconds(60)
            let result = try await engine.range(query, from: time - minute, through: time + minute, step: minute)
            return comparison.fault(middle: result, at: time).map { "as a range query: \($0)" }
        } catch {
            return "as a range query: \((error as? QueryFault)?.summary ?? "\(error)")"
        }
    }
}

extension QueryScript.Evaluation.Text {
    func accepts(_ text: String) -> Bool {
        switch self {
        case .any: true
        case .exactly(let wanted): text == wanted
        // What is no pattern accepts nothing, and the case fails with its fault in the message.
        case .pattern(let pattern): (try? Self.unanchored(pattern))?.matches(text) ?? false
        }
    }

    private static func unanchored(_ pattern: String) throws(PatternFault) -> AnchoredPattern {
        try AnchoredPattern(".*(?:\(pattern)).*")
    }

    var described: String {
        switch self {
        case .any: return "of any kind"
        case .exactly(let text): return "'\(text)'"
        case .pattern(let text):
            do throws(PatternFault) {
                _ = try Self.unanchored(text)
                return "that matches '\(text)'"
            } catch {
                return "that matches '\(text)', which is no regular expression: \(error.reason)"
            }
        }
    }
}
