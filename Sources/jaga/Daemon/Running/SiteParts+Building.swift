import BlockingCalls
import Web
import WebAPI
import Series
import Access
import Alerting
import Backup
import Collectors
import Diagnostics
import Jobs
import Ledger
import Logging
import Notifications
import PromQL
import Rules
import RemoteWrite
import DurableFiles
import RemoteSeries
import Scraping
import StateStore
import TimeSeriesStore
import Units

extension SiteParts {
    static func keyPath(in dataFolder: String) -> String { "\(dataFolder)/ledger.key" }
    static func checkpointPath(in dataFolder: String) -> String { "\(dataFolder)/ledger.checkpoint" }

    /// Opens the stores and puts all parts together. Starts nothing.
    static func build(
        dataFolder: String, loaded: LoadedSettings, clock: any WallClock, processID: Int32, logger: Logger
    ) async throws -> SiteParts {
        let host = kernelHostName()
        let settings = loaded.settings
        // Reading the log back is most of a start, so the rest goes on beside it.
        async let opening = BlockingThreads.shared.run {
            try TimeSeriesStore.open(
                folder: "\(dataFolder)/series", settings: settings.series.store,
                selfLabels: ["job": "jaga", "instance": host, "host": host])
        }
        let state = try StateStore.open(at: "\(dataFolder)/jaga.db")
        let outboxProjection = OutboxProjection()
        let checkpointFile = CheckpointFile(path: Self.checkpointPath(in: dataFolder))
        let signer: LedgerSigner
        let ledger: Ledger
        do {
            signer = try LedgerSigner.load(
                at: Self.keyPath(in: dataFolder), orCreateFor: state, keptIn: checkpointFile, name: "jaga/\(host)")
            ledger = try Ledger.open(
                store: state,
                projections: [
                    AlertStateProjection(), JobRuns(), BackupCatalogue(), outboxProjection, UsersProjection(),
                ], signing: signer, keeping: checkpointFile)
        } catch {
            // Closed, so that no write-ahead log stays beside a file that is about to be replaced. The reason is the first error.
            try? state.close()
            throw error
        }
        let wiring = try Wiring(
            loaded, language: settings.web.language, hostName: host, dataFolder: dataFolder, events: ledger,
            state: state, clock: clock, keeping: [])
        let series = try await opening
        for problem in series.stats.health.problems { logger.warning("series: \(problem)") }
        let (feed, remote) = try feed(
            into: series, loaded, dataFolder: dataFolder, host: host, clock: clock, logger: logger)
        let scrapes = ScrapeManager(
            loaded.scrapeJobs, appendingTo: feed, clock: WatchdogClock(), wallClock: clock, logger: logger,
            userAgent: "jaga/\(JagaVersion.number)", seed: host)
        let sources = SourceRunner(
            [], appendingTo: feed, clock: ContinuousClock(), wallClock: clock, logger: logger,
            ownLabels: ["job": "jaga", "instance": host, "host": host])
        let site = settings.site ?? host
        let externalURL = settings.web.publicURL
        let remoteSettings = settings.series.remote
        let reading: any SeriesReading =
            remoteSettings.engine == .local
            ? series
            : RemoteSeries(
                remoteSettings.options(in: loaded.folder), userAgent: "jaga/\(JagaVersion.number)")
        let queries = QueryEngine(
            reading, limits: QuerySettings.rules, options: settings.queryOptions, clock: WatchdogClock())
        let rules = RuleEngine(
            groups: loaded.groups, defaultInterval: settings.ruleInterval, queries: queries, series: feed,
            history: reading, events: ledger,
            templates: AnnotationTemplates(queries: queries, externalURL: externalURL),
            externalLabels: settings.global.externalLabels.merging(["site": site]) { own, _ in own },
            restored: try await AlertStateProjection.open(in: state),
            clock: ContinuousClock(), logger: logger)
        let outbox = Outbox(
            store: state, projection: outboxProjection, recorder: ledger, settings: settings.notifications, site: site,
            externalURL: externalURL, language: settings.web.language, logger: logger)
        let changes = ChangeFeed()
        let parts = SiteParts(
            clock: clock, logger: logger, dataFolder: dataFolder, hostName: host, processID: processID, loaded: loaded,
            plan: wiring.sources, series: series, reading: reading, feed: feed, state: state, ledger: ledger,
            verifierKey: signer.verifier, checkpointFile: checkpointFile, sources: sources, scrapes: scrapes,
            remote: remote, rules: rules, outbox: outbox,
            alerts: AlertPipeline(
                rules: rules, outbox: outbox, ledger: ledger, tree: wiring.tree,
                hasReceivers: !settings.notifications.receivers.isEmpty, externalURL: externalURL,
                clock: clock, logger: logger),
            jobs: JobRunner(
                wiring.jobs, events: ledger, store: state, wall: clock, clock: ContinuousClock(), logger: logger),
            backups: wiring.backups,
            access: AccessControl(
                store: state, events: ledger, clock: clock,
                limits: AccessLimits(sessionIdle: settings.web.sessionIdle, sessionMax: settings.web.sessionMax)),
            actions: ActionBoard(clock: clock, logger: logger) { changes.announce(.actions) }, changes: changes)
        sources.replace(with: wiring.sources.plans + ownSources(parts))
        return parts
    }

    /// Where samples go: into the store, and with `remote_write` into the queue of what is sent on.
    private static func feed(
        into series: TimeSeriesStore, _ loaded: LoadedSettings, dataFolder: String, host: String,
        clock: any WallClock, logger: Logger
    ) throws -> (feed: any ColumnAppending, remote: RemoteWriter?) {
        var writes = loaded.remoteWrites
        if let own = loaded.ownRemoteWrite { writes.append(own) }
        guard !writes.isEmpty else { return (series, nil) }
        let queue = loaded.settings.remoteQueue
        var labels = loaded.settings.global.externalLabels
        // Samples of two machines must differ in something.
        if labels.isEmpty { labels = ["site": loaded.settings.site ?? host] }
        let remote = try RemoteWriter(
            writes, folder: "\(dataFolder)/remote", files: RealFiles(),
            limits: RemoteQueueLimits(sizeMax: queue.sizeMax.bytes, ageMax: queue.ageMax),
            externalLabels: Labels(labels.map { ($0.key, $0.value) }), clock: ContinuousClock(), wallClock: clock,
            logger: logger, userAgent: "jaga/\(JagaVersion.number)"
        ) {
            // Metadata are an extra; without them samples are sent all the same.
            (try? await series.metadata()) ?? [:]
        }
        return (RemoteTee(series, remote), remote)
    }
}
