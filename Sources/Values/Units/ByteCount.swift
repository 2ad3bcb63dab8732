/// A number of bytes. Text uses binary multiples (KiB = 1024) for display and reads both kinds.
public struct ByteCount: Sendable, Hashable, Comparable {
    public var bytes: Int64

    public init(_ bytes: Int64) {
        self.bytes = bytes
    }

    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// Reads `512MB`, `1.5GiB`, `100 kB`, `4096`. `kB`, `MB`, `GB`, `TB` and `KiB`, `MiB`, … all mean multiples of 1024, as
    /// in Prometheus and PostgreSQL.
    /// - Returns: nil when the text is something else, negative, or too large for 63 bits.
    public init?(text: some StringProtocol) {
        let compact = String(text.filter { $0 != " " })
        let number = compact.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = compact.dropFirst(number.count).lowercased()
        guard let amount = Double(String(number)), let exponent = byteUnits[unit] else { return nil }
        var scaled = amount
        for _ in 0..<exponent { scaled *= 1024 }
        guard scaled.isFinite, scaled < 9.2e18 else { return nil }
        bytes = Int64(scaled.rounded())
    }

    /// `1.5 GiB`; three significant digits, whole bytes below 1 KiB.
    public var text: String {
        var amount = Double(bytes)
        var unit = 0
        while amount.magnitude >= 1024 && unit < byteUnitNames.count - 1 {
            amount /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        return "\(amount.shortText(significantDigits: 3)) \(byteUnitNames[unit])"
    }
}

private let byteUnitNames = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
private let byteUnits: [String: Int] = [
    "": 0, "b": 0, "k": 1, "kb": 1, "kib": 1, "m": 2, "mb": 2, "mib": 2, "g": 3, "gb": 3, "gib": 3, "t": 4, "tb": 4,
    "tib": 4, "p": 5, "pb": 5, "pib": 5,
]

extension Double {
    /// Rounded to `significantDigits` (1…15) and written without an exponent and without trailing zeros.
    public func shortText(significantDigits: Int) -> String {
        guard isFinite else { return isNaN ? "NaN" : self < 0 ? "-Inf" : "+Inf" }
        guard self != 0 else { return "0" }
        var order = 0
        var probe = magnitude
        while probe >= 10 && order < 400 {
            probe /= 10
            order += 1
        }
        while probe < 1 && order > -400 {
            probe *= 10
            order -= 1
        }
        let decimals = Swift.max(0, significantDigits - 1 - order)
        guard decimals <= 15, magnitude < 1e15 else { return "\(self)" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (magnitude * scale).rounded()
        guard scaled < 9e18 else { return "\(self)" }
        let whole = UInt64(scaled)
        let divisor = UInt64(scale)
        var text = "\(whole / divisor)"
        if decimals > 0 {
            var fraction = padded(Int(whole % divisor), decimals)
            while fraction.hasSuffix("0") { fraction.removeLast() }
            if !fraction.isEmpty { text += ".\(fraction)" }
        }
        return self < 0 ? "-\(text)" : text
    }
}
