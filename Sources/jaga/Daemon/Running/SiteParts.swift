import Web
import BlockingCalls
import Access
import Backup
import Collectors
import Events
import Jobs
import Ledger
import Logging
import Notifications
import Probes
import PromQL
import Rules
import RemoteSeries
import RemoteWrite
import Series
import Scraping
import StateStore
import Synchronization
import Texts
import TimeSeriesStore
import Units
import WebAPI

/// Everything that a running site is made of. Built once; a reload exchanges what depends on the settings inside.
final class SiteParts: Sendable {
    /// A probe with what tells whether its settings are still the same.
    struct RunningProbe: Sendable {
        let probe: Probe
        let fingerprint: Int
    }

    struct UnmatchedLook: Sendable {
        static let lifetime = Duration.seconds(30)

        let at: Timestamp
        let expressions: Set<String>
        let found: [String: [UnmatchedSelector]]
    }

    /// What is read, as far as the pages want to know more than the runner does.
    struct SourcePlans: Sendable {
        var plans: [SourcePlan] = []
        var probes: [RunningProbe] = []
        /// Where each source looks, without passwords.
        var addresses: [String: String] = [:]
    }

    let clock: any WallClock
    let logger: Logger
    let dataFolder: String
    let hostName: String
    let startedAt: Timestamp
    let processID: Int32
    let loaded: Mutex<LoadedSettings>
    /// What all queries and their answers may take together.
    let queryMemory: MemoryBudget
    let queryTurns = QueryTurns()
    /// The settings of the start, for what only a restart changes.
    let started: LoadedSettings
    let plan: Mutex<SourcePlans>
    let series: TimeSeriesStore
    /// What rules, pages and the API read: the same store, or one that is reached over HTTP.
    let reading: any SeriesReading
    /// Where samples go: into the store, and into the queue of what is sent on.
    let feed: any ColumnAppending
    let state: StateStore
    let ledger: Ledger
    let verifierKey: VerifierKey
    let checkpointFile: CheckpointFile
    let sources: SourceRunner
    let scrapes: ScrapeManager
    /// Nil where nothing is sent on.
    let remote: RemoteWriter?
    let rules: RuleEngine
    let outbox: Outbox
    let alerts: AlertPipeline
    let jobs: JobRunner
    let backups: Mutex<Backups>
    let access: AccessControl
    let actions: ActionBoard
    let changes: ChangeFeed
    /// Of pages, messages and sentences; set at the start, so that all of them change together.
    let language: Language
    /// What the rules' selectors missed when last looked at: a look costs milliseconds for each rule.
    let unmatched = Mutex<UnmatchedLook?>(nil)
    /// Whether samples come to be stored.
    let storage = Mutex(StorageWatch())
    /// Damage of the store that stands in the log: what the start found, and what was met since.
    private let loggedDamage: Mutex<Set<StoreProblem>>
    private let loggedHeadFault = Mutex<String?>(nil)
    /// Whether the last reload, if there was one, was refused.
    let lastReloadWasRefused = Mutex(false)
    private let reloading = Mutex(false)
    /// Where the server listens, once it does.
    private let listeningURL = Mutex<String?>(nil)

    init(
        clock: any WallClock, logger: Logger, dataFolder: String, hostName: String, processID: Int32,
        loaded: LoadedSettings, plan: SourcePlans, series: TimeSeriesStore, reading: any SeriesReading,
        feed: any ColumnAppending, state: StateStore, ledger: Ledger, verifierKey: VerifierKey,
        checkpointFile: CheckpointFile,
        sources: SourceRunner, scrapes: ScrapeManager, remote: RemoteWriter?, rules: RuleEngine, outbox: Outbox,
        alerts: AlertPipeline,
        jobs: JobRunner, backups: Backups, access: AccessControl, actions: ActionBoard, changes: ChangeFeed
    ) {
        self.clock = clock
        self.logger = logger
        self.dataFolder = dataFolder
        self.hostName = hostName
        startedAt = clock.now
        self.processID = processID
        self.loaded = Mutex(loaded)
        started = loaded
        queryMemory = MemoryBudget(byteCountMax: loaded.settings.queries.memoryMax)
        language = loaded.settings.web.language
        self.plan = Mutex(plan)
        self.series = series
        loggedDamage = Mutex(Set(series.stats.health.problems))
        self.reading = reading
        self.feed = feed
        self.state = state
        self.ledger = ledger
        self.verifierKey = verifierKey
        self.checkpointFile = checkpointFile
        self.sources = sources
        self.scrapes = scrapes
        self.remote = remote
        self.rules = rules
        self.outbox = outbox
        self.alerts = alerts
        self.jobs = jobs
        self.backups = Mutex(backups)
        self.access = access
        self.actions = actions
        self.changes = changes
    }

    /// What the site is called.
    var siteName: String { started.settings.site ?? hostName }

    /// The query engine with the site's limits.
    /// - Parameters:
    ///   - timeLimit: the shorter one of this and the site's counts.
    ///   - lookback: how far back an instant selector looks; nil for the site's.
    func engine(timeLimit: Duration, lookback: Duration? = nil) -> QueryEngine {
        let settings = loaded.withLock { $0.settings.queries }
        // As the rules have them, which take them at the start.
        var options = started.settings.queryOptions
        if let lookback { options.lookback = lookback }
        var limits = settings.limits(timeLimit: timeLimit)
        limits.memory = queryMemory
        return QueryEngine(reading, limits: limits, options: options, clock: WatchdogClock())
    }

    /// Samples within bounds, also of a store that knows none: there they are held to them once they are here.
    func select(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, within bounds: SelectionBounds
    ) async throws -> [SeriesColumns] {
        if let bounded = reading as? any BoundedSeriesReading {
            return try await bounded.select(matchers, from: start, through: end, within: bounds)
        }
        let found = try await reading.select(matchers, from: start, through: end)
        let count = found.reduce(0) { $0 + $1.times.count }
        guard count <= bounds.samplesMax else { throw TooManySamples(count: count) }
        try bounds.memory?.take(
            count * SelectionBounds.bytesPerSample + found.count * SelectionBounds.bytesPerSeries)
        return found
    }

    /// The labels of the series matching any of `selectors`, sorted.
    /// - Parameter limit: no more than the first of them are needed.
    func labelSets(
        _ selectors: [[LabelMatcher]], from start: Timestamp, through end: Timestamp, limit: Int
    ) async throws -> [Labels] {
        if let store = reading as? TimeSeriesStore {
            return try await store.series(selectors, from: start, through: end, limit: limit)
        }
        if let remote = reading as? RemoteSeries {
            return try await remote.series(selectors, from: start, through: end)
        }
        var found: Set<Labels> = []
        for matchers in selectors {
            for columns in try await reading.select(matchers, from: start, through: end) {
                found.insert(columns.labels)
            }
        }
        return found.sorted()
    }

    /// Where people reach the pages: as the configuration says, else where the server listens.
    var pagesURL: String? {
        let configured = loaded.withLock { $0.settings.web.publicURL }
        guard configured.isEmpty else { return configured.hasSuffix("/") ? String(configured.dropLast()) : configured }
        return listeningURL.withLock { $0 }
    }

    /// Notes what the store has counted, so that a standstill is seen, and logs what it found damaged since the last time.
    func note(_ stats: StoreStats) {
        storage.withLock { $0.note(stats.counts, at: SuspendingClock.now) }
        let new = loggedDamage.withLock { logged in
            defer { logged = Set(stats.health.problems) }
            return stats.health.problems.filter { !logged.contains($0) }
        }
        for problem in new { logger.warning("series: \(problem)") }
        let fault = stats.health.headFilesFault
        let isNewFault = loggedHeadFault.withLock { logged in
            defer { logged = fault }
            return fault != nil && logged != fault
        }
        if isNewFault, let fault {
            logger.warning("series: full chunks stay in memory, and the next start reads the whole log: \(fault)")
        }
    }

    func noteListening(at url: String) { listeningURL.withLock { $0 = url } }

    /// One reload at a time: a second one would read the same file.
    func beginReload() -> Bool {
        reloading.withLock { isReloading in
            defer { isReloading = true }
            return !isReloading
        }
    }

    func endReload() { reloading.withLock { $0 = false } }
}
