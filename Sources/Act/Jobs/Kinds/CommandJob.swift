public import Processes

/// The kind `command`: a program or a line for the shell.
public struct CommandJob: JobKind {
    public let name = "command"
    public let command: Command

    /// - Parameter command: has no time limit of its own, since the job's deadline ends it.
    public init(_ command: Command) {
        self.command = command
    }

    public func run(_ context: JobContext) async throws -> JobResult {
        var command = command
        let about = [
            "JAGA_JOB": context.job, "JAGA_RUN": context.run, "JAGA_TRIGGER": context.trigger.rawValue,
            "JAGA_ATTEMPT": String(context.attempt),
        ]
        switch command.environment {
        case .inherit(let changes):
            command.environment = .inherit(changes: changes.merging(about.mapValues { .some($0) }) { mine, _ in mine })
        case .only(let variables): command.environment = .only(variables.merging(about) { mine, _ in mine })
        }
        // What comes on both streams goes into one log, so the program's words stay beside its errors when it is cancelled.
        let outcome = try await command.run(
            onOutput: { context.log.append($0) }, onErrors: { context.log.append($0) })
        do {
            try outcome.checked()
            return JobResult(message: "exit code 0", exitCode: 0)
        } catch {
            return JobResult(succeeded: false, message: error.summary, exitCode: outcome.exitCode)
        }
    }
}
