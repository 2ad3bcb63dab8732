import FoundationEssentials
import GRDB
import Ledger
import StateStore
import Testing

/// Goal: whatever is done to the file by hand is found, and the report names the first entry and what was done.
/// Method: a ledger of 20 entries with checkpoints at 8 and 16, and edits with plain SQL.
@Suite struct VerificationTests {
    let folder = TemporaryFolder()
    let signer: LedgerSigner

    init() throws {
        signer = try LedgerSigner(name: "jaga/shop-1", seed: Array(1...32))
    }

    /// 20 entries, signed at 8 and 16; the last four rest on their stored hashes.
    func makeLedger() async throws -> (StateStore, Ledger) {
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, signing: signer)
        for number in 0..<20 {
            if number == 8 || number == 16 { try await ledger.checkpoint(at: newYear) }
            try await ledger.record([note("n\(number)")])
        }
        return (store, ledger)
    }

    @Test func `an untouched ledger is sound`() async throws {
        let (_, ledger) = try await makeLedger()
        let report = try await ledger.reader.verify(trusting: [signer.verifier])
        #expect(report.isSound)
        #expect(report.entryCount == 20)
        #expect(report.root == ledger.head.root)
        #expect(report.signedSize == 16)
        #expect(report.soundCheckpointCount == 2)
        #expect(report.keysAreTrusted)
    }

    @Test func `an empty ledger is sound`() async throws {
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, signing: signer)
        #expect(try await ledger.reader.verify().isSound)
    }

    static let tamperings: [(String, Int64, LedgerFinding.Problem)] = [
        ("UPDATE ledger_entry SET payload = '{\"text\":\"other\"}' WHERE sequence = 5", 5, .edited),
        ("UPDATE ledger_entry SET actor_name = 'budi' WHERE sequence = 18", 18, .edited),
        ("UPDATE ledger_entry SET time_ms = time_ms + 1 WHERE sequence = 0", 0, .edited),
        ("DELETE FROM ledger_entry WHERE sequence = 7", 7, .missing),
        ("DELETE FROM ledger_entry WHERE sequence = 0", 0, .missing),
        ("DELETE FROM ledger_entry WHERE sequence = 19", 19, .cutOff(size: 20)),
        (
            """
            DELETE FROM ledger_entry WHERE sequence >= 12;
            DELETE FROM ledger_node WHERE (position + 1) << level > 12
            """, 12, .cutOff(size: 16)
        ),
        (
            """
            UPDATE ledger_entry SET sequence = 1000 WHERE sequence = 3;
            UPDATE ledger_entry SET sequence = 3 WHERE sequence = 6;
            UPDATE ledger_entry SET sequence = 6 WHERE sequence = 1000
            """, 3, .reordered(belongsAt: 6)
        ),
        ("UPDATE ledger_node SET hash = zeroblob(32) WHERE level = 0 AND position = 4", 4, .damagedHash),
        ("UPDATE ledger_node SET hash = zeroblob(32) WHERE level = 2 AND position = 1", 4, .damagedHash),
        ("DELETE FROM ledger_node WHERE level = 1 AND position = 9", 18, .damagedHash),
        (
            "UPDATE ledger_checkpoint SET note = replace(note, char(10) || '8' || char(10), char(10) || '7' || char(10))",
            6, .badSignature(checkpointSize: 7)
        ),
        (
            "UPDATE ledger_checkpoint SET note = 'gone' WHERE size = 16", 15,
            .malformedCheckpoint("not a checkpoint: it needs three lines, an empty one and a signature")
        ),
    ]

    @Test(arguments: tamperings)
    func `tampering is found`(sql: String, sequence: Int64, problem: LedgerFinding.Problem) async throws {
        let (store, ledger) = try await makeLedger()
        try await store.write { try $0.execute(sql: sql) }
        let report = try await ledger.reader.verify(trusting: [signer.verifier])
        #expect(report.firstBad == LedgerFinding(sequence: sequence, problem), "\(report.findings)")
    }

    @Test func `an entry that was edited together with all its hashes differs from the checkpoint`() async throws {
        let (store, ledger) = try await makeLedger()
        // A forger builds a whole new ledger with one word changed, and puts the old checkpoints beside it.
        let forgedStore = try StateStore.open(at: folder.path("forged.db"))
        let forged = try Ledger.open(store: forgedStore, signing: signer)
        for number in 0..<20 { try await forged.record([note(number == 11 ? "forged" : "n\(number)")]) }
        let checkpoints = try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT size, time_ms, note FROM ledger_checkpoint").map {
                ($0[0] as Int64, $0[1] as Int64, $0[2] as String)
            }
        }
        try await forgedStore.write { db in
            for (size, time, note) in checkpoints {
                try db.execute(sql: "INSERT INTO ledger_checkpoint VALUES (?, ?, ?)", arguments: [size, time, note])
            }
        }
        let report = try await forged.reader.verify(trusting: [signer.verifier])
        #expect(report.findings == [LedgerFinding(sequence: 8, .differsFromCheckpoint(size: 16))])
        let finding = try #require(report.firstBad)
        #expect("\(finding)" == "entries 8 to 15 are not those that the checkpoint of size 16 signed")
        #expect(ledger.head != forged.head)
    }

    @Test func `a tail that was cut off with its checkpoints is seen by whoever kept one`() async throws {
        let (store, ledger) = try await makeLedger()
        let kept = try #require(try await ledger.reader.latestCheckpoint())
        try await store.write { db in
            try db.execute(
                sql: """
                    DELETE FROM ledger_entry WHERE sequence >= 10;
                    DELETE FROM ledger_node WHERE (position + 1) << level > 10;
                    DELETE FROM ledger_checkpoint WHERE size > 10
                    """)
        }
        #expect(try await ledger.reader.verify(trusting: [signer.verifier]).isSound)
        let report = try await ledger.reader.verify(trusting: [signer.verifier], witnesses: [kept])
        #expect(report.findings == [LedgerFinding(sequence: 10, .cutOff(size: 16))])
    }

    @Test func `stored proofs convince against the stored checkpoints`() async throws {
        let (_, ledger) = try await makeLedger()
        let reader = ledger.reader
        let old = try await reader.head(atSize: 8)
        let proof = try await reader.consistencyProof(from: 8, to: 20)
        #expect(proof.proves(old, isPrefixOf: ledger.head))
        let (leaf, inclusion) = try await reader.inclusionProof(of: 13, inTreeOf: 16)
        let checkpoint = try #require(try await reader.latestCheckpoint())
        #expect(inclusion.proves(leaf, in: checkpoint.head))
        let error = await #expect(throws: LedgerError.self) { try await reader.inclusionProof(of: 20, inTreeOf: 20) }
        #expect(error?.summary == "entry 20 is not among the first 20")
    }

    @Test func `a copy taken in the middle of the work opens with everything acknowledged`() async throws {
        let (store, ledger) = try await makeLedger()
        // The files as a killed process leaves them: nothing closed, the newest entries in the write-ahead log alone.
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: store.path + suffix, toPath: folder.path("copy.db" + suffix))
        }
        let copy = try StateStore.open(at: folder.path("copy.db"))
        let reopened = try Ledger.open(store: copy, signing: signer)
        #expect(reopened.head == ledger.head)
        #expect(try await reopened.reader.verify().isSound)
        #expect(try await reopened.record([note("after")]) == 20)
    }

    @Test func `a log that was torn at any place opens as the state before`() async throws {
        let store = try StateStore.open(at: folder.path("jaga.db"))
        let ledger = try Ledger.open(store: store, projections: [NotesProjection()])
        try await ledger.record([note("a")])
        let before = ledger.head
        let durable = try Data(contentsOf: URL(filePath: store.path + "-wal")).count
        try await ledger.record([note("b"), note("c")])
        let wal = try Data(contentsOf: URL(filePath: store.path + "-wal"))
        for cut in stride(from: durable, through: wal.count, by: max(1, (wal.count - durable) / 12)) {
            let path = folder.path("torn-\(cut).db")
            try FileManager.default.copyItem(atPath: store.path, toPath: path)
            try wal.prefix(cut).write(to: URL(filePath: path + "-wal"))
            let torn = try StateStore.open(at: path)
            let reopened = try Ledger.open(store: torn, projections: [NotesProjection()])
            #expect(reopened.head == before || reopened.head == ledger.head && cut == wal.count, "cut at \(cut)")
            #expect(try await reopened.reader.verify().isSound)
            let rows = try await NotesProjection.rows(in: torn)
            #expect(rows.count == Int(reopened.head.size))
        }
    }
}
