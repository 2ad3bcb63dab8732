import JSONCoding
import Outbound
public import Series
import Texts
import Units

/// What a reply must be like.
public struct HTTPExpectation: Sendable {
    /// Any of these.
    public var statuses: [ClosedRange<Int>]
    public var contains: [String]
    public var containsNot: [String]
    /// Each found somewhere in the body.
    public var matches: [(source: String, pattern: AnchoredPattern)]
    /// Header fields that must be there; the value must be contained in theirs, "" only asks for the field.
    public var headers: [String: String]
    public var json: [JSONCondition]
    /// For the whole look.
    public var durationMax: Duration?

    public init(
        statuses: [ClosedRange<Int>] = [200...299], contains: [String] = [], containsNot: [String] = [],
        matches: [(source: String, pattern: AnchoredPattern)] = [], headers: [String: String] = [:],
        json: [JSONCondition] = [], durationMax: Duration? = nil
    ) {
        self.statuses = statuses
        self.contains = contains
        self.containsNot = containsNot
        self.matches = matches
        self.headers = headers
        self.json = json
        self.durationMax = durationMax
    }

    struct Verdict: Equatable {
        var failure: String?
        var isPatternMismatch = false
    }

    /// Status first, then content, then time: a fast error page is an error, not fast.
    func judge(_ reply: HTTPResponse, _ t: Phrases<ProbeText>) -> Verdict {
        guard statuses.contains(where: { $0.contains(reply.status) }) else {
            return Verdict(failure: t(.status, ["status": reply.status, "expected": Self.text(of: statuses)]))
        }
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            let values = reply.headers.values(name)
            if values.isEmpty { return Verdict(failure: t(.headerMissing, ["name": name])) }
            if !value.isEmpty, !values.contains(where: { $0.contains(value) }) {
                return Verdict(failure: t(.headerLacks, ["name": name, "text": value]))
            }
        }
        if let failure = judgeBody(reply, t) { return failure }
        if let durationMax, reply.timings.total > durationMax {
            return Verdict(
                failure: t(.replySlow, ["span": reply.timings.total.briefText, "limit": durationMax.briefText]))
        }
        return Verdict()
    }

    private func judgeBody(_ reply: HTTPResponse, _ t: Phrases<ProbeText>) -> Verdict? {
        let body = reply.text
        for part in contains where !body.contains(part) {
            return Verdict(failure: t(.bodyLacks, ["text": part]), isPatternMismatch: true)
        }
        for part in containsNot where body.contains(part) {
            return Verdict(failure: t(.bodyContains, ["text": part]), isPatternMismatch: true)
        }
        for (source, pattern) in matches where !pattern.matches(body) {
            return Verdict(failure: t(.bodyPattern, ["pattern": source]), isPatternMismatch: true)
        }
        guard !json.isEmpty else { return nil }
        guard !reply.isBodyTruncated else {
            return Verdict(failure: t(.bodyTooLong, ["count": reply.body.count]))
        }
        let document: JSONValue
        do throws(JSONFault) {
            document = try JSONValue(parsing: reply.body)
        } catch {
            return Verdict(failure: t(.bodyNotJSON, ["reason": error.summary]))
        }
        return json.lazy.compactMap { $0.failure(in: document, t) }.first.map { Verdict(failure: $0) }
    }

    static func text(of statuses: [ClosedRange<Int>]) -> String {
        let parts = statuses.map { range in
            if range.count == 1 { return "\(range.lowerBound)" }
            if range.lowerBound % 100 == 0, range.upperBound == range.lowerBound + 99 {
                return "\(range.lowerBound / 100)xx"
            }
            return "\(range.lowerBound)-\(range.upperBound)"
        }
        return parts.joined(separator: ", ")
    }

    /// Reads `2xx`, `204`, `200-204`.
    static func statuses(_ text: String) -> ClosedRange<Int>? {
        let lower = text.lowercased()
        if lower.utf8.count == 3, lower.hasSuffix("xx"), let class_ = lower.first?.wholeNumberValue,
            (1...5).contains(class_)
        {
            return class_ * 100...class_ * 100 + 99
        }
        let ends = lower.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, (100...599).contains(first),
            (first...max(first, 599)).contains(last)
        else { return nil }
        return first...last
    }

    /// A pattern that may stand anywhere in a text. The shared engine only knows patterns for whole texts.
    static func pattern(_ source: String) throws(PatternFault) -> AnchoredPattern {
        try AnchoredPattern(".*(?:\(source)).*")
    }
}
