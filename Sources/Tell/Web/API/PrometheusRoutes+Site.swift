import JSONCoding
import Series
import Units
import WebAPI

extension WebSite {
    static func prometheusHealth(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        Reply(200, type: "text/plain; charset=utf-8", .text("Jaga is Healthy.\n"))
    }

    /// The server listens when the store has been read, and not before.
    static func prometheusReadiness(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        Reply(200, type: "text/plain; charset=utf-8", .text("Jaga is Ready.\n"))
    }

    /// OPTIONS of whatever path. Prometheus names here the sites whose pages may read its answers, which by its default are all; here they
    /// are none, so that nothing is said of them and a browser refuses.
    static func methodsAnswered() -> Reply {
        var reply = Reply.empty(204)
        reply.headers = [.init(name: "allow", value: "GET, POST, OPTIONS")]
        addSecurityHeaders(to: &reply)
        return reply
    }

    static func promTargets(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let parameters = PrometheusParameters(request)
        // A word that is none of the three asks for nothing, as in the reference.
        let targets = try await site.service.targets(
            state: request.query["state"]?.lowercased() ?? "any",
            pool: parameters["scrapePool"].flatMap { $0.isEmpty ? nil : $0 })
        return prometheusSuccess(targets)
    }

    static func promTargetMetadata(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let parameters = PrometheusParameters(request)
        let entries = try await site.service.targetMetadata(
            selector: parameters["match_target"], metric: parameters["metric"], limit: try parameters.number("limit"))
        return prometheusSuccess(entries)
    }

    static func promMetadata(_ site: WebSite, _ request: WebRequest) async throws -> Reply {
        let all = try await site.service.metricMetadata()
        let wanted = request.query["metric"].flatMap { $0.isEmpty ? nil : $0 }
        let parameters = PrometheusParameters(request)
        let limit = try parameters.number("limit") ?? .max
        let entriesMax = try parameters.number("limit_per_metric") ?? .max
        let chosen = all.values.filter { metric in wanted.map { $0.hasSameBytes(as: metric.name) } ?? true }
            .sorted { ByteText($0.name) < ByteText($1.name) }.prefix(limit)
        // Written here, since a JSON value would take names that Unicode holds for the same one together.
        let members = chosen.map { metric in
            // The store keeps one description of each metric.
            let entry: JSONValue = [
                "type": .string(metric.type == .untyped ? "unknown" : metric.type.rawValue),
                "help": .string(metric.help), "unit": .string(metric.unit),
            ]
            return "\(PrometheusJSON.quoted(metric.name)):[\(entriesMax < 1 ? "" : entry.canonicalText)]"
        }
        return prometheusSuccess("{\(members.joined(separator: ","))}")
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
    /// Whole seconds without a point, as the reference writes them.
    private static func seconds(_ ms: Int64) -> JSONValue {
        ms.isMultiple(of: 1000) ? .integer(ms / 1000) : .number(Double(ms) / 1000)
    }
}
