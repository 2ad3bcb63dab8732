import Diagnostics
import PostgresClient
import Processes

// A restore never touches a database that exists. It fills a new one under a working name, stops at the first error, counts
// the rows, and only then gives it the name that was asked for. Whatever goes wrong, the working database is dropped, so a
// half restored database is never found under a name that somebody trusts.

/// Fills a new database from a dump.
struct DatabaseRestore {
    let manifest: BackupManifest
    let dumpPath: String
    let server: PostgresSettings
    /// The roles of the source need not exist on another server.
    let keepsOwners: Bool
    let timeLimit: Duration
    let repositoryFolder: String
    let programs: PostgresPrograms

    /// Restores into the new database `working` and hands a connection to it to `body`.
    /// - Throws: `BackupFailure` (`restoreFailed`); the database is then dropped.
    func fill<Result: Sendable>(
        _ working: String, _ body: (_ admin: PostgresConnection, _ facts: DatabaseFacts) async throws -> Result
    ) async throws -> Result {
        let admin = try await Self.administer(server)
        defer { admin.close() }
        let create = """
            CREATE DATABASE \(quotedIdentifier(working)) TEMPLATE template0 ENCODING \(quotedText(manifest.encoding))
                LC_COLLATE \(quotedText(manifest.collation)) LC_CTYPE \(quotedText(manifest.characterType))
            """
        try await admin.query(create, timeout: .seconds(120))
        do {
            try await load(working, serverVersion: admin.serverVersion)
            let facts = try await analyzeAndCount(working)
            return try await body(admin, facts)
        } catch {
            // Also when the task was cancelled the database has to go, and a cancelled task can ask nothing of a server. The
            // task below is awaited here and ends with the statement's own time limit.
            let server = server
            await Task { await Self.drop(working, on: server) }.value
            throw error
        }
    }

    private func load(_ working: String, serverVersion: Int) async throws {
        // The reader must understand the dump, so it is of the newer of both servers.
        let version = max(serverVersion, manifest.serverVersion)
        let reader = try await programs.path(of: "pg_restore", serverVersion: version)
        var arguments = ["--exit-on-error", "--no-password", "--dbname=\(Self.connectionText(database: working))"]
        if !keepsOwners { arguments += ["--no-owner", "--no-privileges"] }
        let path = dumpPath
        var command = Command(
            reader, arguments, input: .stream { try await unpack(path, into: $0) }, timeLimit: timeLimit)
        let outcome = try await ConnectionFile.with(server.connecting(to: working), in: repositoryFolder) {
            environment in
            command.environment = environment
            return try await command.run()
        }
        guard outcome.isSuccess else {
            let words = outcome.errors.lastLines(3)
            throw BackupFailure(.restoreFailed, working, words.isEmpty ? "pg_restore was ended" : words)
        }
    }

    /// libpq takes a name that holds `=` or begins like a URL for a whole connection string, and would go wherever that
    /// leads, password in hand. As a quoted value it is a name and nothing else.
    /// <https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING>
    static func connectionText(database: String) -> String {
        "dbname='\(database.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }

    private func analyzeAndCount(_ working: String) async throws -> DatabaseFacts {
        let connection = try await PostgresConnection.open(server.connecting(to: working), timeout: .seconds(15))
        defer { connection.close() }
        try await connection.query("ANALYZE", timeout: timeLimit)
        let assertions = manifest.assertions.mapValues(\.sql)
        return try await DatabaseFacts.read(connection, assertions: assertions, timeLimit: timeLimit)
    }

    /// What differs between the dump's snapshot and the restored database, in sentences; empty when all is equal.
    static func differences(_ manifest: BackupManifest, _ facts: DatabaseFacts) -> [String] {
        var found: [String] = []
        for (table, count) in manifest.rows.sorted(by: { $0.key < $1.key }) where facts.rows[table] != count {
            if let restored = facts.rows[table] {
                found.append("\(table) has \(restored) rows instead of \(count)")
            } else {
                found.append("\(table) is missing")
            }
        }
        for table in facts.rows.keys.sorted() where manifest.rows[table] == nil {
            found.append("\(table) was not in the dump")
        }
        for (name, recorded) in manifest.assertions.sorted(by: { $0.key < $1.key }) {
            let value = facts.assertions[name]?.value
            if value != recorded.value {
                found.append("the assertion '\(name)' gives \(value ?? "null") instead of \(recorded.value ?? "null")")
            } else if value == "f" {
                found.append("the assertion '\(name)' is false")
            }
        }
        return found
    }

    // MARK: The server's databases

    /// A connection that may create databases: to `postgres`, where that exists.
    static func administer(_ server: PostgresSettings) async throws -> PostgresConnection {
        do {
            return try await PostgresConnection.open(server.connecting(to: "postgres"), timeout: .seconds(15))
        } catch let error as PostgresError where error.code == .databaseMissing {
            return try await PostgresConnection.open(server.connecting(to: "template1"), timeout: .seconds(15))
        }
    }

    static func exists(_ database: String, on admin: PostgresConnection) async throws -> Bool {
        let result = try await admin.query(
            "SELECT 1 FROM pg_database WHERE datname = $1", [.text(database)], timeout: .seconds(15))
        return !result.rows.isEmpty
    }

    /// Drops the database, whoever is connected to it. Failing leaves it to the next drill's sweep.
    static func drop(_ database: String, on server: PostgresSettings) async {
        // Both errors say that the server cannot be asked now, and the sweep will say the same louder.
        guard let admin = try? await administer(server) else { return }
        defer { admin.close() }
        let force = admin.serverVersion >= 130_000 ? " WITH (FORCE)" : ""
        _ = try? await admin.query(
            "DROP DATABASE IF EXISTS \(quotedIdentifier(database))\(force)", timeout: .seconds(60))
    }

    /// Drops what a crash left: databases whose name begins with `prefix`.
    static func sweep(prefix: String, on server: PostgresSettings) async throws {
        let admin = try await administer(server)
        defer { admin.close() }
        let left = try await admin.query(
            "SELECT datname FROM pg_database WHERE left(datname, length($1)) = $1", [.text(prefix)],
            timeout: .seconds(15))
        for row in left.rows { await drop(try row.get("datname"), on: server) }
    }
}

func quotedText(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
}
