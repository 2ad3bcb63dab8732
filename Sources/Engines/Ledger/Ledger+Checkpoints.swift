import Events
import GRDB
import JSONCoding
import StateStore
public import Units

extension Ledger {
    /// Signs the ledger as it stands and keeps the checkpoint, when there are entries that no checkpoint covers yet.
    /// - Returns: nil when there was nothing new or there is no key.
    /// - Throws: `StateStoreError`.
    @discardableResult
    public func checkpoint(at now: Timestamp) async throws -> Checkpoint? {
        guard let signer else { return nil }
        try await announceKey(of: signer, at: now)
        return try await onWriter { db in try self.keepCheckpoint(by: signer, at: now, in: db) }
    }

    /// Runs `body` on the writer's queue. Unlike `StateStore.write` it knows no cancellation: the last checkpoint is written
    /// by a task that has been cancelled.
    private func onWriter<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            store.enqueueWrite { db in
                let result = Result { try body(db) }
                continuation.resume(with: result.mapError { self.store.wrapping($0) })
            }
        }
    }

    /// Writes a checkpoint every `interval` in which something changed, and a last one when it is cancelled.
    /// - Parameter report: told of each failure (a full disk); the loop goes on and tries again.
    public func run(
        every interval: Duration = .seconds(60), clock: some Clock<Duration>, wallClock: any WallClock,
        report: @Sendable (any Error) -> Void
    ) async {
        // A sleep fails only by being cancelled, which ends the loop.
        while (try? await clock.sleep(for: interval)) != nil {
            do { try await checkpoint(at: wallClock.now) } catch { report(error) }
        }
        await close(at: wallClock.now, report: report)
    }

    /// Signs what is not signed yet and ends the streams of new entries. The store stays open.
    public func close(at now: Timestamp, report: (any Error) -> Void = { _ in }) async {
        do { try await checkpoint(at: now) } catch { report(error) }
        observers.finish()
    }

    private func keepCheckpoint(by signer: LedgerSigner, at now: Timestamp, in db: Database) throws -> Checkpoint? {
        let head = head
        let last = try Int64.fetchOne(db, sql: "SELECT max(size) FROM ledger_checkpoint") ?? 0
        guard head.size > last else {
            // The file could not be written then (a full disk), or was taken away.
            if keptSize < last { try keepOutside(newestIn: db) }
            return nil
        }
        let checkpoint = Checkpoint(of: head, signedBy: signer)
        try db.execute(
            sql: "INSERT INTO ledger_checkpoint (size, time_ms, note) VALUES (?, ?, ?)",
            arguments: [head.size, now.millisecondsSinceEpoch, checkpoint.note])
        try keepOutside(newestIn: db)
        return checkpoint
    }

    /// After the commit, so that the file never speaks of what the database does not have.
    private func keepOutside(newestIn db: Database) throws {
        guard let checkpointFile,
            let note = try String.fetchOne(db, sql: "SELECT note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")
        else { return }
        let checkpoint = try Checkpoint(parsing: note)
        try checkpointFile.keep(checkpoint)
        keptSize = checkpoint.head.size
    }

    /// A key that this file has not seen is noted beside it. Where it takes the place of another, that is an entry: somebody
    /// who verifies must be able to see when the key changed.
    private func announceKey(of signer: LedgerSigner, at now: Timestamp) async throws {
        let verifier = signer.verifier.description
        let known = try await onWriter { db in
            try String.fetchAll(db, sql: "SELECT verifier FROM ledger_key ORDER BY since_size, rowid")
        }
        guard !known.contains(verifier) else { return }
        if let previous = known.last {
            try await record([
                Event(
                    at: now, by: .jaga, .ledgerKeyChanged, "ledger/\(signer.verifier.name)",
                    ["verifier": .string(verifier), "previous": .string(previous)])
            ])
        }
        let size = head.size
        try await onWriter { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO ledger_key (verifier, since_size) VALUES (?, ?)",
                arguments: [verifier, known.isEmpty ? 0 : size])
        }
    }
}
