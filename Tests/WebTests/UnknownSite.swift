import Events
import Series
import Units
import WebAPI

@testable import Web

/// A site of which nothing is known: just started, or cut off from everything that it watches.
struct UnknownSite: FakePrometheus {
    let memory = MemoryBudget(byteCountMax: 1 << 20)
    let now: Timestamp

    func status() async throws -> StatusSummary {
        let kinds: [AreaStatus.Kind] = [
            .host, .postgres, .redis, .nginx, .application, .probes, .alerts, .backups, .jobs, .notifications, .jaga,
        ]
        let areas = kinds.map { kind in
            AreaStatus(
                kind: kind, name: "x", verdict: .unknown, reason: "not read yet",
                figures: [Figure(label: "memory", value: nil, unit: .bytes, query: "up")])
        }
        return StatusSummary(
            verdict: .unknown, at: now, host: "web1", version: "0.1.0", startedAt: now, firingCritical: 0,
            firingWarning: 0, pending: 0, areas: areas)
    }

    func sources() async throws -> [SourceStatus] {
        ["host", "postgres", "redis", "nginx", "scrape"].map { kind in
            SourceStatus(
                name: "\(kind)/x", kind: kind, labels: ["instance": "x"], up: nil, lastReadAt: nil, lastDurationMs: nil,
                lastSampleCount: nil, intervalMs: 15_000, deadlineMs: 10_000, error: nil, address: "")
        }
    }

    func seriesOverview(limit: Int) async throws -> SeriesOverview {
        SeriesOverview(
            seriesCount: 0, memorySamples: 0, blocks: 0, blockSamples: 0, blockBytes: 0, logBytes: 0,
            limits: .init(series: nil, perMetric: nil, perTarget: nil))
    }

    func probes() async throws -> [ProbeStatus] {
        [
            ProbeStatus(
                name: "x", kind: "http", target: "http://x", verdict: .unknown, failuresInRow: 0, failuresNeeded: 3,
                intervalMs: 15_000, labels: [:])
        ]
    }

    func alerts() async throws -> [AlertStatus] { [] }

    func unmatchedSelectors(of expressions: Set<String>) async throws -> [String: [UnmatchedSelector]] { [:] }
    func matcher(of selector: String) throws -> @Sendable ([String: String]) -> Bool { { _ in false } }
    func ruleGroups() async throws -> [RuleGroupStatus] {
        let rules = [RuleStatus.Health.unknown, .err].map { health in
            RuleStatus(
                name: "X", kind: .alerting, expression: "up == 0", holdMs: 0, labels: [:], annotations: [:],
                health: health, lastError: nil, lastEvaluationAt: nil, lastDurationMs: nil, state: "inactive",
                alerts: [])
        }
        return [
            RuleGroupStatus(
                name: "x", file: "x.yml", intervalMs: 15_000, lastEvaluationAt: nil, lastDurationMs: nil, rules: rules)
        ]
    }

    private func run(_ outcome: JobRun.Outcome) -> JobRun {
        JobRun(
            id: "r1", job: "x", trigger: "schedule", actor: "", attempt: 1, startedAt: now, outcome: outcome,
            message: "",
            outputTail: "")
    }

    private func job(_ name: String, _ last: JobRun?) -> JobStatus {
        JobStatus(
            name: name, kind: "command", description: "", schedule: "0 2 * * *", scheduleText: "", timeZone: "UTC",
            enabled: true, timeLimitMs: 1000, attemptsMax: 1, running: false, lastRun: last)
    }

    func jobs() async throws -> [JobStatus] { [job("x", nil), job("y", run(.lost)), job("z", run(.running))] }

    func job(_ name: String, runCountMax: Int) async throws -> JobDetail {
        JobDetail(job: job(name, run(.lost)), runs: [run(.lost)])
    }

    func jobRun(_ id: String, of job: String) async throws -> JobRun { run(.lost) }

    func backups() async throws -> BackupOverview {
        BackupOverview(
            targets: [
                BackupTargetStatus(
                    name: "x", database: "x", scheduleText: "", verdict: .unknown, reason: "never looked at", copies: 1)
            ],
            backups: [
                BackupStatus(
                    id: "b1", target: "x", database: "x", startedAt: now, finishedAt: now, storedBytes: 1,
                    sourceBytes: 1, sha256: "ab", path: "/x", tables: 1, rows: nil, verification: .unverified,
                    verifiedAt: nil, verificationMessage: nil, drillPassed: nil)
            ], drills: [], repositoryPath: "/x")
    }

    func notifications() async throws -> NotificationOverview {
        NotificationOverview(
            pending: 0, deliveredLastDay: 0, failedLastDay: 0,
            receivers: [ReceiverStatus(name: "x", channel: "email", pending: 0)])
    }

    func configuration() async throws -> EffectiveConfiguration {
        EffectiveConfiguration(file: nil, loadedAt: now, sha256: "ab", values: [])
    }

    func version() async throws -> VersionInfo {
        VersionInfo(
            version: "0.1.0", revision: "", swiftVersion: "6.3", startedAt: now, processID: 1, dataFolder: "/x",
            residentBytes: nil)
    }

    func ledgerEntries(_ filter: LedgerFilter) async throws -> LedgerPage { LedgerPage(entries: [], size: 0) }
    func ledgerCheckpoint() async throws -> LedgerCheckpoint { throw Problem(.notFound, "none") }

    func verifyLedger() async throws -> LedgerVerification { throw Problem(.unavailable, "not now") }
    func exportLedger() async throws -> @Sendable () async throws -> String? { { nil } }

    func perform(_ action: SiteAction, by actor: Actor) async throws -> ActionStatus { try await self.action("a") }
    func actions() async throws -> [ActionStatus] { [] }

    func action(_ id: String) async throws -> ActionStatus {
        ActionStatus(id: id, action: .reload, actor: "ani", state: .running, startedAt: now, message: "")
    }

    func query(_ expression: String, at time: Timestamp?, timeLimit: Duration) async throws -> QueryAnswer {
        QueryAnswer(.vector([.init(labels: ["__name__": "up"], at: now, value: .nan)]))
    }

    func queryRange(
        _ expression: String, from start: Timestamp, through end: Timestamp, step: Duration, timeLimit: Duration
    ) async throws -> QueryAnswer { QueryAnswer(.matrix([])) }

    func series(_ filter: SeriesFilter) async throws -> [Labels] { [] }
    func lacks(_ filter: SeriesFilter) -> [String] { [] }
    func labelNames(_ filter: SeriesFilter) async throws -> [String] { [] }
    func labelValues(_ name: String, _ filter: SeriesFilter) async throws -> [String] { [] }
    func metricMetadata() async throws -> MetadataByName { [:] }
    func selfMetrics() async throws -> String { "" }

    func changes() async -> AsyncStream<SiteChange> { AsyncStream { $0.finish() } }
}
