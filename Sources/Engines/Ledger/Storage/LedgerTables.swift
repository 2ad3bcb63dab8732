import Events
import GRDB
import JSONCoding
import StateStore
import Units

// The tables:
//
//     ledger_entry       one row for each entry; the payload is its canonical text
//     ledger_node        the hash of every complete subtree: (0, i) is the leaf of entry i
//     ledger_checkpoint  signed notes, by the size they speak of
//     ledger_key         the verifier keys that have signed, by the size at which they began
//     ledger_projection  how far each projection has come, and by which version of its code
//
// `WITHOUT ROWID` keeps a node at about 45 bytes; there are two for each entry.

enum LedgerTables {
    static let migrations = [
        Migration("ledger.1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE ledger_entry (
                        sequence INTEGER PRIMARY KEY NOT NULL,
                        time_ms INTEGER NOT NULL,
                        actor_kind TEXT NOT NULL,
                        actor_name TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        subject TEXT NOT NULL,
                        payload TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX ledger_entry_by_kind ON ledger_entry (kind, sequence);
                    CREATE INDEX ledger_entry_by_subject ON ledger_entry (subject, sequence);
                    CREATE TABLE ledger_node (
                        level INTEGER NOT NULL,
                        position INTEGER NOT NULL,
                        hash BLOB NOT NULL,
                        PRIMARY KEY (level, position)
                    ) WITHOUT ROWID, STRICT;
                    CREATE TABLE ledger_checkpoint (
                        size INTEGER PRIMARY KEY NOT NULL,
                        time_ms INTEGER NOT NULL,
                        note TEXT NOT NULL
                    ) STRICT;
                    CREATE TABLE ledger_key (
                        verifier TEXT PRIMARY KEY NOT NULL,
                        since_size INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE ledger_projection (
                        name TEXT PRIMARY KEY NOT NULL,
                        version INTEGER NOT NULL,
                        size INTEGER NOT NULL
                    ) STRICT;
                    """)
        }
    ]

    static func insert(_ entry: Entry, payloadText: String, in db: Database) throws {
        let event = entry.event
        try db.cachedStatement(
            sql: """
                INSERT INTO ledger_entry (sequence, time_ms, actor_kind, actor_name, kind, subject, payload)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.sequence, event.time.millisecondsSinceEpoch, event.actor.kind.rawValue, event.actor.name,
            event.kind.rawValue, event.subject, payloadText,
        ])
    }

    static func insert(_ hash: MerkleHash, at place: NodePlace, in db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO ledger_node (level, position, hash) VALUES (?, ?, ?)")
            .execute(arguments: [place.level, place.index, Blob(hash.bytes)])
    }

    static func node(at place: NodePlace, in db: Database) throws -> MerkleHash {
        let statement = try db.cachedStatement(sql: "SELECT hash FROM ledger_node WHERE level = ? AND position = ?")
        guard let blob = try Blob.fetchOne(statement, arguments: [place.level, place.index]),
            let hash = MerkleHash(blob.bytes)
        else { throw LedgerError(.inconsistent(reason: "the hash of entries \(place.leaves) is missing")) }
        return hash
    }

    /// The number of entries: one more than the last sequence.
    static func size(in db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT max(sequence) + 1 FROM ledger_entry") ?? 0
    }

    static let entryColumns = "sequence, time_ms, actor_kind, actor_name, kind, subject, payload"

    /// - Throws: `LedgerError.inconsistent` when the row is not one that the ledger wrote.
    static func entry(_ row: Row) throws -> Entry {
        let sequence: Int64 = row[0]
        guard let actorKind = Actor.Kind(rawValue: row[2]) else {
            throw LedgerError(.inconsistent(reason: "entry \(sequence) has an unknown kind of actor"))
        }
        let payload: JSONValue
        do {
            payload = try JSONValue(parsing: row[6] as String)
        } catch {
            throw LedgerError(.inconsistent(reason: "the payload of entry \(sequence) cannot be read"), cause: error)
        }
        let event = Event(
            at: Timestamp(millisecondsSinceEpoch: row[1]), by: Actor(actorKind, row[3]), EventKind(row[4]), row[5],
            payload)
        return Entry(sequence: sequence, event: event)
    }

    /// Hands the entries from `first` on to `body`, one at a time.
    static func forEachEntry(from first: Int64, limit: Int64 = .max, in db: Database, _ body: (Entry) throws -> Void)
        throws
    {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT \(entryColumns) FROM ledger_entry WHERE sequence >= ? ORDER BY sequence LIMIT ?",
            arguments: [first, limit])
        while let row = try rows.next() { try body(entry(row)) }
    }
}
