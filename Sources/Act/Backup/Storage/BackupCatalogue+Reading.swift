import GRDB
public import StateStore
public import Units

/// A backup as the catalogue knows it.
public struct BackupRecord: Sendable, Hashable {
    public enum Verification: String, Sendable {
        case unverified, good, damaged
    }

    public var target: String
    public var id: String
    public var database: String
    public var startedAt: Timestamp
    public var finishedAt: Timestamp
    /// On disk, compressed.
    public var bytes: Int64
    public var sourceBytes: Int64
    /// Of the manifest, which holds the checksums of all files.
    public var sha256: String
    public var path: String
    public var tables: Int
    public var rows: Int64
    public var durationMs: Int64
    public var warnings: [String]
    public var verification: Verification
    public var verifiedAt: Timestamp?
    /// What was found wrong.
    public var message: String?
    /// Of its newest drill; nil when there was none.
    public var drillPassed: Bool?
}

/// A drill that took place.
public struct DrillRecord: Sendable, Hashable {
    public var target: String
    public var backup: String
    public var finishedAt: Timestamp
    public var durationMs: Int64
    /// Nil when it failed before the restore was done.
    public var restoreMs: Int64?
    public var passed: Bool
    public var message: String
}

/// The newest failure of a target that has had no good run since.
public struct BackupTrouble: Sendable, Hashable {
    public var target: String
    public var failedAt: Timestamp
    public var reason: String
}

extension BackupCatalogue {
    /// The newest first.
    /// - Parameter target: nil for all.
    public static func backups(of target: String? = nil, in store: StateStore) async throws -> [BackupRecord] {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM backup WHERE ?1 IS NULL OR target = ?1 ORDER BY finished_ms DESC, id DESC",
                arguments: [target]
            ).map(BackupRecord.init)
        }
    }

    /// The newest first.
    public static func drills(of target: String? = nil, limit: Int = 50, in store: StateStore) async throws
        -> [DrillRecord]
    {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM backup_drill WHERE ?1 IS NULL OR target = ?1 ORDER BY sequence DESC LIMIT ?2",
                arguments: [target, limit]
            ).map { row in
                DrillRecord(
                    target: row["target"], backup: row["backup"],
                    finishedAt: Timestamp(millisecondsSinceEpoch: row["finished_ms"]), durationMs: row["duration_ms"],
                    restoreMs: row["restore_ms"], passed: row["passed"] == 1, message: row["message"])
            }
        }
    }

    public static func troubles(in store: StateStore) async throws -> [BackupTrouble] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM backup_target WHERE failed_ms IS NOT NULL ORDER BY target").map {
                BackupTrouble(
                    target: $0["target"], failedAt: Timestamp(millisecondsSinceEpoch: $0["failed_ms"]),
                    reason: $0["failure"])
            }
        }
    }
}

extension BackupRecord {
    init(_ row: Row) {
        let warnings: String = row["warnings"]
        self.init(
            target: row["target"], id: row["id"], database: row["database"],
            startedAt: Timestamp(millisecondsSinceEpoch: row["started_ms"]),
            finishedAt: Timestamp(millisecondsSinceEpoch: row["finished_ms"]), bytes: row["bytes"],
            sourceBytes: row["source_bytes"], sha256: row["sha256"], path: row["path"], tables: row["tables"],
            rows: row["rows"], durationMs: row["duration_ms"],
            warnings: warnings.split(separator: "\n").map(String.init),
            verification: Verification(rawValue: row["verification"]) ?? .unverified,
            verifiedAt: (row["verified_ms"] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) },
            message: row["message"], drillPassed: (row["drill_passed"] as Int?).map { $0 == 1 })
    }
}
