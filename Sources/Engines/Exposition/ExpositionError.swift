public import Diagnostics

/// Why a page of metrics was refused. No sample of the page is used then.
public struct ExpositionError: Failure, Hashable {
    public enum Code: String, Sendable {
        /// The text is not of the format.
        case syntax = "syntax"
        /// The text is well formed and contradicts itself or its types.
        case meaning = "meaning"
        /// More bytes, samples, labels or longer texts than the limits allow.
        case tooMuch = "too-much"
    }

    public let code: Code
    /// From 1.
    public let line: Int
    /// From 1, in characters.
    public let column: Int
    public let message: String

    init(_ code: Code, line: Int, column: Int, _ message: String) {
        self.code = code
        self.line = line
        self.column = column
        self.message = message
    }

    public var codeName: String { "exposition-\(code.rawValue)" }
    public var summary: String { "line \(line), column \(column): \(message)" }
}
