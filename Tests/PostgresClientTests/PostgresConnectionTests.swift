import Diagnostics
import PostgresClient
import TestSupport
import Testing

extension PostgresServerTests {
    @Test func `values come back as what they are`() async throws {
        let connection = try await connect()
        let row = try await connection.query(
            "SELECT 42::int8 AS n, 1.5::float8 AS x, 'NaN'::float8 AS nan, true AS yes, NULL::text AS nothing, $1::text AS said,"
                + " $2::int AS two, $3::text AS missing", ["o'hara\n", 2, nil], timeout: .seconds(60)
        ).onlyRow()
        #expect(try row.get("n", as: Int.self) == 42)
        #expect(try row.get("x", as: Double.self) == 1.5)
        #expect(try row.get("nan", as: Double.self).isNaN)
        #expect(try row.get("yes", as: Bool.self))
        #expect(try row.find("nothing", as: String.self) == nil)
        #expect(try row.get("said", as: String.self) == "o'hara\n")
        #expect(try row.get("two", as: Int.self) == 2)
        #expect(row["missing"] == nil)
        #expect(throws: PostgresError.self) { try row.get("nothing", as: Int.self) }
        #expect(throws: PostgresError.self) { try row.get("said", as: Int.self) }
        #expect(connection.serverVersion >= 120_000)
    }

    @Test func `a large answer and a large parameter pass whole`() async throws {
        let connection = try await connect()
        let text = String(repeating: "x", count: 3_000_000)
        let row = try await connection.query(
            "SELECT length($1::text) AS n, $1::text AS back", [.text(text)], timeout: .seconds(60)
        ).onlyRow()
        #expect(try row.get("n", as: Int.self) == 3_000_000)
        #expect(row["back"] == text)
        let many = try await connection.query("SELECT generate_series(1, 20000) AS i", timeout: .seconds(60))
        #expect(many.rows.count == 20000)
    }

    @Test func `a refused statement names its SQLSTATE and leaves the connection usable`() async throws {
        let connection = try await connect()
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("SELECT * FROM no_such_table", timeout: .seconds(60))
        }
        #expect(error?.code == .queryFailed)
        #expect(error?.sqlState == "42P01")
        #expect(error?.summary.contains("no_such_table") == true)
        #expect(connection.isOpen)
        #expect(try await connection.query("SELECT 1 AS one", timeout: .seconds(60)).onlyRow().get("one") == 1)
    }

    @Test func `a statement past its limit is cancelled on the server`() async throws {
        let connection = try await connect()
        let watcher = try await connect()
        let process = Int(connection.serverProcess)
        // A day: without the limit this test would not end.
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("SELECT pg_sleep(86400)", timeout: .milliseconds(200))
        }
        #expect(error?.code == .timeout)
        #expect(!connection.isOpen)
        try await expectGone(process, watcher)
        let after = await #expect(throws: PostgresError.self) {
            try await connection.query("SELECT 1", timeout: .seconds(1))
        }
        #expect(after?.code == .connectionLost)
    }

    @Test func `a cancelled task comes back at once and its statement ends`() async throws {
        let connection = try await connect()
        let watcher = try await connect()
        let process = Int(connection.serverProcess)
        let task = Task { try await connection.query("SELECT pg_sleep(600)", timeout: .seconds(600)) }
        try await waitUntil("the statement runs") {
            try await watcher.query(
                "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'", [.init(process)],
                timeout: .seconds(60)
            ).rows.count == 1
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await expectGone(process, watcher)
    }

    @Test func `a session's statement timeout holds and counts as a timeout`() async throws {
        let connection = try await PostgresConnection.open(
            settings(), session: PostgresSession(statementTimeout: .milliseconds(50)), timeout: .seconds(60))
        let error = await #expect(throws: PostgresError.self) {
            try await connection.query("SELECT pg_sleep(86400)", timeout: .seconds(86_400))
        }
        #expect(error?.code == .timeout)
        // A session of its own: a statement that writes may take its time to be refused.
        let reader = try await PostgresConnection.open(
            settings(), session: PostgresSession(isReadOnly: true), timeout: .seconds(60))
        let write = await #expect(throws: PostgresError.self) {
            try await reader.query("CREATE TABLE never (i int)", timeout: .seconds(60))
        }
        #expect(write?.sqlState == "25006")
    }

    @Test func `a lock timeout ends a wait for a lock`() async throws {
        let holder = try await connect()
        try await holder.run(
            script: "CREATE TABLE IF NOT EXISTS locked_by_test (i int)", timeout: .seconds(60))
        try await holder.run(
            script: "BEGIN; LOCK TABLE locked_by_test",
            timeout: .seconds(60))
        let other = try await PostgresConnection.open(
            settings(), session: PostgresSession(lockTimeout: .milliseconds(50)), timeout: .seconds(60))
        let error = await #expect(throws: PostgresError.self) {
            try await other.query("SELECT * FROM locked_by_test", timeout: .seconds(30))
        }
        #expect(error?.sqlState == "55P03")
        holder.close()
    }

    @Test func `nobody listening, a wrong password and a missing database are told apart`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(
            in: folder.path, .init(authentication: .scram(password: Secret("right-one"))))
        let right = Self.settings(of: server)
        var nobody = right
        nobody.port = 1
        var wrong = right
        wrong.password = Secret("hunter2")
        var none = right
        none.password = nil
        none.further["passfile"] = "/nonexistent"
        var unknown = right
        unknown.host = "name.invalid"
        var missingFolder = right
        missingFolder.host = "/nonexistent"
        let expectations: [(PostgresSettings, PostgresError.Code)] = [
            (nobody, .connectionRefused), (wrong, .authenticationFailed), (none, .authenticationFailed),
            (right.connecting(to: "no_such_database"), .databaseMissing), (unknown, .hostUnknown),
            (missingFolder, .connectionRefused),
        ]
        for (settings, code) in expectations {
            let error = await #expect(throws: PostgresError.self) {
                try await PostgresConnection.open(settings, timeout: .seconds(60))
            }
            #expect(error?.code == code, "\(error?.summary ?? "")")
            #expect(error?.hint != nil)
            #expect(error.map { $0.oneLine.contains("hunter2") } == false)
        }
        #expect(try await PostgresConnection.open(right, timeout: .seconds(60)).isOpen)
        await server.stop()
    }

    @Test func `a server that is stopped or killed under a call ends the call`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(in: folder.path)
        let connection = try await PostgresConnection.open(Self.settings(of: server), timeout: .seconds(60))
        server.pause()
        // It stays paused for as long as this takes, so a call without a limit would not end.
        let connecting = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.open(Self.settings(of: server), timeout: .milliseconds(200))
        }
        #expect(connecting?.code == .timeout)
        server.resume()
        let waiting = Task { try await connection.query("SELECT pg_sleep(600)", timeout: .seconds(600)) }
        let watcher = try await PostgresConnection.open(Self.settings(of: server), timeout: .seconds(60))
        try await waitUntil("the statement runs") {
            try await watcher.query(
                "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND state = 'active'",
                [.init(Int(connection.serverProcess))], timeout: .seconds(60)
            ).rows.count == 1
        }
        await server.kill()
        let error = await #expect(throws: PostgresError.self) { try await waiting.value }
        #expect(error?.code == .connectionLost)
        #expect(!connection.isOpen)
    }

    @Test func `a transaction commits, or rolls back when its body throws`() async throws {
        let connection = try await connect()
        try await connection.run(
            script: "DROP TABLE IF EXISTS ledger_test; CREATE TABLE ledger_test (i int)", timeout: .seconds(60))
        try await connection.transaction(timeout: .seconds(60)) {
            _ = try await $0.query("INSERT INTO ledger_test VALUES (1)", timeout: .seconds(60))
        }
        struct Change: Error {}
        await #expect(throws: Change.self) {
            try await connection.transaction(timeout: .seconds(60)) {
                _ = try await $0.query("INSERT INTO ledger_test VALUES (2)", timeout: .seconds(60))
                throw Change()
            }
        }
        // A failed statement that the body swallows still may not look like a commit.
        await #expect(throws: PostgresError.self) {
            try await connection.transaction(timeout: .seconds(60)) {
                _ = try? await $0.query("SELECT nonsense", timeout: .seconds(60))
            }
        }
        let rows = try await connection.query("SELECT i FROM ledger_test", timeout: .seconds(60)).rows
        #expect(try rows.map { try $0.get("i", as: Int.self) } == [1])
    }

    @Test func `calls of several tasks on one connection wait in line`() async throws {
        let connection = try await connect()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...50 {
                group.addTask {
                    try await connection.query("SELECT $1::int AS i", [.init(number)], timeout: .seconds(60)).onlyRow()
                        .get("i")
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 1275)
    }

    @Test func `a pool replaces a connection that the server ended`() async throws {
        let pool = PostgresPool(try await settings())
        let first = try await pool.withConnection { $0.serverProcess }
        #expect(try await pool.withConnection { $0.serverProcess } == first)
        let other = try await connect()
        try await other.query("SELECT pg_terminate_backend($1)", [.init(Int(first))], timeout: .seconds(60))
        try await expectGone(Int(first), other)
        let second = try await pool.withConnection { connection in
            _ = try await connection.query("SELECT 1", timeout: .seconds(60))
            return connection.serverProcess
        }
        #expect(second != first)
        pool.close()
        await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1", timeout: .seconds(1)) }
    }

    @Test func `borrowers past the pool's limit wait, and a cancelled one leaves the line`() async throws {
        let pool = PostgresPool(try await settings(), connectionCountMax: 2)
        let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 1...20 {
                group.addTask {
                    try await pool.withConnection { connection in
                        _ = try await connection.query("SELECT pg_sleep(0.005)", timeout: .seconds(60))
                        return connection.serverProcess
                    }
                }
            }
            var seen: Set<Int32> = []
            for try await process in group { seen.insert(process) }
            return seen
        }
        #expect(processes.count <= 2)
        let single = PostgresPool(try await settings())
        try await single.withConnection { _ in
            let waiter = Task { try await single.withConnection { _ in } }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
        }
    }
}
