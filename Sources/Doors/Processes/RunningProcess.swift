import Diagnostics
import Glibc
import Subprocess
import Synchronization
public import SystemPackage

/// A program that runs beside its caller: a server.
///
/// It runs until it ends by itself or `stop` is called; dropping the handle does not end it.
public final class RunningProcess: Sendable {
    public let processID: Int32
    public let program: String
    private let task: Task<CommandOutcome.Ending, any Error>
    private let grace: Duration
    private let hasEnded: Ended

    private init(
        _ processID: Int32, _ command: Command, _ task: Task<CommandOutcome.Ending, any Error>, _ hasEnded: Ended
    ) {
        self.hasEnded = hasEnded
        self.processID = processID
        self.program = command.shortName
        self.task = task
        self.grace = command.grace
    }

    /// Starts `command`; its input and limits do not apply.
    /// - Parameter output: takes standard output and standard error; it stays the caller's. Nil: both are dropped.
    /// - Throws: `CommandFailure`.
    public static func start(_ command: Command, output: FileDescriptor? = nil) async throws -> RunningProcess {
        let configuration = try command.configuration()
        let hasEnded = Ended()
        let (started, report) = AsyncStream.makeStream(of: Int32.self)
        // Owned by the handle; it ends when the program does.
        let task = Task { () async throws -> CommandOutcome.Ending in
            defer {
                hasEnded.flag.withLock { $0 = true }
                report.finish()
            }
            let status =
                if let output {
                    try await Subprocess.run(
                        configuration, input: .none, output: .fileDescriptor(output, closeAfterSpawningProcess: false),
                        error: .fileDescriptor(output, closeAfterSpawningProcess: false)
                    ) { execution in
                        report.yield(execution.processIdentifier.value)
                    }.terminationStatus
                } else {
                    try await Subprocess.run(configuration, input: .none, output: .discarded, error: .discarded) {
                        execution in
                        report.yield(execution.processIdentifier.value)
                    }.terminationStatus
                }
            return CommandOutcome.Ending(status)
        }
        for await processID in started { return RunningProcess(processID, command, task, hasEnded) }
        do {
            _ = try await task.value
            throw CommandFailure(.notStarted, command.program)
        } catch let error as SubprocessError {
            throw CommandFailure(.notStarted, command.program, error.description)
        }
    }

    /// Sends `signal` to the program alone or to its whole process group.
    public func send(signal: Int32, toGroup: Bool = false) {
        // Once the program was waited for, the kernel may have given its number to another.
        hasEnded.flag.withLock { ended in
            if !ended { kill(toGroup ? -processID : processID, signal) }
        }
    }

    /// Waits for the end. Cancelling the wait does not end the program.
    public func wait() async throws -> CommandOutcome.Ending { try await task.value }

    /// Ends the program and what it started: SIGTERM, and SIGKILL after the command's grace.
    @discardableResult
    public func stop() async -> CommandOutcome.Ending? {
        send(signal: SIGTERM)
        let task = task
        let killer = Task { [self] in
            // Ends with `stop`, which cancels it.
            try await Task.sleep(for: grace)
            send(signal: SIGKILL, toGroup: true)
        }
        defer { killer.cancel() }
        // An error says that the program was never waited for; how it ended is then not known, which nil says.
        return try? await task.value
    }
}

private final class Ended: Sendable {
    let flag = Mutex(false)
}
