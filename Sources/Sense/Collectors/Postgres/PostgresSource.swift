import Diagnostics
public import PostgresClient
public import Series
import Synchronization
public import Units

// What postgres_exporter reads, under its names (https://github.com/prometheus-community/postgres_exporter).
//
// Each reading opens a new connection, as a client of the database would, and takes its time: a server that no longer lets
// anybody in is noticed although an old connection still works. The new connection then serves the reading's queries. When
// the server refuses it because `max_connections` are in use, the connection of the reading before serves once more, so that
// the figures that explain the trouble are there when they are needed.
//
// Each query is a part with a limit of its own. A part that fails is marked by `pg_scrape_collector_success{collector} 0`,
// its series end, and the others go on.

/// A PostgreSQL server, seen through one of its databases.
public final class PostgresSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "pg_up"
    private let settings: PostgresSettings
    private let limits: Limits
    private let kept = Mutex<PostgresConnection?>(nil)
    private let scrapeCount = Atomic<Int>(0)

    public struct Limits: Sendable, Hashable {
        /// For making a connection.
        public var connect: Duration
        /// For each query.
        public var query: Duration
        /// At most so many tables are reported, the largest first.
        public var tableCountMax: Int

        public init(
            connect: Duration = .seconds(3), query: Duration = .seconds(3), tableCountMax: Int = 100
        ) {
            self.connect = connect
            self.query = query
            self.tableCountMax = tableCountMax
        }
    }

    public init(
        name: String, labels: Labels, _ settings: PostgresSettings, interval: Duration = .seconds(15),
        deadline: Duration = .seconds(10), limits: Limits = Limits()
    ) {
        self.name = name
        self.labels = labels
        self.settings = settings
        self.interval = interval
        self.deadline = min(deadline, interval)
        self.limits = limits
    }

    deinit { kept.withLock { $0 }?.close() }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let clock = ContinuousClock()
        let started = clock.now
        // The last half second is for giving the batch back in time.
        let end = started + max(deadline - .milliseconds(500), deadline / 2)
        var batch = SampleBatch(at: now)
        let old = kept.withLock { $0 }
        var connection: PostgresConnection
        do {
            connection = try await open(within: min(limits.connect, started.duration(to: end)))
            batch.gauge(
                "jaga_pg_connect_seconds", "Time to connect and log in, as a client would.",
                started.duration(to: clock.now).inSeconds)
            batch.gauge("jaga_pg_connect_success", "Whether a new client can connect.", 1)
            kept.withLock { $0 = connection }
            old?.close()
        } catch let error as PostgresError where error.code == .tooManyConnections {
            guard let old, old.isOpen else { throw error }
            connection = old
            batch.gauge("jaga_pg_connect_success", "Whether a new client can connect.", 0)
        }
        let server = PostgresFacts(version: connection.serverVersion, tableCountMax: limits.tableCountMax)
        for part in postgresParts where part.versions.contains(server.version) {
            let partStarted = clock.now
            let rowCount = batch.rows.count
            var isRead = true
            do {
                let left = clock.now.duration(to: end)
                guard left > .zero else { throw PostgresError(.timeout, target: settings.target, "no time was left") }
                if !connection.isOpen { connection = try await reopen(within: min(limits.connect, left)) }
                let limit = min(limits.query, max(.milliseconds(1), clock.now.duration(to: end)))
                let answer = try await connection.query(
                    part.sql(server), part.parameters(server), timeout: limit)
                for row in answer.rows { try part.read(row, &batch) }
            } catch {
                try Task.checkCancellation()
                batch.rows.removeSubrange(rowCount...)
                isRead = false
            }
            batch.gauge(
                "pg_scrape_collector_success", "Whether the part could be read.", isRead ? 1 : 0,
                ["collector": part.name])
            batch.gauge(
                "pg_scrape_collector_duration_seconds", "Time that reading the part took.",
                partStarted.duration(to: clock.now).inSeconds, ["collector": part.name])
        }
        // A server that answers to none of the questions is not up, whatever let us in.
        let isUp = batch.rows.contains { $0.labels.name == "pg_scrape_collector_success" && $0.value == 1 }
        guard isUp else {
            throw PostgresError(.timeout, target: settings.target, "connected, but no query was answered in time")
        }
        batch.gauge("pg_up", "Whether the server could be asked.", 1)
        batch.gauge(
            "pg_exporter_last_scrape_duration_seconds", "Time that the whole reading took.",
            started.duration(to: clock.now).inSeconds)
        batch.counter(
            "pg_exporter_scrapes_total", "Readings.",
            Double(scrapeCount.add(1, ordering: .relaxed).newValue))
        return batch
    }

    private func open(within limit: Duration) async throws -> PostgresConnection {
        try await PostgresConnection.open(settings, session: session, timeout: limit)
    }

    /// A query that timed out cost the connection; the next part needs another one.
    private func reopen(within limit: Duration) async throws -> PostgresConnection {
        let connection = try await open(within: limit)
        kept.withLock { $0 = connection }
        return connection
    }

    /// The server's own net under our limits, and a promise that a reading changes nothing.
    private var session: PostgresSession {
        PostgresSession(
            statementTimeout: limits.query + .seconds(1), lockTimeout: limits.query, isReadOnly: true,
            further: ["extra_float_digits": "1"])
    }
}

/// What a part's SQL may depend on.
struct PostgresFacts: Sendable {
    /// As `150007`.
    var version: Int
    var tableCountMax: Int
}

/// One query and what its rows mean.
struct PostgresPart: Sendable {
    var name: String
    var versions: Range<Int> = 0..<Int.max
    var sql: @Sendable (PostgresFacts) -> String
    var parameters: @Sendable (PostgresFacts) -> [PostgresParameter] = { _ in [] }
    var read: @Sendable (PostgresRow, inout SampleBatch) throws -> Void

    /// A part whose columns become metrics one to one. Columns that are no metric are labels.
    init(
        _ name: String, versions: Range<Int> = 0..<Int.max, labels: [String] = [], metrics: [PostgresColumn],
        parameters: @escaping @Sendable (PostgresFacts) -> [PostgresParameter] = { _ in [] },
        sql: @escaping @Sendable (PostgresFacts) -> String
    ) {
        self.name = name
        self.versions = versions
        self.sql = sql
        self.parameters = parameters
        read = { row, batch in
            let common = Labels(labels.map { ($0, row[$0] ?? "") })
            for metric in metrics where row.has(metric.column) {
                let value = try row.find(metric.column, as: Double.self)
                batch.put(metric.name, metric.type, metric.help, value, common.merging(Labels(metric.name)))
            }
        }
    }

    init(
        _ name: String, versions: Range<Int> = 0..<Int.max, sql: @escaping @Sendable (PostgresFacts) -> String,
        read: @escaping @Sendable (PostgresRow, inout SampleBatch) throws -> Void
    ) {
        self.name = name
        self.versions = versions
        self.sql = sql
        self.read = read
    }
}

/// A column of an answer that is a metric.
struct PostgresColumn: Sendable {
    var column: String
    var name: String
    var type: MetricType
    var help: String

    static func gauge(_ column: String, _ name: String, _ help: String) -> PostgresColumn {
        PostgresColumn(column: column, name: name, type: .gauge, help: help)
    }

    static func counter(_ column: String, _ name: String, _ help: String) -> PostgresColumn {
        PostgresColumn(column: column, name: name, type: .counter, help: help)
    }
}

let postgresParts: [PostgresPart] =
    serverParts + databaseParts + activityParts + replicationParts + writingParts + tableParts
