public import Diagnostics

/// Why a log cannot be followed.
public struct LogTailError: Failure {
    public enum Code: String, Sendable, Hashable {
        case unreadable = "log-unreadable"
        case positionNotKept = "log-position-not-kept"
    }

    public let code: Code
    public let path: String
    public let reason: String
    public let cause: (any Error)?

    public init(_ code: Code, _ path: String, _ reason: String, cause: (any Error)? = nil) {
        self.code = code
        self.path = path
        self.reason = reason
        self.cause = cause
    }

    public var codeName: String { code.rawValue }

    public var summary: String {
        switch code {
        case .unreadable: "log \(path) cannot be read: \(reason)"
        case .positionNotKept: "the reading position of \(path) cannot be kept: \(reason)"
        }
    }

    public var hint: String? {
        switch code {
        case .unreadable: "Check the path, and that Jaga's user may read it (on Debian, group adm reads nginx's logs)."
        case .positionNotKept:
            "Check that the data folder is writable and has space; lines may be counted twice after a restart."
        }
    }
}
