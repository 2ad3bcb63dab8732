import Rules
import Units

private typealias Case = RulePackTests.Case

private let target = "instance=\"db:5432\",host=\"h\",job=\"j\""

/// 0 until minute 5, then 1: a counter that steps once.
private let oneStep: @Sendable (Double) -> Double? = { $0 < 5 ? 0 : 1 }

private func memory(available: Double) -> [Course] {
    [
        Course("node_memory_MemTotal_bytes{\(target)}", 1000),
        Course("node_memory_MemAvailable_bytes{\(target)}", available),
    ]
}

/// A file system of 1000 bytes of which 50 are for root alone.
private func disk(used: Double, readonly: Double = 0) -> [Course] {
    let labels = "\(target),mountpoint=\"/\",device=\"d\",fstype=\"ext4\""
    return [
        Course("node_filesystem_size_bytes{\(labels)}", 1050),
        Course("node_filesystem_free_bytes{\(labels)}", 1050 - used),
        Course("node_filesystem_avail_bytes{\(labels)}", 1000 - used),
        Course("node_filesystem_files{\(labels)}", 1000),
        Course("node_filesystem_files_free{\(labels)}", 900),
        Course("node_filesystem_readonly{\(labels)}", readonly),
    ]
}

private func inodes(used: Double) -> [Course] {
    [
        Course("node_filesystem_files{\(target),mountpoint=\"/\"}", 1000),
        Course("node_filesystem_files_free{\(target),mountpoint=\"/\"}", 1000 - used),
    ]
}

private func connections(_ counts: [Double]) -> [Course] {
    [
        Course("pg_settings_max_connections{\(target)}", 103),
        Course("pg_settings_superuser_reserved_connections{\(target)}", 3),
    ]
        + counts.enumerated().map {
            Course("pg_stat_activity_count{\(target),datname=\"d\($0.offset)\",state=\"idle\"}", $0.element)
        }
}

/// Requests a minute, and how many of them fail.
private func requests(_ good: Double, _ bad: Double) -> [Course] {
    [
        Course("http_requests_total{\(target),status=\"200\",route=\"/\"}") { $0 * good },
        Course("http_requests_total{\(target),status=\"500\",route=\"/\"}") { $0 * bad * 0.5 },
        Course("http_requests_total{\(target),status=\"503\",route=\"/x\"}") { $0 * bad * 0.5 },
    ]
}

/// Requests a minute, of which a tenth takes longer than `bound` seconds, until minute `end`.
func slow(_ perMinute: Double, above bound: Double, until end: Double = 1000) -> [Course] {
    @Sendable func count(_ minute: Double, _ share: Double) -> Double {
        perMinute * (min(minute, end) * share + max(0, minute - end))
    }
    return [
        Course("http_request_duration_seconds_bucket{\(target),route=\"/\",le=\"\(bound)\"}") { count($0, 0.9) },
        Course("http_request_duration_seconds_bucket{\(target),route=\"/\",le=\"\(bound * 4)\"}") { perMinute * $0 },
        Course("http_request_duration_seconds_bucket{\(target),route=\"/\",le=\"+Inf\"}") { perMinute * $0 },
        Course("http_request_duration_seconds_count{\(target),route=\"/\"}") { perMinute * $0 },
    ]
}

private func cache(hits: Double, misses: Double) -> [Course] {
    [
        Course("redis_keyspace_hits_total{\(target)}") { $0 * hits },
        Course("redis_keyspace_misses_total{\(target)}") { $0 * misses },
    ]
}

private func days(_ count: Double) -> Double { newYear.secondsSinceEpoch + count * 86_400 }

/// A rule that compares one series with a number.
private func simple(
    _ pack: RulePack, _ alert: String, _ severity: String, _ selector: String, bad: Double, good: Double
) -> Case {
    Case(
        pack: pack, alert: alert, severity: severity, bad: [Course(selector, bad)], good: [[Course(selector, good)]])
}

/// A rule on the increase of a counter.
private func counted(_ pack: RulePack, _ alert: String, _ severity: String, _ selector: String) -> Case {
    Case(
        pack: pack, alert: alert, severity: severity, bad: [Course(selector, oneStep)], good: [[Course(selector, 7)]])
}

private let hostCases: [Case] = [
    Case(
        pack: .host, alert: "HighCpuUsage", severity: "warning",
        bad: [Course("node_cpu_seconds_total{\(target),cpu=\"0\",mode=\"idle\"}") { $0 * 60 * 0.1 }],
        good: [
            [Course("node_cpu_seconds_total{\(target),cpu=\"0\",mode=\"idle\"}") { $0 * 60 * 0.5 }],
            // One busy processor of two.
            [
                Course("node_cpu_seconds_total{\(target),cpu=\"0\",mode=\"idle\"}") { $0 * 0 },
                Course("node_cpu_seconds_total{\(target),cpu=\"1\",mode=\"idle\"}") { $0 * 60 },
            ],
            // Five minutes of work.
            [Course("node_cpu_seconds_total{\(target),cpu=\"0\",mode=\"idle\"}") { 60 * max(min($0, 8), $0 - 5) }],
        ]),
    Case(
        pack: .host, alert: "HighMemoryUsage", severity: "warning", bad: memory(available: 130),
        good: [memory(available: 200)]),
    Case(
        pack: .host, alert: "HighMemoryUsage", severity: "critical", bad: memory(available: 50),
        good: [memory(available: 130)]),
    Case(
        pack: .host, alert: "HighSwapUsage", severity: "warning",
        bad: [
            Course("node_memory_SwapTotal_bytes{\(target)}", 100), Course("node_memory_SwapFree_bytes{\(target)}", 5),
        ],
        good: [
            [Course("node_memory_SwapTotal_bytes{\(target)}", 0), Course("node_memory_SwapFree_bytes{\(target)}", 0)]
        ]),
    counted(.host, "OutOfMemoryKill", "high", "node_vmstat_oom_kill{\(target)}"),
    Case(
        pack: .host, alert: "HighDiskUsage", severity: "warning", bad: disk(used: 820),
        good: [disk(used: 790), disk(used: 1000, readonly: 1)]),
    Case(pack: .host, alert: "HighDiskUsage", severity: "high", bad: disk(used: 870), good: [disk(used: 820)]),
    Case(pack: .host, alert: "HighDiskUsage", severity: "critical", bad: disk(used: 930), good: [disk(used: 870)]),
    Case(pack: .host, alert: "HighInodeUsage", severity: "warning", bad: inodes(used: 820), good: [inodes(used: 100)]),
    Case(pack: .host, alert: "HighInodeUsage", severity: "high", bad: inodes(used: 870), good: [inodes(used: 820)]),
    Case(pack: .host, alert: "HighInodeUsage", severity: "critical", bad: inodes(used: 930), good: [inodes(used: 870)]),
    Case(
        pack: .host, alert: "DiskFullWithinADay", severity: "warning", minutes: 250,
        bad: [
            Course("node_filesystem_avail_bytes{\(target),mountpoint=\"/\"}") { 450 - $0 },
            Course("node_filesystem_size_bytes{\(target),mountpoint=\"/\"}", 1000),
        ],
        good: [
            [
                Course("node_filesystem_avail_bytes{\(target),mountpoint=\"/\"}") { 400 - $0 / 10 },
                Course("node_filesystem_size_bytes{\(target),mountpoint=\"/\"}", 1000),
            ],
            [
                Course("node_filesystem_avail_bytes{\(target),mountpoint=\"/\"}") { 900 - $0 },
                Course("node_filesystem_size_bytes{\(target),mountpoint=\"/\"}", 1000),
            ],
        ]),
    simple(.host, "FilesystemUnreadable", "warning", "node_filesystem_device_error{\(target)}", bad: 1, good: 0),
    Case(
        pack: .host, alert: "FilesystemTurnedReadOnly", severity: "critical",
        bad: [Course("node_filesystem_readonly{\(target)}", oneStep)],
        good: [[Course("node_filesystem_readonly{\(target)}", 1)], [Course("node_filesystem_readonly{\(target)}", 0)]]),
]

private let postgresCases: [Case] = [
    simple(.postgres, "PostgresDown", "critical", "pg_up{\(target)}", bad: 0, good: 1),
    Case(
        pack: .postgres, alert: "PostgresRefusesClients", severity: "critical",
        bad: [Course("jaga_pg_connect_success{\(target)}", 0), Course("pg_up{\(target)}", 1)],
        good: [
            [Course("jaga_pg_connect_success{\(target)}", 1), Course("pg_up{\(target)}", 1)],
            [Course("jaga_pg_connect_success{\(target)}", 0), Course("pg_up{\(target)}", 0)],
        ]),
    // Three databases of 30 sessions are 90 of 100, though none is above 80.
    Case(
        pack: .postgres, alert: "DatabaseConnectionsHigh", severity: "warning", bad: connections([30, 30, 30]),
        good: [connections([30, 30]), Array(connections([90]).dropFirst(2))]),
    Case(
        pack: .postgres, alert: "DatabaseConnectionsHigh", severity: "critical", bad: connections([50, 48]),
        good: [connections([30, 30, 30])]),
    simple(.postgres, "PostgresLongQuery", "warning", "jaga_pg_longest_query_seconds{\(target)}", bad: 301, good: 299),
    simple(
        .postgres, "PostgresLongTransaction", "warning", "jaga_pg_longest_transaction_seconds{\(target)}", bad: 1900,
        good: 60),
    simple(
        .postgres, "PostgresIdleInTransaction", "warning", "jaga_pg_longest_idle_in_transaction_seconds{\(target)}",
        bad: 700, good: 60),
    simple(
        .postgres, "PostgresLocksWaiting", "warning", "jaga_pg_sessions_waiting_for_lock{\(target)}", bad: 2, good: 0),
    counted(.postgres, "PostgresDeadlocks", "warning", "pg_stat_database_deadlocks{\(target),datname=\"d\"}"),
    Case(
        pack: .postgres, alert: "PostgresReplicationLag", severity: "high",
        bad: [
            Course("pg_replication_lag_seconds{\(target)}", 90), Course("pg_replication_is_replica{\(target)}", 1),
        ],
        good: [
            [Course("pg_replication_lag_seconds{\(target)}", 90), Course("pg_replication_is_replica{\(target)}", 0)],
            [Course("pg_replication_lag_seconds{\(target)}", 1), Course("pg_replication_is_replica{\(target)}", 1)],
        ]),
    simple(
        .postgres, "PostgresReplicationSlotInactive", "high", "pg_replication_slots_active{\(target),slot_name=\"s\"}",
        bad: 0, good: 1),
    simple(.postgres, "PostgresArchivingFails", "high", "jaga_pg_archiver_failing{\(target)}", bad: 1, good: 0),
    simple(
        .postgres, "PostgresWraparoundNear", "critical",
        "pg_database_wraparound_age_datfrozenxid_seconds{\(target),datname=\"d\"}", bad: 1.6e9, good: 2e8),
]

private let redisCases: [Case] = [
    simple(.redis, "RedisDown", "critical", "redis_up{\(target)}", bad: 0, good: 1),
    Case(
        pack: .redis, alert: "RedisMemoryHigh", severity: "warning",
        bad: [Course("redis_memory_used_bytes{\(target)}", 95), Course("redis_memory_max_bytes{\(target)}", 100)],
        good: [
            [Course("redis_memory_used_bytes{\(target)}", 50), Course("redis_memory_max_bytes{\(target)}", 100)],
            // No limit is set.
            [Course("redis_memory_used_bytes{\(target)}", 95), Course("redis_memory_max_bytes{\(target)}", 0)],
        ]),
    Case(
        pack: .redis, alert: "RedisEvictsKeys", severity: "warning",
        bad: [Course("redis_evicted_keys_total{\(target)}") { $0 * 10 }],
        good: [[Course("redis_evicted_keys_total{\(target)}", 500)]]),
    Case(
        pack: .redis, alert: "LowCacheHitRate", severity: "warning", minutes: 30, bad: cache(hits: 50, misses: 50),
        good: [cache(hits: 95, misses: 5), cache(hits: 1, misses: 4)]),
    Case(
        pack: .redis, alert: "RedisConnectionsHigh", severity: "warning",
        bad: [Course("redis_connected_clients{\(target)}", 90), Course("redis_config_maxclients{\(target)}", 100)],
        good: [
            [Course("redis_connected_clients{\(target)}", 10), Course("redis_config_maxclients{\(target)}", 100)]
        ]),
    counted(.redis, "RedisConnectionsRejected", "high", "redis_rejected_connections_total{\(target)}"),
    simple(.redis, "RedisSaveFails", "high", "redis_rdb_last_bgsave_status{\(target)}", bad: 0, good: 1),
    simple(
        .redis, "RedisReplicaDisconnected", "high", "redis_master_link_up{\(target),master_host=\"m\"}", bad: 0, good: 1
    ),
]

private let nginxCases: [Case] = [
    simple(.nginx, "NginxDown", "critical", "nginx_up{\(target)}", bad: 0, good: 1),
    Case(
        pack: .nginx, alert: "NginxConnectionsDropped", severity: "high",
        bad: [
            Course("nginx_connections_accepted{\(target)}") { $0 * 100 },
            Course("nginx_connections_handled{\(target)}") { $0 * 90 },
        ],
        good: [
            [
                Course("nginx_connections_accepted{\(target)}") { $0 * 100 },
                Course("nginx_connections_handled{\(target)}") { $0 * 100 },
            ]
        ]),
    // Two failures among 60,000 requests a minute are none to wake up for, nor is one on a site that nobody visits.
    Case(
        pack: .nginx, alert: "HighErrorRate", severity: "critical", bad: requests(98, 2),
        good: [requests(60_000, 2), requests(0.2, 0.2), requests(100, 0)]),
    Case(
        pack: .nginx, alert: "ElevatedErrorRate", severity: "warning", bad: requests(993, 7),
        good: [requests(998, 2)]),
    // Slow for one minute only, fast all the time, or slow without traffic.
    Case(
        pack: .nginx, alert: "HighResponseTime", severity: "warning", bad: slow(60, above: 0.5),
        good: [slow(60, above: 0.5, until: 1), slow(60, above: 0.1), slow(1, above: 0.5)]),
    Case(
        pack: .nginx, alert: "VeryHighResponseTime", severity: "critical", bad: slow(60, above: 5),
        good: [slow(60, above: 0.5)]),
]

private let probeCases: [Case] = [
    simple(.probes, "ProbeFailing", "critical", "jaga_probe_failing{\(target)}", bad: 1, good: 0),
    Case(
        pack: .probes, alert: "ProbeSlow", severity: "warning",
        bad: [Course("probe_duration_seconds{\(target)}", 6), Course("probe_success{\(target)}", 1)],
        good: [
            [Course("probe_duration_seconds{\(target)}", 0.2), Course("probe_success{\(target)}", 1)],
            // A probe that fails is another alert.
            [Course("probe_duration_seconds{\(target)}", 6), Course("probe_success{\(target)}", 0)],
        ]),
    simple(
        .probes, "CertificateExpiresSoon", "warning", "probe_ssl_earliest_cert_expiry{\(target)}", bad: days(29),
        good: days(60)),
    simple(
        .probes, "CertificateExpiresSoon", "critical", "probe_ssl_earliest_cert_expiry{\(target)}", bad: days(-1),
        good: days(29)),
    simple(
        .probes, "CertificateFileExpiresSoon", "warning",
        "jaga_certificate_expiry_timestamp_seconds{file=\"/c.pem\"}", bad: days(29), good: days(60)),
    simple(
        .probes, "CertificateFileExpiresSoon", "critical",
        "jaga_certificate_expiry_timestamp_seconds{file=\"/c.pem\"}", bad: days(6), good: days(29)),
    simple(
        .probes, "CertificateFileUnreadable", "warning", "jaga_certificate_file_ok{file=\"/c.pem\"}", bad: 0, good: 1),
]

private func backup(ageDays: Double) -> [Course] {
    [
        Course("jaga_backup_last_success_timestamp_seconds{target=\"shop\",host=\"h\"}", days(-ageDays)),
        Course("jaga_backup_max_age_seconds{target=\"shop\",host=\"h\"}", 86_400 * 1.5),
    ]
}

private let backupCases: [Case] = [
    Case(
        pack: .backups, alert: "BackupTooOld", severity: "critical", bad: backup(ageDays: 2),
        good: [backup(ageDays: 1)]),
    Case(
        pack: .backups, alert: "BackupMissing", severity: "critical", minutes: 70,
        bad: [
            Course("jaga_backup_max_age_seconds{target=\"shop\"}", 86_400),
            Course("jaga_backup_last_success_timestamp_seconds{target=\"shop\"}", 0),
        ], good: [backup(ageDays: 1)]),
    simple(
        .backups, "BackupVerificationFailed", "critical", "jaga_backup_verified{target=\"shop\"}", bad: 0, good: 1),
    simple(.backups, "DrillFailed", "critical", "jaga_drill_success{target=\"shop\"}", bad: 0, good: 1),
    simple(
        .backups, "DrillTooOld", "warning", "jaga_drill_last_success_timestamp_seconds{target=\"shop\"}",
        bad: days(-40), good: days(-7)),
    simple(.backups, "JobFailed", "high", "jaga_job_last_run_success{job=\"nightly\"}", bad: 0, good: 1),
    counted(.backups, "JobMissed", "high", "jaga_job_missed_runs_total{job=\"nightly\"}"),
]

private let jagaCases: [Case] = [
    simple(.jaga, "ServiceDown", "critical", "up{\(target)}", bad: 0, good: 1),
    Case(
        pack: .jaga, alert: "TargetVanished", severity: "warning", minutes: 30,
        bad: [Course("up{\(target)}") { $0 < 10 ? 1 : nil }],
        good: [[Course("up{\(target)}", 1)], [Course("up{\(target)}", 0)]]),
    simple(.jaga, "ReadingFails", "warning", "jaga_source_up{source=\"postgres/shop\"}", bad: 0, good: 1),
    simple(
        .jaga, "ReadingSlow", "warning", "jaga_source_duration_seconds{source=\"postgres/shop\"}", bad: 12, good: 0.1),
    Case(
        pack: .jaga, alert: "RuleFails", severity: "warning",
        bad: [Course("prometheus_rule_evaluation_failures_total{rule_group=\"x\"}") { $0 }],
        good: [[Course("prometheus_rule_evaluation_failures_total{rule_group=\"x\"}", 4)]]),
    Case(
        pack: .jaga, alert: "RemoteWriteLoses", severity: "high",
        bad: [
            Course("prometheus_remote_storage_samples_dropped_total{remote_name=\"x\",reason=\"queue_full\"}") { $0 }
        ],
        good: [
            [Course("prometheus_remote_storage_samples_dropped_total{remote_name=\"x\",reason=\"queue_full\"}", 4)],
            [
                Course("prometheus_remote_storage_samples_dropped_total{remote_name=\"x\",reason=\"dropped_series\"}") {
                    $0
                }
            ],
        ]),
    Case(
        pack: .jaga, alert: "RemoteQueueNotWritable", severity: "high",
        bad: [Course("jaga_remote_queue_refused_samples_total") { $0 }],
        good: [[Course("jaga_remote_queue_refused_samples_total", 4)]]),
    Case(
        pack: .jaga, alert: "SeriesLimitReached", severity: "warning",
        bad: [Course("jaga_series_limit_refusals_total") { $0 }],
        good: [[Course("jaga_series_limit_refusals_total", 4)]]),
    Case(
        pack: .jaga, alert: "RemoteWriteBehind", severity: "warning", minutes: 25,
        bad: [
            Course("prometheus_remote_storage_queue_highest_timestamp_seconds{remote_name=\"x\"}") { 1000 + $0 * 60 },
            Course("prometheus_remote_storage_queue_highest_sent_timestamp_seconds{remote_name=\"x\"}", 600),
        ],
        good: [
            [
                Course("prometheus_remote_storage_queue_highest_timestamp_seconds{remote_name=\"x\"}") {
                    1000 + $0 * 60
                },
                Course("prometheus_remote_storage_queue_highest_sent_timestamp_seconds{remote_name=\"x\"}") {
                    990 + $0 * 60
                },
            ]
        ]),
    Case(
        pack: .jaga, alert: "NotificationsWaiting", severity: "high", minutes: 25,
        bad: [Course("jaga_notification_outbox_pending{\(target)}", 3)],
        good: [
            [Course("jaga_notification_outbox_pending{\(target)}", 0)],
            [Course("jaga_notification_outbox_pending{\(target)}") { $0.truncatingRemainder(dividingBy: 5) }],
        ]),
    Case(
        pack: .jaga, alert: "NotificationsFail", severity: "warning",
        bad: [Course("jaga_notification_failures_total{receiver=\"ops\"}") { $0 }],
        good: [[Course("jaga_notification_failures_total{receiver=\"ops\"}", 2)]]),
    simple(.jaga, "StoreNotWritable", "critical", "jaga_series_writable{\(target)}", bad: 0, good: 1),
    simple(.jaga, "SeriesDamaged", "high", "jaga_series_problems{\(target)}", bad: 2, good: 0),
]

let packCases: [RulePackTests.Case] =
    hostCases + postgresCases + redisCases + nginxCases + probeCases + backupCases + jagaCases
