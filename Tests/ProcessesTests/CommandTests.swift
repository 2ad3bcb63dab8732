import Diagnostics
import Glibc
import Processes
import Synchronization
import SystemPackage
import Testing

/// Goal: a program's end, output and limits are reported as they were, and nothing of it stays behind. Method: real small
/// programs of the system.
@Suite struct CommandTests {
    @Test func `output and exit code come back apart`() async throws {
        let outcome = try await Command.shell("echo out; echo err >&2; exit 3").run()
        #expect(outcome.output.text == "out\n")
        #expect(outcome.errors.text == "err\n")
        #expect(outcome.ending == .exited(3))
        #expect(throws: CommandFailure.self) { try outcome.checked() }
    }

    @Test func `the message of a failure ends with what the program said`() async throws {
        let outcome = try await Command.shell("echo working; echo 'no such table' >&2; exit 1").run()
        let failure = #expect(throws: CommandFailure.self) { try outcome.checked() }
        #expect(failure?.summary == "'sh' failed: exit code 1: no such table")
    }

    @Test func `a signal is not an exit code`() async throws {
        let outcome = try await Command.shell("kill -9 $$").run()
        #expect(outcome.ending == .signalled(9))
        #expect(outcome.exitCode == 137)
    }

    @Test func `a missing program is named with a hint`() async throws {
        let failure = await #expect(throws: CommandFailure.self) { try await Command("no-such-program").run() }
        #expect(failure?.code == .programNotFound)
        #expect(failure?.hint != nil)
        let other = await #expect(throws: CommandFailure.self) { try await Command("/etc/passwd").run() }
        #expect(other?.code == .programNotExecutable)
        let third = await #expect(throws: CommandFailure.self) { try await Command("true", folder: "/no/such").run() }
        #expect(third?.code == .folderNotFound)
        #expect(throws: CommandFailure.self) { try SystemUser.named("no-such-user-here") }
    }

    @Test func `the environment can be changed or replaced`() async throws {
        let changed = Command("/usr/bin/env", environment: .inherit(changes: ["JAGA_TEST": "1", "HOME": nil]))
        let text = try await changed.run().output.text
        #expect(text.contains("JAGA_TEST=1\n"))
        #expect(!text.contains("HOME="))
        #expect(try await Command("/usr/bin/env", environment: .only(["A": "b"])).run().output.text == "A=b\n")
    }

    @Test func `input goes through whole while output is read`() async throws {
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
        let seen = Mutex<[UInt8]>([])
        let outcome = try await Command("cat", input: .bytes(bytes)).run { piece in seen.withLock { $0 += piece } }
        #expect(outcome.isSuccess)
        #expect(seen.withLock { $0 } == bytes)
    }

    @Test func `a slow reader gets everything of a program that has ended`() async throws {
        let total = Mutex(0)
        let outcome = try await Command("head", ["-c", "300000", "/dev/zero"]).run { piece in
            for _ in 0..<100 { await Task.yield() }
            total.withLock { $0 += piece.count }
        }
        #expect(outcome.isSuccess)
        #expect(total.withLock { $0 } == 300_000)
    }

    @Test func `a program that closes its input early decides the outcome`() async throws {
        let outcome = try await Command(
            "sh", ["-c", "exec <&-; exit 4"], input: .bytes([UInt8](repeating: 1, count: 1_000_000))
        ).run()
        #expect(outcome.ending == .exited(4))
    }

    @Test func `a broken pipe still ends a program in a pipeline`() async throws {
        let outcome = try await Command.shell("yes | head -n 1").run()
        #expect(outcome.output.text == "y\n")
        #expect(outcome.errors.text == "")
    }

    @Test func `the output keeps its beginning and its end`() async throws {
        var command = Command.shell("seq 1 100000")
        command.outputLimit = 400
        let output = try await command.run().output
        #expect(output.text.hasPrefix("1\n2\n"))
        #expect(output.text.hasSuffix("99999\n100000\n"))
        #expect(output.bytes.count < 500)
        #expect(output.byteCount == 588_895)
    }

    @Test func `time over ends the program, its children and what ignores SIGTERM`() async throws {
        var command = Command.shell("trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000")
        command.grace = .milliseconds(200)
        // A busy machine is given more time to begin.
        var outcome: CommandOutcome
        var limit = Duration.milliseconds(300)
        repeat {
            command.timeLimit = limit
            outcome = try await command.run()
            limit *= 4
        } while outcome.output.bytes.isEmpty && limit < .seconds(120)
        #expect(outcome.ending == .timedOut)
        #expect(outcome.exitCode == 124)
        let child = try #require(Int32(outcome.output.text.split(separator: "\n").first ?? ""))
        #expect(try await ended(child))
    }

    @Test func `an error of the reader ends the program and comes through`() async throws {
        struct DiskFull: Error {}
        await #expect(throws: DiskFull.self) { try await Command("yes").run { _ in throw DiskFull() } }
    }

    @Test func `an error of the input ends the program and comes through`() async throws {
        struct SourceDamaged: Error {}
        let command = Command(
            "cat",
            input: .stream { input in
                try await input.write([65])
                throw SourceDamaged()
            })
        await #expect(throws: SourceDamaged.self) { try await command.run() }
    }

    @Test func `cancelling the task ends the program`() async throws {
        let started = AsyncStream.makeStream(of: Int32.self)
        let task = Task {
            try await Command.shell("echo $$; exec sleep 1000").run { piece in
                let text = String(decoding: piece, as: UTF8.self).split(separator: "\n")
                if let first = text.first, let id = Int32(first) { started.continuation.yield(id) }
            }
        }
        var iterator = started.stream.makeAsyncIterator()
        let id = try #require(await iterator.next())
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await ended(id))
    }

    @Test(.enabled(if: SystemUser.currentIsRoot)) func `a program runs as another user with its groups alone`()
        async throws
    {
        let command = Command("id", user: try SystemUser.named("nobody"))
        let text = try await command.run().output.text
        #expect(text.contains("(nobody)"))
        #expect(!text.contains("root"))
    }

    @Test func `a running program is signalled, stopped and waited for`() async throws {
        let process = try await RunningProcess.start(Command("sleep", ["1000"]))
        #expect(kill(process.processID, 0) == 0)
        let ending = await process.stop()
        #expect(ending == .signalled(SIGTERM))
        await #expect(throws: CommandFailure.self) { try await RunningProcess.start(Command("no-such-program")) }
    }

    /// Waits until the process is gone or a zombie, at most a minute.
    private func ended(_ id: Int32) async throws -> Bool {
        for _ in 0..<6000 {
            guard kill(id, 0) == 0 else { return true }
            if let stat = try? FileDescriptor.open("/proc/\(id)/stat", .readOnly) {
                defer { try? stat.close() }
                var bytes = [UInt8](repeating: 0, count: 256)
                let count = try bytes.withUnsafeMutableBytes { try stat.read(into: $0) }
                if String(decoding: bytes.prefix(count), as: UTF8.self).contains(") Z ") { return true }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
