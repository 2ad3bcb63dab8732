import Diagnostics
import Events
import Glibc
import Ledger
import StateStore
import Synchronization
import Testing
import Units

/// Goal: checkpoints are C2SP signed notes that only the key's holder can write, and they are written when something changed.
/// Method: the sample key of Go's note package; a clock moved by hand.
@Suite struct CheckpointTests {
    let folder = TemporaryFolder()

    /// From the documentation of golang.org/x/mod/sumdb/note.
    static let goKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let goNote = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """

    @Test func `a verifier key of Go's note package is read and written the same`() throws {
        #expect(try VerifierKey(parsing: Self.goKey).description == Self.goKey)
        let error = #expect(throws: LedgerError.self) {
            try VerifierKey(parsing: Self.goKey.replacing("c74f20a3", with: "c74f20a4"))
        }
        #expect(error?.codeName == "ledger-key-malformed")
    }

    @Test func `a checkpoint reads back and is signed by its key alone`() throws {
        let signer = try LedgerSigner(name: "jaga/shop-1")
        let other = try LedgerSigner(name: "jaga/shop-1")
        let head = TreeHead(size: 5, root: .leaf([1]))
        let checkpoint = Checkpoint(of: head, signedBy: signer)
        let again = try Checkpoint(parsing: checkpoint.note)
        #expect(again.head == head)
        #expect(again.origin == "jaga/shop-1")
        #expect(again.isSigned(by: signer.verifier))
        #expect(!again.isSigned(by: other.verifier))
        let forged = try Checkpoint(parsing: checkpoint.note.replacing("\n5\n", with: "\n6\n"))
        #expect(!forged.isSigned(by: signer.verifier))
    }

    @Test(arguments: [
        "", "a\n5\n", "a\n5\nnot base64\n\n— a AAAAAAAA\n",
        "a\n05\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— a AAAAAAAA\n",
        "a\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n", Self.goNote,
        "a\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— a AAAAAAAA",
    ])
    func `what is no checkpoint is refused`(note: String) {
        let error = #expect(throws: LedgerError.self) { try Checkpoint(parsing: note) }
        #expect(error?.codeName == "ledger-note-malformed")
    }

    @Test func `the key file is made once, for its owner alone, and read again`() throws {
        let path = folder.path("ledger.key")
        let first = try LedgerSigner.load(orCreateAt: path, name: "jaga/a")
        let second = try LedgerSigner.load(orCreateAt: path, name: "jaga/b")
        #expect(first.verifier == second.verifier)
        var status = stat()
        try #require(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        chmod(path, 0o644)
        let error = #expect(throws: LedgerError.self) { try LedgerSigner.load(at: path) }
        #expect(error?.summary == "the ledger's key '\(path)' cannot be used: others can read it, its mode must be 600")
    }

    @Test func `a checkpoint is written when something changed and not otherwise`() async throws {
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, signing: try LedgerSigner(name: "jaga/a"))
        #expect(try await ledger.checkpoint(at: newYear) == nil)
        try await ledger.record([note("a")])
        let checkpoint = try #require(try await ledger.checkpoint(at: newYear))
        #expect(checkpoint.head == ledger.head)
        #expect(try await ledger.checkpoint(at: newYear) == nil)
        #expect(try await ledger.reader.latestCheckpoint() == checkpoint)
    }

    @Test func `the loop signs each interval and once more at the end`() async throws {
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, signing: try LedgerSigner(name: "jaga/a"))
        let clock = StepClock()
        try await ledger.record([note("a")])
        let loop = Task { await ledger.run(clock: clock, wallClock: FixedWallClock()) { Issue.record($0) } }
        await clock.step()
        await clock.waitForSleeper()
        #expect(try await ledger.reader.latestCheckpoint()?.head.size == 1)
        try await ledger.record([note("b")])
        loop.cancel()
        await loop.value
        #expect(try await ledger.reader.latestCheckpoint()?.head.size == 2)
    }

    @Test func `another key leaves an entry and both keys count`() async throws {
        let path = folder.path("jaga.db")
        for name in ["jaga/a", "jaga/b"] {
            let store = try StateStore.open(at: path)
            let ledger = try Ledger.open(store: store, signing: try LedgerSigner(name: name))
            try await ledger.record([note(name)])
            try await ledger.checkpoint(at: newYear)
            try store.close()
        }
        let reader = LedgerReader(store: try StateStore.openForReading(at: path))
        let kinds = try await reader.entries(matching: EntryFilter(order: .oldestFirst)).map(\.event.kind.rawValue)
        #expect(kinds == ["note.added", "note.added", "ledger.key_changed"])
        let report = try await reader.verify()
        #expect(report.isSound)
        #expect(report.soundCheckpointCount == 2)
        #expect(report.keys.map(\.name) == ["jaga/a", "jaga/b"])
        let strict = try await reader.verify(trusting: [report.keys[0]])
        #expect(strict.firstBad?.problem == .unknownKey(checkpointSize: 3, origin: "jaga/b"))
    }
}

struct FixedWallClock: WallClock {
    let now = newYear
}

/// A clock whose sleepers wake when the test says so.
final class StepClock: Clock {
    typealias Duration = Swift.Duration
    typealias Instant = ContinuousClock.Instant

    private let steps: AsyncStream<Void>
    private let stepsIn: AsyncStream<Void>.Continuation
    private let sleepers: AsyncStream<Void>
    private let sleepersIn: AsyncStream<Void>.Continuation

    init() {
        (steps, stepsIn) = AsyncStream.makeStream()
        (sleepers, sleepersIn) = AsyncStream.makeStream()
    }

    let now = ContinuousClock.now
    let minimumResolution = Swift.Duration.zero

    func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
        sleepersIn.yield()
        for await _ in steps { return }
        throw CancellationError()
    }

    func waitForSleeper() async {
        for await _ in sleepers { return }
    }

    /// Waits until somebody sleeps, and wakes them.
    func step() async {
        await waitForSleeper()
        stepsIn.yield()
    }
}
