import FoundationEssentials
import Glibc
import SystemPackage
import Testing

@testable import Processes

/// Goal: nothing that a command started outlives it, or Jaga's death, unless it left on purpose; and no stranger is ever hit.
/// Method: shells that leave children behind; notes as a killed owner would leave them, also with a number that has another
/// owner now.
@Suite struct LeftoverTests {
    private let folder = Folder()

    @Test(.timeLimit(.minutes(10))) func `a child left in the background is ended and does not hold up the outcome`()
        async throws
    {
        let outcome = try await Command.shell("sleep 1000 & echo $!").run()
        #expect(outcome.ending == .exited(0))
        let child = try #require(Int32(outcome.output.text.split(separator: "\n").first ?? ""))
        #expect(!isAlive(child))
    }

    @Test(.timeLimit(.minutes(10))) func `a child that ignores SIGTERM is killed`() async throws {
        let outcome = try await Command.shell(
            "sh -c \"trap '' TERM; touch '\(folder.path)/ready'; sleep 1000; sleep 1000\" & echo $!; "
                + "until [ -e '\(folder.path)/ready' ]; do sleep 0.01; done"
        ).run()
        let child = try #require(Int32(outcome.output.text.split(separator: "\n").first ?? ""))
        #expect(!isAlive(child))
    }

    @Test(.timeLimit(.minutes(10))) func `a child that writes for ever into the pipe is ended too`() async throws {
        let outcome = try await Command.shell("yes & echo $! >&2").run()
        #expect(outcome.ending == .exited(0))
        let child = try #require(Int32(outcome.errors.text.split(separator: "\n").first ?? ""))
        #expect(!isAlive(child))
    }

    @Test(.timeLimit(.minutes(10))) func `a daemon with a session of its own goes on, and its pipe is not waited for`()
        async throws
    {
        let outcome = try await Command.shell(
            "setsid sh -c 'echo $$ > \"\(folder.path)/id\"; exec yes' & "
                + "until [ -s '\(folder.path)/id' ]; do sleep 0.01; done"
        ).run()
        #expect(outcome.ending == .exited(0))
        let text = try String(contentsOfFile: "\(folder.path)/id", encoding: .utf8)
        let daemon = try #require(Int32(text.filter(\.isNumber)))
        // `yes` may have met the closed pipe already; a daemon that keeps silent stays. What counts is that nobody ended it.
        kill(daemon, SIGKILL)
    }

    @Test func `a command leaves a note while it runs and none afterwards`() async throws {
        let journal = GroupJournal(folder: folder.path)
        let listed = try await GroupJournal.$current.withValue(journal) {
            try await GroupJournal.$label.withValue("run-1") {
                try await Command.shell(
                    "until grep . '\(folder.path)'/* 2>/dev/null; do sleep 0.01; done; ls '\(folder.path)'"
                ).run().output.text
            }
        }
        #expect(listed.contains("run-1"))
        #expect(listed.contains(currentBootID()))
        #expect(folder.names.isEmpty)
    }

    @Test func `a command whose note cannot be written is not run`() async throws {
        let journal = GroupJournal(folder: "/no/such/folder")
        let failure = await #expect(throws: CommandFailure.self) {
            try await GroupJournal.$current.withValue(journal) { try await Command.shell("sleep 1000").run() }
        }
        #expect(failure?.code == .notStarted)
        #expect(failure?.reason.contains("/no/such/folder") == true)
    }

    @Test(.timeLimit(.minutes(10))) func `the next owner of the folder ends the group of a note with all its members`()
        async throws
    {
        let process = try await RunningProcess.start(
            .shell("trap '' TERM; sleep 1000 & echo $! > '\(folder.path)/child'; wait; wait; sleep 1000"))
        let child = try await numberIn("child")
        let journal = GroupJournal(folder: folder.path)
        _ = try GroupJournal.$label.withValue("run-7") { try journal.began(process.processID, program: "sh") }
        let leftovers = await GroupJournal(folder: folder.path).endLeftovers()
        #expect(leftovers.countByLabel.keys.sorted() == ["run-7"])
        #expect(leftovers.count >= 2)
        #expect(leftovers.survivors == [])
        #expect(!isAlive(child))
        #expect(!isAlive(process.processID))
        #expect(folder.names == ["child"])
        _ = try await process.wait()
    }

    @Test(.timeLimit(.minutes(10))) func `members are ended also when their leader is gone`() async throws {
        let process = try await RunningProcess.start(
            .shell("sleep 1000 & echo $! > '\(folder.path)/child'; wait"))
        let child = try await numberIn("child")
        let journal = GroupJournal(folder: folder.path)
        _ = try journal.began(process.processID, program: "sh")
        process.send(signal: SIGKILL)
        _ = try await process.wait()
        #expect(isAlive(child))
        #expect(await GroupJournal(folder: folder.path).endLeftovers().count == 1)
        #expect(!isAlive(child))
    }

    @Test func `a number that belongs to another process now is left alone`() async throws {
        let process = try await RunningProcess.start(Command("sleep", ["1000"]))
        let facts = try #require(ProcessEntry.read(process.processID))
        let boot = currentBootID()
        for note in [
            // Started earlier than the process that has the number now; in another run of the machine; in another session.
            GroupNote(bootID: boot, id: facts.id, startTicks: facts.startTicks - 1, session: facts.session),
            GroupNote(bootID: "other", id: facts.id, startTicks: facts.startTicks, session: facts.session),
            GroupNote(bootID: boot, id: facts.id, startTicks: facts.startTicks, session: facts.session + 1),
        ] {
            let descriptor = open("\(folder.path)/\(note.name)", O_WRONLY | O_CREAT, 0o600)
            try #require(descriptor >= 0)
            close(descriptor)
        }
        #expect(await GroupJournal(folder: folder.path).endLeftovers().count == 0)
        #expect(isAlive(process.processID))
        #expect(folder.names.isEmpty)
        await process.stop()
    }

    @Test(.timeLimit(.minutes(10)))
    func `a process without a note is known by its environment, a daemon is not touched`()
        async throws
    {
        let journal = GroupJournal(folder: folder.path)
        var command = Command("sleep", ["1000"])
        command.environment = .inherit(changes: [journal.variable.name: journal.variable.value])
        let leftover = try await RunningProcess.start(command)
        var other = Command.shell("exec setsid sh -c 'echo $$ > \"\(folder.path)/id\"; exec sleep 1000'")
        other.environment = command.environment
        let starter = try await RunningProcess.start(other)
        let daemon = try await numberIn("id")
        // `setsid` leaves its place to a child where it leads a group, and is then gone a moment later.
        for _ in 0..<6000 where starter.processID != daemon && isAlive(starter.processID) {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(await GroupJournal(folder: folder.path).endLeftovers().count == 1)
        #expect(!isAlive(leftover.processID))
        #expect(isAlive(daemon))
        kill(daemon, SIGKILL)
        await starter.stop()
    }

    @Test func `a name with parentheses and spaces does not hide the fields after it`() throws {
        let line = "42 (a) b (c)) S 1 42 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 1"
        let entry = try #require(ProcessEntry(stat: Array(line.utf8)))
        #expect(entry.id == 42 && entry.parent == 1 && entry.group == 42 && entry.session == 7)
        #expect(entry.startTicks == 98765 && !entry.isZombie)
        #expect(ProcessEntry(stat: Array("42 (a".utf8)) == nil)
    }

    private func isAlive(_ id: Int32) -> Bool { ProcessEntry.read(id).map { !$0.isZombie } ?? false }

    /// Waits for a file with a number in it, at most a minute.
    private func numberIn(_ name: String) async throws -> Int32 {
        for _ in 0..<6000 {
            // Not there yet, or empty yet.
            if let text = try? String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8), text.hasSuffix("\n"),
                let number = Int32(text.filter(\.isNumber))
            {
                return number
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("\(name) was not written")
        return 0
    }
}

/// A folder for one test, gone afterwards.
private final class Folder: Sendable {
    let path: String

    init() {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/jaga processes XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("mkdtemp failed with \(errno)") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    // A folder that stays is found by the check at the end of the test run.
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
