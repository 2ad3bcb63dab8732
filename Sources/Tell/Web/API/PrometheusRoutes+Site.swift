import JSONCoding
import Units
import WebAPI

extension WebSite {
    static func promRules(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let wanted = request.query["type"]
        guard wanted == nil || wanted == "alert" || wanted == "record" else {
            throw QueryFault(.badData, "invalid parameter \"type\": not supported value \"\(wanted?.prefix(40) ?? "")\"")
        }
        let groups = try await site.service.ruleGroups().map { group -> JSONValue in
            let rules = group.rules.filter { rule in
                wanted == nil || (wanted == "alert") == (rule.kind == .alerting)
            }
            return [
                "name": .string(group.name), "file": .string(group.file), "interval": seconds(group.intervalMs),
                "rules": .array(rules.map(rule)), "evaluationTime": .number((group.lastDurationMs ?? 0) / 1000),
                "lastEvaluation": time(group.lastEvaluationAt),
            ]
        }
        return prometheusSuccess(JSONValue.object(["groups": .array(groups)]).canonicalText)
    }

    private static func rule(_ rule: RuleStatus) -> JSONValue {
        var members: [String: JSONValue] = [
            "name": .string(rule.name), "query": .string(rule.expression), "labels": texts(rule.labels),
            "health": .string(rule.health.rawValue), "evaluationTime": .number((rule.lastDurationMs ?? 0) / 1000),
            "lastEvaluation": time(rule.lastEvaluationAt), "type": .string(rule.kind.rawValue),
        ]
        if let error = rule.lastError { members["lastError"] = .string(error) }
        if rule.kind == .alerting {
            members["state"] = .string(rule.state ?? "inactive")
            members["duration"] = seconds(rule.holdMs)
            members["annotations"] = texts(rule.annotations)
            members["alerts"] = .array(rule.alerts.filter { $0.state != .resolved }.map(alert))
        }
        return .object(members)
    }

    static func promAlerts(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let alerts = try await site.service.alerts().filter { $0.state != .resolved }.map(alert)
        return prometheusSuccess(JSONValue.object(["alerts": .array(alerts)]).canonicalText)
    }

    private static func alert(_ alert: AlertStatus) -> JSONValue {
        [
            "labels": texts(alert.labels), "annotations": texts(alert.annotations),
            "state": .string(alert.state.rawValue),
            "activeAt": time(alert.activeAt), "value": .string(alert.value.map(PrometheusJSON.text) ?? ""),
        ]
    }

    static func promTargets(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let parameters = PrometheusParameters(request)
        let state = parameters["state"].flatMap { $0.isEmpty ? nil : $0.lowercased() } ?? "any"
        let targets = try await site.service.targets(
            state: ["active", "dropped"].contains(state) ? state : "any",
            pool: parameters["scrapePool"].flatMap { $0.isEmpty ? nil : $0 })
        return prometheusSuccess(targets.canonicalText)
    }

    static func promTargetMetadata(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let parameters = PrometheusParameters(request)
        let entries = try await site.service.targetMetadata(
            selector: parameters["match_target"], metric: parameters["metric"], limit: try parameters.whole("limit"))
        return prometheusSuccess(entries.canonicalText)
    }

    static func promMetadata(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let all = try await site.service.metricDescriptions()
        let wanted = request.query["metric"]
        guard let limit = Int(request.query["limit"] ?? "\(Int.max)"), limit >= 0 else {
            throw QueryFault(.badData, "invalid parameter \"limit\": must be a whole number")
        }
        var members: [String: JSONValue] = [:]
        for (name, metric) in all.sorted(by: { $0.key < $1.key })
        where (wanted == nil || wanted == name) && members.count < limit {
            members[name] = [
                ["type": .string(metric.type), "help": .string(metric.help), "unit": .string(metric.unit)]
            ]
        }
        return prometheusSuccess(JSONValue.object(members).canonicalText)
    }

    static func promBuildInfo(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let version = try await site.service.version()
        // Grafana chooses its features by the Prometheus version, so one is named whose read API this is.
        let info: JSONValue = [
            "version": "2.53.0", "revision": .string(version.revision), "branch": "", "buildUser": "jaga",
            "buildDate": "", "goVersion": "", "jagaVersion": .string(version.version),
        ]
        return prometheusSuccess(info.canonicalText)
    }

    private static func texts(_ labels: [String: String]) -> JSONValue { .object(labels.mapValues { .string($0) }) }
    private static func time(_ instant: Timestamp?) -> JSONValue { .string(instant?.rfc3339 ?? "0001-01-01T00:00:00Z") }
    private static func seconds(_ ms: Int64) -> JSONValue { .number(Double(ms) / 1000) }
}
