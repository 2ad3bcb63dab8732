import Units

// The functions that Prometheus adds: <https://prometheus.io/docs/prometheus/latest/configuration/template_reference/>.

extension TemplateFunctions {
    static let prometheus: [String: Body] = [
        "humanize": { (arguments) throws(CallFault) in .string(humanized(try number(arguments, 0, of: 1))) },
        "humanize1024": { (arguments) throws(CallFault) in .string(humanized1024(try number(arguments, 0, of: 1))) },
        "humanizeDuration": { (arguments) throws(CallFault) in
            .string(humanizedDuration(try number(arguments, 0, of: 1)))
        },
        "humanizePercentage": { (arguments) throws(CallFault) in
            .string(GoNumber.significant(try number(arguments, 0, of: 1) * 100, digits: 4) + "%")
        },
        "humanizeTimestamp": { (arguments) throws(CallFault) in
            let seconds = try number(arguments, 0, of: 1)
            return .string(seconds.isFinite ? GoNumber.time(seconds) : GoNumber.significant(seconds, digits: 4))
        },
        "toTime": { (arguments) throws(CallFault) in
            let seconds = try number(arguments, 0, of: 1)
            guard seconds.isFinite else { throw CallFault(reason: "value is NaN or Inf") }
            return .time(seconds)
        },
        "toDuration": { (arguments) throws(CallFault) in
            let seconds = try number(arguments, 0, of: 1)
            guard seconds.isFinite else { throw CallFault(reason: "value is NaN or Inf") }
            return .string(GoNumber.duration(seconds))
        },
        "urlQueryEscape": { (arguments) throws(CallFault) in
            .string(escapedForQuery(try text(arguments, 0, of: 1)))
        },
        "parseDuration": { (arguments) throws(CallFault) in
            let text = try text(arguments, 0, of: 1)
            guard let duration = Duration(prometheusText: text) else {
                throw CallFault(reason: "not a valid duration string: \"\(text)\"")
            }
            return .number(duration.inSeconds)
        },
        "title": { (arguments) throws(CallFault) in .string(titled(try text(arguments, 0, of: 1))) },
        "toUpper": { (arguments) throws(CallFault) in .string(try text(arguments, 0, of: 1).uppercased()) },
        "toLower": { (arguments) throws(CallFault) in .string(try text(arguments, 0, of: 1).lowercased()) },
        "safeHtml": { (arguments) throws(CallFault) in .string(try text(arguments, 0, of: 1)) },
        "stripPort": { (arguments) throws(CallFault) in .string(splitPort(try text(arguments, 0, of: 1)).host) },
        "stripDomain": { (arguments) throws(CallFault) in .string(withoutDomain(try text(arguments, 0, of: 1))) },
        "graphLink": { (arguments) throws(CallFault) in
            .string("/graph?g0.expr=\(escapedForQuery(try text(arguments, 0, of: 1)))&g0.tab=0")
        },
        "tableLink": { (arguments) throws(CallFault) in
            .string("/graph?g0.expr=\(escapedForQuery(try text(arguments, 0, of: 1)))&g0.tab=1")
        },
        "args": { (arguments) throws(CallFault) in
            .map(Dictionary(uniqueKeysWithValues: arguments.enumerated().map { ("arg\($0.offset)", $0.element) }))
        },
        "first": { (arguments) throws(CallFault) in
            guard case .list(let items) = try argument(arguments, 0, of: 1) else {
                throw CallFault(reason: "expected a query's result")
            }
            guard let first = items.first else { throw CallFault(reason: "first() called on vector with no elements") }
            return first
        },
        "value": { (arguments) throws(CallFault) in .number(try sample(try argument(arguments, 0, of: 1)).value) },
        "strvalue": { (arguments) throws(CallFault) in
            .string(try sample(try argument(arguments, 0, of: 1)).labels["__value__"] ?? "")
        },
        "label": { (arguments) throws(CallFault) in
            let name = try text(arguments, 0, of: 2)
            return .string(try sample(try argument(arguments, 1, of: 2)).labels[name] ?? "")
        },
        "sortByLabel": { (arguments) throws(CallFault) in
            let name = try text(arguments, 0, of: 2)
            guard case .list(let items) = try argument(arguments, 1, of: 2) else {
                throw CallFault(reason: "expected a query's result")
            }
            var samples: [TemplateSample] = []
            for item in items { samples.append(try sample(item)) }
            // Swift's sort is stable in fact and not by promise, so the place breaks ties.
            let sorted = samples.enumerated().sorted {
                ($0.element.labels[name] ?? "", $0.offset) < ($1.element.labels[name] ?? "", $1.offset)
            }
            return .list(sorted.map { .sample($0.element) })
        },
    ]

    private static func sample(_ value: TemplateValue) throws(CallFault) -> TemplateSample {
        guard case .sample(let sample) = value else {
            throw CallFault(reason: "expected a sample; found \(value.kindName)")
        }
        return sample
    }

    private static let smallPrefixes = ["m", "u", "n", "p", "f", "a", "z", "y"]

    /// `1234` is `1.234k`, `0.02` is `20m`.
    private static func humanized(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return GoNumber.significant(value, digits: 4) }
        if value.magnitude < 1 { return scaledUp(value) }
        return scaledDown(value, by: 1000, ["k", "M", "G", "T", "P", "E", "Z", "Y"])
    }

    private static func humanized1024(_ value: Double) -> String {
        guard value.magnitude > 1, value.isFinite else { return GoNumber.significant(value, digits: 4) }
        return scaledDown(value, by: 1024, ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
    }

    private static func scaledDown(_ value: Double, by base: Double, _ prefixes: [String]) -> String {
        var value = value
        var prefix = ""
        for next in prefixes where value.magnitude >= base {
            prefix = next
            value /= base
        }
        return GoNumber.significant(value, digits: 4) + prefix
    }

    private static func scaledUp(_ value: Double) -> String {
        var value = value
        var prefix = ""
        for next in smallPrefixes where value.magnitude < 1 {
            prefix = next
            value *= 1000
        }
        return GoNumber.significant(value, digits: 4) + prefix
    }

    /// `3661` is `1h 1m 1s`, `0.02` is `20ms`.
    private static func humanizedDuration(_ value: Double) -> String {
        guard value.isFinite else { return GoNumber.significant(value, digits: 4) }
        if value == 0 { return "0s" }
        if value.magnitude < 1 { return scaledUp(value) + "s" }
        let sign = value < 0 ? "-" : ""
        guard value.magnitude < 9e18 else { return sign + GoNumber.significant(value.magnitude, digits: 4) + "s" }
        let whole = Int64(value.magnitude)
        let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60)
        if days != 0 { return "\(sign)\(days)d \(hours)h \(minutes)m \(seconds)s" }
        if hours != 0 { return "\(sign)\(hours)h \(minutes)m \(seconds)s" }
        if minutes != 0 { return "\(sign)\(minutes)m \(seconds)s" }
        return sign + GoNumber.significant(value.magnitude, digits: 4) + "s"
    }

    private static func titled(_ text: String) -> String {
        var titled = ""
        var isStart = true
        for character in text {
            titled += isStart ? character.uppercased() : String(character)
            isStart = !(character.isLetter || character.isNumber || character == "_" || character == "'")
        }
        return titled
    }

    /// `[::1]:9100` is (`::1`, `9100`); what has no port stays as it is.
    private static func splitPort(_ text: String) -> (host: String, port: String?) {
        guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
        let host = text[..<colon]
        let port = String(text[text.index(after: colon)...])
        if host.hasPrefix("["), host.hasSuffix("]") { return (String(host.dropFirst().dropLast()), port) }
        if host.contains(":") || host.contains("[") || port.contains("]") { return (text, nil) }
        return (String(host), port)
    }

    /// `shop-1.example.com:9100` is `shop-1:9100`; addresses stay.
    private static func withoutDomain(_ text: String) -> String {
        let (host, port) = splitPort(text)
        let isAddress = host.contains(":") || !host.isEmpty && host.allSatisfy { $0.isNumber || $0 == "." }
        guard !isAddress, let dot = host.firstIndex(of: ".") else { return text }
        return host[..<dot] + (port.map { ":" + $0 } ?? "")
    }
}
