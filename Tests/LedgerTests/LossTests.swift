import Events
import FoundationEssentials
import GRDB
import Glibc
import JSONCoding
import StateStore
import Testing
import Units

@testable import Ledger

/// Goal: a ledger that was emptied, put back from an old copy or exchanged is not taken for the real one, nor is a key that
/// went missing replaced in silence; and whoever accepts the loss finds it in the ledger.
/// Method: files moved about as an accident or a person would, between one start and the next.
@Suite struct LossTests {
    let folder = TemporaryFolder()

    private var database: String { folder.path("jaga.db") }
    private var key: String { folder.path("ledger.key") }
    private var file: CheckpointFile { CheckpointFile(path: folder.path("ledger.checkpoint")) }

    /// One start of a daemon: opens as it does, appends, signs, closes.
    @discardableResult
    private func start(_ texts: [String] = [], name: String = "jaga/a") async throws -> LedgerReport {
        let store = try StateStore.open(at: database)
        defer { try? store.close() }
        let signer = try LedgerSigner.load(at: key, orCreateFor: store, keptIn: file, name: name)
        let ledger = try Ledger.open(store: store, signing: signer, keeping: file)
        if !texts.isEmpty { try await ledger.record(texts.map { note($0) }) }
        try await ledger.enterAcceptedLoss(at: newYear)
        try await ledger.checkpoint(at: newYear)
        try LedgerSigner.keyIsAnnounced(at: key)
        return try await ledger.reader.verify(
            trusting: [signer.verifier], witnesses: try file.read().map { [$0] } ?? [])
    }

    private func refusal() async -> LedgerError.Code? {
        await #expect(throws: LedgerError.self) { try await start(["late"]) }?.code
    }

    private func remove(_ path: String) { for end in ["", "-wal", "-shm"] { unlink(path + end) } }
    private func move(_ from: String, _ to: String) throws { try #require(rename(from, to) == 0) }
    private func copy(_ from: String, _ to: String) throws {
        try FileManager.default.copyItem(atPath: from, toPath: to)
    }

    private func kinds() async throws -> [String] {
        let reader = LedgerReader(store: try StateStore.openForReading(at: database))
        return try await reader.entries(matching: EntryFilter(order: .oldestFirst)).map(\.event.kind.rawValue)
    }

    @Test func `the newest checkpoint is kept beside the database`() async throws {
        try await start(["a", "b"])
        #expect(try file.read()?.head.size == 2)
        #expect(try await start(["c"]).isSound)
        #expect(try file.read()?.head.size == 3)
    }

    @Test(arguments: ["gone", "no bytes", "new"])
    func `an emptied database does not start`(how: String) async throws {
        try await start(["a", "b"])
        remove(database)
        if how == "no bytes" { close(open(database, O_WRONLY | O_CREAT, 0o600)) }
        if how == "new" { try Ledger.open(store: StateStore.open(at: database)).rebuildProjections() }
        let code = await refusal()
        #expect(code == .entriesLost(kept: 2, actual: 0, path: file.path))
        // Again and again: the refused start has changed nothing.
        #expect(await refusal() == code)
    }

    @Test func `an old copy and another ledger do not start`() async throws {
        try await start(["a", "b"])
        try copy(database, folder.path("old.db"))
        try await start(["c"])
        remove(database)
        try copy(folder.path("old.db"), database)
        #expect(await refusal() == .entriesLost(kept: 3, actual: 2, path: file.path))
        remove(database)
        let other = try Ledger.open(store: StateStore.open(at: database))
        try await other.record(["a", "b", "x", "y"].map { note($0) })
        #expect(await refusal() == .entriesChanged(size: 3, path: file.path))
    }

    @Test func `the right database starts again after it was put back`() async throws {
        try await start(["a", "b"])
        try move(database, folder.path("right.db"))
        _ = await refusal()
        remove(database)
        try move(folder.path("right.db"), database)
        #expect(try await start(["c"]).isSound)
    }

    @Test func `an accepted loss is entered once, with what was signed`() async throws {
        try await start(["a", "b"])
        let kept = try #require(try file.read())
        remove(database)
        try move(file.path, file.lostPath)
        #expect(try await start(["new"]).isSound)
        #expect(try await kinds() == ["note.added", "ledger.loss_accepted"])
        let reader = LedgerReader(store: try StateStore.openForReading(at: database))
        let entry = try #require(try await reader.entries(matching: EntryFilter(kindPrefix: "ledger.")).first).event
        #expect(entry.payload["lostSize"]?.intValue == 2)
        #expect(entry.payload["checkpoint"]?.stringValue == kept.note)
        #expect(access(file.lostPath, F_OK) != 0)
        // Killed after the entry, before the file was removed.
        try kept.note.write(toFile: file.lostPath, atomically: true, encoding: .utf8)
        try await start()
        #expect(try await kinds() == ["note.added", "ledger.loss_accepted"])
        #expect(access(file.lostPath, F_OK) != 0)
        // Accepting once is not accepting for ever.
        remove(database)
        #expect(await refusal() == .entriesLost(kept: 2, actual: 0, path: file.path))
    }

    @Test func `a kept checkpoint that cannot be read or was signed by a stranger is refused`() async throws {
        try await start(["a"])
        let stranger = Checkpoint(of: TreeHead(size: 1, root: .empty), signedBy: try LedgerSigner(name: "jaga/a"))
        for text in ["", "nonsense\n", stranger.note] {
            try text.write(toFile: file.path, atomically: true, encoding: .utf8)
            guard case .unreadableCheckpoint = await refusal() else {
                Issue.record("accepted: \(text)")
                continue
            }
        }
    }

    @Test func `a kill between the key and the first entry starts`() async throws {
        _ = try LedgerSigner.load(orCreateAt: key, name: "jaga/a")
        #expect(try await start(["a"]).isSound)
    }

    @Test func `a kill between the checkpoint and its file leaves an older file, which starts`() async throws {
        try await start(["a"])
        try copy(file.path, folder.path("older"))
        try await start(["b"])
        for name in ["older", "none"] {
            unlink(file.path)
            if name == "older" { try copy(folder.path("older"), file.path) }
            #expect(try await start().isSound)
            #expect(try file.read()?.head.size == 2, "the file of kind '\(name)' was not brought up to date")
        }
    }

    @Test func `a file that could not be written is written with the next checkpoint`() async throws {
        let store = try StateStore.open(at: database)
        let late = CheckpointFile(path: folder.path("later/ledger.checkpoint"))
        let ledger = try Ledger.open(store: store, signing: try LedgerSigner(name: "jaga/a"), keeping: late)
        try await ledger.record([note("a")])
        await #expect(throws: (any Error).self) { try await ledger.checkpoint(at: newYear) }
        try #require(mkdir(folder.path("later"), 0o700) == 0)
        #expect(try await ledger.checkpoint(at: newYear) == nil)
        #expect(try late.read()?.head.size == 1)
    }

    @Test func `a missing key is said, and replaced only when somebody asks for it`() async throws {
        try await start(["a", "b"])
        unlink(key)
        #expect(await refusal() == .missingKey(path: key))
        #expect(access(key, F_OK) != 0, "a key was made all the same")
        close(open(key + ".lost", O_WRONLY | O_CREAT, 0o600))
        #expect(try await start(["c"], name: "jaga/b").isSound)
        #expect(try await kinds() == ["note.added", "note.added", "note.added", "ledger.key_changed"])
        #expect(access(key + ".lost", F_OK) != 0)
        unlink(key)
        #expect(await refusal() == .missingKey(path: key))
    }

    /// The hint is followed word by word, and what the old key signed is still sound.
    @Test func `following the hint of a damaged key leaves an intact ledger`() async throws {
        try await start(["a", "b"])
        try "PRIVATE+KEY+jaga/a+nonsense\n".write(toFile: key, atomically: false, encoding: .utf8)
        chmod(key, 0o600)
        let error = await #expect(throws: LedgerError.self) { try await start() }
        let hint = try #require(error?.hint)
        #expect(hint.contains("rename it to '\(key).lost'"))
        try move(key, key + ".lost")
        let report = try await start(["c"])
        #expect(report.isSound, "\(report.findings)")
        #expect(report.keysAreTrusted)
        #expect(report.soundCheckpointCount == 3)
    }

    @Test func `a key that nobody trusted vouches for none`() async throws {
        try await start(["a"])
        let own = try LedgerSigner.load(at: key).verifier
        let stranger = try LedgerSigner(name: "jaga/x")
        let store = try StateStore.open(at: database)
        // The tail is not signed by the trusted key, so what it says counts for nothing.
        let ledger = try Ledger.open(store: store, signing: stranger)
        try await ledger.record([
            Event(
                at: newYear, by: .jaga, .ledgerKeyChanged, "ledger/x",
                ["verifier": .string(own.description), "previous": .string(stranger.verifier.description)])
        ])
        try await ledger.checkpoint(at: newYear)
        let report = try await ledger.reader.verify(trusting: [own])
        #expect(report.findings.contains { if case .unknownKey = $0.problem { true } else { false } })
    }

    @Test func `a verification with what was kept sees an emptied file`() async throws {
        try await start(["a", "b"])
        let kept = try #require(try file.read())
        let own = try LedgerSigner.load(at: key).verifier
        remove(database)
        close(open(database, O_WRONLY | O_CREAT, 0o600))
        let reader = LedgerReader(store: try StateStore.openForReading(at: database))
        let report = try await reader.verify(trusting: [own], witnesses: [kept])
        #expect(report.findings == [LedgerFinding(sequence: 0, .cutOff(size: 2))])
    }
}

/// Goal: a full disk fails what could not be written and nothing else. Method: SQLite's own limit of pages, which gives the
/// same error as a full disk at a page of our choice.
@Suite struct FullDiskTests {
    let folder = TemporaryFolder()

    @Test(arguments: [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
    func `of many appends at once those that were acknowledged are there`(freePages: Int) async throws {
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, projections: [NotesProjection()])
        try await ledger.record([note("first")])
        try await store.write { db in
            let count = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(count + freePages)")
        }
        let acknowledged = await withTaskGroup(of: Int64?.self) { group in
            for number in 0..<40 {
                group.addTask {
                    do {
                        return try await ledger.record([note("\(number) " + String(repeating: "x", count: 3000))])
                    } catch {
                        #expect((error as? StateStoreError)?.code == .diskFull, "\(error)")
                        return nil
                    }
                }
            }
            var sequences: [Int64] = []
            for await case let sequence? in group { sequences.append(sequence) }
            return sequences.sorted()
        }
        let entries = try await ledger.reader.entries(matching: EntryFilter(order: .oldestFirst)).map(\.sequence)
        #expect(entries == [0] + acknowledged)
        #expect(try await NotesProjection.rows(in: store).count == entries.count)
        _ = try await store.write { db in try Int.fetchOne(db, sql: "PRAGMA max_page_count = 100000") }
        try await ledger.record([note("last")])
        #expect(try await ledger.reader.verify().isSound)
    }
}
