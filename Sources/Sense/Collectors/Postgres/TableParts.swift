import PostgresClient

private func tableCount(_ column: String, _ help: String) -> PostgresColumn {
    .counter(column, "pg_stat_user_tables_\(column)", help)
}

private func tableState(_ column: String, _ help: String) -> PostgresColumn {
    .gauge(column, "pg_stat_user_tables_\(column)", help)
}

private func blocks(_ column: String, _ help: String) -> PostgresColumn {
    .counter(column, "pg_statio_user_tables_\(column)", help)
}

/// The tables of the database that we are connected to, the largest of them.
let tableParts: [PostgresPart] = [
    PostgresPart(
        "stat_user_tables", labels: ["datname", "schemaname", "relname"],
        metrics: [
            tableCount("seq_scan", "Sequential scans."), tableCount("seq_tup_read", "Rows read by sequential scans."),
            tableCount("idx_scan", "Index scans."), tableCount("idx_tup_fetch", "Rows fetched by index scans."),
            tableCount("n_tup_ins", "Rows inserted."), tableCount("n_tup_upd", "Rows updated."),
            tableCount("n_tup_del", "Rows deleted."), tableCount("n_tup_hot_upd", "Rows updated within their page."),
            tableState("n_live_tup", "Live rows, estimated."), tableState("n_dead_tup", "Dead rows, estimated."),
            tableState("n_mod_since_analyze", "Rows changed since the last ANALYZE."),
            tableState("last_vacuum", "When last vacuumed by hand, in seconds since 1970; 0: never."),
            tableState("last_autovacuum", "When last vacuumed by autovacuum, in seconds since 1970; 0: never."),
            tableState("last_analyze", "When last analysed by hand, in seconds since 1970; 0: never."),
            tableState("last_autoanalyze", "When last analysed by autovacuum, in seconds since 1970; 0: never."),
            tableCount("vacuum_count", "Vacuums by hand."), tableCount("autovacuum_count", "Vacuums by autovacuum."),
            tableCount("analyze_count", "Analyses by hand."),
            tableCount("autoanalyze_count", "Analyses by autovacuum."),
            tableState("index_size_bytes", "Size of the indexes."),
            tableState("table_size_bytes", "Size of the table."),
            blocks("heap_blocks_read", "Table blocks read from disk."),
            blocks("heap_blocks_hit", "Table blocks found in the buffers."),
            blocks("idx_blocks_read", "Index blocks read from disk."),
            blocks("idx_blocks_hit", "Index blocks found in the buffers."),
        ],
        parameters: { [.init($0.tableCountMax)] }
    ) { _ in
        // pg_table_size waits for a lock while somebody holds the table, as a migration does, and one such table would fail
        // the whole part. relpages is what the last VACUUM or ANALYZE saw, and never waits.
        """
        SELECT current_database() AS datname, t.schemaname, t.relname, t.seq_scan, t.seq_tup_read, t.idx_scan,
               t.idx_tup_fetch, t.n_tup_ins, t.n_tup_upd, t.n_tup_del, t.n_tup_hot_upd, t.n_live_tup, t.n_dead_tup,
               t.n_mod_since_analyze,
               coalesce(extract(epoch FROM t.last_vacuum), 0)::float8 AS last_vacuum,
               coalesce(extract(epoch FROM t.last_autovacuum), 0)::float8 AS last_autovacuum,
               coalesce(extract(epoch FROM t.last_analyze), 0)::float8 AS last_analyze,
               coalesce(extract(epoch FROM t.last_autoanalyze), 0)::float8 AS last_autoanalyze,
               t.vacuum_count, t.autovacuum_count, t.analyze_count, t.autoanalyze_count,
               c.relpages::float8 * current_setting('block_size')::int AS table_size_bytes,
               (SELECT coalesce(sum(ic.relpages), 0)::float8 * current_setting('block_size')::int
                FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = t.relid) AS index_size_bytes,
               s.heap_blks_read AS heap_blocks_read, s.heap_blks_hit AS heap_blocks_hit,
               s.idx_blks_read AS idx_blocks_read, s.idx_blks_hit AS idx_blocks_hit
        FROM pg_stat_user_tables t JOIN pg_class c ON c.oid = t.relid LEFT JOIN pg_statio_user_tables s ON s.relid = t.relid
        ORDER BY c.relpages DESC, t.relid
        LIMIT $1
        """
    }
]
