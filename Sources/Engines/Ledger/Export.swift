import GRDB
import JSONCoding
import StateStore

// An export is read in pieces, each in a short transaction of its own, so that a slow taker keeps neither the whole text in
// memory nor a snapshot open (which would let the write-ahead log grow). Entries never change, so the pieces fit together;
// what is appended while the export goes on is left out, by the sizes noted at its beginning.

extension LedgerReader {
    /// Begins an export: the ledger as lines of JSON (`docs/formats/ledger.md`), as it is now.
    /// - Parameter signer: signs a checkpoint over all entries at the end, where the last stored one covers fewer.
    /// - Throws: `StateStoreError`.
    public func export(signing signer: LedgerSigner? = nil) async throws -> LedgerExport {
        let (state, header) = try await store.read { db in
            var verifiers = try LedgerTables.verifierKeys(in: db)
            if let signer, !verifiers.contains(signer.verifier) { verifiers.append(signer.verifier) }
            let header: JSONValue = [
                "format": .string(ExportFormat.name), "version": .integer(ExportFormat.version),
                "verifiers": .array(verifiers.map { .string($0.description) }),
            ]
            let state = LedgerExport.State(
                entryEnd: try LedgerTables.size(in: db),
                checkpointMax: try Int64.fetchOne(db, sql: "SELECT max(size) FROM ledger_checkpoint") ?? 0)
            return (state, header.canonicalText + "\n")
        }
        return LedgerExport(store: store, signer: signer, state: state, header: header)
    }

    /// Hands the whole export to `write`, whole lines at a time.
    /// - Returns: the number of entries.
    /// - Throws: `StateStoreError`, and what `write` throws.
    @discardableResult
    public func export(
        signing signer: LedgerSigner? = nil, to write: (String) async throws -> Void
    ) async throws -> Int64 {
        let export = try await export(signing: signer)
        while let piece = try await export.nextPiece() { try await write(piece) }
        return await export.entryCount
    }
}

/// An export under way, taken piece by piece. Its memory does not grow with the ledger.
public actor LedgerExport {
    /// A piece ends with the line that makes it this long. One line has at most a megabyte.
    static let pieceBytes = 128 * 1024

    struct State: Sendable {
        let entryEnd: Int64
        let checkpointMax: Int64
        var nextEntry: Int64 = 0
        var nextCheckpoint: Int64 = 0
        var tree = CompactTree()
        var signedSize: Int64 = 0
        var isAtEnd = false
    }

    private let store: StateStore
    private let signer: LedgerSigner?
    private var state: State
    private var header: String?

    init(store: StateStore, signer: LedgerSigner?, state: State, header: String) {
        self.store = store
        self.signer = signer
        self.state = state
        self.header = header
    }

    /// Entries in the pieces taken so far.
    public var entryCount: Int64 { state.tree.size }

    /// - Returns: whole lines, each ended with a line feed; nil after the last piece.
    /// - Throws: `StateStoreError`.
    public func nextPiece() async throws -> String? {
        if let header {
            self.header = nil
            return header
        }
        guard !state.isAtEnd else { return nil }
        let (before, signer) = (state, signer)
        let (piece, after) = try await store.read { db in
            var state = before
            let piece = try Self.read(&state, signer, in: db)
            return (piece, state)
        }
        state = after
        // Only a ledger without entries and checkpoints has nothing to say here.
        return piece.isEmpty ? nil : piece
    }

    private static func read(_ state: inout State, _ signer: LedgerSigner?, in db: Database) throws -> String {
        let notes = try Row.fetchCursor(
            db, sql: "SELECT size, note FROM ledger_checkpoint WHERE size >= ? AND size <= ? ORDER BY size",
            arguments: [state.nextCheckpoint, state.checkpointMax])
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(LedgerTables.entryColumns) FROM ledger_entry WHERE sequence >= ? AND sequence < ?
                ORDER BY sequence
                """, arguments: [state.nextEntry, state.entryEnd])
        var piece = ""
        func nextNote() throws -> (size: Int64, note: String)? { try notes.next().map { ($0[0], $0[1]) } }
        var note = try nextNote()
        func takeNote() throws {
            guard let (size, text) = note else { return }
            piece += ExportFormat.line(ofCheckpoint: text)
            state.signedSize = max(state.signedSize, min(size, state.tree.size))
            state.nextCheckpoint = size + 1
            note = try nextNote()
        }
        while true {
            while let size = note?.size, size <= state.tree.size { try takeNote() }
            guard piece.utf8.count < pieceBytes else { return piece }
            guard let row = try rows.next() else { break }
            let line = LedgerTables.line(row)
            state.tree.append(leaf: .leaf(line.utf8))
            state.nextEntry = (row[0] as Int64) + 1
            piece += line + "\n"
        }
        // Checkpoints over more entries than there are: the reader of the export shall see that too.
        while note != nil { try takeNote() }
        if let signer, state.signedSize < state.tree.size {
            let head = TreeHead(size: state.tree.size, root: state.tree.root)
            piece += ExportFormat.line(ofCheckpoint: Checkpoint(of: head, signedBy: signer).note)
        }
        state.isAtEnd = true
        return piece
    }
}

enum ExportFormat {
    static let name = "jaga-ledger-export"
    static let version: Int64 = 1

    static func line(ofCheckpoint note: String) -> String { "{\"checkpoint\":\(JSONValue.quoted(note))}\n" }
}
