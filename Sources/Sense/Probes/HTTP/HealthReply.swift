import JSONCoding
import Series

// Many applications answer a health address with JSON of this shape; every part may be missing:
//
//     {"status": "degraded", "timestamp": "2026-…", "uptime": 1234.5, "version": "1.2.0", "environment": "production",
//      "services": {"database": {"status": "healthy", "responseTime": 3.2},
//                   "redis": {"status": "unhealthy", "responseTime": 1000, "error": "…"}},
//      "memory": {"used": 52428800, "total": 104857600, "percentage": 50}}

/// What an application says of its own health.
public struct HealthReply: Sendable, Hashable {
    public struct Dependency: Sendable, Hashable {
        public var name: String
        /// Nil when the reply does not say.
        public var isUp: Bool?
        public var responseSeconds: Double?
        /// The application's words, cut at 200 characters.
        public var error: String?
    }

    /// `healthy`, `degraded`, `unhealthy` or the application's own word.
    public var status: String
    public var uptimeSeconds: Double?
    public var version: String?
    public var environment: String?
    /// Sorted by name; at most 50.
    public var dependencies: [Dependency]
    public var memoryUsedBytes: Double?
    public var memoryTotalBytes: Double?
    /// 0…1.
    public var memoryShare: Double?

    /// A reply may name anything; this many become series.
    static let dependencyCountMax = 50

    /// - Returns: nil when `body` is not a JSON object with a text under `status`.
    init?(body: [UInt8]) {
        guard body.first(where: { $0 > 0x20 }) == UInt8(ascii: "{"), let document = try? JSONValue(parsing: body),
            let status = document["status"]?.stringValue
        else { return nil }
        self.status = status
        uptimeSeconds = document["uptime"]?.doubleValue
        version = document["version"]?.stringValue
        environment = document["environment"]?.stringValue
        let services = (document["services"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
        dependencies = services.prefix(Self.dependencyCountMax).map { name, value in
            Dependency(
                name: name, isUp: value["status"]?.stringValue.map(Self.isUp),
                responseSeconds: value["responseTime"]?.doubleValue.map { $0 / 1000 },
                error: value["error"]?.stringValue.map { String($0.prefix(200)) })
        }
        memoryUsedBytes = document["memory"]?["used"]?.doubleValue
        memoryTotalBytes = document["memory"]?["total"]?.doubleValue
        memoryShare = document["memory"]?["percentage"]?.doubleValue.map { $0 / 100 }
    }

    /// What the application said, or `degraded` where it says it is well while a dependency is not.
    public var overall: String {
        Self.isUp(status) && dependencies.contains { $0.isUp == false } ? "degraded" : status
    }

    private static func isUp(_ status: String) -> Bool {
        ["healthy", "ok", "up", "pass", "connected"].contains(status.lowercased())
    }

    func add(to batch: inout SampleBatch) {
        for state in ["healthy", "degraded", "unhealthy"] {
            let isState = overall == state || (state == "healthy" && Self.isUp(overall))
            batch.add("jaga_health_state", ["state": state], isState ? 1 : 0)
        }
        for dependency in dependencies {
            if let isUp = dependency.isUp {
                batch.add("jaga_health_dependency_up", ["dependency": dependency.name], isUp ? 1 : 0)
            }
            if let seconds = dependency.responseSeconds {
                batch.add("jaga_health_dependency_response_seconds", ["dependency": dependency.name], seconds)
            }
        }
        if let uptimeSeconds { batch.add("jaga_health_uptime_seconds", [:], uptimeSeconds) }
        if version != nil || environment != nil {
            batch.add("jaga_health_info", ["version": version ?? "", "environment": environment ?? ""], 1)
        }
        if let memoryUsedBytes { batch.add("jaga_health_memory_used_bytes", [:], memoryUsedBytes) }
        if let memoryTotalBytes { batch.add("jaga_health_memory_total_bytes", [:], memoryTotalBytes) }
        if let memoryShare { batch.add("jaga_health_memory_used_ratio", [:], memoryShare) }
        for metric in Self.metadata { batch.metadata[metric.name] = metric }
    }

    private static let metadata: [MetricMetadata] = [
        MetricMetadata("jaga_health_state", .gauge, "1 at the state that the application says it is in."),
        MetricMetadata("jaga_health_dependency_up", .gauge, "Whether the application reaches the dependency."),
        MetricMetadata(
            "jaga_health_dependency_response_seconds", .gauge, "How long the dependency took to answer the application."
        ),
        MetricMetadata("jaga_health_uptime_seconds", .gauge, "How long the application has run, as it says."),
        MetricMetadata("jaga_health_info", .gauge, "Version and environment of the application, as labels."),
        MetricMetadata("jaga_health_memory_used_bytes", .gauge, "Memory that the application says it uses."),
        MetricMetadata("jaga_health_memory_total_bytes", .gauge, "Memory that the application says it may use."),
        MetricMetadata("jaga_health_memory_used_ratio", .gauge, "The used part of that memory, 0 to 1."),
    ]
}
