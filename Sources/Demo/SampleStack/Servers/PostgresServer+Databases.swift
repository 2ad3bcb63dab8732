public import Diagnostics

extension PostgresServer {
    /// How libpq is told to connect: `host=127.0.0.1 port=… user=postgres dbname=…`, without the password.
    public func connectionText(database: String = "postgres") -> String {
        "host=\(host) port=\(port) user=\(user) dbname=\(database)"
    }

    /// The same as a URL with the password, where there is one.
    public func connectionURL(database: String = "postgres") -> Secret {
        let login = password.map { "\(user):\($0.reveal())" } ?? user
        return Secret("postgresql://\(login)@\(host):\(port)/\(database)")
    }

    /// Runs SQL with `psql` over the unix socket, as the superuser.
    /// - Returns: the rows, one a line, columns separated by `|`, without the last line end.
    /// - Throws: `commandFailed` with the server's message.
    @discardableResult
    public func run(sql: String, database: String = "postgres") async throws -> String {
        let folder = try Files.makeTemporaryFolder(prefix: "jaga-sql-")
        defer { Files.remove(folder) }
        try Files.write(sql, to: "\(folder)/script.sql", mode: 0o644)
        var command = Command([
            try Programs.findPostgres("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", socketFolder, "-p", "\(port)",
            "-U", user, "-d", database, "-f", "-",
        ])
        command.input = "\(folder)/script.sql"
        var output = Substring(try await runSuccessfully(command, limit: .seconds(120)))
        while output.last == "\n" { output.removeLast() }
        return String(output)
    }

    /// Makes an empty database, or a copy of `template`.
    public func createDatabase(_ name: String, template: String = "template0") async throws {
        try await run(sql: "CREATE DATABASE \"\(name)\" TEMPLATE \"\(template)\"")
    }

    /// Removes a database, connections to it or not.
    public func dropDatabase(_ name: String) async throws {
        try await run(sql: "DROP DATABASE IF EXISTS \"\(name)\" WITH (FORCE)")
    }
}
