import Glibc
import Units

/// Numbers as Go's `fmt` and `strconv` write them.
enum GoNumber {
    /// `%v` of a float64: the fewest digits that read back the same, with an exponent below
    /// 0.0001 and from a million on: `1e+06`, `123456`, `0.0001`, `1e-05`.
    static func shortest(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        guard value != 0 else { return value.sign == .minus ? "-0" : "0" }
        let (digits, exponent) = decimal(of: value.magnitude)
        let sign = value < 0 ? "-" : ""
        if exponent < -4 || exponent >= 6 {
            return sign + scientific(digits, exponent)
        }
        return sign + plain(digits, exponent)
    }

    /// `%.<digits>g`.
    static func significant(_ value: Double, digits: Int32) -> String {
        formatted("%.*g", value, precision: digits)
    }

    /// One verb of C's `printf` with a precision, for a double. The special values are written as Go writes them.
    static func formatted(_ format: String, _ value: Double, precision: Int32) -> String {
        guard value.isFinite else { return shortest(value) }
        var buffer = [CChar](repeating: 0, count: 512)
        let count = withVaList([precision, value]) { vsnprintf(&buffer, buffer.count, format, $0) }
        return String(decoding: buffer.prefix(max(0, min(Int(count), 511))).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// As `strconv.ParseFloat` reads a text: also `inf`, `+Inf`, `infinity` and `nan`, in any case.
    static func parsed(_ text: String) -> Double? {
        switch text.lowercased() {
        case "nan": .nan
        case "inf", "+inf", "infinity", "+infinity": .infinity
        case "-inf", "-infinity": -.infinity
        default: text.first.map { !$0.isWhitespace } == true ? Double(text) : nil
        }
    }

    /// As `time.Duration` prints: `1h30m0s`, `1.5s`, `250ms`.
    static func duration(_ seconds: Double) -> String {
        guard seconds != 0 else { return "0s" }
        let sign = seconds < 0 ? "-" : ""
        let size = seconds.magnitude
        if size < 1 {
            let (value, unit) = size < 1e-6 ? (size * 1e9, "ns") : size < 1e-3 ? (size * 1e6, "µs") : (size * 1e3, "ms")
            return sign + shortest((value * 1e6).rounded() / 1e6) + unit
        }
        // A `time.Duration` ends at 292 years.
        guard size < 9.2e9 else { return sign + shortest(size) + "s" }
        let minutes = Int64(size) / 60
        let rest = shortest(((size - Double(minutes * 60)) * 1e9).rounded() / 1e9) + "s"
        if minutes == 0 { return sign + rest }
        return sign + (minutes >= 60 ? "\(minutes / 60)h" : "") + "\(minutes % 60)m" + rest
    }

    /// `2026-01-01 00:00:00.5 +0000 UTC`
    static func time(_ seconds: Double) -> String {
        guard seconds.magnitude < 2e11 else { return significant(seconds, digits: 4) }
        let text = Timestamp(secondsSinceEpoch: seconds).rfc3339
        var clock = text.dropLast().map { $0 == "T" ? " " : $0 }
        if clock.contains(".") { while clock.last == "0" { clock.removeLast() } }
        return String(clock) + " +0000 UTC"
    }

    /// The shortest digits of a positive value and the exponent of the first: 1234.5 is (12345, 3).
    private static func decimal(of value: Double) -> (digits: String, exponent: Int) {
        var text = "\(value)"
        var exponent = 0
        if let mark = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: mark)...])!
            text = String(text[..<mark])
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(parts[0])
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        var digits = whole + fraction
        exponent += whole.count - 1
        while digits.hasPrefix("0"), digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.hasSuffix("0"), digits.count > 1 { digits.removeLast() }
        return (digits, exponent)
    }

    private static func scientific(_ digits: String, _ exponent: Int) -> String {
        let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
        return "\(digits.first!)\(fraction)e\(exponent < 0 ? "-" : "+")\(padded(abs(exponent), 2))"
    }

    private static func plain(_ digits: String, _ exponent: Int) -> String {
        if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits }
        if digits.count <= exponent + 1 { return digits + String(repeating: "0", count: exponent + 1 - digits.count) }
        return digits.prefix(exponent + 1) + "." + digits.dropFirst(exponent + 1)
    }
}
