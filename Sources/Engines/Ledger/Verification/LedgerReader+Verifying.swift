import Events
import GRDB
import JSONCoding
import StateStore

extension LedgerReader {
    /// Computes the whole tree again from the entries and holds it against the stored hashes, every stored checkpoint and
    /// its signature. One snapshot; memory does not grow with the ledger.
    /// - Parameters:
    ///   - keys: whose signatures count, and those of the keys that they took the place of; empty for those that the file
    ///     names itself.
    ///   - witnesses: checkpoints that were kept elsewhere. They show what the file alone cannot: a tail that was cut off
    ///     together with its checkpoints, a history that was written anew with another key.
    /// - Throws: `StateStoreError` when the file cannot be read. What is wrong with the ledger is in the report.
    public func verify(trusting keys: [VerifierKey] = [], witnesses: [Checkpoint] = []) async throws -> LedgerReport {
        try await store.read { db in
            guard try db.tableExists("ledger_entry") else {
                // An emptied file. What was kept elsewhere tells what should be in it.
                var audit = LedgerAudit(keys: keys, areTrusted: !keys.isEmpty)
                for witness in witnesses { audit.judge(note: witness.note) }
                return audit.finish()
            }
            var audit = LedgerAudit(
                keys: keys.isEmpty
                    ? try LedgerTables.verifierKeys(in: db) : try LedgerTables.keys(vouchedForBy: keys, in: db),
                areTrusted: !keys.isEmpty)
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(LedgerTables.entryColumns), hash FROM ledger_entry
                    LEFT JOIN ledger_node ON level = 0 AND position = sequence ORDER BY sequence
                    """)
            var notes = try NoteQueue(
                stored: Row.fetchCursor(db, sql: "SELECT size, note FROM ledger_checkpoint ORDER BY size"),
                witnesses: witnesses)
            let storedNode = { (place: NodePlace) in try LedgerTables.nodeIfPresent(at: place, in: db) }
            while !audit.isFull, let row = try rows.next() {
                let sequence: Int64 = row[0]
                if sequence < audit.size { continue }
                while audit.size < sequence, !audit.isFull {
                    try notes.judgeDue(in: &audit)
                    let stored = try storedNode(NodePlace(level: 0, index: audit.size))
                    audit.skip(.missing, stored: stored)
                }
                try notes.judgeDue(in: &audit)
                let copy = row.copy()
                let stored = (copy[7] as Blob?).flatMap { MerkleHash($0.bytes) }
                try audit.take(
                    leaf: .leaf(LedgerTables.line(copy).utf8), stored: stored ?? .empty,
                    hashAs: { .leaf(LedgerTables.line(copy, as: $0).utf8) }, storedNode: storedNode)
            }
            try notes.judgeDue(in: &audit, isEnd: true)
            let hashCount =
                try Int64.fetchOne(db, sql: "SELECT max(position) + 1 FROM ledger_node WHERE level = 0") ?? 0
            return audit.finish(hashCount: hashCount)
        }
    }
}

/// Stored checkpoints and witnesses, by size.
private struct NoteQueue {
    let stored: RowCursor
    private var witnesses: [Checkpoint]
    private var next: (size: Int64, note: String)?

    init(stored: RowCursor, witnesses: [Checkpoint]) throws {
        self.stored = stored
        self.witnesses = witnesses.sorted { $0.head.size > $1.head.size }
        try advance()
    }

    private mutating func advance() throws {
        next = try stored.next().map { (size: $0[0], note: $0[1]) }
    }

    /// Judges those that cover no more than the entries taken; at the end, all that are left.
    mutating func judgeDue(in audit: inout LedgerAudit, isEnd: Bool = false) throws {
        while let (size, note) = next, isEnd || size <= audit.size {
            audit.judge(note: note)
            try advance()
        }
        while let witness = witnesses.last, isEnd || witness.head.size <= audit.size {
            audit.judge(note: witness.note)
            witnesses.removeLast()
        }
    }
}

extension LedgerTables {
    /// `keys`, and each key that one of them says it took the place of. The entry that says so counts when a checkpoint over
    /// it is signed by the newer key: nobody else can have put it there without that checkpoint failing.
    static func keys(vouchedForBy keys: [VerifierKey], in db: Database) throws -> [VerifierKey] {
        var trusted = keys
        let rows = try Row.fetchAll(
            db, sql: "SELECT \(entryColumns) FROM ledger_entry WHERE kind = ? ORDER BY sequence DESC",
            arguments: [EventKind.ledgerKeyChanged.rawValue])
        for row in rows {
            let entry = try entry(row)
            guard let newer = trusted.first(where: { $0.description == entry.event.payload["verifier"]?.stringValue }),
                let previous = entry.event.payload["previous"]?.stringValue,
                // A text that is no key vouches for nothing.
                let older = try? VerifierKey(parsing: previous), !trusted.contains(older)
            else { continue }
            let notes = try String.fetchAll(
                db, sql: "SELECT note FROM ledger_checkpoint WHERE size > ?", arguments: [entry.sequence])
            // A note that cannot be read is a finding of the audit, and no reason to trust.
            if notes.contains(where: { (try? Checkpoint(parsing: $0))?.isSigned(by: newer) == true }) {
                trusted.append(older)
            }
        }
        return trusted
    }

    static func nodeIfPresent(at place: NodePlace, in db: Database) throws -> MerkleHash? {
        let statement = try db.cachedStatement(sql: "SELECT hash FROM ledger_node WHERE level = ? AND position = ?")
        return try Blob.fetchOne(statement, arguments: [place.level, place.index]).flatMap { MerkleHash($0.bytes) }
    }
}
