import Glibc
import Processes

/// Finds PostgreSQL's programs in the version that a server needs: pg_dump refuses servers newer than itself.
struct PostgresPrograms: Sendable {
    /// Debian keeps each major version in a folder of its own.
    var versionsFolder = "/usr/lib/postgresql"

    /// The path of `program` for a server of `serverVersion` (as in 150007): the oldest installed version that is not older
    /// than the server, else the one in `PATH` when it is new enough.
    /// - Throws: `BackupFailure` (`noProgram`) saying what is there and what to install.
    func path(of program: String, serverVersion: Int) async throws -> String {
        let major = serverVersion / 10_000
        for version in major...(major + 10) {
            let path = "\(versionsFolder)/\(version)/bin/\(program)"
            if access(path, X_OK) == 0 { return path }
        }
        let hint = "Install it with 'apt install postgresql-client-\(major)'."
        guard let path = Command.locate(program) else {
            throw BackupFailure(.noProgram, program, "there is no \(program) on this machine", hint: hint)
        }
        let found = try await versionText(path)
        guard let foundMajor = Self.major(in: found), foundMajor >= major else {
            throw BackupFailure(
                .noProgram, program, "'\(found)' is older than the server, which is PostgreSQL \(major)", hint: hint)
        }
        return path
    }

    /// As in `pg_dump (PostgreSQL) 15.14`.
    func versionText(_ path: String) async throws -> String {
        let outcome = try await Command(path, ["--version"], timeLimit: .seconds(10)).run().checked()
        return outcome.output.lastLines(1)
    }

    static func major(in versionText: String) -> Int? {
        versionText.split(separator: " ").lazy.compactMap { word in
            Int(word.prefix { $0.isNumber }).flatMap { $0 > 0 ? $0 : nil }
        }.first
    }
}
