public import Events
import GRDB
public import StateStore
public import Units

/// Reads a ledger's file: beside the daemon, inside it, or without it.
public struct LedgerReader: Sendable {
    let store: StateStore

    public init(store: StateStore) {
        self.store = store
    }

    /// Entries that satisfy `filter`.
    /// - Throws: `StateStoreError`, `LedgerError`.
    public func entries(matching filter: EntryFilter = EntryFilter()) async throws -> [Entry] {
        let (condition, arguments) = filter.sql
        let order = filter.order == .newestFirst ? "DESC" : "ASC"
        return try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT \(LedgerTables.entryColumns) FROM ledger_entry WHERE \(condition)
                    ORDER BY sequence \(order) LIMIT \(filter.limit)
                    """, arguments: arguments)
            return try rows.map(LedgerTables.entry)
        }
    }

    /// The newest checkpoint, for somebody to keep elsewhere.
    public func latestCheckpoint() async throws -> Checkpoint? {
        try await store.read { db in
            try String.fetchOne(db, sql: "SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")
                .map { try Checkpoint(parsing: $0) }
        }
    }

    /// The keys that have signed, oldest first.
    public func verifierKeys() async throws -> [VerifierKey] {
        try await store.read { try LedgerTables.verifierKeys(in: $0) }
    }

    /// The root over the first `size` entries.
    public func head(atSize size: Int64) async throws -> TreeHead {
        try await store.read { db in
            try requireSize(size, in: db)
            return TreeHead(size: size, root: try LedgerTables.prover(in: db).root(of: 0..<size))
        }
    }

    /// Proves that entry `sequence` is among the first `size`.
    /// - Returns: the proof, and the hash of the leaf that it is about.
    /// - Throws: `LedgerError` with `outOfRange`.
    public func inclusionProof(of sequence: Int64, inTreeOf size: Int64) async throws -> (MerkleHash, InclusionProof) {
        try await store.read { db in
            try requireSize(size, in: db)
            guard sequence >= 0, sequence < size else {
                throw LedgerError(.outOfRange(reason: "entry \(sequence) is not among the first \(size)"))
            }
            let hashes = try LedgerTables.prover(in: db).inclusion(of: sequence, size: size)
            return (
                try LedgerTables.node(at: NodePlace(level: 0, index: sequence), in: db),
                InclusionProof(index: sequence, size: size, hashes: hashes)
            )
        }
    }

    /// Proves that the first `oldSize` entries are the beginning of the first `newSize`.
    /// - Throws: `LedgerError` with `outOfRange`.
    public func consistencyProof(from oldSize: Int64, to newSize: Int64) async throws -> ConsistencyProof {
        try await store.read { db in
            try requireSize(newSize, in: db)
            guard oldSize >= 0, oldSize <= newSize else {
                throw LedgerError(.outOfRange(reason: "a ledger of \(newSize) entries has no beginning of \(oldSize)"))
            }
            let hashes = try LedgerTables.prover(in: db).consistency(from: oldSize, to: newSize)
            return ConsistencyProof(oldSize: oldSize, newSize: newSize, hashes: hashes)
        }
    }
}

/// Which entries to read. Conditions are joined by "and"; nil is no condition.
public struct EntryFilter: Sendable, Hashable {
    public enum Order: Sendable {
        case newestFirst, oldestFirst
    }

    /// `alert.` for all kinds that begin so.
    public var kindPrefix: String?
    /// `job/nightly`, or `job/` for all subjects that begin so.
    public var subject: String?
    public var actor: Actor?
    /// An actor's name, whatever its kind.
    public var actorName: String?
    /// At or after this instant.
    public var since: Timestamp?
    /// Before this instant.
    public var until: Timestamp?
    /// Sequences less than this one: the next page, newest first.
    public var before: Int64?
    /// Sequences greater than this one.
    public var after: Int64?
    public var order: Order
    /// At most this many, 1…10,000.
    public var limit: Int

    public init(
        kindPrefix: String? = nil, subject: String? = nil, actor: Actor? = nil, since: Timestamp? = nil,
        until: Timestamp? = nil, before: Int64? = nil, after: Int64? = nil, order: Order = .newestFirst,
        limit: Int = 100
    ) {
        self.kindPrefix = kindPrefix
        self.subject = subject
        self.actor = actor
        self.since = since
        self.until = until
        self.before = before
        self.after = after
        self.order = order
        self.limit = min(max(limit, 1), 10_000)
    }

    fileprivate var sql: (condition: String, arguments: StatementArguments) {
        var conditions = ["1"]
        var arguments: [(any DatabaseValueConvertible)?] = []
        func add(_ condition: String, _ values: any DatabaseValueConvertible...) {
            conditions.append(condition)
            arguments += values
        }
        // The last code point sorts after every name, so the range can use the index.
        if let kindPrefix { add("kind >= ? AND kind < ?", kindPrefix, kindPrefix + "\u{10FFFF}") }
        if let subject, subject.hasSuffix("/") {
            add("subject >= ? AND subject < ?", subject, subject + "\u{10FFFF}")
        } else if let subject {
            add("subject = ?", subject)
        }
        if let actorName { add("actor_name = ?", actorName) }
        if let actor { add("actor_kind = ? AND actor_name = ?", actor.kind.rawValue, actor.name) }
        if let since { add("time_ms >= ?", since.millisecondsSinceEpoch) }
        if let until { add("time_ms < ?", until.millisecondsSinceEpoch) }
        if let before { add("sequence < ?", before) }
        if let after { add("sequence > ?", after) }
        return (conditions.joined(separator: " AND "), StatementArguments(arguments))
    }
}

private func requireSize(_ size: Int64, in db: Database) throws {
    let actual = try LedgerTables.size(in: db)
    guard size >= 0, size <= actual else {
        throw LedgerError(.outOfRange(reason: "the ledger has \(actual) entries, not \(size)"))
    }
}

extension LedgerTables {
    static func prover(in db: Database) -> MerkleProver {
        MerkleProver { try node(at: $0, in: db) }
    }

    static func verifierKeys(in db: Database) throws -> [VerifierKey] {
        try String.fetchAll(db, sql: "SELECT verifier FROM ledger_key ORDER BY since_size, rowid").map {
            try VerifierKey(parsing: $0)
        }
    }

    /// The leaf's bytes from a row of `entryColumns`, and the same with another sequence.
    static func line(_ row: Row, as sequence: Int64? = nil) -> String {
        LeafEncoding.line(
            sequence: sequence ?? row[0], milliseconds: row[1], actorKind: row[2], actorName: row[3], kind: row[4],
            subject: row[5], payloadText: row[6])
    }
}
