import Diagnostics
import Events
import GRDB
import JSONCoding
import Ledger
import StateStore
import Testing

/// Goal: an append is all or nothing, durable with its projections, and many callers share a commit without disturbing each other.
/// Method: a real SQLite file; one projection that refuses a certain text.
@Suite struct AppendTests {
    let folder = TemporaryFolder()

    func open(_ projections: [any Projection] = [NotesProjection()]) throws -> (StateStore, Ledger) {
        let store = try StateStore.open(at: folder.path("jaga.db"))
        return (store, try Ledger.open(store: store, projections: projections))
    }

    @Test func `sequences count from zero without gaps and projections move along`() async throws {
        let (store, ledger) = try open()
        #expect(try await ledger.record([note("a"), note("b")]) == 0)
        #expect(try await ledger.record([note("a")]) == 2)
        #expect(try await ledger.record([]) == 3)
        #expect(ledger.head.size == 3)
        #expect(try await NotesProjection.rows(in: store) == ["a 2 2", "b 1 1"])
    }

    @Test func `a refused entry takes the whole append with it and names the projection`() async throws {
        let (store, ledger) = try open()
        try await ledger.record([note("a")])
        let head = ledger.head
        let error = await #expect(throws: LedgerError.self) { try await ledger.record([note("b"), note("refuse")]) }
        #expect(error?.code == .projectionRefused(projection: "notes", kind: "note.added"))
        #expect(ledger.head == head)
        #expect(try await NotesProjection.rows(in: store) == ["a 1 0"])
        #expect(try await ledger.record([note("c")]) == 1)
    }

    @Test func `callers at the same time all get their place and a refused one disturbs nobody`() async throws {
        let (store, ledger) = try open()
        let firsts = await withTaskGroup(of: Int64?.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let text = number.isMultiple(of: 10) ? "refuse" : "n\(number)"
                    return try? await ledger.record([note(text), note("shared")])
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let given = firsts.compactMap { $0 }.sorted()
        #expect(given == (0..<180).map { Int64($0 * 2) })
        #expect(ledger.head.size == 360)
        let shared = try await store.read { try Int.fetchOne($0, sql: "SELECT count FROM note WHERE text = 'shared'") }
        #expect(shared == 180)
    }

    @Test func `a cancelled caller's entries are kept or not, but never in part`() async throws {
        let (_, ledger) = try open()
        let task = Task { try await ledger.record([note("a"), note("b")]) }
        task.cancel()
        #expect(try await task.value == 0)
        #expect(ledger.head.size == 2)
    }

    @Test func `an append that expects another size is refused`() async throws {
        let (_, ledger) = try open()
        #expect(try await ledger.append([note("a")], expecting: 0) == 0)
        let error = await #expect(throws: LedgerError.self) { try await ledger.append([note("b")], expecting: 0) }
        #expect(error?.code == .sizeChanged(expected: 0, actual: 1))
        #expect(error?.summary == "the ledger has 1 entries, the append expected 0")
    }

    @Test(
        arguments: [
            (JSONValue.array([]), "its payload is not an object"),
            (["x": .number(.infinity)], "its payload holds the number inf"),
        ] as [(JSONValue, String)])
    func `a payload that JSON cannot hold is refused`(payload: JSONValue, reason: String) async throws {
        let (_, ledger) = try open()
        let event = Event(at: newYear, by: .jaga, EventKind("x.y"), "x", payload)
        let error = await #expect(throws: LedgerError.self) { try await ledger.record([event]) }
        #expect(error?.code == .unencodable(kind: "x.y", reason: reason))
        #expect(ledger.head.size == 0)
    }

    @Test func `an entry past the limit is refused with its size`() async throws {
        let (_, ledger) = try open()
        let event = note(String(repeating: "x", count: 1 << 20))
        let error = await #expect(throws: LedgerError.self) { try await ledger.record([event]) }
        #expect(error?.codeName == "ledger-entry-too-large")
    }

    @Test func `reopening goes on where it stopped`() async throws {
        var (store, ledger) = try open()
        for number in 0..<11 { try await ledger.record([note("n\(number)")]) }
        let head = ledger.head
        try store.close()
        (store, ledger) = try open()
        #expect(ledger.head == head)
        #expect(try await ledger.record([note("next")]) == 11)
    }

    @Test func `a projection that comes later is built from the first entry`() async throws {
        var (store, ledger) = try open([])
        try await ledger.record([note("a"), note("b"), note("a")])
        try store.close()
        (store, ledger) = try open()
        #expect(try await NotesProjection.rows(in: store) == ["a 2 2", "b 1 1"])
    }

    @Test func `a projection that was away is brought up to date`() async throws {
        var (store, ledger) = try open()
        try await ledger.record([note("a")])
        try store.close()
        (store, ledger) = try open([])
        try await ledger.record([note("a"), note("b")])
        try store.close()
        (store, ledger) = try open()
        #expect(try await NotesProjection.rows(in: store) == ["a 2 1", "b 1 2"])
    }

    @Test func `another version of a projection builds its tables again`() async throws {
        var (store, ledger) = try open()
        try await ledger.record([note("a")])
        try await store.write { try $0.execute(sql: "UPDATE note SET count = 99") }
        try store.close()
        (store, ledger) = try open()
        #expect(try await NotesProjection.rows(in: store) == ["a 99 0"])
        try store.close()
        (store, ledger) = try open([NotesProjection(version: 2)])
        #expect(try await NotesProjection.rows(in: store) == ["a 1 0"])
    }

    @Test func `a replay gives what the appends gave`() async throws {
        let (store, ledger) = try open()
        for number in 0..<300 { try await ledger.record([note("n\(number % 7)"), note("m\(number % 11)")]) }
        let before = try await NotesProjection.rows(in: store)
        try ledger.rebuildProjections()
        #expect(try await NotesProjection.rows(in: store) == before)
    }

    @Test func `an observer sees new entries in order`() async throws {
        let (_, ledger) = try open()
        try await ledger.record([note("before")])
        let stream = ledger.newEntries()
        try await ledger.record([note("a"), note("b")])
        try await ledger.record([note("c")])
        var seen: [Int64] = []
        for await entry in stream.prefix(3) { seen.append(entry.sequence) }
        #expect(seen == [1, 2, 3])
    }

    @Test func `a full disk refuses with its name, keeps what was there and goes on when there is room`() async throws {
        let (store, ledger) = try open()
        try await ledger.record([note("a")])
        let head = ledger.head
        try await store.write { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
        }
        let large = String(repeating: "x", count: 100_000)
        let first = Task { try await ledger.record([note(large)]) }
        let second = Task { try await ledger.record([note("b"), note(large)]) }
        let error = await #expect(throws: StateStoreError.self) { try await first.value }
        #expect(error?.code == .diskFull)
        await #expect(throws: StateStoreError.self) { try await second.value }
        #expect(ledger.head == head)
        #expect(try await NotesProjection.rows(in: store) == ["a 1 0"])
        _ = try await store.write { try Int.fetchOne($0, sql: "PRAGMA max_page_count = 1000000") }
        #expect(try await ledger.record([note("b"), note(large)]) == 1)
        #expect(try await ledger.reader.verify().isSound)
    }
}
