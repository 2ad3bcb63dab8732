public import Series
public import Units

/// A query as a tree, as the parser gives it: types fit, names of functions are known.
public indirect enum Expression: Sendable {
    case number(NumberLiteral)
    case string(StringLiteral)
    case vector(VectorSelector)
    case matrix(MatrixSelector)
    case subquery(Subquery)
    case parenthesised(Expression, SourceSpan)
    case signed(SignedExpression)
    case binary(BinaryExpression)
    case aggregation(Aggregation)
    case call(FunctionCall)
}

public struct NumberLiteral: Sendable {
    public var value: Double
    /// Written as a duration: `5m` is 300.
    public var isDuration = false
    public var span: SourceSpan
}

public struct StringLiteral: Sendable {
    /// What the text means, escapes resolved. Not always UTF-8: `"\xff"` is one byte.
    public var bytes: [UInt8]
    public var span: SourceSpan

    public var value: String { String(decoding: bytes, as: UTF8.self) }
    public var isUTF8: Bool { String(validating: bytes, as: UTF8.self) != nil }
}

/// `@ 1609746000`, `@ start()`, `@ end()`.
public enum FixedTime: Sendable, Hashable {
    case at(Timestamp)
    case start, end
}

public struct VectorSelector: Sendable {
    /// The metric's name where it was written before the braces or as a quoted name inside them.
    public var name: String?
    /// All conditions, the one on the name included, in the order written.
    public var matchers: [LabelMatcher]
    public var offset: DurationExpression?
    public var at: FixedTime?
    /// `anchored` or `smoothed`.
    public var edges: RangeExtension? = nil
    public var span: SourceSpan
}

/// What a selector takes from beyond the edges of its range.
public enum RangeExtension: String, Sendable, Hashable {
    /// The last sample before the range, as it is.
    case anchored
    /// Values at both edges, interpolated between the samples on either side.
    case smoothed
}

public struct MatrixSelector: Sendable {
    public var selector: VectorSelector
    public var range: DurationExpression
    var rangeSpan: SourceSpan
    public var span: SourceSpan
}

public struct Subquery: Sendable {
    public var inner: Expression
    public var range: DurationExpression
    /// Nil: the engine's default.
    public var step: DurationExpression?
    var rangeSpan: SourceSpan
    var stepSpan: SourceSpan
    public var offset: DurationExpression?
    public var at: FixedTime?
    public var span: SourceSpan
}

public struct SignedExpression: Sendable {
    public var isNegative: Bool
    public var inner: Expression
    public var span: SourceSpan
}

public struct VectorMatching: Sendable, Hashable {
    public enum Cardinality: Sendable { case oneToOne, manyToOne, oneToMany, manyToMany }

    public var cardinality = Cardinality.oneToOne
    /// Whether `labels` are those to compare (`on`) or those to leave out (`ignoring`).
    public var isOn = false
    public var labels: [String] = []
    /// Labels of `group_left` and `group_right`, taken over from the "one" side.
    public var included: [String] = []
    /// Stands for a missing left side (`fill_left`).
    public var leftFill: Double?
    /// Stands for a missing right side (`fill_right`).
    public var rightFill: Double?
}

public struct BinaryExpression: Sendable {
    public var op: BinaryOperator
    public var left: Expression
    public var right: Expression
    public var returnsBool = false
    /// Nil unless both sides are instant vectors.
    public var matching: VectorMatching?
    public var span: SourceSpan { left.span.through(right.span) }
}

public struct Aggregation: Sendable {
    public var op: Aggregator
    public var parameter: Expression?
    public var inner: Expression
    public var labels: [String]
    /// `without (labels)`; otherwise `by (labels)`, which may be empty.
    public var isWithout: Bool
    public var span: SourceSpan
}

public struct FunctionCall: Sendable {
    public var function: Function
    public var arguments: [Expression]
    public var span: SourceSpan
}

/// A span of time that may be computed: `5m`, `2 * step()`.
public indirect enum DurationExpression: Sendable, Hashable {
    case literal(Duration)
    /// The step of a range query; 0 in an instant one.
    case step
    /// The length of a range query; 0 in an instant one.
    case range
    case negated(DurationExpression)
    case binary(BinaryOperator, DurationExpression, DurationExpression)
    case least(DurationExpression, DurationExpression)
    case greatest(DurationExpression, DurationExpression)
    case parenthesised(DurationExpression)
}

extension Expression {
    public var span: SourceSpan {
        switch self {
        case .number(let literal): literal.span
        case .string(let literal): literal.span
        case .vector(let selector): selector.span
        case .matrix(let selector): selector.span
        case .subquery(let subquery): subquery.span
        case .parenthesised(_, let span): span
        case .signed(let signed): signed.span
        case .binary(let binary): binary.span
        case .aggregation(let aggregation): aggregation.span
        case .call(let call): call.span
        }
    }

    public var type: ValueType {
        switch self {
        case .number: .scalar
        case .string: .string
        case .vector, .aggregation: .instantVector
        case .matrix, .subquery: .rangeVector
        case .parenthesised(let inner, _): inner.type
        case .signed(let signed): signed.inner.type
        case .binary(let binary): binary.left.type == .scalar && binary.right.type == .scalar ? .scalar : .instantVector
        case .call(let call): call.function.signature.result
        }
    }

    /// Without the parentheses around it.
    public var bare: Expression {
        if case .parenthesised(let inner, _) = self { inner.bare } else { self }
    }

    /// The expressions directly inside.
    public var children: [Expression] {
        switch self {
        case .number, .string, .vector, .matrix: []
        case .subquery(let subquery): [subquery.inner]
        case .parenthesised(let inner, _): [inner]
        case .signed(let signed): [signed.inner]
        case .binary(let binary): [binary.left, binary.right]
        case .aggregation(let aggregation): (aggregation.parameter.map { [$0] } ?? []) + [aggregation.inner]
        case .call(let call): call.arguments
        }
    }

    /// Every selector in the tree, from left to right.
    public var selectors: [VectorSelector] {
        switch self {
        case .vector(let selector): [selector]
        case .matrix(let matrix): [matrix.selector]
        default: children.flatMap(\.selectors)
        }
    }
}
