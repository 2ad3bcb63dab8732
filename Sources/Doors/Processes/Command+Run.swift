import Diagnostics
import Glibc
import Subprocess
import Synchronization

// One run is three streams and a clock. Standard output and standard error are read side by side, whatever the program
// does, so that a full pipe never stops it; standard input is fed beside them. When the time is over, the task that owns
// the program is cancelled: its whole process group gets SIGTERM, and SIGKILL after the grace. What was captured by then
// is kept and comes back with the outcome, since the last lines tell what the program was waiting for.
//
// A program may end and leave others running that hold its pipes. The run is over with the program: what it left in its
// process group is ended before the program is waited for, as long as its number belongs to nobody else. What left the
// group on purpose (a daemon with a session of its own) goes on, and its hold on the pipes is waited for no longer than
// `pipeLimit`.

extension Command {
    /// Runs the program to its end.
    ///
    /// A failing exit code or a time that ran out is an outcome, not an error; `CommandOutcome.checked()` makes it one.
    /// Cancelling the calling task ends the program and throws `CancellationError`.
    /// - Parameter onOutput: gets standard output in pieces instead of it being captured. The program is held up while
    ///   the closure works, and ended when it throws; its error is then thrown here.
    /// - Parameter onErrors: sees standard error as it comes, beside its being captured.
    /// - Throws: `CommandFailure` when the program could not be started.
    public func run(
        onOutput: (@Sendable ([UInt8]) async throws -> Void)? = nil, onErrors: (@Sendable ([UInt8]) -> Void)? = nil
    ) async throws -> CommandOutcome {
        let configuration = try configuration()
        let start = ContinuousClock.now
        let state = RunState(outputLimit: outputLimit)
        let ending = try await withTimeLimit(state) {
            try await execute(configuration, state, onOutput, onErrors)
        }
        return state.captured.withLock { captured in
            CommandOutcome(
                program: shortName, ending: ending, output: captured.output, errors: captured.errors,
                duration: ContinuousClock.now - start)
        }
    }

    var shortName: String { program.split(separator: "/").last.map(String.init) ?? program }

    private func withTimeLimit(
        _ state: RunState, _ body: @escaping @Sendable () async throws -> CommandOutcome.Ending
    ) async throws -> CommandOutcome.Ending {
        guard let timeLimit else { return try await body() }
        return try await withThrowingTaskGroup(of: CommandOutcome.Ending.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: timeLimit)
                return .timedOut
            }
            let first = try await group.next()!
            group.cancelAll()
            guard first == .timedOut else { return first }
            // The program is being ended; its own ending is of no interest, but nothing of it may be left running.
            // That the ending was an error (it was cancelled) says nothing more.
            _ = try? await group.next()
            return .timedOut
        }
    }

    private func execute(
        _ configuration: Configuration, _ state: RunState, _ onOutput: (@Sendable ([UInt8]) async throws -> Void)?,
        _ onErrors: (@Sendable ([UInt8]) -> Void)?
    ) async throws -> CommandOutcome.Ending {
        do {
            let result = try await Subprocess.run(
                configuration, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                let leader = execution.processIdentifier.value
                let journal = GroupJournal.current
                let note = try journal?.began(leader, program: program)
                var failure: (any Error)?
                do {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await feed(execution.standardInputWriter) }
                        group.addTask {
                            try await read(execution.standardOutput, of: leader, state) { bytes in
                                if let onOutput {
                                    try await onOutput(bytes)
                                } else {
                                    state.captured.withLock { $0.output.append(bytes) }
                                }
                            }
                        }
                        group.addTask {
                            try await read(execution.standardError, of: leader, state) { bytes in
                                onErrors?(bytes)
                                state.captured.withLock { $0.errors.append(bytes) }
                            }
                        }
                        // The first failure ends the program at once: the other streams end with it.
                        do {
                            for try await _ in group {}
                        } catch {
                            await execution.teardown(using: configuration.platformOptions.teardownSequence)
                            throw error
                        }
                    }
                    try await waitForEnd(of: leader)
                } catch {
                    failure = error
                    await execution.teardown(using: configuration.platformOptions.teardownSequence)
                }
                let (_, left) = await ProcessEnding.end { ProcessEnding.followers(of: leader) }
                if let note, left.isEmpty { journal?.ended(note) }
                if let failure { throw failure }
            }
            try Task.checkCancellation()
            return CommandOutcome.Ending(result.terminationStatus)
        } catch let error as SubprocessError {
            if Task.isCancelled { throw CancellationError() }
            throw CommandFailure(.notStarted, program, error.description)
        }
    }

    /// Hands what comes to `take`, until the stream ends, the task is cancelled, or the program has ended and others have
    /// held the stream for longer than `pipeLimit`.
    private func read(
        _ stream: SubprocessOutputSequence, of leader: Int32, _ state: RunState,
        _ take: ([UInt8]) async throws -> Void
    ) async throws {
        for try await buffer in stream {
            try Task.checkCancellation()
            try await take(buffer.withUnsafeBytes { Array($0) })
            guard let over = state.timeSinceEnd(of: leader) else { continue }
            // Not waited for yet, so that the number is still the group's.
            kill(-leader, over < ProcessEnding.grace ? SIGTERM : SIGKILL)
            if over > Self.pipeLimit { return }
        }
    }

    /// How long what left the program's group may write into its pipes after its end.
    private static let pipeLimit = Duration.seconds(2)

    /// The streams end a moment before the program, or long before when it closes them itself. There is no event to wait
    /// for that does not also take the program's number away, so it is asked for in pauses from 1 to 50 ms.
    private func waitForEnd(of leader: Int32) async throws {
        var pause = Duration.milliseconds(1)
        while !ProcessEnding.hasEnded(child: leader) {
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    private func feed(_ writer: StandardInputWriter) async throws {
        do {
            switch input {
            case .none: break
            case .bytes(let bytes): try await CommandInput(writer: writer).write(bytes)
            case .stream(let body): try await body(CommandInput(writer: writer))
            }
        } catch is CommandInputClosed {
            // The exit code says why the program stopped reading.
        }
        // A program that no longer reads has closed its end already; there is nothing left to say to it.
        try? await writer.finish()
    }
}

extension CommandOutcome.Ending {
    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code): self = .exited(code)
        case .signaled(let signal): self = .signalled(signal)
        }
    }
}

private final class RunState: Sendable {
    struct Captured {
        var output: CapturedOutput
        var errors: CapturedOutput
    }

    let captured: Mutex<Captured>
    /// When the program was first seen to have ended.
    private let end = Mutex<ContinuousClock.Instant?>(nil)

    init(outputLimit: Int) {
        captured = Mutex(
            Captured(output: CapturedOutput(limit: outputLimit), errors: CapturedOutput(limit: outputLimit)))
    }

    /// - Returns: nil while the program runs.
    func timeSinceEnd(of leader: Int32) -> Duration? {
        end.withLock { end in
            if end == nil, ProcessEnding.hasEnded(child: leader) { end = .now }
            return end?.duration(to: .now)
        }
    }
}
