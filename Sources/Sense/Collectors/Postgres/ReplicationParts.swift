import PostgresClient

/// Standbys, slots and our own role.
let replicationParts: [PostgresPart] = [
    PostgresPart(
        "replication",
        metrics: [
            .gauge("lag", "pg_replication_lag_seconds", "How far this standby is behind; 0 on a primary."),
            .gauge("is_replica", "pg_replication_is_replica", "Whether this server is a standby."),
            .gauge(
                "last_replay", "pg_replication_last_replay_seconds", "Age of the last transaction that was replayed."),
        ]
    ) { _ in
        // A standby that has replayed all it received is not behind, however long nothing has happened.
        """
        SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0
                    WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                    ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp()))
               END::float8 AS lag,
               pg_is_in_recovery()::int AS is_replica,
               greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp()))::float8 AS last_replay
        """
    },
    PostgresPart(
        "stat_replication", labels: ["application_name", "client_addr", "state", "slot_name", "pid"],
        metrics: [
            .gauge("current_lsn", "pg_stat_replication_pg_current_wal_lsn_bytes", "Where the primary writes."),
            .gauge("behind", "pg_stat_replication_pg_wal_lsn_diff", "Bytes that the standby has not replayed yet."),
            .gauge("lag", "jaga_pg_stat_replication_replay_lag_seconds", "Time that the standby is behind."),
        ]
    ) { _ in
        """
        SELECT r.application_name, coalesce(r.client_addr::text, '') AS client_addr, r.state,
               coalesce(s.slot_name, '') AS slot_name, r.pid,
               CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') END::float8
                   AS current_lsn,
               CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn) END::float8
                   AS behind,
               coalesce(extract(epoch FROM r.replay_lag), 0)::float8 AS lag
        FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
        """
    },
    PostgresPart(
        "replication_slots", labels: ["slot_name", "database"],
        metrics: [
            .gauge("active", "pg_replication_slots_active", "Whether somebody reads the slot."),
            .gauge("behind", "pg_replication_slots_pg_wal_lsn_diff", "Bytes of WAL that the slot keeps."),
        ]
    ) { _ in
        """
        SELECT slot_name, coalesce(database, '') AS database, active::int AS active,
               CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), restart_lsn)
                    ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END::float8 AS behind
        FROM pg_replication_slots
        """
    },
    PostgresPart(
        "replication_slot", versions: 130_000..<Int.max, labels: ["slot_name", "slot_type"],
        metrics: [
            .gauge("is_active", "pg_replication_slots_slot_is_active", "Whether somebody reads the slot."),
            .gauge(
                "safe_wal_size", "pg_replication_slots_safe_wal_size_bytes", "Bytes of WAL until the slot is in danger."
            ),
        ]
    ) { _ in
        """
        SELECT slot_name, slot_type, active::int AS is_active, safe_wal_size FROM pg_replication_slots
        """
    },
]
