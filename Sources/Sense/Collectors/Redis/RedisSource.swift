import Diagnostics
public import RedisClient
public import Series
public import Units

// What redis_exporter reads with its default settings, from one INFO (https://github.com/oliver006/redis_exporter).

/// A Redis server.
public final class RedisSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "redis_up"
    private let target: RedisTarget

    public init(
        name: String, labels: Labels, _ settings: RedisSettings, interval: Duration = .seconds(15),
        deadline: Duration = .seconds(5)
    ) {
        self.name = name
        self.labels = labels
        self.interval = interval
        self.deadline = min(deadline, interval)
        target = RedisTarget(settings, connectTimeout: min(.seconds(3), self.deadline))
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let clock = ContinuousClock()
        let started = clock.now
        let connection = try await target.connection()
        let connected = clock.now
        // The first answer comes alone, so that its time is the server's and not INFO's.
        let limit = max(.milliseconds(1), deadline - started.duration(to: connected))
        let pong = try await target.pipeline([["PING"]], timeout: limit)
        try refuse(pong[0], connection.settings.target)
        let ponged = clock.now
        let replies = try await target.pipeline(
            [["INFO", "ALL"], ["CONFIG", "GET", "maxclients"], ["SLOWLOG", "LEN"]],
            timeout: max(.milliseconds(1), deadline - started.duration(to: ponged)))
        try refuse(replies[0], connection.settings.target)
        guard let text = replies[0].text else {
            throw RedisError(.unexpectedReply, target: connection.settings.target, "INFO gave no text")
        }
        var batch = SampleBatch(at: now)
        batch.gauge("redis_up", "Whether the server answered.", 1)
        batch.gauge(
            "redis_exporter_last_scrape_connect_time_seconds", "Time to connect; near zero for a kept connection.",
            started.duration(to: connected).inSeconds)
        batch.gauge(
            "redis_exporter_last_scrape_ping_time_seconds", "Time until PING was answered.",
            connected.duration(to: ponged).inSeconds)
        addInfo(RedisInfo(text), at: now, to: &batch)
        // Managed servers refuse CONFIG and SLOWLOG; then these are unknown.
        if let pair = replies[1].list, pair.count == 2 {
            batch.gauge("redis_config_maxclients", "Clients that may connect.", pair[1].text.flatMap(Double.init))
        }
        batch.gauge("redis_slowlog_length", "Entries of the slow log.", replies[2].integer.map { Double($0) })
        batch.gauge(
            "redis_exporter_last_scrape_duration_seconds", "Time that the whole reading took.",
            started.duration(to: clock.now).inSeconds)
        return batch
    }

    private func refuse(_ reply: RedisReply, _ target: String) throws {
        guard case .error(let message) = reply else { return }
        throw RedisError(
            message.hasPrefix("NOAUTH") || message.hasPrefix("NOPERM") ? .authenticationFailed : .commandFailed,
            target: target, message)
    }
}

/// Turns INFO into samples.
func addInfo(_ info: RedisInfo, at now: Timestamp, to batch: inout SampleBatch) {
    for (field, metric) in redisGauges {
        batch.gauge("redis_\(metric)", "INFO field \(field).", info[field].flatMap(redisNumber))
    }
    for (field, metric) in redisCounters {
        batch.counter("redis_\(metric)", "INFO field \(field).", info[field].flatMap(redisNumber))
    }
    var facts = Labels("redis_instance_info")
    for field in [
        "role", "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy", "tcp_port", "run_id",
        "process_id", "master_replid",
    ] { facts[field] = info[field] }
    batch.put("redis_instance_info", .gauge, "Always 1; the labels tell.", 1, facts)
    batch.gauge(
        "redis_start_time_seconds", "When the server started, in seconds since 1970.",
        info.number("uptime_in_seconds").map { (now.secondsSinceEpoch - $0).rounded() })
    addKeyspace(info, to: &batch)
    addCommands(info, to: &batch)
    addReplication(info, to: &batch)
}

private func addKeyspace(_ info: RedisInfo, to batch: inout SampleBatch) {
    for (database, value) in info.fields(of: "Keyspace") {
        let pairs = RedisInfo.pairs(value)
        batch.gauge("redis_db_keys", "Keys.", pairs["keys"].flatMap(Double.init), ["db": database])
        batch.gauge(
            "redis_db_keys_expiring", "Keys that expire.", pairs["expires"].flatMap(Double.init), ["db": database])
        batch.gauge(
            "redis_db_avg_ttl_seconds", "Mean time until keys expire.",
            pairs["avg_ttl"].flatMap(Double.init).map { $0 / 1000 }, ["db": database])
    }
}

private func addCommands(_ info: RedisInfo, to batch: inout SampleBatch) {
    for (field, value) in info.fields(of: "Commandstats") where field.hasPrefix("cmdstat_") {
        let command = String(field.dropFirst("cmdstat_".count))
        let pairs = RedisInfo.pairs(value)
        batch.counter("redis_commands_total", "Calls.", pairs["calls"].flatMap(Double.init), ["cmd": command])
        batch.counter(
            "redis_commands_duration_seconds_total", "Seconds spent.",
            pairs["usec"].flatMap(Double.init).map { $0 / 1e6 }, ["cmd": command])
        batch.counter(
            "redis_commands_rejected_calls_total", "Calls refused before they ran.",
            pairs["rejected_calls"].flatMap(Double.init), ["cmd": command])
        batch.counter(
            "redis_commands_failed_calls_total", "Calls that failed.", pairs["failed_calls"].flatMap(Double.init),
            ["cmd": command])
    }
    for (field, value) in info.fields(of: "Errorstats") where field.hasPrefix("errorstat_") {
        batch.counter(
            "redis_errors_total", "Errors answered.", RedisInfo.pairs(value)["count"].flatMap(Double.init),
            ["err": String(field.dropFirst("errorstat_".count))])
    }
}

private func addReplication(_ info: RedisInfo, to batch: inout SampleBatch) {
    for (field, value) in info.fields(of: "Replication") where field.hasPrefix("slave") && value.hasPrefix("ip=") {
        let pairs = RedisInfo.pairs(value)
        let labels: KeyValuePairs = [
            "slave_ip": pairs["ip"] ?? "", "slave_port": pairs["port"] ?? "", "slave_state": pairs["state"] ?? "",
        ]
        batch.gauge(
            "redis_connected_slave_offset_bytes", "Where the replica is.", pairs["offset"].flatMap(Double.init), labels)
        batch.gauge(
            "redis_connected_slave_lag_seconds", "Seconds since the replica spoke.", pairs["lag"].flatMap(Double.init),
            labels)
    }
    guard info["role"] == "slave" else { return }
    let labels: KeyValuePairs = ["master_host": info["master_host"] ?? "", "master_port": info["master_port"] ?? ""]
    batch.gauge(
        "redis_master_link_up", "Whether the link to the master is up.", info["master_link_status"] == "up" ? 1 : 0,
        labels)
    batch.gauge(
        "redis_master_last_io_seconds_ago", "Seconds since the master spoke; -1: no link.",
        info.number("master_last_io_seconds_ago"), labels)
    batch.gauge(
        "redis_master_sync_in_progress", "Whether a full copy is under way.", info.number("master_sync_in_progress"),
        labels)
    batch.gauge("redis_slave_repl_offset", "Where this replica is.", info.number("slave_repl_offset"), labels)
    batch.gauge(
        "redis_slave_info", "Always 1; the labels tell.", 1,
        [
            "master_host": info["master_host"] ?? "", "master_port": info["master_port"] ?? "",
            "read_only": info["slave_read_only"] ?? "",
        ])
}

/// `ok` is 1; `err` and `fail` are 0; percentages lose their sign.
private func redisNumber(_ text: String) -> Double? {
    switch text {
    case "ok": 1
    case "err", "fail": 0
    default: Double(text.last == "%" ? String(text.dropLast()) : text)
    }
}
