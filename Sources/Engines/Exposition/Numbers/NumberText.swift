// Numbers as text. Clients compare these texts, so they are those of the reference (Go's `strconv.FormatFloat`) to the character: the fewest digits
// that give the same number again, which Swift's `description` finds too; only where the point stands and when an exponent is
// written differ.

/// The digits of a positive finite number and the power of ten of the first: 1234.5 is ("12345", 3).
private func digits(of value: Double) -> (digits: [UInt8], exponent: Int) {
    var digits: [UInt8] = []
    var exponent = 0
    var pointAt: Int?
    var rest = value.description.utf8[...]
    while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "."): pointAt = digits.count
        case UInt8(ascii: "e"):
            exponent = Int(String(decoding: rest, as: UTF8.self)) ?? 0
            rest = rest[rest.endIndex...]
        default: digits.append(byte)
        }
    }
    exponent += (pointAt ?? digits.count) - 1
    let leadingZeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
    digits.removeFirst(leadingZeros)
    exponent -= leadingZeros
    while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return digits.isEmpty ? ([UInt8(ascii: "0")], 0) : (digits, exponent)
}

private func special(_ value: Double) -> String? {
    value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : nil
}

private func plain(_ digits: [UInt8], _ exponent: Int) -> [UInt8] {
    let zero = UInt8(ascii: "0")
    let point = UInt8(ascii: ".")
    if exponent < 0 { return [zero, point] + [UInt8](repeating: zero, count: -exponent - 1) + digits }
    if digits.count <= exponent + 1 { return digits + [UInt8](repeating: zero, count: exponent + 1 - digits.count) }
    return digits[...exponent] + [point] + digits[(exponent + 1)...]
}

/// A value as the reference writes it in the text of queries and in results of the kind scalar: the fewest digits, never an exponent (Go's `'f', -1`), `NaN`,
/// `+Inf`, `-Inf`.
public func plainNumber(_ value: Double) -> String {
    if let special = special(value) { return special }
    // Most values are whole.
    if value.magnitude < 1e15, let whole = Int64(exactly: value), whole != 0 || value.sign == .plus {
        return String(whole)
    }
    let (digits, exponent) = digits(of: value.magnitude)
    return (value.sign == .minus ? "-" : "") + String(decoding: plain(digits, exponent), as: UTF8.self)
}

/// The fewest digits, with an exponent below 1e-4 and from 1e21 on (Go's `'g', -1`): `1e+21`, `5e-05`.
public func shortestNumber(_ value: Double) -> String { scientific(value, below: -4) }

/// A sample's value as `/api/v1/query` and its like write it: as `plainNumber`, but with an exponent below 1e-6 and from 1e21 on.
public func sampleValueText(_ value: Double) -> String {
    // Most values are whole.
    if value.magnitude < 1e15, let whole = Int64(exactly: value), whole != 0 || value.sign == .plus {
        return String(whole)
    }
    return scientific(value, below: -6)
}

/// The time of a result of the kind scalar, which the reference writes as any other number: `-0.5`, `1435781451.5`. All other times are
/// `secondsText`.
public func scalarSecondsText(_ milliseconds: Int64) -> String { sampleValueText(Double(milliseconds) / 1000) }

private func scientific(_ value: Double, below least: Int) -> String {
    if let special = special(value) { return special }
    let (digits, exponent) = digits(of: value.magnitude)
    let sign = value.sign == .minus ? "-" : ""
    guard value != 0, exponent < least || exponent >= 21 else {
        return sign + String(decoding: plain(digits, exponent), as: UTF8.self)
    }
    var text = String(decoding: digits[..<1], as: UTF8.self)
    if digits.count > 1 { text += "." + String(decoding: digits[1...], as: UTF8.self) }
    return "\(sign)\(text)e\(exponent < 0 ? "-" : "+")\(exponent.magnitude < 10 ? "0" : "")\(exponent.magnitude)"
}

/// A bound or a quantile as OpenMetrics and Prometheus 3 write it in a label: always with a point or an exponent, `0.5`, `10.0`, `+Inf`.
public func openMetricsNumber(_ value: Double) -> String {
    let text = shortestNumber(value)
    return !value.isFinite || text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "e") })
        ? text : text + ".0"
}

/// Milliseconds as seconds with as many decimals as are needed, at most three: `1435781451.781`, `1435781451`, `-0.5` is `-0.500`.
public func secondsText(_ milliseconds: Int64) -> String {
    let magnitude = milliseconds.magnitude
    let fraction = magnitude % 1000
    let sign = milliseconds < 0 ? "-" : ""
    guard fraction != 0 else { return "\(sign)\(magnitude / 1000)" }
    let digits = String(fraction)
    return "\(sign)\(magnitude / 1000).\(String(repeating: "0", count: 3 - digits.utf8.count))\(digits)"
}
