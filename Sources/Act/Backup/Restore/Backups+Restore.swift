import Diagnostics
public import Events
import JSONCoding
import PostgresClient
import Units

extension Backups {
    /// Restores a backup into a new database on the target's server.
    /// - Throws: `BackupFailure`: `databaseExists` before anything is done; after any other, no such database exists.
    public func restore(
        _ name: String, backup id: String? = nil, into database: String, by actor: Actor,
        log: @Sendable (String) -> Void = { _ in }
    ) async throws -> RestoreReport {
        let target = try find(name)
        guard !database.isEmpty, database.utf8.count <= 63, !database.hasPrefix("-"),
            !database.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw BackupFailure(
                .invalidName, database,
                "it has to have 1 to 63 bytes, no control characters and no '-' at its beginning")
        }
        return try await exclusively(name, "a restore is going on") {
            let record = try await newestGood(name, id)
            let begin = ContinuousClock.now
            func event(_ kind: EventKind, _ further: [String: JSONValue]) -> Event {
                let about: [String: JSONValue] = [
                    "backup": .string(record.id), "target": .string(name), "database": .string(database),
                    "durationMs": .integer((ContinuousClock.now - begin).wholeMilliseconds),
                ]
                let payload = about.merging(further) { _, last in last }
                return Event(at: wall.now, by: actor, kind, "database/\(database)", .object(payload))
            }
            do {
                try await refuseExisting(database, on: target)
                let manifest = try await checkVerified(record, by: actor)
                log("verified \(record.id)")
                let working = String(database.prefix(30)) + "_jaga_restoring_\(UInt32.random(in: 0 ..< .max))"
                let restore = restoration(manifest, record, target, server: target.postgres)
                let differences = try await restore.fill(working) { admin, facts in
                    let differences = DatabaseRestore.differences(manifest, facts)
                    guard differences.isEmpty else {
                        throw BackupFailure(.restoreFailed, database, differences.joined(separator: "; "))
                    }
                    // The server refuses the name when somebody made such a database meanwhile.
                    try await admin.query(
                        "ALTER DATABASE \(quotedIdentifier(working)) RENAME TO \(quotedIdentifier(database))",
                        timeout: .seconds(30))
                    return facts.rows.count
                }
                log("restored \(differences) tables")
                try await events.record([event(.restoreCompleted, [:])])
                return RestoreReport(
                    backup: record.id, database: database, tables: manifest.rows.count, rows: manifest.rowCount,
                    duration: ContinuousClock.now - begin)
            } catch {
                let failure =
                    error as? BackupFailure
                    ?? BackupFailure(.restoreFailed, database, describe(error), hint: (error as? any Failure)?.hint)
                try await events.record([event(.restoreFailed, ["reason": .string(failure.summary)])])
                if error is CancellationError { throw error }
                throw failure
            }
        }
    }

    private func refuseExisting(_ database: String, on target: BackupTarget) async throws {
        let admin = try await DatabaseRestore.administer(target.postgres)
        defer { admin.close() }
        guard try await DatabaseRestore.exists(database, on: admin) else { return }
        throw BackupFailure(
            .databaseExists, database,
            hint: "Choose a new name; rename the databases by hand once you have looked at the restored one.")
    }

    func restoration(
        _ manifest: BackupManifest, _ record: BackupRecord, _ target: BackupTarget, server: PostgresSettings
    ) -> DatabaseRestore {
        DatabaseRestore(
            manifest: manifest, dumpPath: "\(repository.path(record.target, record.id))/\(BackupManifest.dumpName)",
            server: server, keepsOwners: server == target.postgres, timeLimit: target.timeLimit,
            repositoryFolder: repository.folder, programs: programs)
    }
}

/// What a restore made.
public struct RestoreReport: Sendable, Hashable {
    public var backup: String
    public var database: String
    public var tables: Int
    public var rows: Int64
    public var duration: Duration
}
