import Events
public import GRDB
import JSONCoding
public import Ledger
public import StateStore
import Units

/// The projection of backups, drills and failures.
public struct BackupCatalogue: Projection {
    public let name = "backups"

    public init() {}

    public var migrations: [Migration] {
        [
            Migration("backups.1") { db in
                try db.execute(
                    sql: """
                        CREATE TABLE backup (
                            target TEXT NOT NULL, id TEXT NOT NULL, database TEXT NOT NULL, started_ms INTEGER NOT NULL,
                            finished_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, source_bytes INTEGER NOT NULL,
                            sha256 TEXT NOT NULL, path TEXT NOT NULL, tables INTEGER NOT NULL, rows INTEGER NOT NULL,
                            duration_ms INTEGER NOT NULL, warnings TEXT NOT NULL, verification TEXT NOT NULL,
                            verified_ms INTEGER, message TEXT, drill_passed INTEGER, PRIMARY KEY (target, id)
                        ) STRICT;
                        CREATE TABLE backup_drill (
                            sequence INTEGER PRIMARY KEY NOT NULL, target TEXT NOT NULL, backup TEXT NOT NULL,
                            finished_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL, restore_ms INTEGER,
                            passed INTEGER NOT NULL, message TEXT NOT NULL
                        ) STRICT;
                        CREATE TABLE backup_target (
                            target TEXT PRIMARY KEY NOT NULL, failed_ms INTEGER, failure TEXT
                        ) STRICT;
                        """)
            }
        ]
    }

    public func reset(in db: Database) throws {
        for table in ["backup", "backup_drill", "backup_target"] { try db.execute(sql: "DELETE FROM \(table)") }
    }

    public func apply(_ entry: Entry, in db: Database) throws {
        let event = entry.event
        let payload = event.payload
        let target = payload["target"]?.stringValue ?? ""
        let id = payload["backup"]?.stringValue ?? ""
        let time = event.time.millisecondsSinceEpoch
        let reason = payload["reason"]?.stringValue ?? ""
        switch event.kind {
        case .backupCompleted:
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO backup (target, id, database, started_ms, finished_ms, bytes, source_bytes,
                        sha256, path, tables, rows, duration_ms, warnings, verification)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'unverified')
                    """,
                arguments: [
                    target, id, payload["database"]?.stringValue ?? "", payload["startedAt"]?.intValue ?? time,
                    payload["finishedAt"]?.intValue ?? time, payload["bytes"]?.intValue ?? 0,
                    payload["sourceBytes"]?.intValue ?? 0, payload["sha256"]?.stringValue ?? "",
                    payload["path"]?.stringValue ?? "", payload["tables"]?.intValue ?? 0,
                    payload["rows"]?.intValue ?? 0, payload["durationMs"]?.intValue ?? 0,
                    (payload["warnings"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: "\n"),
                ])
            try db.execute(sql: "DELETE FROM backup_target WHERE target = ?", arguments: [target])
        case .backupFailed:
            try db.execute(
                sql: "INSERT OR REPLACE INTO backup_target (target, failed_ms, failure) VALUES (?, ?, ?)",
                arguments: [target, time, reason])
        case .backupVerified, .backupVerificationFailed:
            let state = event.kind == .backupVerified ? "good" : "damaged"
            try db.execute(
                sql: "UPDATE backup SET verification = ?, verified_ms = ?, message = ? WHERE target = ? AND id = ?",
                arguments: [state, time, reason.isEmpty ? nil : reason, target, id])
        case .backupRemoved:
            try db.execute(sql: "DELETE FROM backup WHERE target = ? AND id = ?", arguments: [target, id])
        case .drillPassed, .drillFailed:
            let passed = event.kind == .drillPassed
            try db.execute(
                sql: """
                    INSERT INTO backup_drill (sequence, target, backup, finished_ms, duration_ms, restore_ms, passed, message)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    entry.sequence, target, id, time, payload["durationMs"]?.intValue ?? 0,
                    payload["restoreMs"]?.intValue, passed ? 1 : 0, reason,
                ])
            try db.execute(
                sql: "UPDATE backup SET drill_passed = ? WHERE target = ? AND id = ?",
                arguments: [passed ? 1 : 0, target, id])
        default: return
        }
    }
}
