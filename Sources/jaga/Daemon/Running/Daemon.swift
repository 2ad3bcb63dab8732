import RemoteWrite
import StateStore
import Notifications
import Ledger
import TimeSeriesStore
import Collectors
import WebAPI
import Jobs
import Rules
import Scraping
import Access
import AllocatorShim
import Backup
import Diagnostics
import DurableFiles
import Events
import Glibc
import Processes
import JSONCoding
import Logging
import ServiceLifecycle
import StateStore
import Synchronization
import UnixSignals
import Units
import Web

// Services in the order in which they depend on each other: what is listed first is stopped last. So the stores outlive what
// writes to them, and the servers go first.

/// The running program: builds the parts, runs them, and stops them in order.
struct Daemon {
    struct Options: Sendable {
        var configurationFile: String?
        var dataFolder: String
        /// What the command line sets in place of the configuration.
        var overrides = LoadedSettings.Overrides()
        /// Where set-up unpacked the scripts of the charts.
        var assetsFolder: String?
        /// Told the address of the pages once they are served, and the set-up link on a first start.
        var onReady: @Sendable (_ address: String, _ setUpLink: String?) -> Void
        /// Alerts of these names fire at the latest after this hold time, whatever their rules say; for the demo, where nobody
        /// waits.
        var quickAlerts: (names: Set<String>, holdMax: Duration)?
        /// Runs beside the parts once the pages are served; the program ends when it does. For the demo.
        var story: (@Sendable (SiteParts) async throws -> Void)?
    }

    let options: Options
    let clock: any WallClock
    let logger: Logger
    /// Whether SIGTERM and SIGINT end the program gracefully and SIGHUP reloads.
    var handlesSignals = true

    func run() async throws {
        // malloc gives each thread that meets another an arena of its own, which keeps what it once had. Our threads wait far
        // more than they allocate, so two arenas do, and the heap stays in one piece.
        _ = jaga_limit_arenas(2)
        FreeHeap.keepLittle()
        let folder = try DataFolder(options.dataFolder)
        let discovered = options.configurationFile == nil ? await Discoverer().configuration(at: clock.now) : ""
        var loaded = try LoadedSettings.load(
            file: options.configurationFile, discovered: discovered, overrides: options.overrides, at: clock.now)
        if let quick = options.quickAlerts { loaded.shortenHolds(of: quick.names, to: quick.holdMax) }
        for warning in loaded.warnings { logger.warning("\(warning)") }
        ProgramPages.release()
        let parts = try await SiteParts.build(
            dataFolder: folder.path, loaded: loaded, clock: clock, processID: getpid(), logger: logger)
        try await parts.ledger.record([
            Event(
                at: clock.now, by: .jaga, .daemonStarted, "daemon",
                [
                    "version": .string(JagaVersion.number), "dataFolder": .string(folder.path),
                    "host": .string(parts.hostName),
                ]),
            Event(
                at: clock.now, by: .jaga, .configurationLoaded, "configuration",
                ["file": .string(loaded.file ?? ""), "sha256": .string(loaded.sha256), "changed": []]),
        ])
        // Signed at once, so that from the first minute on a lost database is noticed.
        try await parts.ledger.enterAcceptedLoss(at: clock.now)
        do {
            try await parts.ledger.checkpoint(at: clock.now)
        } catch let error as FileError where error.isNoSpace {
            // It is signed in the database; the file beside it is written by the loop when there is room.
            logger.error("no checkpoint could be written: \(describe(error))")
        }
        try LedgerSigner.keyIsAnnounced(at: SiteParts.keyPath(in: folder.path))
        try await GroupJournal.$current.withValue(GroupJournal(folder: "\(folder.path)/run/processes")) {
            try await run(parts, in: folder.path)
        }
        _ = folder.lock
    }

    /// Puts in order what a crash left, then runs the services until they are told to stop.
    private func run(_ parts: SiteParts, in folder: String) async throws {
        try await endLeftovers(parts)
        try await wiringRecovery(parts)
        let link = try await parts.access.prepareFirstStart()
        let group = ServiceGroup(
            configuration: .init(
                services: services(parts, setUpPath: link?.path) + story(parts),
                gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [], logger: quietLogger))
        do {
            try await group.run()
        } catch let error where !(error is CancellationError) {
            await farewell(parts, reason: describe(error))
            throw error
        }
        await farewell(parts, reason: "stopped")
    }

    /// Ends what a killed daemon left running, before anything looks at its traces or runs it again.
    private func endLeftovers(_ parts: SiteParts) async throws {
        guard let journal = GroupJournal.current else { return }
        let leftovers = await journal.endLeftovers()
        parts.jobs.noteLeftovers(leftovers.countByLabel)
        if leftovers.count > 0 {
            logger.warning(
                "ended what the daemon before this one left running",
                metadata: ["processes": "\(leftovers.count)", "runs": "\(leftovers.countByLabel.keys.sorted())"])
        }
        for id in leftovers.survivors { logger.error("process \(id) of an interrupted job does not end") }
    }

    /// Backups that a crash left half done are put in order before anything asks for them.
    private func wiringRecovery(_ parts: SiteParts) async throws {
        let backups = parts.backups.withLock { $0 }
        try await backups.recover()
    }

    private func farewell(_ parts: SiteParts, reason: String) async {
        parts.changes.close()
        do {
            try await parts.ledger.record([
                Event(at: clock.now, by: .jaga, .daemonStopped, "daemon", ["reason": .string(reason)])
            ])
            await parts.ledger.close(at: clock.now)
        } catch {
            logger.error("the end could not be entered in the ledger: \(describe(error))")
        }
        do {
            try parts.state.close()
        } catch {
            logger.error("the state file could not be closed: \(describe(error))")
        }
    }

    /// The lifecycle package speaks of every service that starts and stops; that is of use when one hangs.
    private var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }

    private func story(_ parts: SiteParts) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        guard let story = options.story else { return [] }
        return [
            .init(
                service: Loop("story") { try await story(parts) }, successTerminationBehavior: .gracefullyShutdownGroup)
        ]
    }

    private func services(_ parts: SiteParts, setUpPath: String?) -> [ServiceGroupConfiguration.ServiceConfiguration] {
        let clock = clock
        let logger = logger
        let web = parts.loaded.withLock { $0 }.settings.web
        let (host, port) = (web.host, web.port)
        let limits = ConnectionLimits(descriptorCountMax: descriptorCountMax())
        let readiness = Readiness(of: 2) { [options] bound in
            func address(_ host: String) -> String {
                "http://\(host.contains(":") ? "[\(host)]" : host):\(bound ?? port)"
            }
            // Who listens at every address is reached by its name.
            parts.noteListening(at: address(["0.0.0.0", "::"].contains(host) ? parts.hostName : host))
            let own = address(host)
            options.onReady(own, setUpPath.map { own + $0 })
            ProgramPages.release()
        }
        let site = WebSite(
            service: LiveSite(parts: parts), access: parts.access, clock: clock,
            options: WebOptions(
                assetsFolder: options.assetsFolder, language: web.language,
                queryTimeLimit: max(.seconds(120), parts.started.settings.queries.timeout),
                hostNames: WebOptions.hostNames(listeningAt: host, publicURL: web.publicURL)), logger: logger)
        var services: [any Service] = [
            Loop("series") { await parts.series.run(clock: ContinuousClock(), wall: clock) },
            Loop("ledger") {
                await parts.ledger.run(clock: ContinuousClock(), wallClock: clock) { error in
                    logger.error("no checkpoint could be written: \(describe(error))")
                }
            },
            Loop("reserve") {
                await parts.state.keepReserve(clock: ContinuousClock()) { error in
                    logger.error("no room could be kept for the ledger: \(describe(error))")
                }
            },
            Loop("outbox") { await parts.outbox.run(clock: ContinuousClock(), wallClock: clock) },
            Loop("alerts") { try await parts.alerts.run(clock: ContinuousClock()) },
            Loop("rules") { await parts.rules.run(clock: ContinuousClock(), wall: clock) },
            Loop("jobs") { try await parts.jobs.run() },
            Loop("actions") { await parts.actions.run() },
            Loop("sources") { await parts.sources.run() },
            Loop("scrapes") { await parts.scrapes.run() },
            Loop("feed") { await announceChanges(of: parts) },
            Loop("memory") { try await ProgramPages.keepFew() },
            WebServer(
                site: site, listener: .socket(path: "\(parts.dataFolder)/run/jaga.sock"), limits: limits,
                logger: quietLogger, onListening: { _ in readiness.note(port: nil) }),
            WebServer(
                site: site, listener: .network(host: host, port: port), trustedProxies: Set(web.trustedProxies),
                limits: limits, logger: quietLogger, onListening: { readiness.note(port: $0) }),
        ]
        // A loop that ends at once would end the daemon.
        if let remote = parts.remote { services.insert(Loop("remote write") { await remote.run() }, at: 2) }
        if handlesSignals { services.append(Loop("reload") { await reloadOnHangUp(parts) }) }
        return services.map { .init(service: $0) }
    }

    private func reloadOnHangUp(_ parts: SiteParts) async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            do {
                let outcome = try await parts.reload(by: Actor(.system, "SIGHUP"))
                logger.info("reload by SIGHUP: \(outcome)")
            } catch is InvalidInput {
                // Its faults are in the log and in the ledger already.
            } catch {
                logger.error("reload by SIGHUP failed: \(describe(error))")
            }
        }
    }

    /// Tells the pages what to read again.
    private func announceChanges(of parts: SiteParts) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await entry in parts.ledger.newEntries() {
                    parts.changes.announce(.ledger)
                    switch entry.event.kind.rawValue.prefix(while: { $0 != "." }) {
                    case "alert", "rule": parts.changes.announce(.alerts)
                    case "job": parts.changes.announce(.jobs)
                    case "backup", "drill", "restore": parts.changes.announce(.backups)
                    case "notification": parts.changes.announce(.notifications)
                    default: break
                    }
                    parts.changes.announce(.status)
                }
            }
            group.addTask {
                // As often as the quickest source may be read.
                // The only failure of a sleep is that the task was cancelled, which is how this ends.
                while (try? await ContinuousClock().sleep(for: .seconds(2))) != nil { parts.changes.announce(.samples) }
            }
        }
    }
}

/// A loop as a service: it ends when the group shuts down.
struct Loop: Service, CustomStringConvertible {
    let description: String
    private let body: @Sendable () async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
        description = name
        self.body = body
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            do { try await body() } catch is CancellationError {}
        }
    }
}

/// Waits until every server listens, so that who is told "ready" finds the admin socket too.
private final class Readiness: Sendable {
    private let state: Mutex<(missing: Int, port: Int?)>
    private let onReady: @Sendable (_ port: Int?) -> Void

    init(of count: Int, onReady: @escaping @Sendable (Int?) -> Void) {
        state = Mutex((count, nil))
        self.onReady = onReady
    }

    func note(port: Int?) {
        let ready: (isReady: Bool, port: Int?) = state.withLock { state in
            state.missing -= 1
            state.port = port ?? state.port
            return (state.missing == 0, state.port)
        }
        if ready.isReady { onReady(ready.port) }
    }
}
