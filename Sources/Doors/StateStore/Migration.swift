public import GRDB

/// One step in the life of the tables of a capability.
public struct Migration: Sendable {
    /// Unique in the whole program, as in `backup.catalogue.1`. Never changes once released.
    public let name: String
    let apply: @Sendable (Database) throws -> Void

    public init(_ name: String, _ apply: @escaping @Sendable (Database) throws -> Void) {
        self.name = name
        self.apply = apply
    }
}

extension StateStore {
    /// Applies those of `migrations` that this file has not seen yet, each with its mark in one transaction.
    public func migrate(_ migrations: [Migration]) throws {
        var names: Set<String> = []
        for migration in migrations {
            precondition(names.insert(migration.name).inserted, "two migrations are named '\(migration.name)'")
        }
        try writeBlocking { db in
            try db.execute(
                sql: "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID, STRICT")
        }
        let applied = try readBlocking { try Set(String.fetchAll($0, sql: "SELECT name FROM migration")) }
        for migration in migrations where !applied.contains(migration.name) {
            try writeBlocking { db in
                do {
                    try migration.apply(db)
                    try db.execute(sql: "INSERT INTO migration (name) VALUES (?)", arguments: [migration.name])
                } catch let error as DatabaseError {
                    throw StateStoreError(.migrationFailed(migration.name), path: path, cause: error)
                }
            }
        }
    }
}
