import PostgresClient

private func total(_ column: String, _ help: String) -> PostgresColumn {
    .counter(column, "pg_stat_database_\(column)", help)
}

/// What each database counts.
let databaseParts: [PostgresPart] = [
    PostgresPart(
        "database", labels: ["datname"],
        metrics: [
            .gauge("size", "pg_database_size_bytes", "Size on disk."),
            .gauge(
                "connection_limit", "pg_database_connection_limit",
                "Connections that the database allows; -1: no limit."),
        ]
    ) { _ in
        // The size of a database that one may not connect to is refused, and would fail the whole part.
        """
        SELECT datname, datconnlimit AS connection_limit,
               CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) END AS size
        FROM pg_database WHERE NOT datistemplate AND datallowconn
        """
    },
    PostgresPart(
        "stat_database", labels: ["datid", "datname"],
        metrics: [
            .gauge("numbackends", "pg_stat_database_numbackends", "Backends connected to the database."),
            total("xact_commit", "Transactions committed."), total("xact_rollback", "Transactions rolled back."),
            total("blks_read", "Blocks read from disk."), total("blks_hit", "Blocks found in the buffers."),
            total("tup_returned", "Rows read."), total("tup_fetched", "Rows fetched."),
            total("tup_inserted", "Rows inserted."), total("tup_updated", "Rows updated."),
            total("tup_deleted", "Rows deleted."), total("conflicts", "Queries cancelled by recovery."),
            total("temp_files", "Temporary files."), total("temp_bytes", "Bytes in temporary files."),
            total("deadlocks", "Deadlocks."), total("blk_read_time", "Milliseconds spent reading blocks."),
            total("blk_write_time", "Milliseconds spent writing blocks."),
            total("stats_reset", "When the counts were last set to zero, in seconds since 1970."),
            total("active_time_seconds_total", "Seconds that sessions spent working."),
        ]
    ) { server in
        """
        SELECT datid, datname, numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_returned, tup_fetched,
               tup_inserted, tup_updated, tup_deleted, conflicts, temp_files, temp_bytes, deadlocks, blk_read_time,
               blk_write_time, extract(epoch FROM stats_reset)::float8 AS stats_reset
               \(server.version >= 140_000 ? ", active_time / 1000 AS active_time_seconds_total" : "")
        FROM pg_stat_database WHERE datname IS NOT NULL
        """
    },
    PostgresPart(
        "database_wraparound", labels: ["datname"],
        metrics: [
            .gauge(
                "xid_age", "pg_database_wraparound_age_datfrozenxid_seconds",
                "Age of the oldest transaction id not frozen."),
            .gauge(
                "multixact_age", "pg_database_wraparound_age_datminmxid_seconds",
                "Age of the oldest multixact id not replaced."),
        ]
    ) { _ in
        """
        SELECT datname, age(datfrozenxid) AS xid_age, mxid_age(datminmxid) AS multixact_age
        FROM pg_database WHERE datallowconn
        """
    },
]
