import JSONCoding

/// What an engine said.
enum Answer {
    /// The member `data` of the API's answer.
    case data(JSONValue)
    /// With the API's `errorType`.
    case refused(_ kind: String, _ message: String)

    fileprivate var text: String {
        switch self {
        case .data(let json): String(json.canonicalText.prefix(1500))
        case .refused(let kind, let message): "refused (\(kind)): \(message)"
        }
    }
}

/// What came out of a comparison.
public struct ComparisonReport {
    public private(set) var compared = 0
    /// Queries that both answered with nothing.
    public private(set) var empty = 0
    /// Queries that both refused.
    public private(set) var refused = 0
    /// Queries whose numbers were compared digit by digit.
    public private(set) var exact = 0
    /// Queries that both wrote in their normal form.
    public private(set) var formatted = 0
    /// Each with the query and both answers.
    public private(set) var differences: [String] = []

    public var summary: String { "\(compared) queries compared, \(differences.count) differ" }

    public var details: String {
        "\(empty) without a result, \(refused) refused by both, \(exact) compared to the last digit, \(formatted) laid out alike"
    }

    mutating func note(_ query: GeneratedQuery, ours: Answer, theirs: Answer) {
        compared += 1
        var problem: String?
        switch (ours, theirs) {
        case (.refused(let ourKind, _), .refused(let theirKind, _)):
            refused += 1
            if ourKind != theirKind { problem = "other kinds of refusal" }
        case (.data(let ours), .data(let theirs)):
            if theirs["result"]?.arrayValue?.isEmpty == true { empty += 1 }
            if query.exactness != .rounded { exact += 1 }
            problem = difference(ours, theirs, query)
        default: problem = "only one of the two refuses"
        }
        guard let problem else { return }
        differences.append(
            """
            \(query): \(problem)
              Prometheus: \(theirs.text)
              Jaga:       \(ours.text)
            """)
    }

    mutating func noteFormat(_ query: GeneratedQuery, ours: String, theirs: String) {
        // Numbers with exponents are written out since 3.0.
        guard !query.hasExponent else { return }
        formatted += 1
        // The reference forgets to indent a subquery that fits on its line.
        let unindented = { (text: String) in text.split(separator: "\n").map { $0.drop { $0 == " " } } }
        guard unindented(ours) != unindented(theirs) else { return }
        differences.append("\(query.text) is laid out\n\(ours)\ninstead of\n\(theirs)")
    }

    private func difference(_ ours: JSONValue, _ theirs: JSONValue, _ query: GeneratedQuery) -> String? {
        guard let kind = theirs["resultType"]?.stringValue, ours["resultType"]?.stringValue == kind else {
            return "another type of result"
        }
        guard let ourResult = ours["result"], let theirResult = theirs["result"] else { return "no result" }
        guard kind == "vector" || kind == "matrix" else {
            return isSamePoint(ourResult, theirResult, query) ? nil : "another value"
        }
        let ourSeries = ourResult.arrayValue ?? []
        let theirSeries = theirResult.arrayValue ?? []
        guard ourSeries.count == theirSeries.count else {
            return "\(ourSeries.count) series instead of \(theirSeries.count)"
        }
        let name = { (series: JSONValue) in series["metric"]?.canonicalText ?? "" }
        if query.isSorted {
            // Equal values may come in any order.
            for (our, their) in zip(ourSeries, theirSeries)
            where !isSamePoint(our["value"] ?? .null, their["value"] ?? .null, query) { return "another order" }
        }
        // Instant answers have no order, ranges come by labels.
        if kind == "matrix", ourSeries.map(name) != theirSeries.map(name) { return "other series, or in another order" }
        var byName: [String: JSONValue] = [:]
        for series in ourSeries where byName.updateValue(series, forKey: name(series)) != nil {
            return "\(name(series)) is there twice"
        }
        for their in theirSeries {
            guard let our = byName[name(their)] else { return "\(name(their)) is missing" }
            let ourPoints = kind == "matrix" ? our["values"]?.arrayValue ?? [] : [our["value"] ?? .null]
            let theirPoints = kind == "matrix" ? their["values"]?.arrayValue ?? [] : [their["value"] ?? .null]
            guard ourPoints.count == theirPoints.count else {
                return "\(name(their)) has \(ourPoints.count) points instead of \(theirPoints.count)"
            }
            for (our, their) in zip(ourPoints, theirPoints) where !isSamePoint(our, their, query) {
                return "\(our.canonicalText) instead of \(their.canonicalText)"
            }
        }
        return nil
    }

    /// `[time, "value"]`: the time to the millisecond; the value to the last digit or, where the two versions add in another way, to 1e-9 of
    /// its size (and of 1).
    private func isSamePoint(_ ours: JSONValue, _ theirs: JSONValue, _ query: GeneratedQuery) -> Bool {
        guard let ourTime = ours[0]?.doubleValue, ourTime == theirs[0]?.doubleValue,
            let our = ours[1]?.stringValue, let their = theirs[1]?.stringValue
        else { return false }
        if our == their { return true }
        // A sum of nothing but negative zeros is one in 2.42 alone, which does not add the correction. Where zeros of both signs are sorted for
        // a quantile, or stand beside each other for `min` and `max`, the first counts, and the reference has functions' series in no order.
        if ["sum", "quantile", "min", "max"].contains(where: query.text.contains), Double(our) == 0, Double(their) == 0
        {
            return true
        }
        guard query.exactness == .rounded, let our = Double(our), let their = Double(their) else { return false }
        return (our - their).magnitude <= 1e-9 * max(1, our.magnitude, their.magnitude)
    }
}
