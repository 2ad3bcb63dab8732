import JSONCoding
import Units
import WebAPI

/// The parameters of the Prometheus API, from the address and from a form. What is wrong with one is told in the reference's words, since
/// clients show them and some look for them.
struct PrometheusParameters {
    private let query: FormFields
    private let form: FormFields

    init(_ request: WebRequest) {
        query = request.query
        form = request.form
    }

    subscript(_ name: String) -> String? { form[name] ?? query[name] }

    func all(_ name: String) -> [String] { form.all(name) + query.all(name) }

    func invalid(_ name: String, _ message: String) -> QueryFault {
        QueryFault(.badData, "invalid parameter \"\(name)\": \(message)")
    }

    /// What is asked. A missing one is as an empty one, which the language refuses.
    var expression: String { self["query"] ?? "" }

    var wantsStatistics: Bool { self["stats"].map { !$0.isEmpty } ?? false }

    // MARK: Times

    /// An instant that may be left out.
    func instant(_ name: String) throws -> Timestamp? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let time = Self.time(text) else {
            throw invalid(name, "invalid time value for '\(name)': \(Self.noTime(text))")
        }
        return time
    }

    func requiredInstant(_ name: String) throws -> Timestamp {
        let text = self[name] ?? ""
        guard let time = Self.time(text) else { throw invalid(name, Self.noTime(text)) }
        return time
    }

    private static func time(_ text: String) -> Timestamp? {
        if let seconds = number(text), seconds.isFinite, seconds.magnitude < 9e12 {
            // The part of a second is rounded by itself, as the reference does it: 1.0005 is a little less than it says.
            let whole = seconds.rounded(.towardZero)
            let part = ((seconds - whole) * 1000).rounded()
            return Timestamp(millisecondsSinceEpoch: Int64(whole) * 1000 + Int64(part))
        }
        return Timestamp(rfc3339: text)
    }

    private static func noTime(_ text: String) -> String {
        "cannot parse \(PrometheusJSON.quoted(shortened(text))) to a valid timestamp"
    }

    /// A duration or seconds.
    func span(_ name: String) throws -> Duration { try span(self[name] ?? "", name) }

    private func span(_ text: String, _ name: String) throws -> Duration {
        let quoted = PrometheusJSON.quoted(Self.shortened(text))
        if let seconds = Self.number(text) {
            // As the reference counts: in whole nanoseconds, cut from the product. 13.7 lies just below its decimal as a binary number, and
            // exact arithmetic would leave a millisecond less.
            let nanoseconds = seconds * 1e9
            guard !nanoseconds.isNaN else { return .nanoseconds(Int64.min) }
            guard let whole = Int64(exactly: nanoseconds.rounded(.towardZero)) else {
                throw invalid(name, "cannot parse \(quoted) to a valid duration. It overflows int64")
            }
            return .nanoseconds(whole)
        }
        guard let span = Duration(prometheusText: text) else {
            throw invalid(name, "cannot parse \(quoted) to a valid duration")
        }
        return span
    }

    /// A number as Go's `strconv.ParseFloat` reads it, who is stricter than Swift: `0x10` needs a binary exponent, `1e400` is out of range and
    /// no infinity, and a NaN carries nothing.
    private static func number(_ text: String) -> Double? {
        let bytes = text.utf8.map { $0 | 0x20 }
        let isHexadecimal = bytes.contains(UInt8(ascii: "x"))
        guard !isHexadecimal || bytes.contains(UInt8(ascii: "p")), !text.utf8.contains(UInt8(ascii: "(")) else {
            return nil
        }
        let number = Double(text)
        let hasDigits = text.utf8.contains { (0x30...0x39).contains($0) }
        return number?.isInfinite == true && hasDigits ? nil : number
    }

    /// A message does not grow with what was sent.
    private static func shortened(_ text: String) -> String {
        text.utf8.count <= 200 ? text : "\(text.prefix(60))…"
    }

    // MARK: Limits

    /// How long a query may take, and how far back its selectors look.
    func queryLimits(_ most: Duration) throws -> (time: Duration, lookback: Duration?) {
        var limit = most
        if let text = self["timeout"], !text.isEmpty { limit = min(try span(text, "timeout"), limit) }
        guard let text = self["lookback_delta"], !text.isEmpty else { return (limit, nil) }
        do {
            return (limit, try span(text, "lookback_delta"))
        } catch let fault as QueryFault {
            let reason = fault.message.drop { $0 != ":" }.dropFirst(2)
            throw QueryFault(.badData, "error parsing lookback delta duration: \(reason)")
        }
    }

    /// The most items of an answer; nil where it is left out, 0 for all.
    func limit() throws -> Int? {
        guard let number = try whole("limit") else { return nil }
        guard number >= 0 else { throw invalid("limit", "limit must be non-negative") }
        return number
    }

    /// A whole number in Go's words.
    func whole(_ name: String) throws -> Int? {
        guard let text = self[name], !text.isEmpty else { return nil }
        if let number = Int(text) { return number }
        let digits = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
        let isNumber = !digits.isEmpty && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
        throw invalid(
            name,
            "strconv.Atoi: parsing \(PrometheusJSON.quoted(Self.shortened(text))): "
                + (isNumber ? "value out of range" : "invalid syntax"))
    }

    /// A whole number where the reference does not name what it was given; a negative one is no limit.
    func number(_ name: String) throws -> Int? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let number = Int(text) else { throw QueryFault(.badData, "\(name) must be a number") }
        return number < 0 ? nil : number
    }

    func positive(_ name: String, atMost most: Int) throws -> Int? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let number = Int(text), number > 0 else {
            throw QueryFault(.badData, "\(name) must be a positive number")
        }
        guard number <= most else { throw QueryFault(.badData, "\(name) must not exceed \(most)") }
        return number
    }

    /// As Go's `strconv.ParseBool` reads it; false when left out.
    func boolean(_ name: String) throws -> Bool {
        switch self[name] {
        case nil, "", "0", "f", "F", "false", "FALSE", "False": false
        case "1", "t", "T", "true", "TRUE", "True": true
        case let text?:
            throw invalid(
                name,
                "unable to parse boolean: strconv.ParseBool: parsing "
                    + "\(PrometheusJSON.quoted(Self.shortened(text))): invalid syntax")
        }
    }

    // MARK: Series

    /// All of the past and what lies ahead where no times are given, as in the reference.
    func filter() throws -> SeriesFilter {
        let limit = try limit()
        return SeriesFilter(
            selectors: all("match[]"), from: try instant("start") ?? .distantPast,
            through: try instant("end") ?? .distantFuture, limit: limit)
    }
}
