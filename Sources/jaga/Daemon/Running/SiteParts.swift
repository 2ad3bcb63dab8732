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
    private let reloading = Mutex(false)

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

    /// The query engine with the site's limits.
    /// - Parameters:
    ///   - timeLimit: the shorter one of this and the site's counts.
    ///   - lookback: how far back an instant selector looks; nil for the site's.
    func engine(timeLimit: Duration, lookback: Duration? = nil) -> QueryEngine {
        let settings = loaded.withLock { $0.settings.queries }
        var options = settings.options
        if let lookback { options.lookback = lookback }
        return QueryEngine(series, limits: settings.limits(timeLimit: timeLimit), options: options)
    }

    /// One reload at a time: a second one would read the same file.
    func beginReload() -> Bool {
        reloading.withLock { isReloading in
            defer { isReloading = true }
            return !isReloading
        }
    }

    func endReload() { reloading.withLock { $0 = false } }
}
