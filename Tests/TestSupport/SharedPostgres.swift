/// One PostgreSQL for all tests of a process, since starting one takes a second; each test makes a database of its own
/// in it. A test that hinders or ends its server starts one for itself.
public actor SharedPostgres {
    private static let shared = SharedPostgres()

    private var starting: Task<(PostgresServer, StackFolder), any Error>?
    private var databaseCount = 0

    /// The server, started by the first call. It ends with the test process.
    public static func server() async throws -> PostgresServer {
        try await shared.start().0
    }

    /// A new database in the shared server, empty or filled by `sql`.
    public static func database(_ sql: String = "") async throws -> (server: PostgresServer, name: String) {
        let server = try await server()
        let name = await shared.nextName()
        try await server.createDatabase(name)
        if !sql.isEmpty { try await server.run(sql: sql, database: name) }
        return (server, name)
    }

    private func start() async throws -> (PostgresServer, StackFolder) {
        if starting == nil {
            // Owned by this actor, and awaited by whoever asks for the server.
            starting = Task {
                let folder = try StackFolder()
                return (try await PostgresServer.start(in: folder.path), folder)
            }
        }
        return try await starting!.value
    }

    private func nextName() -> String {
        databaseCount += 1
        return "test_\(databaseCount)"
    }
}
