import Series
public import Settings

/// What Jaga reads of the things it watches: the sections `host`, `processes`, `postgres`, `redis`, `nginx` and
/// `certificates`, which stand at the top of the file.
public struct CollectorSettings: SettingsSection, Sendable {
    public var host: HostSettings
    public var processes: [ProcessGroupSettings]
    public var postgres: [PostgresTargetSettings]
    public var redis: [RedisTargetSettings]
    public var nginx: [NginxTargetSettings]
    public var certificates: CertificateSettings

    public init(
        host: HostSettings = HostSettings(), processes: [ProcessGroupSettings] = [],
        postgres: [PostgresTargetSettings] = [], redis: [RedisTargetSettings] = [], nginx: [NginxTargetSettings] = [],
        certificates: CertificateSettings = CertificateSettings()
    ) {
        self.host = host
        self.processes = processes
        self.postgres = postgres
        self.redis = redis
        self.nginx = nginx
        self.certificates = certificates
    }

    public init(_ s: SettingsReader) {
        host = s.section("host", HostSettings.self, "The machine that Jaga runs on.")
        processes = s.list("processes", of: ProcessGroupSettings.self, "Groups of processes to count and measure.")
        postgres = s.list("postgres", of: PostgresTargetSettings.self, "PostgreSQL servers.")
        redis = s.list("redis", of: RedisTargetSettings.self, "Redis servers.")
        nginx = s.list("nginx", of: NginxTargetSettings.self, "nginx servers.")
        certificates = s.section("certificates", CertificateSettings.self, "Certificate files whose expiry is watched.")
        for (key, names) in [
            ("processes", processes.map(\.group.name)), ("postgres", postgres.map(\.name)),
            ("redis", redis.map(\.name)), ("nginx", nginx.map(\.name)),
        ] {
            var seen: Set<String> = []
            for name in names where !name.isEmpty && !seen.insert(name).inserted {
                s.fault(key, "two elements have the name '\(name)'; give each its own")
            }
        }
    }

    /// The sources that these settings ask for, save the access logs of nginx.
    /// - Parameter host: the machine's name, for the label `host`.
    /// - Throws: `PatternFault`, which the reading of the settings has ruled out.
    public func plans(onHost host: String) throws -> [SourcePlan] {
        var plans: [SourcePlan] = []
        if self.host.isEnabled { plans.append(self.host.plan(onHost: host)) }
        if !processes.isEmpty { plans.append(try ProcessGroupSettings.plan(processes, onHost: host)) }
        plans += postgres.map { $0.plan(onHost: host) }
        plans += redis.map { $0.plan(onHost: host) }
        plans += nginx.compactMap { $0.plan(onHost: host) }
        if !certificates.files.isEmpty { plans.append(certificates.plan(onHost: host)) }
        return plans
    }
}

/// The labels of a target's samples: what kind of thing, which one, and on whose word.
func targetLabels(job: String, instance: String, host: String) -> Labels {
    ["job": job, "instance": instance, "host": host]
}

/// What makes a source anew when it changes.
struct PlanIdentity<Settings: Hashable & Sendable>: Hashable, Sendable {
    var settings: Settings
    var host: String
}

/// How often and how patiently a target is read.
public struct Rhythm: Sendable, Hashable {
    public var interval: Duration
    public var timeout: Duration

    public init(interval: Duration = .seconds(15), timeout: Duration = .seconds(10)) {
        self.interval = interval
        self.timeout = timeout
    }

    init(_ s: SettingsReader, interval standard: Duration = .seconds(15), timeout: Duration = .seconds(10)) {
        interval = s.duration("interval", default: standard, atLeast: .seconds(1), "How often to read it.")
        self.timeout = s.duration(
            "timeout", default: min(timeout, interval), atLeast: .milliseconds(100),
            "After this long a reading has failed; at most the interval.")
        if self.timeout > interval { s.fault("timeout", "is longer than the interval; make it at most \(interval)") }
    }
}
