public import Events
import GRDB
public import StateStore
import Synchronization

// Appends are serialised by SQLite's one writer. A call of `record` puts its events into a line and asks for a turn of the
// writer; whoever gets the turn takes the whole line and commits it in one transaction. While one commit waits for the
// disk, the calls that come in gather for the next one, so a hundred callers pay for two fsyncs and not for a hundred.
//
// Each call has its own savepoint inside that transaction: one that a projection refuses is undone alone.
//
// The right edge of the Merkle tree is held in memory and moved on only after the commit, so that a failed transaction
// leaves memory and file in step.

/// The append-only record of what happened and was decided, and the keeper of the state that follows from it.
public final class Ledger: EventRecording {
    let store: StateStore
    let projections: [any Projection]
    let signer: LedgerSigner?
    /// Where the newest checkpoint is kept outside the database.
    let checkpointFile: CheckpointFile?
    private let state: Mutex<State>
    let observers = Observers()

    private struct State {
        /// As committed. Changed on the writer's queue alone.
        var tree: CompactTree
        var waiting: [PendingAppend] = []
        var turnIsOrdered = false
        /// The size of the checkpoint in the file.
        var keptSize: Int64
    }

    private init(
        store: StateStore, projections: [any Projection], signer: LedgerSigner?, file: CheckpointFile?,
        tree: CompactTree, keptSize: Int64
    ) {
        self.store = store
        self.projections = projections
        self.signer = signer
        checkpointFile = file
        state = Mutex(State(tree: tree, keptSize: keptSize))
    }

    /// Opens the ledger in `store`, creates its tables and those of the projections, and replays to each projection what it
    /// has not seen: everything for a new one and for one whose version changed.
    ///
    /// Blocks the calling thread: it belongs to the start of the program.
    /// - Parameters:
    ///   - signer: signs the checkpoints; without one there are none.
    ///   - file: keeps the newest checkpoint outside the database.
    /// - Throws: `LedgerError`, with `entriesLost` or `entriesChanged` when the database is not the one that the file speaks
    ///   of; `StateStoreError`.
    public static func open(
        store: StateStore, projections: [any Projection] = [], signing signer: LedgerSigner? = nil,
        keeping file: CheckpointFile? = nil
    ) throws -> Ledger {
        precondition(
            Set(projections.map(\.name)).count == projections.count, "two projections have the same name")
        try store.migrate(LedgerTables.migrations + projections.flatMap(\.migrations))
        let tree = try store.readBlocking { db in
            try CompactTree(size: LedgerTables.size(in: db)) { try LedgerTables.node(at: $0, in: db) }
        }
        let keptSize = try compare(store, with: file, signer: signer)
        let ledger = Ledger(
            store: store, projections: projections, signer: signer, file: file, tree: tree, keptSize: keptSize)
        try ledger.catchUpProjections()
        return ledger
    }

    /// The number of entries and the Merkle root over them, as committed.
    public var head: TreeHead { state.withLock { TreeHead(size: $0.tree.size, root: $0.tree.root) } }

    var keptSize: Int64 {
        get { state.withLock { $0.keptSize } }
        set { state.withLock { $0.keptSize = newValue } }
    }

    /// Reads, proves, verifies and exports what is committed.
    public var reader: LedgerReader { LedgerReader(store: store) }

    /// - Throws: `LedgerError` when an event cannot be written or a projection refuses it, `StateStoreError` when the file
    ///   cannot. In both cases none of `events` is kept.
    @discardableResult
    public func record(_ events: [Event]) async throws -> Int64 {
        try await append(events, expecting: nil)
    }

    /// Appends `events` only if the ledger has `size` entries: for a decision that rests on what its maker has read.
    /// - Returns: the sequence of the first of `events`.
    /// - Throws: `LedgerError` with `sizeChanged` when somebody else was first, and what `record` throws.
    @discardableResult
    public func append(_ events: [Event], expecting size: Int64) async throws -> Int64 {
        try await append(events, expecting: Optional(size))
    }

    // Once in line an append is carried out whether its caller is cancelled or not, and the caller learns the outcome.
    private func append(_ events: [Event], expecting size: Int64?) async throws -> Int64 {
        var payloads: [String] = []
        for event in events { payloads.append(try LeafEncoding.payloadText(of: event)) }
        return try await withCheckedThrowingContinuation { continuation in
            let pending = PendingAppend(
                events: events, payloads: payloads, expectedSize: size, continuation: continuation)
            let mustOrder = state.withLock { state in
                state.waiting.append(pending)
                defer { state.turnIsOrdered = true }
                return !state.turnIsOrdered
            }
            if mustOrder { store.enqueueWrite { db in self.commitWaiting(in: db) } }
        }
    }

    /// One turn of the writer.
    private func commitWaiting(in db: Database) {
        let (batch, committedTree) = state.withLock { state in
            defer {
                state.waiting = []
                state.turnIsOrdered = false
            }
            return (state.waiting, state.tree)
        }
        var turn = Turn(tree: committedTree)
        do {
            do {
                try commit(batch, &turn, in: db)
            } catch let error where store.isDiskFull(error) && store.releaseReserve() {
                // There is some room now, and what waits may be the news of the full disk.
                turn = Turn(tree: committedTree)
                try commit(batch, &turn, in: db)
            }
        } catch {
            let failure = store.wrapping(error)
            for append in batch { append.continuation.resume(throwing: failure) }
            return
        }
        state.withLock { $0.tree = turn.tree }
        for (append, result) in zip(batch, turn.results) { append.continuation.resume(with: result) }
        observers.send(turn.entries)
    }

    /// What a turn of the writer has brought about.
    private struct Turn {
        var tree: CompactTree
        var entries: [Entry] = []
        var results: [Result<Int64, any Error>] = []
    }

    private func commit(_ batch: [PendingAppend], _ turn: inout Turn, in db: Database) throws {
        let sizeBefore = turn.tree.size
        try db.inTransaction(.immediate) {
            for append in batch {
                var grown = turn.tree
                var added: [Entry] = []
                do {
                    try db.inSavepoint {
                        added = try insert(append, into: &grown, in: db)
                        return .commit
                    }
                    turn.results.append(.success(turn.tree.size))
                    turn.tree = grown
                    turn.entries += added
                } catch let error as DatabaseError {
                    // A fault of the file (disk full) has undone the whole transaction, not this savepoint alone.
                    guard db.isInsideTransaction, !store.isDiskFull(error) else { throw error }
                    turn.results.append(.failure(store.wrapping(error)))
                } catch {
                    guard db.isInsideTransaction else { throw error }
                    turn.results.append(.failure(error))
                }
            }
            if turn.tree.size > sizeBefore {
                try LedgerTables.moveProjections(to: turn.tree.size, in: db, projections)
            }
            return .commit
        }
    }

    private func insert(_ append: PendingAppend, into tree: inout CompactTree, in db: Database) throws -> [Entry] {
        if let expected = append.expectedSize, expected != tree.size {
            throw LedgerError(.sizeChanged(expected: expected, actual: tree.size))
        }
        var added: [Entry] = []
        for (event, payloadText) in zip(append.events, append.payloads) {
            let entry = Entry(sequence: tree.size, event: event)
            let line = LeafEncoding.line(of: entry, payloadText: payloadText)
            guard line.utf8.count <= LeafEncoding.byteCountMax else {
                throw LedgerError(.entryTooLarge(kind: event.kind.rawValue, bytes: line.utf8.count))
            }
            try LedgerTables.insert(entry, payloadText: payloadText, in: db)
            try tree.append(leaf: .leaf(line.utf8)) { try LedgerTables.insert($1, at: $0, in: db) }
            for projection in projections {
                do {
                    try projection.apply(entry, in: db)
                } catch let error as DatabaseError where StateStoreError.isFault(error) {
                    // The file is at fault (a full disk), not the entry, and the whole transaction may be gone already.
                    throw error
                } catch {
                    throw LedgerError(
                        .projectionRefused(projection: projection.name, kind: event.kind.rawValue), cause: error)
                }
            }
            added.append(entry)
        }
        return added
    }
}

/// What a checkpoint signs: so many entries, and the hash that stands for all of them.
public struct TreeHead: Sendable, Hashable {
    public let size: Int64
    public let root: MerkleHash

    public init(size: Int64, root: MerkleHash) {
        self.size = size
        self.root = root
    }
}

private struct PendingAppend: Sendable {
    let events: [Event]
    let payloads: [String]
    let expectedSize: Int64?
    let continuation: CheckedContinuation<Int64, any Error>
}
