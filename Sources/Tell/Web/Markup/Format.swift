import Texts
import Units
import WebAPI

/// Numbers, spans and instants as a person reads them. What is not known reads "unknown", never 0.
enum Format {
    static func number(_ value: Double, _ unit: Figure.Unit) -> String {
        guard value.isFinite else { return value.shortText(significantDigits: 3) }
        switch unit {
        case .none: return grouped(value)
        case .bytes: return bytes(value)
        case .bytesPerSecond: return bytes(value) + "/s"
        case .perSecond: return grouped(value) + "/s"
        case .seconds: return seconds(value)
        case .ratio: return percent(value * 100)
        case .percent: return percent(value)
        case .instant: return Timestamp(millisecondsSinceEpoch: Int64(value)).rfc3339
        }
    }

    static func bytes(_ value: Double) -> String {
        guard value.magnitude < 9e18 else { return value.shortText(significantDigits: 3) + " B" }
        return ByteCount(Int64(value.rounded())).text
    }

    static func seconds(_ value: Double) -> String {
        if value != 0, value.magnitude < 0.001 { return (value * 1e6).shortText(significantDigits: 3) + " µs" }
        if value.magnitude < 1 { return (value * 1000).shortText(significantDigits: 3) + " ms" }
        if value.magnitude < 60 { return value.shortText(significantDigits: 3) + " s" }
        return value.magnitude < 9e15 ? Duration.seconds(value).briefText : value.shortText(significantDigits: 3) + " s"
    }

    static func milliseconds(_ value: Double) -> String { seconds(value / 1000) }

    private static func percent(_ value: Double) -> String {
        (value.magnitude >= 100 ? value.rounded() : value).shortText(significantDigits: 3) + " %"
    }

    /// `12,345`; fractions keep three significant digits.
    static func grouped(_ value: Double) -> String {
        guard value.magnitude >= 1000, value.magnitude < 1e15 else { return value.shortText(significantDigits: 3) }
        var digits = Substring(String(Int64(value.magnitude.rounded())))
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits = digits.dropLast(3)
        }
        groups.insert(digits, at: 0)
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }
}

extension PageContext {
    func figure(_ value: Double?, _ unit: Figure.Unit) -> String {
        guard let value, !value.isNaN else { return t[.unknownValue] }
        return Format.number(value, unit)
    }

    /// `4m ago`, with the exact time for whoever points at it or cannot see it.
    func ago(_ instant: Timestamp?) -> Markup {
        guard let instant else { return "<span class=\"muted\">\(t[.never])</span>" }
        // Nobody reads the fraction of a second in "1.36s ago".
        let span = Duration.seconds((now - instant).components.seconds)
        let text = span == .zero ? t[.justNow] : t(.ago, ["span": span.briefText])
        let shown = span < .zero ? t(.inSpan, ["span": (.zero - span).briefText]) : text
        return "<time datetime=\"\(instant.rfc3339)\" title=\"\(instant.rfc3339)\">\(shown)</time>"
    }

    /// `running for 4m`, with the exact time of the start as `ago` has it. A clock that was set back reads as no time at all.
    func running(since start: Timestamp) -> Markup {
        let span = max(.zero, now - start).briefText
        return "<time datetime=\"\(start.rfc3339)\" title=\"\(start.rfc3339)\">\(t(.runningFor, ["span": span]))</time>"
    }

    func time(_ instant: Timestamp?) -> Markup {
        guard let instant else { return "<span class=\"muted\">–</span>" }
        let text = instant.rfc3339
        let shown = "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
        return "<time datetime=\"\(text)\" title=\"\(text)\">\(shown)</time>"
    }

    func span(ms: Int64?) -> String { ms.map { Duration.milliseconds($0).briefText } ?? t[.unknownValue] }
    func bytes(_ count: Int64?) -> String { count.map { ByteCount($0).text } ?? t[.unknownValue] }

    /// A verdict as sign and word, so that it does not hang on colour.
    func verdict(_ verdict: Verdict) -> Markup {
        switch verdict {
        case .ok: Self.badge("ok", "✓", t[.verdictOK])
        case .warning: Self.badge("warning", "▲", t[.verdictWarning])
        case .critical: Self.badge("critical", "✕", t[.verdictCritical])
        case .unknown: Self.badge("unknown", "?", t[.verdictUnknown])
        }
    }

    static func badge(_ kind: Markup, _ sign: Markup, _ word: String) -> Markup {
        "<span class=\"badge \(kind)\"><span aria-hidden=\"true\">\(sign)</span> \(word)</span>"
    }

    /// A number that says what measured it: a link to its query.
    func measured(_ value: Double?, _ unit: Figure.Unit, query: String?) -> Markup {
        let text = figure(value, unit)
        guard let query else { return "<span>\(text)</span>" }
        let address = "/query?expr=\(APIPath.escaped(query))"
        return "<a class=\"measured\" href=\"\(link: address)\" title=\"\(query)\">\(text)</a>"
    }
}
