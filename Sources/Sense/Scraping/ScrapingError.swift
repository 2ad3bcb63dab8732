public import Diagnostics

/// Why a target could not be scraped, or targets could not be found.
public struct ScrapingError: Failure, Hashable {
    public enum Code: String, Sendable {
        case unexpectedStatus = "unexpected-status"
        case unknownFormat = "unknown-format"
        case limitExceeded = "limit-exceeded"
        case invalidTarget = "invalid-target"
        case discoveryFailed = "discovery-failed"
    }

    public let code: Code
    public let summary: String
    public let hint: String?

    init(_ code: Code, _ summary: String, hint: String? = nil) {
        self.code = code
        self.summary = summary
        self.hint = hint
    }

    public var codeName: String { code.rawValue }
}
