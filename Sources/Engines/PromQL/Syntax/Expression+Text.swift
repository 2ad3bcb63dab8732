import Glibc
import Series
import Units

/// The query as text, in the reference's normal form. Reading it again gives the same tree.
extension Expression: CustomStringConvertible {
    public var description: String {
        switch self {
        case .number(let literal):
            return literal.isDuration
                ? Duration.milliseconds(Int64((literal.value * 1000).rounded())).prometheusText
                : goNumber(literal.value)
        case .string(let literal): return goQuoted(bytes: literal.bytes)
        case .vector(let selector): return selector.text(range: "")
        case .matrix(let matrix): return matrix.selector.text(range: "[\(matrix.range)]")
        case .subquery(let subquery):
            return "\(subquery.inner)\(subquery.suffix)"
        case .parenthesised(let inner, _): return "(\(inner))"
        case .signed(let signed): return (signed.isNegative ? "-" : "+") + "\(signed.inner)"
        case .binary(let binary): return binary.text
        case .aggregation(let aggregation): return aggregation.text
        case .call(let call):
            return "\(call.function.rawValue)(\(call.arguments.map(\.description).joined(separator: ", ")))"
        }
    }
}

extension Expression {
    /// The left side of `op`. A sign binds less than a power: `+Inf ^ x` would be read as `+(Inf ^ x)`, so infinity goes without its sign.
    func baseText(of op: BinaryOperator) -> String {
        if op == .power, case .number(let literal) = self, literal.value == .infinity { return "Inf" }
        return description
    }
}

extension Subquery {
    /// What stands behind the inner expression.
    var suffix: String { "[\(range):\(step.map { "\($0)" } ?? "")]" + modifiers(at, offset) }
}

private func modifiers(_ at: FixedTime?, _ offset: DurationExpression?) -> String {
    var text = ""
    switch at {
    case .start: text += " @ start()"
    case .end: text += " @ end()"
    case .at(let time):
        let ms = time.millisecondsSinceEpoch
        let fraction = String(ms.magnitude % 1000 + 1000).dropFirst()
        text += " @ \(ms < 0 ? "-" : "")\(ms.magnitude / 1000).\(fraction)"
    case nil: break
    }
    if let offset { text += " offset \(offset)" }
    return text
}

extension VectorSelector {
    func text(range: String) -> String {
        let isPlainName = name.map { isLegacyName($0, allowsColon: true) } ?? true
        // Sorted as text, so that the same conditions in another order give the same query.
        var parts = matchers.filter { name == nil || $0.name != Labels.metricName || $0.op != .equal }
            .map { "\(labelText($0.name))\($0.op.rawValue)\(goQuoted($0.value))" }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        if let name, !isPlainName { parts.insert(goQuoted(name), at: 0) }
        let head = isPlainName ? name ?? "" : ""
        let braces = parts.isEmpty ? "" : "{\(parts.joined(separator: ","))}"
        let edges = edges.map { " \($0.rawValue)" } ?? ""
        return head + braces + range + edges + modifiers(at, offset)
    }
}

private func labelText(_ name: String) -> String { isLegacyName(name, allowsColon: false) ? name : goQuoted(name) }

/// Whether a name needs no quotation marks.
func isLegacyName(_ name: String, allowsColon: Bool) -> Bool {
    guard let first = name.utf8.first, isLetter(first) || (allowsColon && first == 0x3A) else { return false }
    return name.utf8.allSatisfy { isLetter($0) || isDigit($0) || (allowsColon && $0 == 0x3A) }
}

extension BinaryExpression {
    fileprivate var text: String { "\(left.baseText(of: op)) \(operatorText) \(right)" }

    /// The operator with its modifiers.
    var operatorText: String {
        var middle = op.rawValue
        if returnsBool { middle += " bool" }
        if let matching,
            matching.isOn || !matching.labels.isEmpty || !matching.included.isEmpty
                || matching.cardinality == .manyToOne || matching.cardinality == .oneToMany
        {
            middle += matching.isOn ? " on (" : " ignoring ("
            middle += matching.labels.map(labelText).joined(separator: ", ") + ")"
            if matching.cardinality == .manyToOne || matching.cardinality == .oneToMany {
                middle += matching.cardinality == .manyToOne ? " group_left (" : " group_right ("
                middle += matching.included.map(labelText).joined(separator: ", ") + ")"
            }
        }
        if let matching {
            if let left = matching.leftFill, let right = matching.rightFill, left == right {
                middle += " fill (\(goGeneral(left)))"
            } else {
                if let value = matching.leftFill { middle += " fill_left (\(goGeneral(value)))" }
                if let value = matching.rightFill { middle += " fill_right (\(goGeneral(value)))" }
            }
        }
        return middle
    }
}

extension Aggregation {
    fileprivate var text: String {
        let first = parameter.map { "\($0), " } ?? ""
        return "\(head)(\(first)\(inner))"
    }

    /// The operator with its grouping.
    var head: String {
        var head = op.rawValue
        if isWithout || !labels.isEmpty {
            head += isWithout ? " without (" : " by ("
            head += labels.map(labelText).joined(separator: ", ") + ") "
        }
        return head
    }
}

extension DurationExpression: CustomStringConvertible {
    public var description: String {
        switch self {
        case .literal(let span): span.prometheusText
        case .step: "step()"
        case .range: "range()"
        case .negated(let inner): "-\(inner)"
        case .binary(let op, let left, let right): "\(left) \(op.rawValue) \(right)"
        case .least(let left, let right): "min(\(left), \(right))"
        case .greatest(let left, let right): "max(\(left), \(right))"
        case .parenthesised(let inner): "(\(inner))"
        }
    }

    /// - Parameters: the step and the length of the query, in milliseconds.
    func milliseconds(step: Int64, length: Int64) throws(DurationFault) -> Double {
        func value(_ inner: DurationExpression) throws(DurationFault) -> Double {
            try inner.milliseconds(step: step, length: length)
        }
        switch self {
        case .literal(let span): return Double(span.wholeMilliseconds)
        case .step: return Double(step)
        case .range: return Double(length)
        case .negated(let inner): return -(try value(inner))
        case .parenthesised(let inner): return try value(inner)
        case .least(let left, let right): return min(try value(left), try value(right))
        case .greatest(let left, let right): return max(try value(left), try value(right))
        case .binary(let op, let left, let right):
            // Both sides are seconds to the user: 2 * 5m multiplies 2 s by 300 s and means 600 s.
            let (a, b) = (try value(left) / 1000, try value(right) / 1000)
            switch op {
            case .add: return (a + b) * 1000
            case .subtract: return (a - b) * 1000
            case .multiply: return a * b * 1000
            case .divide:
                if b == 0 { throw .divisionByZero }
                return a / b * 1000
            case .modulo:
                if b == 0 { throw .moduloByZero }
                return fmod(a, b) * 1000
            default: return pow(a, b) * 1000
            }
        }
    }
}

/// Why a computed duration has no value.
enum DurationFault: String, Error {
    case divisionByZero = "division by zero"
    case moduloByZero = "modulo by zero"
}

/// A number as Go's `%f` writes it: six digits behind the point.
func goFixed(_ value: Double) -> String {
    guard value.isFinite, value.magnitude < 1e12 else { return goNumber(value) }
    let millionths = (value.magnitude * 1e6).rounded(.toNearestOrEven)
    let (whole, fraction) = Int64(millionths).quotientAndRemainder(dividingBy: 1_000_000)
    let digits = String(fraction)
    let sign = value.sign == .minus ? "-" : ""
    return "\(sign)\(whole).\(String(repeating: "0", count: 6 - digits.utf8.count))\(digits)"
}

/// A number as Go's `%g` writes it: with an exponent of at least two digits below 0.0001 and from a million on (`1e+06`).
public func goGeneral(_ value: Double) -> String {
    let plain = goNumber(value)
    guard value.isFinite, value != 0 else { return plain }
    let digits = plain.filter { $0 != "-" && $0 != "." }.drop { $0 == "0" }
    let whole = plain.drop { $0 == "-" }.prefix { $0 != "." }
    let exponent =
        whole == "0" ? -(plain.split(separator: ".")[1].prefix { $0 == "0" }.count + 1) : whole.utf8.count - 1
    guard exponent < -4 || exponent >= 6 else { return plain }
    var significant = String(digits)
    while significant.hasSuffix("0") { significant.removeLast() }
    let rest = significant.dropFirst()
    let mantissa = significant.prefix(1) + (rest.isEmpty ? "" : "." + rest)
    let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
    return "\(value < 0 ? "-" : "")\(mantissa)e\(exponent < 0 ? "-" : "+")\(size)"
}

/// A number as Go's `strconv.FormatFloat(v, 'f', -1, 64)` writes it: the shortest digits that give the value back, without an
/// exponent. The reference uses it wherever a value becomes text.
public func goNumber(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    let shortest = value.magnitude.description
    let parts = shortest.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1])! : 0
    let mantissa = parts[0].split(separator: ".")
    var whole = String(mantissa[0])
    var fraction = mantissa.count > 1 && mantissa[1] != "0" ? String(mantissa[1]) : ""
    if exponent > 0 {
        fraction += String(repeating: "0", count: max(0, exponent - fraction.utf8.count))
        whole += fraction.prefix(exponent)
        fraction = String(fraction.dropFirst(exponent))
    } else if exponent < 0 {
        let padded = String(repeating: "0", count: max(0, -exponent - whole.utf8.count + 1)) + whole
        fraction = padded.suffix(-exponent) + fraction
        whole = String(padded.dropLast(-exponent))
    }
    while whole.utf8.count > 1, whole.hasPrefix("0") { whole.removeFirst() }
    while fraction.hasSuffix("0") { fraction.removeLast() }
    return (value.sign == .minus ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
}
