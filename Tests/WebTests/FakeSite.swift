import Events
import JSONCoding
import Series
import Synchronization
import Units
import WebAPI

@testable import Web

/// A site with something of everything: healthy, broken, slow and never measured things, and labels that try to be HTML.
final class FakeSite: FakePrometheus {
    static let hostile = "\"><script>alert('x')</script>&amp;"

    let now: Timestamp
    /// Whether nothing can be read.
    let isStoreAway = Atomic(false)
    let listed: [Labels] = [
        ["__name__": "up", "instance": "web1"], ["__name__": "up", "caf\u{E9}": "1", "cafe\u{301}": "2"],
    ]
    let described: MetadataByName = [
        "up": MetricMetadata("up", .gauge, "Whether it could be read."),
        "caf\u{E9}": MetricMetadata("caf\u{E9}", .counter, "One."),
        "cafe\u{301}": MetricMetadata("cafe\u{301}", .untyped, "Another.", unit: "bytes"),
    ]
    let performed = Mutex<[(SiteAction, Actor)]>([])
    private let feeds = Mutex<[AsyncStream<SiteChange>.Continuation]>([])

    /// All areas healthy instead of a bad night.
    let isCalm: Bool

    init(now: Timestamp, isCalm: Bool = false) {
        self.now = now
        self.isCalm = isCalm
    }

    private func before(_ seconds: Int) -> Timestamp { now - .seconds(seconds) }

    func send(_ change: SiteChange) { feeds.withLock { $0.forEach { $0.yield(change) } } }
    var feedCount: Int { feeds.withLock { $0.count } }

    func status() async throws -> StatusSummary {
        let areas = isCalm ? calmAreas : calmAreas.filter { $0.kind != .postgres && $0.kind != .backups } + brokenAreas
        return StatusSummary(
            verdict: areas.map(\.verdict).worst, at: now, host: "web1.example.org", version: "0.1.0",
            startedAt: before(93_000), firingCritical: isCalm ? 0 : 1, firingWarning: isCalm ? 0 : 2,
            pending: isCalm ? 0 : 1, areas: areas)
    }

    func seriesOverview(limit: Int) async throws -> SeriesOverview {
        var overview = SeriesOverview(
            seriesCount: 31_872, memorySamples: 9_561_600, blocks: 12, blockSamples: 410_000_000,
            blockBytes: 287_000_000, logBytes: 12_400_000, oldestAt: before(15 * 86_400), newestAt: before(1),
            limits: .init(series: 1_000_000, perMetric: 5000, perTarget: nil), refusals: isCalm ? 0 : 1234,
            readElsewhere: isCalm ? nil : "http://victoria:8428")
        overview.metrics = [
            .init(name: "http_requests_total", count: 5000), .init(name: "odd \"name\"", count: 7),
            .init(name: Self.hostile, count: 3),
        ]
        overview.targets = [
            .init(name: "shop/web1:9100", count: 6100), .init(name: Self.hostile, count: 2), .init(name: "/", count: 1),
        ]
        overview.jobs = [.init(name: "shop", count: 8400), .init(name: "", count: 12)]
        overview.labelPairs = [.init(name: "job=shop", count: 8400)]
        overview.labelNames = [.init(name: "session_id", count: 4980)]
        overview.labelBytes = [.init(name: "session_id", count: 179_280)]
        if !isCalm {
            overview.refusedMetrics = [.init(name: "http_requests_total", count: 1234)]
            overview.refusedTargets = [.init(name: "shop/web1:9100", count: 1234)]
        }
        overview.metrics = Array(overview.metrics.prefix(limit))
        return overview
    }

    private var calmAreas: [AreaStatus] {
        [
            AreaStatus(
                kind: .host, name: "", verdict: .ok, reason: "processor, memory and disks are within their limits",
                figures: [
                    Figure(
                        label: "CPU", value: 0.173, unit: .ratio,
                        query: "1 - avg(rate(node_cpu_seconds_total{mode=\"idle\"}[2m]))"),
                    Figure(
                        label: "memory", value: 2_410_000_000, unit: .bytes,
                        query: "node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes"),
                    Figure(
                        label: "fullest disk", value: 0.62, unit: .ratio,
                        query: "max(1 - node_filesystem_avail_bytes / node_filesystem_size_bytes)"),
                ]),
            AreaStatus(kind: .postgres, name: "shop", verdict: .ok, reason: "18 of 100 connections", figures: []),
            AreaStatus(
                kind: .redis, name: "cache", verdict: .ok, reason: "hit rate 97 %",
                figures: [Figure(label: "memory", value: 84_000_000, unit: .bytes, query: "redis_memory_used_bytes")]),
            AreaStatus(
                kind: .nginx, name: "front", verdict: .ok, reason: "42 requests a second",
                figures: [Figure(label: "5xx", value: 0.0004, unit: .ratio, query: "nginx_http_requests_total")]),
            AreaStatus(kind: .application, name: "shop", verdict: .ok, reason: "42 requests a second"),
            AreaStatus(kind: .probes, name: "", verdict: .ok, reason: "10 of 10 succeed"),
            AreaStatus(kind: .alerts, name: "", verdict: .ok, reason: "63 rules, none failing"),
            AreaStatus(kind: .backups, name: "", verdict: .ok, reason: "newest copy 4 h old, drilled yesterday"),
            AreaStatus(kind: .jobs, name: "", verdict: .ok, reason: "5 jobs, next in 12m"),
            AreaStatus(
                kind: .jaga, name: "", verdict: .ok, reason: "14 sources, nothing waits",
                figures: [
                    Figure(label: "memory", value: 41_300_000, unit: .bytes, query: "process_resident_memory_bytes")
                ]),
        ]
    }

    private var brokenAreas: [AreaStatus] {
        [
            AreaStatus(
                kind: .postgres, name: "shop", verdict: .critical,
                reason: "cannot connect to 127.0.0.1:5432: connection refused",
                since: before(134),
                figures: [Figure(label: "connections", value: nil, unit: .none, query: "sum(pg_stat_activity_count)")]),
            AreaStatus(
                kind: .backups, name: "", verdict: .unknown,
                reason: "the copy of 02:00 was never verified: " + Self.hostile,
                since: before(26_000)),
            AreaStatus(
                kind: .notifications, name: "", verdict: .warning,
                reason: "3 messages wait for mail.example.org, which answers 421",
                since: before(1900)),
        ]
    }

    func sources() async throws -> [SourceStatus] {
        func source(_ name: String, _ kind: String, up: Bool?, error: String? = nil, address: String = "")
            -> SourceStatus
        {
            SourceStatus(
                name: name, kind: kind,
                labels: ["instance": name.split(separator: "/").last.map(String.init) ?? name, "job": kind],
                up: up, lastReadAt: up == nil ? nil : before(7), lastDurationMs: up == nil ? nil : 12.4,
                lastSampleCount: up == true ? 214 : 1, intervalMs: 15_000, deadlineMs: 10_000, error: error,
                address: address)
        }
        return [
            source("host/web1", "host", up: true),
            source(
                "postgres/shop", "postgres", up: isCalm,
                error: isCalm ? nil : "connection refused. Start PostgreSQL or correct the address.",
                address: "127.0.0.1:5432"),
            source("redis/cache", "redis", up: true, address: "/run/redis.sock"),
            source("nginx/front", "nginx", up: true, address: "http://127.0.0.1/nginx_status"),
            source("scrape/" + Self.hostile, "scrape", up: nil, address: "http://127.0.0.1:9000/metrics"),
            source("scrape/shop", "scrape", up: true, address: "http://127.0.0.1:8080/metrics"),
            source("scrape/workers/10.0.0.1:9000", "scrape", up: true, address: "http://10.0.0.1:9000/metrics"),
            source("scrape/workers/10.0.0.2:9000", "scrape", up: false, address: "http://10.0.0.2:9000/metrics"),
            source("probe/home", "http_probe", up: true),
        ]
    }

    func probes() async throws -> [ProbeStatus] {
        let phases = [("resolve", 1.2), ("connect", 2.1), ("tls", 11.0), ("processing", 38.5), ("transfer", 4.4)]
            .map { ProbeStatus.Phase(name: $0.0, durationMs: $0.1) }
        return [
            ProbeStatus(
                name: "home", kind: "http", target: "https://shop.example.org/", verdict: .ok, lastAt: before(9),
                lastDurationMs: 57.2,
                httpStatus: 200, phases: phases, failuresInRow: 0, failuresNeeded: 3, intervalMs: 15_000,
                certificateExpiresAt: now + .seconds(40 * 86_400), labels: ["instance": "https://shop.example.org/"]),
            ProbeStatus(
                name: "health", kind: "http", target: "https://shop.example.org/health/detailed", verdict: .critical,
                lastAt: before(4),
                lastDurationMs: 5004, httpStatus: 503, phases: phases, failure: "status 503 where 200 is expected",
                failuresInRow: 9,
                failuresNeeded: 3, intervalMs: 15_000, certificateExpiresAt: now + .seconds(12 * 86_400), labels: [:]),
            ProbeStatus(
                name: "smtp " + Self.hostile, kind: "tcp", target: "mail.example.org:587", verdict: .unknown,
                failuresInRow: 0,
                failuresNeeded: 3, intervalMs: 60_000, labels: [:]),
        ]
    }

    func alerts() async throws -> [AlertStatus] {
        if isCalm { return [] }
        return [
            AlertStatus(
                name: "PostgresDown", state: .firing, severity: "critical",
                labels: ["alertname": "PostgresDown", "instance": "shop", "severity": "critical"],
                annotations: [
                    "summary": "PostgreSQL shop cannot be reached",
                    "description": "No answer for 2m. Is the service running?",
                    "runbook_url": "https://wiki.example.org/postgres",
                ],
                value: 0, activeAt: before(134), firedAt: before(104), expression: "pg_up == 0", fingerprint: "a1"),
            AlertStatus(
                name: "HighMemory", state: .firing, severity: "warning",
                labels: ["alertname": "HighMemory", "severity": "warning", "zone": Self.hostile],
                annotations: ["summary": "Memory is 91 % full", "runbook_url": "javascript:alert(1)"], value: 0.914,
                activeAt: before(4000),
                firedAt: before(3700),
                expression: "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 0.9", fingerprint: "b2"),
            AlertStatus(
                name: "CertificateExpires", state: .pending, severity: "warning",
                labels: ["alertname": "CertificateExpires"], annotations: [:],
                value: 1_036_800, activeAt: before(40), firesAt: before(-260),
                expression: "probe_ssl_earliest_cert_expiry - time() < 14 * 86400", fingerprint: "c3"),
            AlertStatus(
                name: "RedisDown", state: .resolved, severity: "critical", labels: ["alertname": "RedisDown"],
                annotations: ["summary": "Redis cache cannot be reached"], activeAt: before(9000),
                firedAt: before(8900),
                resolvedAt: before(8000), expression: "redis_up == 0", fingerprint: "d4"),
        ]
    }

    /// Knows `{name="value"}`.
    func matcher(of selector: String) throws -> @Sendable ([String: String]) -> Bool {
        let words = selector.split { "{}=\"".contains($0) }.map(String.init)
        guard words.count == 2 else { throw QueryFault(.badData, "1:1: parse error: unexpected character") }
        return { $0[words[0]] == words[1] }
    }

    func unmatchedSelectors(of expressions: Set<String>) async throws -> [String: [UnmatchedSelector]] {
        if isStoreAway.load(ordering: .relaxed) { throw PlainTrouble() }
        guard expressions.contains("pg_up == 0") else { return [:] }
        return ["pg_up == 0": [UnmatchedSelector(selector: "pg_up", isNameUnknown: true, nearestName: "pg_up_total")]]
    }

    func ruleGroups() async throws -> [RuleGroupStatus] {
        let alerts = try await alerts()
        func rule(
            _ name: String, _ expression: String, _ state: String?, health: RuleStatus.Health = .ok,
            error: String? = nil
        ) -> RuleStatus {
            RuleStatus(
                name: name, kind: state == nil ? .recording : .alerting, expression: expression, holdMs: 120_000,
                labels: ["severity": "critical"],
                annotations: [:], health: health, lastError: error, lastEvaluationAt: before(5), lastDurationMs: 0.4,
                state: state,
                alerts: alerts.filter { $0.name == name })
        }
        return [
            RuleGroupStatus(
                name: "postgres", file: "pack/postgres.yml", intervalMs: 15_000, lastEvaluationAt: before(5),
                lastDurationMs: 1.9,
                rules: [
                    rule("PostgresDown", "pg_up == 0", "firing"),
                    rule(
                        "TooManyConnections", "sum(pg_stat_activity_count) / pg_settings_max_connections > 0.8",
                        "inactive"),
                ]),
            RuleGroupStatus(
                name: "own", file: "/etc/jaga/rules.yml", intervalMs: 60_000, lastEvaluationAt: before(20),
                lastDurationMs: 0.8,
                rules: [
                    rule("job:requests:rate5m", "sum by (job) (rate(http_requests_total[5m]))", nil),
                    rule("Odd", "a / on(x) b", "inactive", health: .err, error: "many-to-many matching not allowed"),
                ]),
        ]
    }

    private func run(
        _ id: String, _ outcome: JobRun.Outcome, _ ago: Int, _ message: String, exit: Int? = nil, output: String = ""
    ) -> JobRun {
        JobRun(
            id: id, job: "nightly/backup", trigger: "schedule", actor: "", attempt: outcome == .failed ? 2 : 1,
            scheduledFor: before(ago),
            startedAt: before(ago), finishedAt: outcome == .running ? nil : before(ago - 42), outcome: outcome,
            exitCode: exit,
            message: message, outputTail: output)
    }

    func jobs() async throws -> [JobStatus] {
        func job(_ name: String, _ text: String, _ last: JobRun?, running: Bool = false, schedule: String = "0 2 * * *")
            -> JobStatus
        {
            JobStatus(
                name: name, kind: "command", description: text, schedule: schedule,
                scheduleText: schedule.isEmpty ? "" : "every day at 02:00",
                timeZone: "Asia/Jakarta", enabled: name != "report",
                nextRunAt: schedule.isEmpty ? nil : now + .seconds(7200), timeLimitMs: 3_600_000,
                attemptsMax: 3, running: running, lastRun: last, lastSuccessAt: before(90_000))
        }
        return [
            job("nightly/backup", "pg_dump of shop", run("r41", .failed, 9000, "pg_dump ended with 1", exit: 1)),
            job("vacuum", "vacuum of the biggest tables", run("r40", .running, 130, "under way"), running: true),
            job("report", "the daily report", run("r38", .succeeded, 20_000, "sent to 2 receivers")),
            job("cleanup", "by hand " + Self.hostile, nil, schedule: ""),
        ]
    }

    func job(_ name: String, runCountMax: Int) async throws -> JobDetail {
        guard let job = try await jobs().first(where: { $0.name == name }) else {
            throw Problem(.notFound, "there is no job '\(name)'")
        }
        let runs = [
            run("r41", .failed, 9000, "pg_dump ended with 1", exit: 1),
            run("r39", .missed, 50_000, "the daemon was off"),
            run("r37", .lost, 95_000, "the daemon ended while it ran"), run("r36", .succeeded, 180_000, "12.4 MiB"),
        ]
        return JobDetail(job: job, runs: Array(runs.prefix(runCountMax)))
    }

    func jobRun(_ id: String, of job: String) async throws -> JobRun {
        guard id == "r41" else { throw Problem(.notFound, "there is no run '\(id)'") }
        return run(
            id, .failed, 9000, "pg_dump ended with 1", exit: 1,
            output: "pg_dump: error: connection refused\n<b>not bold</b>\n")
    }

    func backups() async throws -> BackupOverview {
        func copy(_ id: String, _ ago: Int, _ state: BackupStatus.Verification, drill: Bool?, message: String? = nil)
            -> BackupStatus
        {
            BackupStatus(
                id: id, target: "shop", database: "shop", startedAt: before(ago + 40), finishedAt: before(ago),
                storedBytes: 13_002_112,
                sourceBytes: 88_120_000, sha256: String(repeating: "9f86d081", count: 8),
                path: "/var/lib/jaga/backups/shop/\(id)", tables: 9,
                rows: 1_204_551, verification: state, verifiedAt: state == .unverified ? nil : before(ago - 60),
                verificationMessage: message,
                drillPassed: drill)
        }
        return BackupOverview(
            targets: [
                BackupTargetStatus(
                    name: "shop", database: "shop", scheduleText: "every day at 02:00", nextRunAt: now + .seconds(7200),
                    verdict: .ok,
                    reason: "newest good copy is 4 h old", lastGoodAt: before(14_400), lastDrillAt: before(90_000),
                    lastDrillPassed: true,
                    restoreDurationMs: 41_200, copies: 4),
                BackupTargetStatus(
                    name: "blog", database: "blog", scheduleText: "", verdict: .critical,
                    reason: "there is no good copy", copies: 0),
            ],
            backups: [
                copy("20260101T020000Z-shop", 14_400, .unverified, drill: nil),
                copy("20251231T020000Z-shop", 100_800, .good, drill: true),
                copy(
                    "20251230T020000Z-shop", 187_200, .damaged, drill: nil,
                    message: "byte 4096 differs from the manifest"),
            ],
            drills: [
                DrillStatus(
                    backup: "20251231T020000Z-shop", target: "shop", startedAt: before(90_000), durationMs: 52_000,
                    restoreDurationMs: 41_200,
                    passed: true, message: "restored and 12 checks passed",
                    checks: [
                        .init(name: "rows of orders", passed: true, message: "81,234 as recorded"),
                        .init(name: "newest order", passed: false, message: "3 h old"),
                    ])
            ], repositoryPath: "/var/lib/jaga/backups", repositoryBytes: 61_000_000, repositoryFreeBytes: 18_000_000_000
        )
    }

    func notifications() async throws -> NotificationOverview {
        NotificationOverview(
            pending: 3, deliveredLastDay: 11, failedLastDay: 0,
            receivers: [
                ReceiverStatus(
                    name: "team", channel: "email", pending: 3, lastDeliveredAt: before(90_000),
                    lastFailureAt: before(60), lastFailure: "421 try later"),
                ReceiverStatus(name: "pager", channel: "webhook", pending: 0, lastDeliveredAt: before(120)),
            ])
    }

    func configuration() async throws -> EffectiveConfiguration {
        EffectiveConfiguration(
            file: "/etc/jaga/jaga.yaml", loadedAt: before(93_000), sha256: "ab",
            values: [
                .init(path: "postgres[0].password", value: "<redacted>", origin: "/etc/jaga/jaga.yaml:12:3"),
                .init(path: "web.listen", value: "127.0.0.1:9797", origin: "default"),
                .init(path: "series.retention", value: "15d", origin: "default", afterRestart: "30d"),
            ])
    }

    func version() async throws -> VersionInfo {
        VersionInfo(
            version: "0.1.0", revision: "da5d879", swiftVersion: "6.3", startedAt: before(93_000), processID: 4711,
            dataFolder: "/var/lib/jaga", residentBytes: 41_300_000)
    }

    func ledgerEntries(_ filter: LedgerFilter) async throws -> LedgerPage {
        let all = (0..<120).reversed().map { number -> LedgerEntry in
            let kinds = ["alert.fired", "job.finished", "backup.completed", "login.succeeded", "alert.resolved"]
            return LedgerEntry(
                sequence: Int64(number), time: before((120 - number) * 400), actorKind: "rule", actorName: "postgres",
                kind: kinds[number % 5],
                subject: number == 118 ? Self.hostile : "alert/PostgresDown",
                payload: [
                    "value": "0", "labels": ["severity": "critical"],
                    "note": .string(number == 118 ? Self.hostile : "x"),
                ])
        }
        let found = all.filter { entry in
            filter.kind.map { $0.hasSuffix(".") ? entry.kind.hasPrefix($0) : entry.kind == $0 } ?? true
        }.filter { entry in filter.before.map { entry.sequence < $0 } ?? true }
        let page = Array(found.prefix(filter.limit))
        return LedgerPage(entries: page, nextBefore: found.count > page.count ? page.last?.sequence : nil, size: 120)
    }

    func ledgerCheckpoint() async throws -> LedgerCheckpoint {
        LedgerCheckpoint(
            size: 120, rootHash: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", at: before(30),
            note:
                "jaga/web1\n120\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— jaga/web1 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe\n",
            publicKey: "jaga/web1+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    }

    func verifyLedger() async throws -> LedgerVerification {
        LedgerVerification(intact: true, size: 120, checkpoints: 4, durationMs: 12, faults: [])
    }

    let memory = MemoryBudget(byteCountMax: 64 << 20)
    /// How long the export is, for tests of slow readers.
    let exportBytes = Mutex(0)

    func exportLedger() async throws -> @Sendable () async throws -> String? {
        let piece = String(repeating: "x", count: 65_536)
        let count = (exportBytes.withLock { $0 } + piece.count - 1) / piece.count
        let pieces = Mutex(["{\"format\":\"jaga-ledger-export\"}\n"] + [String](repeating: piece, count: count))
        return { pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
    }

    func perform(_ action: SiteAction, by actor: Actor) async throws -> ActionStatus {
        if case .runJob(let name) = action, name == "vacuum" { throw Problem(.conflict, "job 'vacuum' is running") }
        performed.withLock { $0.append((action, actor)) }
        return ActionStatus(
            id: "a7", action: action, actor: "\(actor)", state: .running, startedAt: now, message: "started")
    }

    func actions() async throws -> [ActionStatus] { [try await action("a7")] }

    func action(_ id: String) async throws -> ActionStatus {
        guard id == "a7" else { throw Problem(.notFound, "there is no action '\(id)'") }
        return ActionStatus(
            id: id, action: .drill(target: "shop", backup: nil), actor: "person:ani", state: .running,
            startedAt: before(8),
            message: "restoring into a scratch database", result: ["backup": "20251231T020000Z-shop"])
    }

    /// How many queries for `held` have begun. Each waits until `release` lets one go.
    let heldCount = Mutex(0)
    let (held, release) = AsyncStream.makeStream(of: Void.self)

    func query(_ expression: String, at time: Timestamp?, timeLimit: Duration) async throws -> QueryAnswer {
        if expression.contains("((") { throw QueryFault(.badData, "1:2: parse error: unexpected end of input") }
        if expression == "boom" { throw PlainTrouble() }
        // Until somebody has enough of it.
        if expression == "held" {
            heldCount.withLock { $0 += 1 }
            for await _ in held { break }
        }
        if expression == "endless" { try await Task.sleep(for: .seconds(100_000)) }
        let at = time ?? now
        if expression == "native" {
            let labels: Labels = ["__name__": "my.latency", "host.name": "web1", "caf\u{E9}": "1", "cafe\u{301}": "2"]
            return QueryAnswer(.vector([.init(labels: labels, at: at, value: .nan, histogram: "{count:7, sum:3}")]))
        }
        return QueryAnswer(
            .vector([
                .init(labels: ["__name__": "up", "instance": "web1", "zone": Self.hostile], at: at, value: 1),
                .init(labels: ["__name__": "up", "instance": "web2"], at: at, value: .nan),
            ]))
    }

    func queryRange(
        _ expression: String, from start: Timestamp, through end: Timestamp, step: Duration, timeLimit: Duration
    )
        async throws -> QueryAnswer
    {
        if expression.contains("((") { throw QueryFault(.badData, "1:2: parse error: unexpected end of input") }
        if expression.contains("pressure") { return QueryAnswer(.matrix([])) }
        if expression == "native" {
            var columns = QueryResult.Columns(
                labels: ["__name__": "my.latency", "host.name": "web1"], times: [], values: [])
            columns.histograms = [0, 60_000].map {
                .init(time: start.millisecondsSinceEpoch + $0, text: "{count:7, sum:3}", count: 7)
            }
            return QueryAnswer(.matrix([columns]))
        }
        let isRatio = expression.hasPrefix("1 -") || expression.contains("io_time")
        let isBytes = expression.contains("bytes")
        let count = expression.contains("filesystem") || expression.contains("sum by") ? 3 : 1
        let names = ["/", "/var/lib/postgresql", Self.hostile]
        let series = (0..<count).map { line -> QueryResult.Columns in
            var times: [Int64] = []
            var values: [Double] = []
            var ms = start.millisecondsSinceEpoch
            while ms <= end.millisecondsSinceEpoch {
                let phase = Double(ms / 60_000 % 40) / 40 + Double(line) * 0.3
                let wave = 0.35 + 0.2 * phase.truncatingRemainder(dividingBy: 1) + (ms / 60_000 % 7 == 0 ? 0.1 : 0)
                // Nothing was measured for a while, as when the daemon was off.
                if !(600_000..<1_200_000).contains(ms - start.millisecondsSinceEpoch) {
                    times.append(ms)
                    values.append(isRatio ? wave : isBytes ? wave * 4e9 : wave * 40)
                }
                ms += step.wholeMilliseconds
            }
            return QueryResult.Columns(
                labels: ["mountpoint": names[line], "state": names[line], "device": "sda"], times: times, values: values
            )
        }
        return QueryAnswer(.matrix(series), warnings: expression == "warn" ? ["look out"] : [])
    }

    func series(_ filter: SeriesFilter) async throws -> [Labels] { listed }
    func lacks(_ filter: SeriesFilter) -> [String] { filter.from == Self.lostAt ? ["samples may be missing"] : [] }
    /// A block that held this instant was lost.
    static let lostAt = Timestamp(millisecondsSinceEpoch: 86_400_000)
    func labelNames(_ filter: SeriesFilter) async throws -> [String] { ["__name__", "instance"] }
    func labelValues(_ name: String, _ filter: SeriesFilter) async throws -> [String] {
        name == "job" ? ["a", "b", "c"] : []
    }
    func metricMetadata() async throws -> MetadataByName { described }

    func selfMetrics() async throws -> String { "# TYPE jaga_up gauge\njaga_up 1\n" }

    func changes() async -> AsyncStream<SiteChange> {
        let (stream, continuation) = AsyncStream.makeStream(of: SiteChange.self, bufferingPolicy: .bufferingNewest(16))
        feeds.withLock { $0.append(continuation) }
        return stream
    }

    func endFeeds() { feeds.withLock { $0.forEach { $0.finish() } } }
}

/// An error with a detail that no caller may see.
struct PlainTrouble: Error, CustomStringConvertible {
    var description: String { "password=planted-detail" }
}
