import Events
import GRDB
import JSONCoding
import StateStore
public import Units

extension Ledger {
    /// Compares the database with the checkpoint that was kept outside of it.
    /// - Returns: the size that the kept checkpoint covers, 0 without one.
    /// - Throws: `LedgerError` when entries are missing or are not those that were signed.
    static func compare(_ store: StateStore, with file: CheckpointFile?, signer: LedgerSigner?) throws -> Int64 {
        guard let file, let kept = try file.read() else { return 0 }
        return try store.readBlocking { db in
            let keys = try LedgerTables.verifierKeys(in: db) + (signer.map { [$0.verifier] } ?? [])
            guard keys.contains(where: { kept.isSigned(by: $0) }) else {
                throw LedgerError(
                    .unreadableCheckpoint(path: file.path, reason: "no key of this ledger has signed it"))
            }
            let size = try LedgerTables.size(in: db)
            guard size >= kept.head.size else {
                throw LedgerError(.entriesLost(kept: kept.head.size, actual: size, path: file.path))
            }
            guard try LedgerTables.prover(in: db).root(of: 0..<kept.head.size) == kept.head.root else {
                throw LedgerError(.entriesChanged(size: kept.head.size, path: file.path))
            }
            return kept.head.size
        }
    }

    /// Enters the loss that a person accepted by renaming the kept checkpoint, once, and signs it. Called at each start.
    /// - Throws: `LedgerError` when the renamed file is no checkpoint, `StateStoreError`.
    public func enterAcceptedLoss(at now: Timestamp) async throws {
        guard let file = checkpointFile, file.hasLost else { return }
        // A damaged file is accepted as lost too: its text is all that there is to say.
        let lost: Checkpoint?
        do { lost = try file.readLost() } catch { lost = nil }
        let note = lost?.note ?? ""
        let filter = EntryFilter(kindPrefix: EventKind.ledgerLossAccepted.rawValue, limit: 1)
        let last = try await reader.entries(matching: filter).first?.event.payload["checkpoint"]?.stringValue
        // Killed between the entry and the removal of the file: it is entered already.
        if last != note || lost == nil {
            try await record([
                Event(
                    at: now, by: Actor(.system, "operator"), .ledgerLossAccepted, "ledger",
                    [
                        "lostSize": .integer(lost?.head.size ?? 0),
                        "lostRoot": .string(lost?.head.root.description ?? ""), "checkpoint": .string(note),
                        "size": .integer(head.size),
                    ])
            ])
        }
        try await checkpoint(at: now)
        try file.removeLost()
    }
}
