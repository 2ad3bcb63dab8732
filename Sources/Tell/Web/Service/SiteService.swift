public import Events
public import Series
public import Units
public import WebAPI

/// What the pages and the API know of the running site. `Daemon` satisfies it; tests give one of their own.
///
/// Every method may be called at any time and from many requests at once, and answers from what is in memory or one short
/// read: it never waits for a watched server. A refusal that the caller should see is thrown as `Problem` (or `QueryFault`
/// by the query methods); anything else becomes an answer of status 500 that keeps its details for the log.
public protocol SiteService: PrometheusService {
    func status() async throws -> StatusSummary
    func sources() async throws -> [SourceStatus]
    func probes() async throws -> [ProbeStatus]
    /// Pending and firing ones, and those resolved within the last day.
    func alerts() async throws -> [AlertStatus]
    func ruleGroups() async throws -> [RuleGroupStatus]
    /// The selectors of expressions that match no series at all, by expression; those that find all they ask for are left out.
    func unmatchedSelectors(of expressions: Set<String>) async throws -> [String: [UnmatchedSelector]]

    /// How much is stored, and what has the most series.
    /// - Parameter limit: how many of each kind are named.
    func seriesOverview(limit: Int) async throws -> SeriesOverview

    func jobs() async throws -> [JobStatus]
    /// - Throws: `Problem` of code `notFound`.
    func job(_ name: String, runCountMax: Int) async throws -> JobDetail
    /// - Throws: `Problem` of code `notFound`.
    func jobRun(_ id: String, of job: String) async throws -> JobRun

    func backups() async throws -> BackupOverview
    func notifications() async throws -> NotificationOverview
    /// Secrets are `<redacted>` already.
    func configuration() async throws -> EffectiveConfiguration
    func version() async throws -> VersionInfo

    func ledgerEntries(_ filter: LedgerFilter) async throws -> LedgerPage
    func ledgerCheckpoint() async throws -> LedgerCheckpoint
    /// Reads the whole ledger; may take seconds.
    func verifyLedger() async throws -> LedgerVerification
    /// All entries as JSON lines, with the signed checkpoint at the end (`docs/formats/ledger.md`), piece by piece: each call
    /// gives some whole lines, and nil after the last.
    func exportLedger() async throws -> @Sendable () async throws -> String?

    /// Begins an action and comes back at once; the answer carries the identifier to ask for later.
    /// - Throws: `Problem` of code `notFound`, `invalid` or `conflict` when it cannot begin.
    func perform(_ action: SiteAction, by actor: Actor) async throws -> ActionStatus
    /// The newest first, at most some dozens.
    func actions() async throws -> [ActionStatus]
    /// - Throws: `Problem` of code `notFound`.
    func action(_ id: String) async throws -> ActionStatus

    /// - Parameter time: nil is now.
    /// - Throws: `QueryFault`.
    func query(_ expression: String, at time: Timestamp?, timeLimit: Duration) async throws -> QueryAnswer
    /// - Throws: `QueryFault`.
    func queryRange(
        _ expression: String, from start: Timestamp, through end: Timestamp, step: Duration, timeLimit: Duration
    ) async throws -> QueryAnswer
    /// Whether labels satisfy a selector.
    /// - Throws: `QueryFault` when it is none.
    func matcher(of selector: String) throws -> @Sendable ([String: String]) -> Bool
    /// - Throws: `QueryFault`, as the three that follow.
    func series(_ filter: SeriesFilter) async throws -> [Labels]
    func labelNames(_ filter: SeriesFilter) async throws -> [String]
    /// What is known to be missing of the filter's time, a sentence each.
    func lacks(_ filter: SeriesFilter) -> [String]
    func labelValues(_ name: String, _ filter: SeriesFilter) async throws -> [String]
    func metricMetadata() async throws -> MetadataByName

    /// Jaga's own metrics in the text exposition format.
    func selfMetrics() async throws -> String

    /// What changes from now on. The stream ends when the reader stops or the site shuts down; a reader that is slow loses
    /// the oldest, which does no harm since a change only says "read again".
    func changes() async -> AsyncStream<SiteChange>
}
