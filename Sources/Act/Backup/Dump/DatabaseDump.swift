import BlockingCalls
import Diagnostics
import PostgresClient
import Processes
import Units

// One transaction holds a snapshot from before the dump begins until it ends. Row counts and assertions are read in it, and
// pg_dump is told to use the same one, so that a later drill can demand equal numbers however busy the database was.
// pg_dump's output is compressed and hashed here as it comes, so the dump never stands uncompressed on the disk, and
// pg_dump is held up when the disk is slow.

/// Takes one dump into a folder.
struct DatabaseDump {
    let target: BackupTarget
    let folder: String
    let repositoryFolder: String
    let programs: PostgresPrograms

    /// - Returns: the manifest, without times of its end.
    func take(id: String, startedAt: Timestamp, log: @Sendable (String) -> Void) async throws -> BackupManifest {
        let session = PostgresSession(further: ["idle_in_transaction_session_timeout": "0", "statement_timeout": "0"])
        let connection = try await PostgresConnection.open(target.postgres, session: session, timeout: .seconds(15))
        defer { connection.close() }
        let dumper = try await programs.path(of: "pg_dump", serverVersion: connection.serverVersion)
        try await connection.query(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", timeout: .seconds(15))
        let about = try await connection.query(
            """
            SELECT pg_export_snapshot() AS snapshot, current_database() AS name, pg_encoding_to_char(encoding) AS encoding,
                datcollate AS collation, datctype AS ctype
            FROM pg_database WHERE datname = current_database()
            """, timeout: .seconds(15)
        ).onlyRow()
        let facts = try await DatabaseFacts.read(
            connection, assertions: target.assertions, timeLimit: target.timeLimit)
        log("\(facts.rows.count) tables, \(facts.rows.values.reduce(0, +)) rows")
        var manifest = BackupManifest(
            id: id, target: target.name, database: try about.get("name"), startedAt: startedAt, finishedAt: startedAt,
            serverVersion: connection.serverVersion, dumpVersion: try await programs.versionText(dumper),
            encoding: try about.get("encoding"), collation: try about.get("collation"),
            characterType: try about.get("ctype"), files: [], rows: facts.rows, assertions: facts.assertions,
            warnings: [])
        manifest.files.append(
            try await pack(
                Command(
                    dumper,
                    [
                        "--format=custom", "--compress=0", "--no-password", "--lock-wait-timeout=300000",
                        "--snapshot=\(try about.get("snapshot", as: String.self))",
                    ]), as: BackupManifest.dumpName))
        log("dumped \(ByteCount(manifest.files[0].contentBytes).text) into \(ByteCount(manifest.files[0].bytes).text)")
        if target.includesGlobals {
            do {
                let dumpAll = try await programs.path(of: "pg_dumpall", serverVersion: connection.serverVersion)
                let command = Command(dumpAll, ["--globals-only", "--no-password"])
                manifest.files.append(try await pack(command, as: BackupManifest.globalsName))
            } catch let failure as CommandFailure {
                // Only a superuser may read the password hashes. The database's dump is good without them.
                let warning = "roles and tablespaces are not in the backup: \(failure.summary)"
                manifest.warnings.append(warning)
                log(warning)
                try await BlockingThreads.shared.run { [folder] in removeFile("\(folder)/\(BackupManifest.globalsName)")
                }
            }
        }
        return manifest
    }

    /// Runs `command` and packs what it writes.
    /// - Throws: `CommandFailure` when it fails or is ended.
    private func pack(_ command: Command, as name: String) async throws -> BackupManifest.File {
        let file = try PackedFile(folder: folder, name: name)
        let outcome = try await ConnectionFile.with(target.postgres, in: repositoryFolder) { environment in
            var command = command
            command.environment = environment
            command.timeLimit = target.timeLimit
            return try await command.run { piece in
                try await BlockingThreads.shared.run { try file.write(piece) }
            }
        }
        try outcome.checked()
        return try await BlockingThreads.shared.run { try file.finish() }
    }
}
