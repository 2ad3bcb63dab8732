import Series
import Texts
import Units
import WebAPI

/// A chart as data: what it is called, what it asks and how its numbers read. `$s` in a query stands for the selector of the
/// source that the page is about, so that the same panels serve any number of hosts and databases.
struct Panel: Sendable {
    struct Query: Sendable {
        var expression: String
        /// The label that tells the lines apart; nil: the query has one line, named by `name`.
        var legend: String?
        var name: String = ""
    }

    var title: WebText
    var unit: Figure.Unit
    var valueMax: Double?
    /// Whether it is left out where there is nothing to show.
    var isOptional: Bool
    var queries: [Query]

    init(
        _ title: WebText, _ unit: Figure.Unit, max valueMax: Double? = nil, optional isOptional: Bool = false,
        _ queries: [Query]
    ) {
        self.title = title
        self.unit = unit
        self.valueMax = valueMax
        self.isOptional = isOptional
        self.queries = queries
    }
}

extension Panel.Query {
    static func each(_ legend: String, _ expression: String, name: String = "") -> Self {
        Self(expression: expression, legend: legend, name: name)
    }

    static func one(_ name: String, _ expression: String) -> Self {
        Self(expression: expression, legend: nil, name: name)
    }

    func filled(_ selector: String) -> String {
        guard selector.isEmpty else { return expression.replacing("$s", with: selector) }
        return expression.replacing("$s,", with: "").replacing("{$s}", with: "").replacing("$s", with: "")
    }
}

/// `instance="10.0.0.5:5432",job="postgres"`: the matchers of all labels, without braces.
func selector(_ labels: Labels) -> String {
    labels.pairs.map { "\(Labels.quotedIfNeeded($0.name))=\(PrometheusJSON.quoted($0.value))" }.joined(separator: ",")
}

/// The panels of each kind of source, the most telling first.
enum Panels {
    static func of(kind: String) -> [Panel] {
        switch kind {
        case "host": host
        case "postgres": postgres
        case "redis": redis
        case "nginx", "nginx_log": nginx
        default: scrape
        }
    }

    static let host: [Panel] = [
        Panel(
            .panelProcessor, .ratio, max: 1,
            [.one("busy", "1 - avg(rate(node_cpu_seconds_total{$s,mode=\"idle\"}[2m]))")]),
        Panel(
            .panelMemory, .bytes,
            [
                .one("used", "node_memory_MemTotal_bytes{$s} - node_memory_MemAvailable_bytes{$s}"),
                .one("total", "node_memory_MemTotal_bytes{$s}"),
            ]),
        Panel(
            .panelLoad, .none,
            [.one("1m", "node_load1{$s}"), .one("5m", "node_load5{$s}"), .one("15m", "node_load15{$s}")]),
        Panel(
            .panelFilesystems, .ratio, max: 1,
            [.each("mountpoint", "1 - node_filesystem_avail_bytes{$s} / node_filesystem_size_bytes{$s}")]),
        Panel(.panelDiskBusy, .ratio, max: 1, [.each("device", "rate(node_disk_io_time_seconds_total{$s}[2m])")]),
        Panel(
            .panelDiskTraffic, .bytesPerSecond,
            [
                .each("device", "rate(node_disk_read_bytes_total{$s}[2m])", name: "read"),
                .each("device", "rate(node_disk_written_bytes_total{$s}[2m])", name: "write"),
            ]),
        Panel(
            .panelNetwork, .bytesPerSecond,
            [
                .each("device", "rate(node_network_receive_bytes_total{$s,device!=\"lo\"}[2m])", name: "in"),
                .each("device", "rate(node_network_transmit_bytes_total{$s,device!=\"lo\"}[2m])", name: "out"),
            ]),
        Panel(
            .panelPressure, .ratio, optional: true,
            [
                .one("cpu", "rate(node_pressure_cpu_waiting_seconds_total{$s}[2m])"),
                .one("io", "rate(node_pressure_io_waiting_seconds_total{$s}[2m])"),
                .one("memory", "rate(node_pressure_memory_waiting_seconds_total{$s}[2m])"),
            ]),
        Panel(
            .panelSwap, .bytes, optional: true,
            [
                .one(
                    "used",
                    "node_memory_SwapTotal_bytes{$s} - node_memory_SwapFree_bytes{$s} "
                        + "and node_memory_SwapTotal_bytes{$s} > 0"),
                .one("total", "node_memory_SwapTotal_bytes{$s} > 0"),
            ]),
    ]

    static let postgres: [Panel] = [
        Panel(
            .panelConnections, .none,
            [
                .each("state", "sum by (state) (pg_stat_activity_count{$s})"),
                .one("max", "pg_settings_max_connections{$s}"),
            ]),
        Panel(
            .panelTransactions, .perSecond,
            [
                .one("commit", "sum(rate(pg_stat_database_xact_commit{$s}[2m]))"),
                .one("rollback", "sum(rate(pg_stat_database_xact_rollback{$s}[2m]))"),
            ]),
        Panel(.panelLongestTransaction, .seconds, [.one("longest", "max(pg_stat_activity_max_tx_duration{$s})")]),
        Panel(
            .panelCacheHits, .ratio, max: 1,
            [
                .one(
                    "hit",
                    "sum(rate(pg_stat_database_blks_hit{$s}[5m])) / (sum(rate(pg_stat_database_blks_hit{$s}[5m])) + "
                        + "sum(rate(pg_stat_database_blks_read{$s}[5m])))")
            ]),
        Panel(.panelDatabaseSize, .bytes, [.each("datname", "pg_database_size_bytes{$s}")]),
        Panel(.panelDeadlocks, .none, [.each("datname", "increase(pg_stat_database_deadlocks{$s,datname!=\"\"}[5m])")]),
        Panel(.panelReplicationLag, .seconds, optional: true, [.one("lag", "pg_replication_lag_seconds{$s}")]),
        Panel(
            .panelArchiver, .none,
            [
                .one("archived", "increase(pg_stat_archiver_archived_count{$s}[5m])"),
                .one("failed", "increase(pg_stat_archiver_failed_count{$s}[5m])"),
            ]),
    ]

    static let redis: [Panel] = [
        Panel(
            .panelMemory, .bytes,
            [.one("used", "redis_memory_used_bytes{$s}"), .one("max", "redis_memory_max_bytes{$s} > 0")]),
        Panel(.panelConnections, .none, [.one("clients", "redis_connected_clients{$s}")]),
        Panel(.panelCommands, .perSecond, [.one("commands", "rate(redis_commands_processed_total{$s}[2m])")]),
        Panel(
            .panelCacheHits, .ratio, max: 1,
            [
                .one(
                    "hit",
                    "rate(redis_keyspace_hits_total{$s}[5m]) / (rate(redis_keyspace_hits_total{$s}[5m]) + "
                        + "rate(redis_keyspace_misses_total{$s}[5m]))")
            ]),
        Panel(.panelKeys, .none, optional: true, [.each("db", "redis_db_keys{$s}")]),
        Panel(.panelEvictions, .perSecond, [.one("evicted", "rate(redis_evicted_keys_total{$s}[2m])")]),
    ]

    static let nginx: [Panel] = [
        Panel(.panelRequests, .perSecond, [.one("requests", "rate(nginx_http_requests_total{$s}[2m])")]),
        Panel(
            .panelConnections, .none,
            [
                .one("active", "nginx_connections_active{$s}"), .one("waiting", "nginx_connections_waiting{$s}"),
                .one("writing", "nginx_connections_writing{$s}"),
            ]),
    ]

    /// An application says of itself what it likes; the two names that most client libraries use are shown where they are.
    static let scrape: [Panel] = [
        Panel(
            .panelRequests, .perSecond, optional: true,
            [.each("status", "sum by (status) (rate(http_requests_total{$s}[2m]))")]),
        Panel(
            .panelRequestTime, .seconds, optional: true,
            [
                .one(
                    "p50",
                    "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket{$s}[2m])))"),
                .one(
                    "p95",
                    "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{$s}[2m])))"),
            ]),
        Panel(
            .panelMemory, .bytes, optional: true, [.one("resident", "process_resident_memory_bytes{$s}")]),
        Panel(.panelUp, .none, max: 1, [.one("up", "up{$s}")]),
        Panel(.panelReadingTime, .seconds, optional: true, [.one("reading", "scrape_duration_seconds{$s}")]),
    ]

    static let probes: [Panel] = [Panel(.panelProbeTime, .seconds, [.each("probe", "probe_duration_seconds")])]
}
