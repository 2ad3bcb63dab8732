import Glibc

/// A session of `psql` that takes the lock that a forgotten migration takes, and keeps it.
final class LockHolder: Sendable {
    static let applicationName = "forgotten-migration"

    private let process: ServerProcess
    private let postgres: PostgresServer

    /// Locks `table` of `database` and waits until the lock is there.
    init(on table: String, database: String, _ postgres: PostgresServer, folder: String) async throws {
        self.postgres = postgres
        let script = "\(folder)/lock.sql"
        // An hour: a lock that nobody mends ends by itself.
        try Files.write("BEGIN; LOCK TABLE \"\(table)\" IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3600);\n", to: script)
        var command = Command([
            try Programs.findPostgres("psql"), "-XAtq", "-h", postgres.socketFolder, "-p", "\(postgres.port)", "-U",
            postgres.user, "-d", database, "-f", "-",
        ])
        command.input = script
        command.environment = ["PGAPPNAME": Self.applicationName]
        process = ServerProcess(name: "lock holder", command, logPath: "\(folder)/lock.log")
        try process.launch()
        let deadline = ContinuousClock.now + .seconds(60)
        let held =
            "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND relation = '\"\(table)\"'::regclass"
        while try await postgres.run(sql: held, database: database) == "0" {
            guard ContinuousClock.now < deadline, process.pid != nil else {
                await process.killTree()
                throw StackError(.faultUnavailable, "the lock on \(table) was not had: \(process.log)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    func release() async {
        await process.killTree()
        // The server notices a client that is gone only when it next writes to it.
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(Self.applicationName)'"
        // A server that is gone holds no lock.
        _ = try? await postgres.run(sql: end)
    }
}
