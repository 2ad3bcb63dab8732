public import Diagnostics

/// Why a server of the sample stack could not be started, reached or broken.
public struct StackError: Failure {
    public enum Code: String, Sendable {
        case programMissing = "program-missing"
        case spawnFailed = "spawn-failed"
        case commandFailed = "command-failed"
        case timedOut = "timed-out"
        case notRunning = "not-running"
        case fileFailed = "file-failed"
        case faultUnavailable = "fault-unavailable"
        case unreachable
    }

    public let code: Code
    public let summary: String
    public let hint: String?
    public let cause: (any Error)?
    public var codeName: String { code.rawValue }

    init(_ code: Code, _ summary: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.summary = summary
        self.hint = hint
        self.cause = cause
    }
}
