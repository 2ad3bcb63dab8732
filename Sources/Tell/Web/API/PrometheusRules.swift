import JSONCoding
import Units
import WebAPI

// `/api/v1/rules` and `/api/v1/alerts` in the reference's shape:
// <https://prometheus.io/docs/prometheus/latest/querying/api/#rules>

extension WebSite {
    static let prometheusRuleParameters: [Route.Parameter] = [
        .optional("type", "alert or record."), .optional("rule_name[]", "Only rules of this name; several times."),
        .optional("rule_group[]", "Only groups of this name; several times."),
        .optional("file[]", "Only groups of this file; several times."),
        .optional("exclude_alerts", "true: without the alerts of the rules."),
        .optional("match[]", "Only rules whose labels a selector matches; several times."),
        .optional("group_limit", "Most groups in one answer."),
        .optional("group_next_token", "Goes on where an answer with group_limit ended: its groupNextToken."),
    ]

    static func prometheusRules(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let filter = try RuleFilter(request) { try site.service.matcher(of: $0) }
        var groups = try await site.service.ruleGroups().compactMap(filter.kept)
            .sorted { ($0.file, $0.name) < ($1.file, $1.name) }
        if let token = filter.nextToken {
            guard let start = groups.firstIndex(where: { $0.pageToken == token }) else {
                throw QueryFault(
                    .badData,
                    "invalid group_next_token '\(token.prefix(40))'. were rule groups changed?")
            }
            groups.removeFirst(start)
        }
        var data: [String: JSONValue] = [:]
        if let limit = filter.limit, groups.count > limit {
            data["groupNextToken"] = .string(groups[limit].pageToken)
            groups = Array(groups.prefix(limit))
        }
        data["groups"] = .array(groups.map { group($0, hasAlerts: !filter.excludesAlerts) })
        return prometheusSuccess(JSONValue.object(data).canonicalText)
    }

    static func prometheusAlerts(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let alerts = try await site.service.alerts().filter { $0.state != .resolved }.map(alert)
        return prometheusSuccess(JSONValue.object(["alerts": .array(alerts)]).canonicalText)
    }

    private static func group(_ group: RuleGroupStatus, hasAlerts: Bool) -> JSONValue {
        [
            "name": .string(group.name), "file": .string(group.file), "interval": seconds(group.intervalMs),
            "limit": .integer(Int64(group.limit ?? 0)), "rules": .array(group.rules.map { rule($0, hasAlerts) }),
            "evaluationTime": .number((group.lastDurationMs ?? 0) / 1000),
            "lastEvaluation": time(group.lastEvaluationAt),
        ]
    }

    private static func rule(_ rule: RuleStatus, _ hasAlerts: Bool) -> JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(rule.name), "query": .string(rule.printedExpression ?? rule.expression),
            "labels": texts(rule.labels),
            "health": .string(rule.health.rawValue), "evaluationTime": .number((rule.lastDurationMs ?? 0) / 1000),
            "lastEvaluation": time(rule.lastEvaluationAt), "type": .string(rule.kind.rawValue),
        ]
        if let error = rule.lastError { members["lastError"] = .string(error) }
        if rule.kind == .alerting {
            members["state"] = .string(rule.state ?? "inactive")
            members["duration"] = seconds(rule.holdMs)
            members["keepFiringFor"] = seconds(rule.keepFiringMs ?? 0)
            members["annotations"] = texts(rule.annotations)
            members["alerts"] = .array(hasAlerts ? rule.alerts.filter { $0.state != .resolved }.map(alert) : [])
        }
        return .object(members)
    }

    private static func alert(_ alert: AlertStatus) -> JSONValue {
        var members: [String: JSONValue] = [
            "labels": texts(alert.labels), "annotations": texts(alert.annotations),
            "state": .string(alert.state.rawValue), "activeAt": time(alert.activeAt),
            "value": .string(alert.value.map(exponential) ?? ""),
        ]
        if let since = alert.keepFiringSince { members["keepFiringSince"] = time(since) }
        return .object(members)
    }

    /// The fewest digits with an exponent, as the reference writes an alert's value: `1e+00`, `2.5e-07`.
    static func exponential(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        guard value != 0 else { return value.sign == .minus ? "-0e+00" : "0e+00" }
        var text = "\(value.magnitude)"
        var exponent = 0
        if let mark = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = String(text[..<mark])
        }
        let parts = text.split(separator: ".")
        var digits = Substring(parts.joined())
        exponent += parts[0].count - 1
        while digits.first == "0", digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.last == "0", digits.count > 1 { digits.removeLast() }
        let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
        let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return "\(value < 0 ? "-" : "")\(digits.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(size)"
    }

    private static func texts(_ labels: [String: String]) -> JSONValue { .object(labels.mapValues { .string($0) }) }
    private static func time(_ instant: Timestamp?) -> JSONValue { .string(instant?.rfc3339 ?? "0001-01-01T00:00:00Z") }
    /// Whole seconds without a point, as the reference writes them.
    private static func seconds(_ ms: Int64) -> JSONValue {
        ms.isMultiple(of: 1000) ? .integer(ms / 1000) : .number(Double(ms) / 1000)
    }
}

/// Which rules an answer has.
private struct RuleFilter {
    typealias Matching = @Sendable ([String: String]) -> Bool

    private let kind: RuleStatus.Kind?
    private let names: [String]
    private let groups: [String]
    private let files: [String]
    private let matching: [Matching]
    let excludesAlerts: Bool
    let limit: Int?
    let nextToken: String?

    init(_ request: WebRequest, matcher: (String) throws -> Matching) throws {
        func all(_ name: String) -> [String] { request.query.all(name) }
        func invalid(_ name: String, _ text: String) -> QueryFault {
            QueryFault(.badData, "invalid parameter \"\(name)\": \(text)")
        }
        switch request.query["type"]?.lowercased() {
        case nil, "": kind = nil
        case "alert": kind = .alerting
        case "record": kind = .recording
        case let other?: throw invalid("type", "not supported value \"\(other.prefix(40))\"")
        }
        names = all("rule_name[]")
        groups = all("rule_group[]")
        files = all("file[]")
        matching = try all("match[]").map(matcher)
        switch request.query["exclude_alerts"]?.lowercased() {
        case nil, "", "false", "0", "f": excludesAlerts = false
        case "true", "1", "t": excludesAlerts = true
        case let other?: throw invalid("exclude_alerts", "error converting exclude_alerts: \"\(other.prefix(40))\"")
        }
        nextToken = request.query["group_next_token"].flatMap { $0.isEmpty ? nil : $0 }
        let written = request.query["group_limit"].flatMap { $0.isEmpty ? nil : $0 }
        limit = written.flatMap { Int($0) }
        if let written, limit == nil {
            throw invalid("group_limit", "group_limit needs to be a valid number: '\(written.prefix(40))'")
        }
        // Pages of none would never come to an end.
        if let limit, limit <= 0 { throw invalid("group_limit", "group_limit needs to be greater than 0") }
        if nextToken != nil, limit == nil {
            throw QueryFault(.badData, "group_limit needs to be provided in order to paginate over the groups")
        }
    }

    func kept(_ group: RuleGroupStatus) -> RuleGroupStatus? {
        guard groups.isEmpty || groups.contains(group.name), files.isEmpty || files.contains(group.file) else {
            return nil
        }
        var kept = group
        kept.rules = group.rules.filter { rule in
            (kind == nil || rule.kind == kind) && (names.isEmpty || names.contains(rule.name))
                && (matching.isEmpty || matching.contains { $0(rule.labels) })
        }
        return kept.rules.isEmpty ? nil : kept
    }
}

extension RuleGroupStatus {
    /// Names the group in an address without showing paths.
    fileprivate var pageToken: String {
        let hash = "\(file);\(name)".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
