import Events
import FoundationEssentials
import JSONCoding
import Ledger
import StateStore
import Testing
import Units

/// Goal: an export is the bytes of the format page, and its verification needs nothing else.
/// Method: a kept export of a ledger with a fixed key (`UPDATE_GOLDEN=1` writes it anew); lines changed by hand.
@Suite struct ExportTests {
    let folder = TemporaryFolder()
    static let seed: [UInt8] = Array(1...32)

    static let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/export-v1.jsonl")

    func makeExport() async throws -> [String] {
        let signer = try LedgerSigner(name: "jaga/shop-1", seed: Self.seed)
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, signing: signer)
        try await ledger.record([
            note("a"),
            Event(
                at: newYear + .milliseconds(123), by: Actor(.schedule, "nightly"), .jobFinished, "job/nightly",
                [
                    "durationMs": 1250, "ratio": 0.5, "large": 1e16, "text": "tab\t\"quote\" \\ é \u{1}",
                    "list": [nil, true],
                ]),
        ])
        try await ledger.checkpoint(at: newYear + .seconds(60))
        try await ledger.record([note("b"), note("c"), note("d")])
        var text = ""
        try await ledger.reader.export(signing: signer) { text += $0 }
        return text.split(separator: "\n").map { $0 + "\n" }
    }

    func verify(_ lines: some Sequence<String>, witnesses: [Checkpoint] = []) -> LedgerReport {
        var verifier = ExportVerifier(witnesses: witnesses)
        for line in lines { verifier.take(line.utf8.dropLast()) }
        return verifier.finish()
    }

    @Test func `the export is byte for byte the kept one`() async throws {
        let text = try await makeExport().joined()
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try text.write(to: Self.golden, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: Self.golden, encoding: .utf8) == text)
    }

    @Test func `the kept export verifies with its key`() throws {
        let lines = try String(contentsOf: Self.golden, encoding: .utf8).split(separator: "\n")
        let signer = try LedgerSigner(name: "jaga/shop-1", seed: Self.seed)
        var verifier = ExportVerifier(trusting: [signer.verifier])
        for line in lines { verifier.take(line.utf8) }
        let report = verifier.finish()
        #expect(report.isSound)
        #expect(report.entryCount == 5)
        #expect(report.signedSize == 5)
        #expect(report.soundCheckpointCount == 2)
    }

    @Test func `an edited line is narrowed to the checkpoint that covers it`() async throws {
        var lines = try await makeExport()
        lines[5] = lines[5].replacing("\"c\"", with: "\"x\"")
        #expect(verify(lines).findings == [LedgerFinding(sequence: 2, .differsFromCheckpoint(size: 5))])
    }

    @Test func `an export that was cut at its end is not whole`() async throws {
        let lines = try await makeExport()
        #expect(verify(lines).isSound)
        for count in 1...3 { #expect(!verify(lines.dropLast(count)).isSound, "\(count) lines were cut") }
        // Without the last checkpoint nobody vouches for the last entries.
        var edited = Array(lines.dropLast())
        edited[edited.count - 1] = edited[edited.count - 1].replacing("\"d\"", with: "\"x\"")
        #expect(!verify(edited).isSound)
    }

    @Test func `a removed, a swapped and a garbled line are named`() async throws {
        let lines = try await makeExport()
        var removed = lines
        removed.remove(at: 1)
        #expect(verify(removed).firstBad == LedgerFinding(sequence: 0, .missing))
        var swapped = lines
        swapped.swapAt(1, 2)
        #expect(verify(swapped).firstBad == LedgerFinding(sequence: 0, .missing))
        var garbled = lines
        garbled[4] = "{\"actor\":\n"
        let finding = verify(garbled).firstBad
        #expect(finding == LedgerFinding(sequence: 2, .unreadable("line 5 of the export is not an entry")))
    }

    @Test func `a cut tail shows to whoever holds a checkpoint`() async throws {
        let lines = try await makeExport()
        let last = try #require(try JSONValue(parsing: lines.last!)["checkpoint"]?.stringValue)
        #expect(verify(lines.prefix(4)).isSound)
        let report = verify(lines.prefix(4), witnesses: [try Checkpoint(parsing: last)])
        #expect(report.findings == [LedgerFinding(sequence: 2, .cutOff(size: 5))])
    }

    /// A thousand entries of 10 kB: more than eighty pieces, none of which is larger than its limit and one entry.
    @Test func `an export of many entries comes in small pieces that verify together`() async throws {
        let signer = try LedgerSigner(name: "jaga/shop-1", seed: Self.seed)
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, signing: signer)
        for number in 0..<10 {
            try await ledger.record((0..<100).map { note("\(number)-\($0)-" + String(repeating: "x", count: 5000)) })
            try await ledger.checkpoint(at: newYear + .seconds(number))
        }
        let export = try await ledger.reader.export(signing: signer)
        var verifier = ExportVerifier(trusting: [signer.verifier])
        var pieceCount = 0
        var largest = 0
        while let piece = try await export.nextPiece() {
            pieceCount += 1
            largest = max(largest, piece.utf8.count)
            // What comes while the export is taken is not of it.
            if pieceCount == 3 {
                try await ledger.record([note("late")])
                try await ledger.checkpoint(at: newYear + .seconds(60))
            }
            for line in piece.split(separator: "\n") { verifier.take(line.utf8) }
        }
        let report = verifier.finish()
        #expect(report.isSound, "\(report.findings)")
        #expect(report.entryCount == 1000)
        #expect(report.signedSize == 1000)
        #expect(report.soundCheckpointCount == 10)
        #expect(pieceCount > 50)
        #expect(largest < 200_000)
    }

    @Test func `what is no export is refused`() {
        #expect(verify([]).firstBad?.problem == .unreadable("the export is empty"))
        #expect(
            verify(["hello\n"]).firstBad?.problem == .unreadable("the first line is not that of a ledger's export"))
    }

    @Test func `entries are found by kind, subject, actor, time and place`() async throws {
        _ = try await makeExport()
        let reader = LedgerReader(store: try StateStore.openForReading(at: folder.path("jaga.db")))
        func found(_ filter: EntryFilter) async throws -> [Int64] {
            try await reader.entries(matching: filter).map(\.sequence)
        }
        #expect(try await found(EntryFilter()) == [4, 3, 2, 1, 0])
        #expect(try await found(EntryFilter(kindPrefix: "job.")) == [1])
        #expect(try await found(EntryFilter(subject: "note/c")) == [3])
        #expect(try await found(EntryFilter(actor: Actor(.person, "ani"), limit: 2)) == [4, 3])
        #expect(try await found(EntryFilter(since: newYear + .milliseconds(1))) == [1])
        #expect(try await found(EntryFilter(until: newYear + .milliseconds(1), before: 3)) == [2, 0])
        #expect(try await found(EntryFilter(after: 2, order: .oldestFirst)) == [3, 4])
        let event = try #require(try await reader.entries(matching: EntryFilter(kindPrefix: "job.")).first).event
        #expect(event.payload["large"] == .number(1e16))
        #expect(event.actor == Actor(.schedule, "nightly"))
    }
}
