import Diagnostics
import PostgresClient
import Testing

@Suite(.serialized) struct PostgresServerTests {
    var settings: PostgresSettings {
        PostgresSettings(host: "127.0.0.1", port: 54991, database: "postgres", user: "postgres")
    }

    func connect() async throws -> PostgresConnection {
        try await PostgresConnection.open(settings, timeout: .seconds(10))
    }

    func createUserWithPassword(_ name: String, _ password: String) async throws {
        try await connect().run(
            script: "DROP ROLE IF EXISTS \(name); CREATE ROLE \(name) LOGIN PASSWORD '\(password)'",
            timeout: .seconds(5))
    }

    /// Waits until the server process has ended.
    func expectGone(_ process: Int, _ watcher: PostgresConnection) async throws {
        try await waitUntilTrue {
            try await watcher.query(
                "SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.init(process)], timeout: .seconds(5)
            )
            .rows.isEmpty
        }
    }

    func waitUntilTrue(_ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while !(try await condition()) {
            try #require(ContinuousClock.now < end, "the condition did not become true within 10 s")
            try await ContinuousClock().sleep(for: .milliseconds(10))
        }
    }
}
