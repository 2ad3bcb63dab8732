import BlockingCalls
import Diagnostics
public import GRDB
import Glibc

// All state that matters lies in one SQLite file in WAL mode: readers never wait for the writer, and there is one writer.
// `synchronous=FULL` makes SQLite fsync the WAL at each commit, so a write that has returned survives a power cut
// (<https://www.sqlite.org/pragma.html#pragma_synchronous>; GRDB's own default for WAL is NORMAL, which does not).
//
// What is kept free for the day on which the disk is full: `StateStore+Reserve.swift`.
//
// The file is created with mode 600 before SQLite sees it, since SQLite gives `-wal` and `-shm` the mode of the file.

/// The SQLite file that holds the ledger and its projections.
public final class StateStore: Sendable {
    /// Where the file is.
    public let path: String
    private let database: any DatabaseWriter

    private init(path: String, database: any DatabaseWriter) {
        self.path = path
        self.database = database
    }

    /// How long a write waits for a lock that another process holds (a backup tool, a person with `sqlite3`).
    public static let busyLimitSeconds = 5.0

    /// Opens the file, creates it where it is missing (not its folder), and brings its tables up to date.
    /// - Parameter migrations: applied in this order, each once in the life of the file and in a transaction of its own.
    /// - Throws: `StateStoreError`, or what a migration throws.
    public static func open(at path: String, migrations: [Migration] = []) throws -> StateStore {
        do {
            return try openOnce(at: path, migrations)
        } catch let error where isFull(error, path) && releaseReserve(of: path) {
            return try openOnce(at: path, migrations)
        }
    }

    private static func openOnce(at path: String, _ migrations: [Migration]) throws -> StateStore {
        try createPrivateFile(at: path)
        do {
            var configuration = Configuration()
            configuration.label = "jaga.state"
            configuration.busyMode = .timeout(busyLimitSeconds)
            // Three readers serve the pages and the API.
            configuration.maximumReaderCount = 3
            configuration.prepareDatabase { db in
                try db.execute(sql: "PRAGMA temp_store = MEMORY")
                // In KiB, for each connection: the kernel keeps the file's pages anyway, once for all of them.
                try db.execute(sql: "PRAGMA cache_size = -512")
                _ = try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint = \(logPageCount)")
            }
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL")
                let level = try Int.fetchOne(db, sql: "PRAGMA synchronous")
                precondition(level == 2, "SQLite must fsync at each commit, its level is \(String(describing: level))")
            }
            let store = StateStore(path: path, database: pool)
            try store.migrate([reserveMigration] + migrations)
            if isShort(path) { store.database.writeWithoutTransaction { db in store.makeLastRoom(in: db) } }
            return store
        } catch let error as DatabaseError {
            let fault = StateStoreError(error, path: path)
            // The index of the log is not written but mapped, and its want of space looks like a fault of the disk.
            throw fault.code == .inputOutput && isShort(path)
                ? StateStoreError(.diskFull, path: path, cause: error) : fault
        }
    }

    /// Opens an existing file for reading alone: to verify it beside a running daemon or without one. Writes fail.
    /// - Throws: `StateStoreError`.
    public static func openForReading(at path: String) throws -> StateStore {
        guard access(path, F_OK) == 0 else { throw StateStoreError(.missing, path: path) }
        do {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(busyLimitSeconds)
            return StateStore(path: path, database: try DatabaseQueue(path: path, configuration: configuration))
        } catch let error as DatabaseError {
            throw StateStoreError(error, path: path)
        }
    }

    /// Runs `body` on one consistent snapshot, beside other readers and the writer: where the caller is, if it may block there.
    /// - Throws: what `body` throws; a fault of the file itself as `StateStoreError`; `CancellationError`.
    public func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        if BlockingThreads.mayBlockHere {
            try Task.checkCancellation()
            return try readBlocking(body)
        }
        do {
            return try await database.read(body)
        } catch let error as DatabaseError {
            throw StateStoreError.wrapping(error, path: path)
        }
    }

    /// Runs `body` in one transaction, after the writes before it. Durable when it returns; nothing happened when it throws.
    ///
    /// State that matters changes through the ledger; this is for what may be lost with the file (caches, sessions).
    /// - Throws: what `body` throws; a fault of the file itself as `StateStoreError`; `CancellationError`.
    public func write<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await database.write(body)
        } catch let error as DatabaseError {
            throw StateStoreError.wrapping(error, path: path)
        }
    }

    /// Runs `body` after the writes before it, outside a transaction.
    func onWriter(_ body: @escaping @Sendable (Database) throws -> Void) async throws {
        try await database.writeWithoutTransaction(body)
    }

    /// Brings everything from the write-ahead log into the file, so that the file alone is a whole copy, and closes all
    /// connections. Later reads and writes fail.
    public func close() throws {
        // SQLite would do so by itself at the end of the last connection, but a pool ends its readers last, and those may not
        // write. Where another process still reads, the log stays and is as good.
        _ = try? database.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        try database.close()
        Self.keepForNextStart(path)
    }
}

// The ledger's own ways in. They block the calling thread or answer on the writer's queue, and know no cancellation.
extension StateStore {
    package func readBlocking<T>(_ body: (Database) throws -> T) throws -> T {
        do {
            return try database.read(body)
        } catch let error as DatabaseError {
            throw StateStoreError.wrapping(error, path: path)
        }
    }

    package func writeBlocking<T>(_ body: (Database) throws -> T) throws -> T {
        do {
            return try database.write(body)
        } catch let error as DatabaseError {
            throw StateStoreError.wrapping(error, path: path)
        }
    }

    /// `error` as this store reports it.
    package func wrapping(_ error: any Error) -> any Error {
        (error as? DatabaseError).map { StateStoreError.wrapping($0, path: path) } ?? error
    }

    /// Whether `error` says that there is no space left.
    package func isDiskFull(_ error: any Error) -> Bool { (wrapping(error) as? StateStoreError)?.code == .diskFull }

    /// Puts `body` in line for the writer and returns at once. It runs outside a transaction and opens its own.
    package func enqueueWrite(_ body: @escaping @Sendable (Database) -> Void) {
        database.asyncWriteWithoutTransaction(body)
    }
}

/// An empty file of mode 600, where there is none.
private func createPrivateFile(at path: String) throws {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
        Glibc.close(descriptor)
    } else if errno != EEXIST {
        throw StateStoreError(.unreachable, path: path, cause: SystemCallFault(errno: errno))
    }
}

struct SystemCallFault: Error, CustomStringConvertible {
    let errno: Int32
    var description: String { String(cString: strerror(errno)) }
}
