import Events
import GRDB
import FoundationEssentials
import Glibc
import JSONCoding
import Ledger
import StateStore
import Testing
import Units

/// A folder of its own for each test, gone afterwards.
final class TemporaryFolder {
    let root: String

    init() {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/jaga-ledger-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("mkdtemp failed with \(errno)") }
        root = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    deinit {
        // A connection that is just being closed takes away files of its own, which the removal then misses and gives up; some rounds later it is gone.
        for _ in 0..<100 where access(root, F_OK) == 0 { try? FileManager.default.removeItem(atPath: root) }
    }
}

/// 2026-01-01T00:00:00Z
let newYear = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)

func note(_ text: String, at time: Timestamp = newYear) -> Event {
    Event(at: time, by: Actor(.person, "ani"), EventKind("note.added"), "note/\(text)", ["text": .string(text)])
}

/// Counts the notes by their text, and refuses the text "refuse".
struct NotesProjection: Projection {
    struct Refused: Error {}

    let name = "notes"
    var version = 1

    let migrations = [
        Migration("notes.1") { db in
            try db.execute(sql: "CREATE TABLE note (text TEXT PRIMARY KEY, count INTEGER, last INTEGER)")
        }
    ]

    func apply(_ entry: Entry, in db: Database) throws {
        guard let text = entry.event.payload["text"]?.stringValue else { return }
        if text == "refuse" { throw Refused() }
        try db.execute(
            sql: """
                INSERT INTO note (text, count, last) VALUES (?, 1, ?)
                ON CONFLICT (text) DO UPDATE SET count = count + 1, last = excluded.last
                """, arguments: [text, entry.sequence])
    }

    func reset(in db: Database) throws {
        try db.execute(sql: "DELETE FROM note")
    }

    static func rows(in store: StateStore) async throws -> [String] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT text, count, last FROM note ORDER BY text").map {
                "\($0[0] as String) \($0[1] as Int) \($0[2] as Int)"
            }
        }
    }
}
