public import Diagnostics

/// Why samples could not be sent, or not be queued.
public struct RemoteWriteError: Failure {
    public enum Code: String, Sendable {
        /// The receiver will never take this.
        case refused = "remote-write-refused"
        /// A later try may work.
        case unavailable = "remote-write-unavailable"
        case damagedQueue = "remote-write-queue-damaged"
    }

    public let code: Code
    public let summary: String
    public let cause: (any Error)?

    init(_ code: Code, _ summary: String, cause: (any Error)? = nil) {
        self.code = code
        self.summary = summary
        self.cause = cause
    }

    public var codeName: String { code.rawValue }
}
