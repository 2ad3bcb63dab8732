import GRDB
import Glibc

// A full disk is the moment at which somebody has to be told, and telling begins with a write: nothing is sent before it is in the
// ledger. So the state file keeps room of its own, in three places that other programs cannot take:
//
//     free pages       in `jaga.db`: rows are written to pages that the file has already
//     the log          `jaga.db-wal`: as long as the reserve, and written over from its beginning again and again
//     `jaga.db.reserve` a file that is removed when the other two do not do: at a start, where SQLite makes its log anew, and on file
//                      systems that never write in place (btrfs, ZFS)
//
// The first two are made by one trick: rows of filler as large as the reserve are inserted, brought into the file, and deleted. SQLite
// shortens neither the file nor its log by itself (<https://www.sqlite.org/fileformat2.html#the_freelist>,
// <https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files>), so the blocks stay ours. The filler is random, since a file
// system that compresses would keep nothing for zeros.
//
// Free pages are what every write takes first, also on a day with room. So they are looked at each minute and made up for.

extension StateStore {
    /// Bytes of free pages, and of the log: about two thousand entries of the ledger, while there are four or five to an alert.
    public static let reserveByteCount: Int64 = 3 << 20
    /// The file: the log of the size above, its index, and the small files of a start.
    static let reserveFileByteCount: Int64 = 4 << 20
    /// The log is brought into the file when it has so many pages; well below its reserve, so that it need not grow while a
    /// reader holds it up for a while. 1.6 MB of the usual 4096 bytes a page.
    static let logPageCount = 400
    static let reserveInterval = Duration.seconds(60)
    /// Made anew only where it takes no more than a quarter of what is free: the reserve must not be what fills a disk.
    private static let roomFactor: Int64 = 4
    private static let fillerByteCount: Int64 = 256 << 10

    static let reserveMigration = Migration("state.reserve.1") { db in
        try db.execute(sql: "CREATE TABLE reserve (filler BLOB NOT NULL) STRICT")
    }

    var reservePath: String { Self.reservePath(of: path) }
    static func reservePath(of path: String) -> String { path + ".reserve" }

    /// Sees to the reserve at once and every minute, until the task is cancelled.
    /// - Parameter report: told of failures other than a full disk, for which the reserve is there.
    public func keepReserve(clock: some Clock<Duration>, report: (any Error) -> Void) async {
        repeat {
            do {
                try await keepReserve()
            } catch is CancellationError {
                return
            } catch let error as StateStoreError where error.code == .diskFull {
                // The next round tries again; what could be had is kept.
            } catch {
                report(error)
            }
            // A sleep fails only by being cancelled, which ends the loop.
        } while (try? await clock.sleep(for: Self.reserveInterval)) != nil
    }

    /// Makes up for what of the reserve was used, as far as there is room.
    /// - Throws: `StateStoreError`; then the reserve is as it was, or larger.
    public func keepReserve() async throws {
        do {
            try await onWriter { db in
                try self.makeRoom(in: db)
                try Self.makeReserveFile(of: self.path)
            }
        } catch let error as DatabaseError {
            throw StateStoreError.wrapping(error, path: path)
        }
    }

    /// Gives the space of the reserve file back to the disk, for the next write.
    /// - Returns: false where there was none.
    package func releaseReserve() -> Bool { Self.releaseReserve(of: path) }

    static func releaseReserve(of path: String) -> Bool { unlink(reservePath(of: path)) == 0 }

    /// Whether the disk has less room than a start takes.
    static func isShort(_ path: String) -> Bool { availableBytes(at: path).map { $0 < reserveFileByteCount } ?? false }

    /// Whether a start failed for want of space.
    static func isFull(_ error: any Error, _ path: String) -> Bool {
        guard isShort(path), let error = error as? StateStoreError else { return false }
        return switch error.code {
        case .diskFull, .inputOutput, .unreachable, .migrationFailed: true
        case .missing, .notADatabase, .damaged, .readOnly, .busy: false
        }
    }

    /// The log at a start on a full disk, before anybody else takes what is left: from what there is, else from the reserve file. A part of
    /// it is better than none.
    func makeLastRoom(in db: Database) {
        do {
            try makeRoom(in: db)
        } catch let error where isDiskFull(error) && releaseReserve() {
            // Half of it is better than none, and what is written next says what is wrong.
            try? makeRoom(in: db)
        } catch {
            // What is written next says what is wrong.
        }
    }

    /// At the end the log goes, and its room with it. On a full disk without a reserve file that room is for the next start.
    static func keepForNextStart(_ path: String) {
        let size = min(availableBytes(at: path) ?? 0, reserveFileByteCount)
        guard isShort(path), size > fillerByteCount, access(reservePath(of: path), F_OK) != 0 else { return }
        // As much as can be had: the next start needs most of it, and fails with a reason where that is too little.
        try? allocate(reservePath(of: path), size)
    }

    /// Free pages and a long log. Runs on the writer's queue, outside a transaction.
    func makeRoom(in db: Database) throws {
        // What a round that was cut off left.
        if try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM reserve)") == true { try Self.deleteFiller(db) }
        let pageByteCount = try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
        let free = try (Int64.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0) * pageByteCount
        let isRoomy = (Self.availableBytes(at: path) ?? 0) >= Self.roomFactor * Self.reserveByteCount
        // Without room for a longer file the log alone is made, with filler that fits into the pages that are free: were the file to
        // grow, bringing the log into it would fail, and the log could not be begun anew.
        let wanted = isRoomy ? Self.reserveByteCount : min(free - Self.fillerByteCount, Self.reserveByteCount)
        let isShortOfPages = isRoomy && free < Self.reserveByteCount / 2
        guard wanted > 0, isShortOfPages || Self.byteCount(of: path + "-wal") < wanted else { return }
        try db.inTransaction(.immediate) {
            for _ in 0..<(wanted + Self.fillerByteCount - 1) / Self.fillerByteCount {
                try db.execute(
                    sql: "INSERT INTO reserve (filler) VALUES (randomblob(?))", arguments: [Self.fillerByteCount])
            }
            return .commit
        }
        // The file gets its blocks here. A reader that holds it up costs nothing but a later round of the log.
        _ = try db.checkpoint(.passive)
        try Self.deleteFiller(db)
    }

    private static func deleteFiller(_ db: Database) throws {
        // Random bytes need not be written over, which Debian's SQLite does with everything that is deleted.
        let isSecure = try Int.fetchOne(db, sql: "PRAGMA secure_delete") ?? 0
        _ = try Int.fetchOne(db, sql: "PRAGMA secure_delete = 0")
        defer { _ = try? Int.fetchOne(db, sql: "PRAGMA secure_delete = \(isSecure)") }
        try db.execute(sql: "DELETE FROM reserve")
    }

    private static func makeReserveFile(of path: String) throws {
        let reserve = reservePath(of: path)
        guard byteCount(of: reserve) < reserveFileByteCount,
            let available = availableBytes(at: path), available >= roomFactor * reserveFileByteCount
        else { return }
        try allocate(reserve, reserveFileByteCount)
    }

    private static func allocate(_ reserve: String, _ byteCount: Int64) throws {
        let descriptor = Glibc.open(reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StateStoreError(.inputOutput, path: reserve, cause: SystemCallFault(errno: errno))
        }
        defer { Glibc.close(descriptor) }
        // Unlike the others this one returns the number.
        let fault = posix_fallocate(descriptor, 0, off_t(byteCount))
        guard fault == 0 else {
            unlink(reserve)
            throw StateStoreError(
                fault == ENOSPC || fault == EDQUOT ? .diskFull : .inputOutput, path: reserve,
                cause: SystemCallFault(errno: fault))
        }
    }

    /// 0 for a file that is not there.
    private static func byteCount(of path: String) -> Int64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int64(facts.st_size) : 0
    }

    /// What this user may still write beside `path`; nil where the system does not say.
    static func availableBytes(at path: String) -> Int64? {
        var facts = statvfs()
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) + "/" } ?? "."
        guard statvfs(folder, &facts) == 0 else { return nil }
        return Int64(clamping: UInt64(facts.f_bavail) &* UInt64(facts.f_frsize))
    }
}
