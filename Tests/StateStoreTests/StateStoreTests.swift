import Diagnostics
import FoundationEssentials
import GRDB
import Glibc
import StateStore
import Testing

/// Goal: the file opens, migrates once, keeps what was written, and says what is wrong with it.
/// Method: real files in a temporary folder; faults are made by hand in the file.
@Suite struct StateStoreTests {
    let folder = TemporaryFolder()

    static let notes = Migration("notes.1") { db in
        try db.execute(sql: "CREATE TABLE note (text TEXT NOT NULL UNIQUE)")
    }

    @Test func `what was written is there after reopening`() async throws {
        let path = folder.path("jaga.db")
        let store = try StateStore.open(at: path, migrations: [Self.notes])
        try await store.write { try $0.execute(sql: "INSERT INTO note VALUES ('kept')") }
        try store.close()
        let again = try StateStore.open(at: path, migrations: [Self.notes])
        #expect(try await again.read { try String.fetchAll($0, sql: "SELECT text FROM note") } == ["kept"])
    }

    @Test func `only its owner can read the file and its log`() async throws {
        let path = folder.path("jaga.db")
        let store = try StateStore.open(at: path, migrations: [Self.notes])
        try await store.write { try $0.execute(sql: "INSERT INTO note VALUES ('x')") }
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            try #require(stat(path + suffix, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `a migration that fails leaves no trace and runs again`() async throws {
        let path = folder.path("jaga.db")
        let broken = Migration("broken.1") { db in
            try db.execute(sql: "CREATE TABLE half (x)")
            try db.execute(sql: "this is not SQL")
        }
        let error = #expect(throws: StateStoreError.self) {
            _ = try StateStore.open(at: path, migrations: [Self.notes, broken])
        }
        #expect(error?.summary == "step 'broken.1' of bringing '\(path)' up to date failed")
        let mended = Migration("broken.1") { try $0.execute(sql: "CREATE TABLE half (x)") }
        let store = try StateStore.open(at: path, migrations: [Self.notes, mended])
        #expect(try await store.read { try $0.tableExists("half") })
    }

    @Test func `a write that throws changes nothing`() async throws {
        struct Refused: Error {}
        let store = try StateStore.open(at: folder.path("jaga.db"), migrations: [Self.notes])
        await #expect(throws: Refused.self) {
            try await store.write { db in
                try db.execute(sql: "INSERT INTO note VALUES ('x')")
                throw Refused()
            }
        }
        #expect(try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM note") } == 0)
    }

    @Test func `a broken constraint reaches the caller as SQLite says it`() async throws {
        let store = try StateStore.open(at: folder.path("jaga.db"), migrations: [Self.notes])
        try await store.write { try $0.execute(sql: "INSERT INTO note VALUES ('x')") }
        let error = await #expect(throws: DatabaseError.self) {
            try await store.write { try $0.execute(sql: "INSERT INTO note VALUES ('x')") }
        }
        #expect(error?.resultCode == .SQLITE_CONSTRAINT)
    }

    @Test func `a file that is no database is named as such`() throws {
        let path = folder.path("jaga.db")
        try folder.write("this is a text file, long enough to look at ".repeated(40), to: "jaga.db")
        let error = #expect(throws: StateStoreError.self) { _ = try StateStore.open(at: path) }
        #expect(error?.code == .notADatabase)
        #expect(error?.summary == "'\(path)' is not a SQLite database")
    }

    @Test func `a missing folder is named with what to do`() {
        let path = folder.path("nowhere/jaga.db")
        let error = #expect(throws: StateStoreError.self) { _ = try StateStore.open(at: path) }
        #expect(error?.code == .unreachable)
        #expect(error?.oneLine.contains("No such file or directory") == true)
    }

    @Test func `reading beside an open store sees what is committed and cannot write`() async throws {
        let path = folder.path("jaga.db")
        let store = try StateStore.open(at: path, migrations: [Self.notes])
        try await store.write { try $0.execute(sql: "INSERT INTO note VALUES ('seen')") }
        let reader = try StateStore.openForReading(at: path)
        #expect(try await reader.read { try String.fetchOne($0, sql: "SELECT text FROM note") } == "seen")
        let error = await #expect(throws: StateStoreError.self) {
            try await reader.write { try $0.execute(sql: "DELETE FROM note") }
        }
        #expect(error?.code == .readOnly)
    }
}

extension StateStoreTests {
    /// Readers were open, which a pool ends last.
    @Test func `after it was closed the file alone is a whole copy`() async throws {
        let path = folder.path("jaga.db")
        let store = try StateStore.open(at: path)
        try await store.write { try $0.execute(sql: "CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('kept')") }
        _ = try await store.read { try String.fetchAll($0, sql: "SELECT text FROM note") }
        try store.close()
        try FileManager.default.copyItem(atPath: path, toPath: folder.path("copy.db"))
        let copy = try StateStore.openForReading(at: folder.path("copy.db"))
        #expect(try await copy.read { try String.fetchAll($0, sql: "SELECT text FROM note") } == ["kept"])
    }
}

extension String {
    func repeated(_ count: Int) -> String { String(repeating: self, count: count) }
}

/// A folder of its own for each test, gone afterwards.
final class TemporaryFolder {
    let root: String

    init() {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/jaga-state-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("mkdtemp failed with \(errno)") }
        root = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func write(_ text: String, to name: String) throws {
        let file = try #require(fopen(path(name), "w"))
        fputs(text, file)
        fclose(file)
    }

    deinit {
        // A connection that is just being closed takes away files of its own, which the removal then misses and gives up; some rounds later it is gone.
        for _ in 0..<100 where access(root, F_OK) == 0 { try? FileManager.default.removeItem(atPath: root) }
    }
}
