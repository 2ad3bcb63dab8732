import Web
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
import StateStore
import Synchronization
import Texts
import TimeSeriesStore
import Units

/// Everything that a running site is made of. Built once; a reload exchanges what depends on the settings inside.
final class SiteParts: Sendable {
    /// A probe with what tells whether its settings are still the same.
    struct RunningProbe: Sendable {
        let probe: Probe
        let fingerprint: Int
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
    let plan: Mutex<SourcePlans>
    let series: TimeSeriesStore
    let state: StateStore
    let ledger: Ledger
    let verifierKey: VerifierKey
    let checkpointFile: CheckpointFile
    let sources: SourceRunner
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
    private let reloading = Mutex(false)
    /// Where the server listens, once it does.
    private let listeningURL = Mutex<String?>(nil)

    init(
        clock: any WallClock, logger: Logger, dataFolder: String, hostName: String, processID: Int32,
        loaded: LoadedSettings, plan: SourcePlans, series: TimeSeriesStore, state: StateStore, ledger: Ledger,
        verifierKey: VerifierKey, checkpointFile: CheckpointFile, sources: SourceRunner, rules: RuleEngine,
        outbox: Outbox, alerts: AlertPipeline,
        jobs: JobRunner, backups: Backups, access: AccessControl, actions: ActionBoard, changes: ChangeFeed
    ) {
        self.clock = clock
        self.logger = logger
        self.dataFolder = dataFolder
        self.hostName = hostName
        startedAt = clock.now
        self.processID = processID
        self.loaded = Mutex(loaded)
        language = loaded.settings.web.language
        self.plan = Mutex(plan)
        self.series = series
        self.state = state
        self.ledger = ledger
        self.verifierKey = verifierKey
        self.checkpointFile = checkpointFile
        self.sources = sources
        self.rules = rules
        self.outbox = outbox
        self.alerts = alerts
        self.jobs = jobs
        self.backups = Mutex(backups)
        self.access = access
        self.actions = actions
        self.changes = changes
    }

    /// The query engine with a time limit of its own.
    func engine(timeLimit: Duration) -> QueryEngine {
        var limits = QueryLimits()
        limits.timeMax = timeLimit
        // The machine that Jaga guards is small: 5 million samples are 80 MB while a query runs.
        limits.samplesMax = 5_000_000
        return QueryEngine(series, limits: limits)
    }

    /// Where people reach the pages: as the configuration says, else where the server listens.
    var pagesURL: String? {
        let configured = loaded.withLock { $0.settings.web.publicURL }
        guard configured.isEmpty else { return configured.hasSuffix("/") ? String(configured.dropLast()) : configured }
        return listeningURL.withLock { $0 }
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
