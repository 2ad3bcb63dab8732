import Diagnostics
import Glibc
import Subprocess
import Synchronization

// One run is three streams and a clock. Standard output and standard error are read side by side, whatever the program
// does, so that a full pipe never stops it; standard input is fed beside them. When the time is over, the task that owns
// the program is cancelled: its whole process group gets SIGTERM, and SIGKILL after the grace. What was captured by then
// is kept and comes back with the outcome, since the last lines tell what the program was waiting for.

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
            _ = try? await group.next()
            state.killGroup()
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
                state.processID.withLock { $0 = execution.processIdentifier.value }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do {
                            try await feed(execution.standardInputWriter)
                        } catch {
                            await execution.teardown(using: configuration.platformOptions.teardownSequence)
                            throw error
                        }
                    }
                    group.addTask {
                        for try await buffer in execution.standardOutput {
                            let bytes = buffer.withUnsafeBytes { Array($0) }
                            if let onOutput {
                                do {
                                    try await onOutput(bytes)
                                } catch {
                                    // The other streams end with the program, so it has to go before they are awaited.
                                    await execution.teardown(using: configuration.platformOptions.teardownSequence)
                                    throw error
                                }
                            } else {
                                state.captured.withLock { $0.output.append(bytes) }
                            }
                        }
                    }
                    group.addTask {
                        for try await buffer in execution.standardError {
                            let bytes = buffer.withUnsafeBytes { Array($0) }
                            onErrors?(bytes)
                            state.captured.withLock { $0.errors.append(bytes) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try Task.checkCancellation()
            return CommandOutcome.Ending(result.terminationStatus)
        } catch let error as SubprocessError {
            if Task.isCancelled { throw CancellationError() }
            throw CommandFailure(.notStarted, program, error.description)
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
    let processID = Mutex<Int32>(0)

    init(outputLimit: Int) {
        captured = Mutex(
            Captured(output: CapturedOutput(limit: outputLimit), errors: CapturedOutput(limit: outputLimit)))
    }

    /// Ends what is left of the process group. The leader is gone, but as long as a member lives the kernel gives its
    /// number to nobody else.
    func killGroup() {
        let id = processID.withLock { $0 }
        if id > 1 { kill(-id, SIGKILL) }
    }
}
