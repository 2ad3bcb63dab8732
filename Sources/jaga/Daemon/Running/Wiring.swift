import Web
import PostgresClient
import RedisClient
import Alerting
import Backup
import Collectors
import Diagnostics
import DurableFiles
import Events
import Jobs
import Ledger
import LogTail
import Notifications
import Probes
import Series
import StateStore
import Texts
import Units

/// What follows from the settings: sources, jobs, backups, routes. Made at the start and for each reload, before anything of the
/// old is touched.
struct Wiring {
    let sources: SiteParts.SourcePlans
    let jobs: [JobDefinition]
    let backups: Backups
    let tree: RoutingTree

    /// - Parameters:
    ///   - language: of what probes say, which is the site's since its start.
    ///   - existing: probes that run; those whose settings are the same go on with what they remember.
    init(
        _ loaded: LoadedSettings, language: Language, hostName: String, dataFolder: String, events: any EventRecording,
        state: StateStore,
        clock: any WallClock, keeping existing: [SiteParts.RunningProbe]
    ) throws {
        let settings = loaded.settings
        sources = try Self.sources(
            loaded, language: language, hostName: hostName, dataFolder: dataFolder, keeping: existing)
        let backups = Backups(
            settings.backup.targets.map { $0.value.target(name: $0.name) },
            folder: settings.backup.folder ?? "\(dataFolder)/backups", events: events, store: state, wall: clock)
        self.backups = backups
        jobs = try settings.jobs.map { job in
            try job.value.definition(name: job.name) { kind, target in
                Backups.TaskKind(rawValue: kind).map { BackupJob(backups: backups, kind: $0, target: target) }
            }
        }
        tree = try settings.routingTree()
    }

    private static func sources(
        _ loaded: LoadedSettings, language: Language, hostName: String, dataFolder: String,
        keeping existing: [SiteParts.RunningProbe]
    ) throws -> SiteParts.SourcePlans {
        let settings = loaded.settings
        var result = SiteParts.SourcePlans()
        result.plans = try settings.collectors.plans(onHost: hostName)
        for server in settings.collectors.nginx {
            guard let log = server.accessLog else { continue }
            let source = AccessLogSource(
                name: "nginx-log/\(server.name)", labels: server.labels(onHost: hostName), path: log,
                positionFile: PositionFile(path: "\(dataFolder)/spool/\(server.name).position"),
                interval: server.rhythm.interval, deadline: server.rhythm.timeout)
            result.plans.append(SourcePlan(source, identity: "\(log) \(server.rhythm.interval) \(hostName)"))
            result.addresses[source.name] = log
        }
        for (settings, fingerprint) in zip(settings.probes, loaded.probeFingerprints) {
            let kept = existing.first { $0.fingerprint == fingerprint && $0.probe.name == "probe/\(settings.name)" }
            let running =
                kept ?? .init(probe: Probe(settings, language: language), fingerprint: fingerprint)
            result.probes.append(running)
            result.plans.append(
                SourcePlan(LabelledSource(running.probe, ["host": hostName]), identity: ObjectIdentity(running.probe)))
            result.addresses[running.probe.name] = running.probe.snapshot.target
        }
        for target in settings.collectors.postgres {
            result.addresses["postgres/\(target.name)"] = address(target.connection.host, target.connection.port)
        }
        for target in settings.collectors.redis {
            result.addresses["redis/\(target.name)"] =
                target.connection.socket ?? "\(target.connection.host):\(target.connection.port)"
        }
        for target in settings.collectors.nginx where target.statusURL != nil {
            result.addresses["nginx/\(target.name)"] = target.statusURL
        }
        return result
    }

    private static func address(_ host: String?, _ port: Int?) -> String {
        guard let host else { return "" }
        return port.map { "\(host):\($0)" } ?? host
    }
}

/// Sameness of an object, for plans whose source is the identity.
struct ObjectIdentity: Hashable, Sendable {
    private let identifier: ObjectIdentifier

    init(_ object: AnyObject) {
        identifier = ObjectIdentifier(object)
    }
}

/// A backup, a verification or a drill as a job.
struct BackupJob: JobKind {
    let backups: Backups
    let kind: Backups.TaskKind
    let target: String

    var name: String { kind.rawValue }

    func run(_ context: JobContext) async throws -> JobResult {
        let message = try await backups.perform(kind, on: target, by: context.actor) { context.log.print($0) }
        return JobResult(message: message)
    }
}

extension SiteSettings {
    /// The routes, whose root leads to the receiver named, to the one called `default`, or to the only one there is.
    /// - Throws: `InvalidInput` when several receivers are configured and none is named for the root.
    func routingTree() throws(InvalidInput) -> RoutingTree {
        var root = alerting.route.route
        let names = notifications.receivers.keys.sorted()
        if root.receiver == nil {
            root.receiver = names.count == 1 ? names[0] : AlertingSettings.standardReceiver
        }
        // Without receivers nobody is told, which the status page says; the routes still have to lead somewhere.
        return try RoutingTree(root, receivers: names.isEmpty ? nil : names)
    }
}
