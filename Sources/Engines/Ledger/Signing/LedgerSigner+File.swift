import GRDB
import Glibc
public import StateStore

extension LedgerSigner {
    static let wrongMode = "others can read it, its mode must be 600"

    /// The key for a start of the daemon: the one at `path`; a new one when `store` has never been signed.
    ///
    /// Where there are checkpoints and no key, a new key would hide that the old one is gone. It is made only when somebody
    /// has left a file `path` + `.lost` to say so; `keyIsAnnounced` takes that away when the change is entered.
    /// - Throws: `LedgerError` with `missingKey` or `unreadableKey`, `StateStoreError`.
    public static func load(
        at path: String, orCreateFor store: StateStore, keptIn file: CheckpointFile, name: String
    ) throws -> LedgerSigner {
        if access(path, F_OK) != 0, access(lostPath(path), F_OK) != 0 {
            let isSigned = try store.readBlocking { db in
                try db.tableExists("ledger_key")
                    && (Int.fetchOne(db, sql: "SELECT count(*) FROM ledger_key") ?? 0) > 0
            }
            // A file that cannot be read is one that was written.
            let isKept = access(file.path, F_OK) == 0
            if isSigned || isKept { throw LedgerError(.missingKey(path: path)) }
        }
        return try load(orCreateAt: path, name: name)
    }

    /// Takes away the sign by which somebody accepted a new key, once that key is in the ledger.
    public static func keyIsAnnounced(at path: String) throws(LedgerError) {
        guard unlink(lostPath(path)) == 0 || errno == ENOENT else { throw fault(lostPath(path)) }
    }

    private static func lostPath(_ path: String) -> String { path + ".lost" }

    /// Reads the key at `path`, or makes one and keeps it there with mode 600.
    ///
    /// A new file is written beside, fsynced and linked to its name, so that a crash leaves a whole key or none and two starts
    /// at once agree on one.
    /// - Parameter name: the name of a new key; an existing one keeps its own.
    /// - Throws: `LedgerError`.
    public static func load(orCreateAt path: String, name: String) throws(LedgerError) -> LedgerSigner {
        if access(path, F_OK) != 0 {
            let signer = try LedgerSigner(name: name)
            try write(signer.fileText, to: path)
        }
        return try load(at: path)
    }

    /// - Throws: `LedgerError` when the file is missing, holds no key, or can be read by others than its owner.
    public static func load(at path: String) throws(LedgerError) -> LedgerSigner {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw fault(path) }
        guard status.st_mode & 0o077 == 0 else {
            throw LedgerError(.unreadableKey(path: path, reason: wrongMode))
        }
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw fault(path) }
        do {
            return try LedgerSigner(parsing: String(decoding: buffer.prefix(count), as: UTF8.self))
        } catch {
            throw LedgerError(.unreadableKey(path: path, reason: error.summary))
        }
    }

    private static func write(_ text: String, to path: String) throws(LedgerError) {
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fault(path) }
        defer { unlink(temporary) }
        let bytes = Array(text.utf8)
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let cause = fault(path)
        close(descriptor)
        guard isWritten else { throw cause }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw fault(path) }
        let folder = open(
            path.contains("/") ? String(path[..<path.lastIndex(of: "/")!]) + "/" : ".", O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw fault(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw fault(path) }
    }

    /// `errno` in words.
    private static func fault(_ path: String) -> LedgerError {
        LedgerError(.unreadableKey(path: path, reason: String(cString: strerror(errno))))
    }
}
