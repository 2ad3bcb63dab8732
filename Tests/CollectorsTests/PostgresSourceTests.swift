import Diagnostics
import PostgresClient
import Series
import TestSupport
import Testing

@testable import Collectors

/// Goal: a PostgreSQL server's figures arrive under postgres_exporter's names, and none of its troubles shows as health.
/// Method: a real server, which is loaded, locked, paused and filled up.
@Suite struct PostgresSourceTests {
    private func settings(_ server: PostgresServer, _ database: String = "postgres") -> PostgresSettings {
        PostgresSettings(
            host: server.host, port: server.port, database: database, user: server.user, password: server.password)
    }

    /// Unless told otherwise it has more patience than any machine needs.
    private func source(
        _ settings: PostgresSettings,
        limits: PostgresSource.Limits = .init(connect: .seconds(60), query: .seconds(60))
    ) -> PostgresSource {
        PostgresSource(
            name: "postgres/test", labels: ["instance": "test"], settings, interval: .seconds(600),
            deadline: .seconds(600), limits: limits)
    }

    @Test func `every part of a healthy server is read`() async throws {
        let (server, database) = try await SharedPostgres.database(
            "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 1000); ANALYZE orders"
        )
        let batch = try await source(settings(server, database)).read(at: testNow)
        for row in batch.rows("pg_scrape_collector_success") { #expect(row.value == 1, "\(row.labels)") }
        #expect(batch.value("pg_up") == 1)
        #expect(batch.value("jaga_pg_connect_seconds") ?? 0 > 0)
        #expect(batch.value("pg_database_size_bytes", ["datname": database]) ?? 0 > 1e6)
        #expect(batch.value("pg_stat_database_numbackends", ["datname": database]) ?? 0 >= 1)
        #expect(batch.value("pg_stat_database_deadlocks", ["datname": database]) == 0)
        #expect(batch.value("pg_stat_activity_count", ["datname": database, "state": "active"]) == 0)
        #expect(batch.value("pg_settings_max_connections") ?? 0 > 0)
        #expect(batch.value("pg_settings_superuser_reserved_connections") == 3)
        #expect(batch.value("pg_settings_autovacuum_naptime_seconds") == 60)
        #expect(batch.value("pg_settings_shared_buffers_bytes") ?? 0 >= 1e5)
        #expect(batch.value("pg_replication_is_replica") == 0)
        #expect(batch.value("pg_replication_lag_seconds") == 0)
        #expect(batch.value("pg_stat_archiver_failed_count") == 0)
        #expect(batch.value("pg_wal_size_bytes") ?? 0 > 0)
        #expect(batch.value("pg_stat_bgwriter_buffers_alloc_total") != nil)
        #expect(batch.value("pg_database_wraparound_age_datfrozenxid_seconds", ["datname": database]) ?? 0 > 0)
        #expect(batch.value("pg_postmaster_start_time_seconds") ?? 0 > 1e9)
        #expect(batch.value("pg_locks_count", ["datname": database, "mode": "accessexclusivelock"]) == 0)
        #expect(batch.value("pg_stat_user_tables_n_live_tup", ["relname": "orders", "datname": database]) ?? 0 >= 1000)
        #expect(batch.value("pg_stat_user_tables_table_size_bytes", ["relname": "orders"]) ?? 0 > 8192)
        let static1 = try #require(batch.rows("pg_static").first)
        #expect(static1.labels["short_version"]?.hasPrefix("1") == true)
        let duplicates = Dictionary(grouping: batch.rows, by: \.labels).filter { $1.count > 1 }
        #expect(duplicates.isEmpty)
        #expect(batch.metadata["pg_stat_database_xact_commit"]?.type == .counter)
    }

    @Test func `a long query and an idle transaction are seen, with their age`() async throws {
        let (server, database) = try await SharedPostgres.database()
        let idle = try await PostgresConnection.open(settings(server, database), timeout: .seconds(60))
        try await idle.run(script: "BEGIN; SELECT 1", timeout: .seconds(60))
        let sleeping = Task {
            try await PostgresConnection.open(settings(server, database), timeout: .seconds(60))
                .query("SELECT pg_sleep(600)", timeout: .seconds(600))
        }
        let source = source(settings(server, database))
        let batch = try await waitFor("the sleeping query shows") {
            let batch = try await source.read(at: testNow)
            return batch.rows("pg_stat_activity_count").contains {
                $0.labels["wait_event"] == "PgSleep" && $0.labels["datname"] == database
            } ? batch : nil
        }
        #expect(batch.value("pg_stat_activity_count", ["datname": database, "state": "idle in transaction"]) == 1)
        #expect(batch.value("jaga_pg_longest_query_seconds") ?? 0 > 0)
        #expect(batch.value("jaga_pg_longest_transaction_seconds") ?? 0 > 0)
        #expect(batch.value("jaga_pg_longest_idle_in_transaction_seconds") ?? 0 > 0)
        #expect(batch.value("pg_stat_activity_max_tx_duration", ["datname": database, "state": "active"]) ?? 0 > 0)
        sleeping.cancel()
        idle.close()
        _ = try? await sleeping.value
    }

    @Test func `a wrong password is no reading`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(
            in: folder.path, .init(authentication: .scram(password: Secret("right-one"))))
        var wrong = settings(server)
        wrong.password = Secret("hunter2")
        let error = await #expect(throws: PostgresError.self) { try await source(wrong).read(at: testNow) }
        #expect(error?.code == .authenticationFailed)
        #expect(error?.oneLine.contains("hunter2") == false)
        #expect(try await source(settings(server)).read(at: testNow).value("pg_up") == 1)
        await server.stop()
    }

    @Test func `a part that may not be read fails alone`() async throws {
        let (server, database) = try await SharedPostgres.database("CREATE ROLE nobody_special LOGIN PASSWORD 'x'")
        var limited = settings(server, database)
        limited.user = "nobody_special"
        limited.password = Secret("x")
        let batch = try await source(limited).read(at: testNow)
        #expect(batch.value("pg_scrape_collector_success", ["collector": "wal"]) == 0)
        #expect(batch.rows("pg_wal_size_bytes").isEmpty)
        #expect(batch.value("pg_scrape_collector_success", ["collector": "stat_database"]) == 1)
        #expect(batch.value("pg_up") == 1)
    }

    @Test func `a query that hangs is cut off and the parts after it are read`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(in: folder.path)
        let holder = try await PostgresConnection.open(settings(server), timeout: .seconds(60))
        try await holder.run(script: "BEGIN; LOCK TABLE pg_locks IN ACCESS EXCLUSIVE MODE", timeout: .seconds(60))
        let source = source(settings(server), limits: .init(connect: .seconds(60), query: .seconds(1)))
        // On a busy machine another part may come to its limit once; the one that hangs always does.
        try await waitUntil("all other parts are read") {
            let batch = try await source.read(at: testNow)
            #expect(batch.value("pg_scrape_collector_success", ["collector": "locks"]) == 0)
            #expect(batch.rows("pg_locks_count").isEmpty)
            #expect(batch.value("pg_up") == 1)
            return ["stat_activity", "replication", "stat_archiver", "stat_user_tables"].allSatisfy {
                batch.value("pg_scrape_collector_success", ["collector": $0]) == 1
            }
        }
        holder.close()
        await server.stop()
    }

    @Test func `a paused server is down within the limits and up again afterwards`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(in: folder.path)
        let source = source(settings(server))
        let hasty = self.source(settings(server), limits: .init(connect: .seconds(1), query: .seconds(1)))
        #expect(try await source.read(at: testNow).value("pg_up") == 1)
        // On a busy machine the first ones may be too late.
        let first = try await waitFor("a reading in time") { try? await hasty.read(at: testNow) }
        #expect(first.value("pg_up") == 1)
        server.pause()
        // It is paused for as long as this takes, so a reading without a limit would not end.
        let error = await #expect(throws: PostgresError.self) { try await hasty.read(at: testNow) }
        #expect(error?.code == .timeout)
        server.resume()
        // The first ones may still be too late.
        let batch = try await waitFor("the server answers again") { try? await hasty.read(at: testNow) }
        #expect(batch.value("pg_up") == 1)
        // The connection that was kept is dead after a restart; the reading that finds it so opens another.
        try await server.restart()
        #expect(try await source.read(at: testNow).value("pg_up") == 1)
        await server.kill()
        let gone = await #expect(throws: PostgresError.self) { try await source.read(at: testNow) }
        #expect(gone?.code == .connectionRefused)
    }

    @Test func `a server without a free connection still tells who holds them`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(
            in: folder.path, .init(settings: ["max_connections": "6", "superuser_reserved_connections": "1"]))
        let source = source(settings(server))
        let before = try await source.read(at: testNow)
        #expect(before.value("jaga_pg_connect_success") == 1)
        var taken: [PostgresConnection] = []
        // One that ended a moment ago may free its place only after the last of these was refused.
        let batch = try await waitFor("no connection is free") { () async throws -> SampleBatch? in
            // The refusal is what ends it.
            while let connection = try? await PostgresConnection.open(settings(server), timeout: .seconds(60)) {
                taken.append(connection)
                try #require(taken.count < 20)
            }
            let batch = try await source.read(at: testNow)
            return batch.value("jaga_pg_connect_success") == 0 ? batch : nil
        }
        #expect(batch.value("pg_up") == 1)
        #expect(batch.rows("jaga_pg_connect_seconds").isEmpty)
        #expect(batch.value("jaga_pg_client_connections") == Double(taken.count))
        #expect(batch.value("pg_settings_max_connections") == 6)
        for connection in taken { connection.close() }
        await server.stop()
    }
}
