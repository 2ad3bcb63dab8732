extension Duration {
    /// The whole milliseconds of this span, rounded towards zero.
    public var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    public var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }

    /// Reads a duration as Prometheus writes it: `5m`, `1h30m`, `500ms`, `2w`, or `0`. Units go from large to small
    /// (`y` of 365 days, `w`, `d`, `h`, `m`, `s`, `ms`), each at most once.
    /// <https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations>
    /// - Returns: nil when the text is not a duration or does not fit into 64 bits of milliseconds.
    public init?(prometheusText text: some StringProtocol) {
        var total: Int64 = 0
        var nextUnit = 0
        var rest = Substring(text)[...]
        if rest == "0" {
            self = .zero
            return
        }
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, let amount = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let index = durationUnits.firstIndex(where: { $0.name == name }), index >= nextUnit else {
                return nil
            }
            nextUnit = index + 1
            let (part, tooLarge) = amount.multipliedReportingOverflow(by: durationUnits[index].milliseconds)
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !tooLarge, !overflow else { return nil }
            total = sum
        }
        self = .milliseconds(total)
    }

    /// The shortest Prometheus form: `90s` is `1m30s`, zero is `0s`. Fractions of a millisecond are dropped.
    public var prometheusText: String {
        var rest = wholeMilliseconds.magnitude
        guard rest > 0 else { return "0s" }
        var text = wholeMilliseconds < 0 ? "-" : ""
        for unit in durationUnits {
            let size = UInt64(unit.milliseconds)
            // Years and weeks are written only when they divide the span, as the reference does: 8d is not 1w1d.
            if unit.name == "y" || unit.name == "w" {
                if rest.isMultiple(of: size) && rest >= size {
                    return text + "\(rest / size)\(unit.name)"
                }
                continue
            }
            if rest >= size {
                text += "\(rest / size)\(unit.name)"
                rest %= size
            }
        }
        return text
    }

    /// For people: two units at most (`3d 4h`, `12m 5s`, `1.25s`, `85ms`).
    public var briefText: String {
        let ms = wholeMilliseconds.magnitude
        let sign = wholeMilliseconds < 0 ? "-" : ""
        if ms < 1000 { return "\(sign)\(ms)ms" }
        if ms < 10_000 {
            let hundredths = (ms + 5) / 10
            var text = "\(hundredths / 100).\(padded(Int(hundredths % 100), 2))"
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
            return "\(sign)\(text)s"
        }
        let seconds = ms / 1000
        switch seconds {
        case ..<60: return "\(sign)\(seconds)s"
        case ..<3600: return sign + pair(seconds / 60, "m", seconds % 60, "s")
        case ..<86_400: return sign + pair(seconds / 3600, "h", seconds / 60 % 60, "m")
        default: return sign + pair(seconds / 86_400, "d", seconds / 3600 % 24, "h")
        }
    }
}

private let durationUnits: [(name: String, milliseconds: Int64)] = [
    ("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
    ("ms", 1),
]

private func pair(_ major: UInt64, _ majorUnit: String, _ minor: UInt64, _ minorUnit: String) -> String {
    minor == 0 ? "\(major)\(majorUnit)" : "\(major)\(majorUnit) \(minor)\(minorUnit)"
}
