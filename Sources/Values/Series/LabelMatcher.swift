/// A condition on one label, as a selector writes it: `job="shop"`, `code=~"5.."`.
///
/// A missing label counts as an empty value. Regular expressions are anchored at both ends.
public struct LabelMatcher: Sendable, Hashable {
    public enum Operator: String, Sendable, Hashable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case doesNotMatch = "!~"
    }

    public let name: String
    public let op: Operator
    public let value: String
    private let pattern: AnchoredPattern?

    /// - Throws: `PatternFault` when `op` is a regular expression's and `value` is none.
    public init(_ name: String, _ op: Operator, _ value: String) throws(PatternFault) {
        self.name = name
        self.op = op
        self.value = value
        switch op {
        case .equal, .notEqual: pattern = nil
        case .matches, .doesNotMatch: pattern = try AnchoredPattern(value)
        }
    }

    /// `name="value"`.
    public init(_ name: String, equals value: String) {
        self.name = name
        op = .equal
        self.value = value
        pattern = nil
    }

    /// Whether a label of this value satisfies the condition; pass "" where the series lacks the label.
    public func matches(_ candidate: String) -> Bool {
        switch op {
        case .equal: candidate.hasSameBytes(as: value)
        case .notEqual: !candidate.hasSameBytes(as: value)
        case .matches: pattern!.matches(candidate)
        case .doesNotMatch: !pattern!.matches(candidate)
        }
    }

    public func matches(_ labels: Labels) -> Bool { matches(labels[name] ?? "") }

    public static func == (left: LabelMatcher, right: LabelMatcher) -> Bool {
        left.op == right.op && left.value.hasSameBytes(as: right.value) && left.name.hasSameBytes(as: right.name)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(op)
        hasher.combine(value)
    }
}

extension LabelMatcher: CustomStringConvertible {
    public var description: String { "\(Labels.quotedIfNeeded(name))\(op.rawValue)\"\(Labels.escaped(value))\"" }
}
