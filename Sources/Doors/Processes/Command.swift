public import SystemPackage

/// A program to run: what, with which words, as whom, and within which limits.
///
/// The arguments are visible to every user of the machine, so a secret never goes there: use `environment` or a file.
public struct Command: Sendable {
    /// What the program finds on its standard input.
    public enum Input: Sendable {
        /// Nothing: the end of the input at once.
        case none
        case bytes([UInt8])
        /// Bytes as the program takes them: the call of `write` waits while the pipe is full. The input ends when the
        /// closure returns. An error that it throws ends the program.
        case stream(@Sendable (CommandInput) async throws -> Void)
    }

    /// Which environment the program starts with.
    public enum Environment: Sendable {
        /// This process's own, with `changes` on top; nil removes a variable.
        case inherit(changes: [String: String?] = [:])
        /// These variables alone.
        case only([String: String])
    }

    /// A path with a slash, or a name that is looked up in the `PATH` of the program's environment.
    public var program: String
    public var arguments: [String]
    public var environment: Environment
    /// Nil: this process's own.
    public var folder: FilePath?
    public var input: Input
    /// Run as this user with its groups; only root may. Nil: as this process.
    public var user: SystemUser?
    /// After this long the program and all it started are ended. Nil: no limit.
    public var timeLimit: Duration?
    /// How long the program may take to end after SIGTERM before SIGKILL follows.
    public var grace: Duration
    /// Bytes kept of standard output and of standard error, each: the first quarter and the newest three.
    public var outputLimit: Int

    public init(
        _ program: String, _ arguments: [String] = [], environment: Environment = .inherit(), folder: FilePath? = nil,
        input: Input = .none, user: SystemUser? = nil, timeLimit: Duration? = nil, grace: Duration = .seconds(5),
        outputLimit: Int = 256 * 1024
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.folder = folder
        self.input = input
        self.user = user
        self.timeLimit = timeLimit
        self.grace = grace
        self.outputLimit = outputLimit
    }

    /// `line` as a shell reads it: `/bin/sh -c line`.
    public static func shell(_ line: String) -> Command { Command("/bin/sh", ["-c", line]) }
}
