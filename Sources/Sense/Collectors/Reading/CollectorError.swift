public import Diagnostics

/// Why a source could not be read.
public struct CollectorError: Failure {
    public enum Code: String, Sendable, Hashable {
        case unreadableFile = "collector-unreadable-file"
        case unexpectedContent = "collector-unexpected-content"
        case unexpectedStatus = "collector-unexpected-status"
        case limitExceeded = "collector-limit-exceeded"
        case noProcess = "collector-no-process"
    }

    public let code: Code
    /// The file, the address or the target at fault.
    public let subject: String
    public let reason: String

    public init(_ code: Code, _ subject: String, _ reason: String) {
        self.code = code
        self.subject = subject
        self.reason = reason
    }

    public var codeName: String { code.rawValue }
    public var summary: String { "\(subject): \(reason)" }

    public var hint: String? {
        switch code {
        case .unreadableFile: "Check that the file exists and that Jaga's user may read it."
        case .unexpectedContent: "Check that the address or the file is the right one."
        case .unexpectedStatus: "Open the same address with curl; the server may want another path or a login."
        case .limitExceeded: "Raise the limit in the target's settings if the size is as it should be."
        case .noProcess: nil
        }
    }
}
