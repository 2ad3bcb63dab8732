/// What stands between two expressions.
public enum BinaryOperator: String, Sendable, Hashable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
    case power = "^"
    case atan2
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    /// Keeps a histogram's observations up to a limit.
    case trimUpper = "</"
    /// Keeps a histogram's observations from a limit on.
    case trimLower = ">/"
    case and, or, unless

    public var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }

    public var isSetOperator: Bool { self == .and || self == .or || self == .unless }

    /// Higher binds closer.
    var precedence: Int {
        switch self {
        case .or: 1
        case .and, .unless: 2
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .trimUpper, .trimLower: 3
        case .add, .subtract: 4
        case .multiply, .divide, .modulo, .atan2: 5
        case .power: 6
        }
    }

    /// The precedence of a sign: `-a^b` is `-(a^b)`, `-a*b` is `(-a)*b`.
    static let signPrecedence = 5
}

/// What makes one series of many.
public enum Aggregator: String, Sendable, Hashable, CaseIterable {
    case sum, avg, min, max, count, group, stddev, stdvar, topk, bottomk, quantile, limitk
    case countValues = "count_values"
    case limitRatio = "limit_ratio"

    /// Whether a parameter stands before the vector.
    public var takesParameter: Bool {
        switch self {
        case .topk, .bottomk, .quantile, .limitk, .countValues, .limitRatio: true
        default: false
        }
    }

    /// Whether the answer is some of the series that went in, unchanged.
    public var selectsSeries: Bool {
        switch self {
        case .topk, .bottomk, .limitk, .limitRatio: true
        default: false
        }
    }
}

/// What an expression gives.
public enum ValueType: String, Sendable, Hashable {
    case scalar
    case instantVector = "instant vector"
    case rangeVector = "range vector"
    case string

    /// As the HTTP API and some messages call it.
    var shortName: String {
        switch self {
        case .instantVector: "vector"
        case .rangeVector: "matrix"
        case .scalar, .string: rawValue
        }
    }
}
