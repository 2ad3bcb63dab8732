public import Events
import Processes
import Synchronization
public import Units

/// Something that can be done as a job: a command, a backup, a drill. The runner knows nothing else of it.
public protocol JobKind: Sendable {
    /// As the settings name it: `command`, `backup` …
    var name: String { get }
    /// Does the work once. Must come back when its task is cancelled, which happens at the deadline and at shutdown.
    /// - Throws: what went wrong; its summary becomes the run's message.
    func run(_ context: JobContext) async throws -> JobResult
}

/// Why a run takes place.
public enum JobTrigger: String, Sendable, Codable {
    case schedule, manual, retry
}

/// What a run knows of itself.
public struct JobContext: Sendable {
    public let job: String
    public let run: String
    public let trigger: JobTrigger
    public let actor: Actor
    /// 1 for the first.
    public let attempt: Int
    public let scheduledFor: Timestamp?
    /// Takes what the run prints.
    public let log: JobLog

    public init(
        job: String, run: String, trigger: JobTrigger, actor: Actor, attempt: Int = 1, scheduledFor: Timestamp? = nil,
        log: JobLog = JobLog()
    ) {
        self.job = job
        self.run = run
        self.trigger = trigger
        self.actor = actor
        self.attempt = attempt
        self.scheduledFor = scheduledFor
        self.log = log
    }
}

/// How a run ended that came to its own end.
public struct JobResult: Sendable {
    public var succeeded: Bool
    /// One sentence.
    public var message: String
    public var exitCode: Int32?

    public init(succeeded: Bool = true, message: String, exitCode: Int32? = nil) {
        self.succeeded = succeeded
        self.message = message
        self.exitCode = exitCode
    }
}

/// What a run prints, with a limit: its beginning and its end are kept.
public final class JobLog: Sendable {
    private let captured: Mutex<CapturedOutput>

    /// - Parameter limit: bytes kept.
    public init(limit: Int = 16 * 1024) {
        captured = Mutex(CapturedOutput(limit: limit))
    }

    public func print(_ line: String) { append(Array((line + "\n").utf8)) }
    public func append(_ bytes: [UInt8]) { captured.withLock { $0.append(bytes) } }
    public var text: String { captured.withLock { $0.text } }
}
