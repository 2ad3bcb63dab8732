import Diagnostics
public import PromQL
public import Series
public import Units

// A rule over series that do not exist looks like a rule whose condition is false: both give nothing. So each selector of an
// expression is asked for alone, by labels and without samples. What stands inside `absent()` is there to be missing and is
// left out.

/// Finds the selectors of expressions that match no series at all.
public struct SelectorInspector: Sendable {
    /// A selector that found nothing.
    public struct Unmatched: Sendable, Hashable {
        /// As it stands in the expression.
        public var selector: String
        /// Whether no series has the metric's name at all; otherwise it is the labels that fit none.
        public var isNameUnknown: Bool
        /// The known metric with the name that is most like it; nil where none is.
        public var nearestName: String?

        public init(selector: String, isNameUnknown: Bool, nearestName: String? = nil) {
            self.selector = selector
            self.isNameUnknown = isNameUnknown
            self.nearestName = nearestName
        }
    }

    /// Names of metrics of the last hour are proposed: one that was read yesterday is no help today.
    private static let namesAge = Duration.seconds(3600)

    private let series: any SeriesReading
    private let lookback: Duration

    /// - Parameter lookback: how far back an instant selector looks, as the engine has it.
    public init(_ series: any SeriesReading, lookback: Duration = QueryOptions().lookback) {
        self.series = series
        self.lookback = lookback
    }

    /// - Returns: for each expression what it misses, in the order written; nothing for one that cannot be read.
    public func unmatched(_ expressions: Set<String>, at now: Timestamp) async throws -> [String: [Unmatched]] {
        var found: [String: [Unmatched]] = [:]
        var known: [Demand: Bool] = [:]
        var names: [String]?
        for text in expressions.sorted() {
            let expression: Expression
            do {
                // Only rules that the daemon has taken come here, whatever they use.
                expression = try Expression.parse(text, features: .allSyntax)
            } catch {
                // Rules are parsed when their file is read; what cannot be parsed has its own message there.
                continue
            }
            for (selector, span) in expression.demanded(lookback) {
                let isThere: Bool
                let demand = Demand(matchers: selector.matchers, span: span)
                if let answer = known[demand] {
                    isThere = answer
                } else {
                    isThere = try await exists(selector.matchers, from: now - span, through: now)
                    known[demand] = isThere
                }
                guard !isThere else { continue }
                if names == nil {
                    names = try await series.labelValues(
                        Labels.metricName, [], from: now - Self.namesAge, through: now)
                }
                found[text, default: []].append(describe(selector, of: text, names ?? []))
            }
        }
        return found
    }

    private struct Demand: Hashable {
        let matchers: [LabelMatcher]
        let span: Duration
    }

    private func exists(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws -> Bool
    {
        !(try await series.labelValues(Labels.metricName, matchers, from: start, through: end)).isEmpty
    }

    private func describe(_ selector: VectorSelector, of text: String, _ names: [String]) -> Unmatched {
        let bytes = Array(text.utf8)
        let written = String(
            decoding: bytes[max(0, selector.span.start)..<min(bytes.count, selector.span.end)], as: UTF8.self)
        let name = selector.name ?? selector.matchers.first { $0.name == Labels.metricName && $0.op == .equal }?.value
        guard let name, !names.contains(name) else { return Unmatched(selector: written, isNameUnknown: false) }
        return Unmatched(selector: written, isNameUnknown: true, nearestName: nearestName(to: name, among: names))
    }
}

extension Expression {
    /// How far into the past the expression looks.
    func reach(_ lookback: Duration) -> Duration { max(lookback, demanded(lookback).map(\.1).max() ?? .zero) }

    /// The selectors that are meant to find something, each with how far back it looks.
    fileprivate func demanded(_ lookback: Duration) -> [(VectorSelector, Duration)] {
        switch self {
        case .vector(let selector): return [(selector, lookback + (selector.offset?.plain ?? .zero))]
        case .matrix(let matrix):
            return [(matrix.selector, max(lookback, matrix.range.plain) + (matrix.selector.offset?.plain ?? .zero))]
        case .subquery(let subquery):
            let more = subquery.range.plain + (subquery.offset?.plain ?? .zero)
            return subquery.inner.demanded(lookback).map { ($0, $1 + more) }
        case .call(let call) where call.function.rawValue == "absent" || call.function.rawValue == "absent_over_time":
            return []
        default: return children.flatMap { $0.demanded(lookback) }
        }
    }
}

extension DurationExpression {
    /// The span where it is written plainly; a computed one counts as a day, which errs on the side of finding series.
    fileprivate var plain: Duration {
        switch self {
        case .literal(let span): span
        case .parenthesised(let inner): inner.plain
        case .negated: .zero
        default: .seconds(86_400)
        }
    }
}
