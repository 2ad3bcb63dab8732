import GRDB
import StateStore

extension Ledger {
    /// How many entries are replayed in one transaction: enough to make the fsync cheap, few enough to keep the WAL small.
    static let replayBatch: Int64 = 10_000

    /// Empties every projection and builds it again from the first entry.
    ///
    /// Blocks the calling thread, and may only run while nothing appends: at start, or by a tool that owns the file.
    public func rebuildProjections() throws {
        for projection in projections { try reset(projection) }
        try catchUpProjections()
    }

    /// Brings every projection to the size of the ledger. Each batch moves the projection's mark in its own transaction, so a
    /// start that is killed half-way goes on from there.
    func catchUpProjections() throws {
        for projection in projections {
            let known = try store.readBlocking { db in
                try Row.fetchOne(
                    db, sql: "SELECT version, size FROM ledger_projection WHERE name = ?", arguments: [projection.name]
                ).map { (version: $0[0] as Int, size: $0[1] as Int64) }
            }
            var size: Int64 = 0
            if let known, known.version == projection.version {
                size = known.size
            } else {
                try reset(projection)
            }
            while size < head.size { size = try replay(projection, from: size) }
        }
    }

    private func reset(_ projection: any Projection) throws {
        try store.writeBlocking { db in
            try projection.reset(in: db)
            try db.execute(
                sql: """
                    INSERT INTO ledger_projection (name, version, size) VALUES (?, ?, 0)
                    ON CONFLICT (name) DO UPDATE SET version = excluded.version, size = 0
                    """, arguments: [projection.name, projection.version])
        }
    }

    private func replay(_ projection: any Projection, from first: Int64) throws -> Int64 {
        try store.writeBlocking { db in
            var size = first
            try LedgerTables.forEachEntry(from: first, limit: Self.replayBatch, in: db) { entry in
                do {
                    guard entry.sequence == size else {
                        throw LedgerError(.inconsistent(reason: "entry \(size) is missing"))
                    }
                    try projection.apply(entry, in: db)
                } catch {
                    throw LedgerError(
                        .replayFailed(projection: projection.name, sequence: entry.sequence), cause: error)
                }
                size += 1
            }
            guard size > first else { throw LedgerError(.inconsistent(reason: "entry \(first) is missing")) }
            try db.execute(
                sql: "UPDATE ledger_projection SET size = ? WHERE name = ?", arguments: [size, projection.name])
            return size
        }
    }
}

extension LedgerTables {
    /// Notes that `projections` have seen every entry up to `size`. A projection that is not registered now keeps its mark,
    /// and is brought up to date from there when it comes back.
    static func moveProjections(to size: Int64, in db: Database, _ projections: [any Projection]) throws {
        let statement = try db.cachedStatement(sql: "UPDATE ledger_projection SET size = ? WHERE name = ?")
        for projection in projections { try statement.execute(arguments: [size, projection.name]) }
    }
}
