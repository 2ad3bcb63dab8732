import DurableFiles
import Glibc

// The ledger proves that nothing in it was changed, but a database that was emptied, or put back from an old copy, proves
// that as well: it is a ledger too, only a shorter one. So the newest signed checkpoint is kept in a file of its own, and a
// start compares:
//
//     file                         database                        start
//     none                         anything                        goes on; the first checkpoint makes the file
//     size s, root r, signed       s entries or more, root(s) = r  goes on
//     size s, root r, signed       fewer, or another root          refused: entries were lost or changed
//     not signed by a known key    anything                        refused
//
// A checkpoint covers only what was committed before it, and the file is written after it. So a crash leaves a file that is
// older than the database, never a newer one.
//
// Where the entries are gone for good, a person says so by giving the file the name with `.lost` at its end. The next start
// finds no file, goes on, and enters the loss with the old checkpoint; then the `.lost` file goes.

/// Keeps the newest checkpoint beside the database.
public struct CheckpointFile: Sendable {
    /// A checkpoint has about 200 bytes.
    private static let byteCountMax = 64 * 1024

    public let path: String
    /// The name by which a person accepts that entries are lost.
    public var lostPath: String { path + ".lost" }

    public init(path: String) {
        self.path = path
    }

    /// - Returns: nil when there is no file.
    /// - Throws: `LedgerError` with `unreadableCheckpoint`.
    public func read() throws(LedgerError) -> Checkpoint? { try Self.read(path) }

    /// What was kept before a person accepted the loss; nil when nobody did.
    func readLost() throws(LedgerError) -> Checkpoint? { try Self.read(lostPath) }

    /// Whether a person has accepted a loss that is not entered yet.
    var hasLost: Bool { access(lostPath, F_OK) == 0 }

    /// Puts `checkpoint` in the place of the one that was kept. Durable when it returns.
    func keep(_ checkpoint: Checkpoint) throws {
        try RealFiles().replace(path, with: Array(checkpoint.note.utf8))
    }

    func removeLost() throws { try RealFiles().remove(lostPath) }

    private static func read(_ path: String) throws(LedgerError) -> Checkpoint? {
        let bytes: [UInt8]
        do {
            bytes = try RealFiles().contents(of: path, byteCountMax: byteCountMax)
        } catch {
            if error.code == .notFound { return nil }
            throw LedgerError(.unreadableCheckpoint(path: path, reason: error.summary), cause: error)
        }
        do {
            return try Checkpoint(parsing: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw LedgerError(.unreadableCheckpoint(path: path, reason: error.summary), cause: error)
        }
    }
}
