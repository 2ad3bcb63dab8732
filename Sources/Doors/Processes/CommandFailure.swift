public import Diagnostics

/// Why a program could not be run or did not succeed.
public struct CommandFailure: Failure {
    public enum Code: String, Sendable {
        case programNotFound = "program-not-found"
        case programNotExecutable = "program-not-executable"
        case folderNotFound = "folder-not-found"
        case unknownUser = "unknown-user"
        case notPermitted = "not-permitted"
        case notStarted = "not-started"
        case failed = "program-failed"
        case timedOut = "timed-out"
    }

    public let code: Code
    /// The program, folder or user at fault.
    public let subject: String
    public let reason: String
    public let cause: (any Error)?

    public init(_ code: Code, _ subject: String, _ reason: String = "", cause: (any Error)? = nil) {
        self.code = code
        self.subject = subject
        self.reason = reason
        self.cause = cause
    }

    public var codeName: String { code.rawValue }

    public var summary: String {
        let detail = reason.isEmpty ? "" : ": \(reason)"
        return switch code {
        case .programNotFound: "there is no program '\(subject)'\(detail)"
        case .programNotExecutable: "'\(subject)' may not be executed\(detail)"
        case .folderNotFound: "there is no folder '\(subject)' to run in"
        case .unknownUser: "there is no user '\(subject)'"
        case .notPermitted: "may not run a program as '\(subject)'"
        case .notStarted: "'\(subject)' could not be started\(detail)"
        case .failed: "'\(subject)' failed\(detail)"
        case .timedOut: "'\(subject)' ran out of time\(detail)"
        }
    }

    public var hint: String? {
        switch code {
        case .programNotFound: "Install it, or write its full path."
        case .programNotExecutable: "Give it the right to run with 'chmod +x', or name its interpreter."
        case .folderNotFound: "Make the folder, or write another one."
        case .unknownUser: "Write the name of a user of this machine."
        case .notPermitted: "Only root may run programs as another user."
        case .timedOut: "Look at its output for what it waited for, or raise its time limit."
        case .notStarted, .failed: nil
        }
    }
}
