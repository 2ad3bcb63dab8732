import PostgresClient

private func background(_ column: String, _ help: String) -> PostgresColumn {
    .counter(column, "pg_stat_bgwriter_\(column)_total", help)
}

private func checkpointer(_ column: String, _ help: String) -> PostgresColumn {
    .counter(column, "pg_stat_checkpointer_\(column)_total", help)
}

private let backgroundColumns = [
    background("checkpoints_timed", "Checkpoints by schedule."),
    background("checkpoints_req", "Checkpoints that were asked for."),
    background("checkpoint_write_time", "Milliseconds spent writing in checkpoints."),
    background("checkpoint_sync_time", "Milliseconds spent syncing in checkpoints."),
    background("buffers_checkpoint", "Buffers written in checkpoints."),
    background("buffers_clean", "Buffers written by the background writer."),
    background("maxwritten_clean", "Rounds that the background writer ended early."),
    background("buffers_backend", "Buffers written by back ends."),
    background("buffers_backend_fsync", "Syncs done by back ends."),
    background("buffers_alloc", "Buffers allocated."),
    background("stats_reset", "When the counts were last set to zero, in seconds since 1970."),
]

/// Write-ahead log, archiver, checkpoints.
let writingParts: [PostgresPart] = [
    PostgresPart("stat_bgwriter", versions: 0..<170_000, metrics: backgroundColumns) { _ in
        """
        SELECT checkpoints_timed, checkpoints_req, checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint,
               buffers_clean, maxwritten_clean, buffers_backend, buffers_backend_fsync, buffers_alloc,
               extract(epoch FROM stats_reset)::float8 AS stats_reset
        FROM pg_stat_bgwriter
        """
    },
    PostgresPart("stat_bgwriter", versions: 170_000..<Int.max, metrics: backgroundColumns) { _ in
        """
        SELECT buffers_clean, maxwritten_clean, buffers_alloc, extract(epoch FROM stats_reset)::float8 AS stats_reset
        FROM pg_stat_bgwriter
        """
    },
    PostgresPart(
        "stat_checkpointer", versions: 170_000..<Int.max,
        metrics: [
            checkpointer("num_timed", "Checkpoints by schedule."),
            checkpointer("num_requested", "Checkpoints that were asked for."),
            checkpointer("restartpoints_timed", "Restart points by schedule."),
            checkpointer("restartpoints_req", "Restart points that were asked for."),
            checkpointer("restartpoints_done", "Restart points done."),
            checkpointer("write_time", "Milliseconds spent writing."),
            checkpointer("sync_time", "Milliseconds spent syncing."),
            checkpointer("buffers_written", "Buffers written."),
            checkpointer("stats_reset", "When the counts were last set to zero, in seconds since 1970."),
        ]
    ) { _ in
        """
        SELECT num_timed, num_requested, restartpoints_timed, restartpoints_req, restartpoints_done, write_time, sync_time,
               buffers_written, extract(epoch FROM stats_reset)::float8 AS stats_reset
        FROM pg_stat_checkpointer
        """
    },
    PostgresPart(
        "stat_archiver",
        metrics: [
            .counter("archived_count", "pg_stat_archiver_archived_count", "WAL files archived."),
            .counter("failed_count", "pg_stat_archiver_failed_count", "Failed attempts to archive a WAL file."),
            .gauge("last_archive_age", "pg_stat_archiver_last_archive_age", "Seconds since a WAL file was archived."),
            .gauge(
                "is_failing", "jaga_pg_archiver_failing", "1 where the last attempt to archive failed."),
            .gauge("is_on", "jaga_pg_archiver_enabled", "1 where archive_mode is on."),
        ]
    ) { _ in
        """
        SELECT archived_count, failed_count,
               extract(epoch FROM now() - last_archived_time)::float8 AS last_archive_age,
               coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)::int AS is_failing,
               (current_setting('archive_mode') <> 'off')::int AS is_on
        FROM pg_stat_archiver
        """
    },
    PostgresPart(
        "wal",
        metrics: [
            .gauge("segments", "pg_wal_segments", "WAL files."),
            .gauge("size", "pg_wal_size_bytes", "Size of all WAL files."),
        ]
    ) { _ in
        // Members of pg_monitor may look into this folder.
        "SELECT count(*) AS segments, coalesce(sum(size), 0) AS size FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"
    },
]
