import PostgresClient

/// What sessions do now. Only client back ends count, and not our own: the server's helpers and the observer are no load.
let activityParts: [PostgresPart] = [
    PostgresPart(
        "stat_activity",
        labels: [
            "datname", "state", "usename", "application_name", "backend_type", "wait_event_type", "wait_event",
        ],
        metrics: [
            .gauge("count", "pg_stat_activity_count", "Client sessions."),
            .gauge("max_tx_duration", "pg_stat_activity_max_tx_duration", "Longest open transaction, in seconds."),
        ]
    ) { _ in
        // Every database has a row for each usual state, so that "none" is zero and not unknown.
        """
        WITH activity AS (
            SELECT datname, coalesce(state, 'unknown') AS state, coalesce(usename, '') AS usename,
                   left(coalesce(application_name, ''), 64) AS application_name, backend_type,
                   coalesce(wait_event_type, '') AS wait_event_type, coalesce(wait_event, '') AS wait_event,
                   count(*) AS count,
                   max(extract(epoch FROM clock_timestamp() - xact_start))::float8 AS max_tx_duration
            FROM pg_stat_activity
            WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND datname IS NOT NULL
            GROUP BY 1, 2, 3, 4, 5, 6, 7
        )
        SELECT datname, state, usename, application_name, backend_type, wait_event_type, wait_event, count,
               coalesce(max_tx_duration, 0) AS max_tx_duration
        FROM activity
        UNION ALL
        SELECT d.datname, s.state, '', '', '', '', '', 0, 0
        FROM pg_database d,
             unnest(ARRAY['active', 'idle', 'idle in transaction', 'idle in transaction (aborted)',
                          'fastpath function call', 'disabled']) AS s(state)
        WHERE d.datallowconn AND NOT d.datistemplate
          AND NOT EXISTS (SELECT FROM activity a WHERE a.datname = d.datname AND a.state = s.state)
        """
    },
    PostgresPart(
        "longest",
        metrics: [
            .gauge("query", "jaga_pg_longest_query_seconds", "Age of the longest running query of a client."),
            .gauge(
                "transaction", "jaga_pg_longest_transaction_seconds", "Age of the longest open transaction of a client."
            ),
            .gauge(
                "idle_transaction", "jaga_pg_longest_idle_in_transaction_seconds",
                "How long the longest idle session holds its transaction open."),
            .gauge("waiting", "jaga_pg_sessions_waiting_for_lock", "Client sessions that wait for a lock."),
            .gauge("clients", "jaga_pg_client_connections", "Client sessions, all databases, our own left out."),
            .gauge("all_sessions", "jaga_pg_connections_used", "Connections that count against max_connections."),
        ]
    ) { _ in
        """
        SELECT coalesce(max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE state = 'active'), 0)::float8
                   AS query,
               coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS transaction,
               coalesce(max(extract(epoch FROM clock_timestamp() - state_change))
                        FILTER (WHERE state LIKE 'idle in transaction%'), 0)::float8 AS idle_transaction,
               count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
               count(*) AS clients,
               (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS all_sessions
        FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
        """
    },
    PostgresPart(
        "long_running_transactions",
        metrics: [
            .gauge(
                "oldest", "pg_long_running_transactions_oldest_timestamp_seconds",
                "Age of the oldest running transaction, in seconds."),
            .gauge("count", "pg_long_running_transactions", "Transactions older than a minute."),
        ]
    ) { _ in
        """
        SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS oldest,
               count(*) FILTER (WHERE clock_timestamp() - xact_start > interval '1 minute') AS count
        FROM pg_stat_activity
        WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type <> 'autovacuum worker'
        """
    },
    PostgresPart(
        "locks", labels: ["datname", "mode"], metrics: [.gauge("count", "pg_locks_count", "Locks held or awaited.")]
    ) { _ in
        """
        SELECT d.datname, lower(m.mode) AS mode, count(l.mode) AS count
        FROM pg_database d
        CROSS JOIN unnest(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
                                'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock',
                                'SIReadLock']) AS m(mode)
        LEFT JOIN pg_locks l ON l.database = d.oid AND l.mode = m.mode AND l.pid <> pg_backend_pid()
        WHERE d.datallowconn AND NOT d.datistemplate
        GROUP BY 1, 2
        """
    },
]
