import Diagnostics
import PostgresClient
import TestSupport
import Testing

/// Goal: every call ends within its limit with the right answer or the right error, and nothing is left running on the
/// server. Method: a real PostgreSQL; a second connection looks at what the first one left behind.
@Suite struct PostgresServerTests {
    func settings() async throws -> PostgresSettings {
        Self.settings(of: try await SharedPostgres.server())
    }

    static func settings(of server: PostgresServer) -> PostgresSettings {
        PostgresSettings(
            host: server.host, port: server.port, database: "postgres", user: server.user, password: server.password)
    }

    func connect() async throws -> PostgresConnection {
        try await PostgresConnection.open(settings(), timeout: .seconds(60))
    }

    /// Waits until the server process has ended.
    func expectGone(_ process: Int, _ watcher: PostgresConnection) async throws {
        try await waitUntil("server process \(process) ends") {
            try await watcher.query(
                "SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.init(process)], timeout: .seconds(60)
            )
            .rows.isEmpty
        }
    }
}
