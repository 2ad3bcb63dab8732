import FoundationEssentials
import GRDB
import Glibc
import StateStore
import TestSupport
import Testing

/// Goal: what has to be written when the disk is full can be written, also after a restart, and the reserve comes back when there is room.
/// Method: a real file on a small file system that is filled to the last byte.
@Suite struct ReserveTests {
    let folder = TemporaryFolder()

    private static let notes = Migration("notes.1") { db in
        try db.execute(sql: "CREATE TABLE note (text TEXT NOT NULL)")
    }

    /// One row a transaction, as the ledger writes.
    private func write(_ count: Int, to store: StateStore) async throws {
        for number in 0..<count {
            try await store.write { db in
                try db.execute(
                    sql: "INSERT INTO note VALUES (?)", arguments: ["\(number) " + String(repeating: "x", count: 600)])
            }
        }
    }

    private func count(_ store: StateStore) async throws -> Int? {
        try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM note") }
    }

    private func freeBytes(_ store: StateStore) async throws -> Int64 {
        try await store.read { db in
            try Int64.fetchOne(
                db, sql: "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size")
                ?? 0
        }
    }

    @Test func `a full disk takes rows, for which the file has kept room`() async throws {
        guard let disk = SmallDisk(at: folder.path("disk"), byteCount: 32 << 20) else {
            try Test.cancel("no small file system can be mounted here")
        }
        let store = try StateStore.open(at: "\(disk.path)/jaga.db", migrations: [Self.notes])
        try await store.keepReserve()
        #expect(try await freeBytes(store) >= StateStore.reserveByteCount)
        // One without a reserve, to see that the disk is as full as it should be.
        let bare = try StateStore.open(at: "\(disk.path)/bare.db", migrations: [Self.notes])
        try disk.fill()
        let error = await #expect(throws: StateStoreError.self) { try await write(1000, to: bare) }
        #expect(error?.code == .diskFull)
        try await write(3000, to: store)
        #expect(try await count(store) == 3000)
        #expect(disk.availableBytes == 0)
        // Nothing is made up for while there is no room, and nothing breaks by trying.
        try await store.keepReserve()
        try await write(100, to: store)

        disk.makeRoom()
        try await store.keepReserve()
        #expect(try await freeBytes(store) >= StateStore.reserveByteCount)
        var facts = stat()
        #expect(stat("\(disk.path)/jaga.db.reserve", &facts) == 0)
        try store.close()
    }

    @Test func `a start on a full disk finds the room that the last run kept`() async throws {
        guard let disk = SmallDisk(at: folder.path("disk"), byteCount: 32 << 20) else {
            try Test.cancel("no small file system can be mounted here")
        }
        let path = "\(disk.path)/jaga.db"
        let first = try StateStore.open(at: path, migrations: [Self.notes])
        try await write(10, to: first)
        try await first.keepReserve()
        // The end of a run cuts SQLite's log off, and the next one needs a new one.
        try first.close()
        var facts = stat()
        #expect(stat(path + "-wal", &facts) != 0 || facts.st_size == 0)
        try disk.fill()
        let second = try StateStore.open(at: path, migrations: [Self.notes])
        #expect(try await count(second) == 10)
        // What the start gave back goes to somebody else.
        try disk.fill()
        try await write(1500, to: second)
        #expect(try await count(second) == 1510)
        // And once more: now the room of the log is all that is left.
        try second.close()
        try disk.fill()
        let third = try StateStore.open(at: path, migrations: [Self.notes])
        try disk.fill()
        try await write(100, to: third)
        #expect(try await count(third) == 1610)
        try third.close()
    }

    @Test func `a start on a full disk without a reserve says what is wrong`() async throws {
        guard let disk = SmallDisk(at: folder.path("disk"), byteCount: 8 << 20) else {
            try Test.cancel("no small file system can be mounted here")
        }
        let path = "\(disk.path)/jaga.db"
        try StateStore.open(at: path, migrations: [Self.notes]).close()
        try? FileManager.default.removeItem(atPath: path + ".reserve")
        try disk.fill()
        let error = #expect(throws: StateStoreError.self) { try StateStore.open(at: path, migrations: [Self.notes]) }
        #expect(error?.code == .diskFull)
        #expect(error?.hint?.contains("Free some space") == true)
    }

    @Test func `what a round that was cut off left is cleared away`() async throws {
        let store = try StateStore.open(at: folder.path("jaga.db"), migrations: [Self.notes])
        try await store.write { try $0.execute(sql: "INSERT INTO reserve (filler) VALUES (randomblob(100000))") }
        try await store.keepReserve()
        #expect(try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM reserve") } == 0)
        #expect(try await freeBytes(store) >= StateStore.reserveByteCount)
        // Again it costs nothing.
        let before = try await freeBytes(store)
        try await store.keepReserve()
        #expect(try await freeBytes(store) == before)
    }
}
