import GRDB
import JSONCoding
import StateStore

extension LedgerReader {
    /// Writes the whole ledger as lines of JSON (`docs/formats/ledger.md`), each ended with a line feed, as one snapshot.
    /// Memory does not grow with the ledger.
    /// - Parameters:
    ///   - signer: signs a checkpoint over all entries at the end, where the last stored one covers fewer.
    ///   - write: called with one line at a time, on a thread of the store.
    /// - Returns: the number of entries.
    /// - Throws: `StateStoreError`, and what `write` throws.
    @discardableResult
    public func export(
        signing signer: LedgerSigner? = nil, to write: @escaping @Sendable (String) throws -> Void
    ) async throws -> Int64 {
        try await store.read { db in
            var verifiers = try LedgerTables.verifierKeys(in: db)
            if let signer, !verifiers.contains(signer.verifier) { verifiers.append(signer.verifier) }
            let header: JSONValue = [
                "format": .string(ExportFormat.name), "version": .integer(ExportFormat.version),
                "verifiers": .array(verifiers.map { .string($0.description) }),
            ]
            try write(header.canonicalText + "\n")
            let checkpoints = try Row.fetchCursor(
                db, sql: "SELECT size, note FROM ledger_checkpoint ORDER BY size")
            var checkpoint = try checkpoints.next().map { (size: $0[0] as Int64, note: $0[1] as String) }
            let rows = try Row.fetchCursor(
                db, sql: "SELECT \(LedgerTables.entryColumns) FROM ledger_entry ORDER BY sequence")
            var tree = CompactTree()
            var signedSize: Int64 = 0
            while true {
                while let (size, note) = checkpoint, size <= tree.size {
                    try write(ExportFormat.line(ofCheckpoint: note))
                    signedSize = size
                    checkpoint = try checkpoints.next().map { (size: $0[0] as Int64, note: $0[1] as String) }
                }
                guard let row = try rows.next() else { break }
                let line = LedgerTables.line(row)
                tree.append(leaf: .leaf(line.utf8))
                try write(line + "\n")
            }
            // Checkpoints over more entries than there are: the reader of the export shall see that too.
            while let (_, note) = checkpoint {
                try write(ExportFormat.line(ofCheckpoint: note))
                checkpoint = try checkpoints.next().map { (size: $0[0] as Int64, note: $0[1] as String) }
            }
            if let signer, signedSize < tree.size {
                let head = TreeHead(size: tree.size, root: tree.root)
                try write(ExportFormat.line(ofCheckpoint: Checkpoint(of: head, signedBy: signer).note))
            }
            return tree.size
        }
    }
}

enum ExportFormat {
    static let name = "jaga-ledger-export"
    static let version: Int64 = 1

    static func line(ofCheckpoint note: String) -> String { "{\"checkpoint\":\(JSONValue.quoted(note))}\n" }
}
