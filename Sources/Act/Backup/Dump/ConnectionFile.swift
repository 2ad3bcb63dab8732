import Diagnostics
import Glibc
import PostgresClient
import Processes

/// The environment through which PostgreSQL's programs connect. The password goes through a file that only this user can
/// read, never through arguments or the environment, which others may see.
enum ConnectionFile {
    /// Runs `body` with an environment that connects to `settings`.
    /// - Parameter folder: where the file with the password stands until `body` ends.
    /// - Throws: `BackupFailure` when that file cannot be written, or what `body` throws.
    static func with<Result: Sendable>(
        _ settings: PostgresSettings, in folder: String, _ body: (Command.Environment) async throws -> Result
    ) async throws -> Result {
        var variables: [String: String?] = [
            "PGHOST": settings.host, "PGPORT": settings.port.map { String($0) }, "PGDATABASE": settings.database,
            "PGUSER": settings.user, "PGSSLMODE": settings.sslMode, "PGSERVICE": settings.service,
            "PGOPTIONS": settings.options, "PGAPPNAME": "jaga-backup", "PGCONNECT_TIMEOUT": "15", "LC_MESSAGES": "C",
        ]
        for (name, variable) in furtherVariables {
            if let value = settings.further[name] { variables[variable] = value }
        }
        // What the settings leave open stays as the environment of this process has it.
        variables = variables.filter { $0.value != nil }
        guard let password = settings.password else { return try await body(.inherit(changes: variables)) }
        let file = "\(folder)/\(prefix)\(getpid())-\(UInt64.random(in: 0 ..< .max))"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fileFailure(file, errno) }
        defer { unlink(file) }
        do {
            defer { close(descriptor) }
            try writeAll(Array("*:*:*:*:\(escaped(password.reveal()))\n".utf8), to: descriptor, file)
        }
        variables["PGPASSFILE"] = .some(file)
        return try await body(.inherit(changes: variables))
    }

    /// Begins the names of files that a crash may leave.
    static let prefix = ".pgpass-"

    private static func escaped(_ password: String) -> String {
        var escaped = ""
        for character in password {
            if character == "\\" || character == ":" { escaped.append("\\") }
            escaped.append(character)
        }
        return escaped
    }

    private static let furtherVariables = [
        "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY", "passfile": "PGPASSFILE",
        "target_session_attrs": "PGTARGETSESSIONATTRS", "channel_binding": "PGCHANNELBINDING",
    ]
}
