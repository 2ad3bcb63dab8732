public import Diagnostics
public import Series

/// Why a query has no answer.
public struct QueryFault: Failure, Hashable {
    public enum Code: String, Sendable {
        /// The text is no expression, or its types do not fit together.
        case parse = "query-invalid"
        /// The expression is sound but has no value on these series.
        case execution = "query-failed"
        case tooManySamples = "query-too-many-samples"
        case tooManySteps = "query-too-many-steps"
        /// Other queries hold the memory just now.
        case noMemoryNow = "query-no-memory-now"
        case timedOut = "query-timed-out"
        /// The store could not be read.
        case storage = "query-storage"
    }

    public let code: Code
    /// What is wrong, in the reference's words where it has any, without position.
    public let message: String
    /// The query as it was given; empty where it was given as a tree.
    public let query: String
    /// The bytes of `query` that are at fault.
    public let span: SourceSpan?
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, query: String = "", span: SourceSpan? = nil, cause: (any Error)? = nil)
    {
        self.code = code
        self.message = message
        self.query = query
        self.span = span
        self.cause = cause
    }

    /// The store could not be read.
    public init(reading error: any Error) {
        self.init(.storage, "reading series failed", cause: error)
    }

    public init(_ refusal: MemoryRefusal) {
        self.init(refusal.isAlone ? .tooManySamples : .noMemoryNow, "query is refused: \(refusal)", cause: refusal)
    }

    public var codeName: String { code.rawValue }

    /// Line and column of the fault, from 1; columns count bytes, as in the reference.
    public var position: (line: Int, column: Int)? {
        span.map { lineAndColumn(of: $0.start, in: query) }
    }

    /// `1:8: parse error: unexpected end of input`; a fault without a place, such as a type that a range cannot have, and other faults are their
    /// message alone.
    public var summary: String {
        guard code == .parse, let position else { return message }
        return "\(position.line):\(position.column): parse error: \(message)"
    }

    public var hint: String? {
        switch code {
        case .parse: "Correct the expression at the place named."
        case .execution, .storage: nil
        case .tooManySamples: "Ask for a shorter range or fewer series, or raise the limit."
        case .noMemoryNow: "Ask again when other queries have ended."
        case .tooManySteps: "Ask for a longer step or a shorter range, or raise the limit."
        case .timedOut: "Ask for a shorter range or fewer series, or raise the limit."
        }
    }

    public static func == (left: QueryFault, right: QueryFault) -> Bool {
        (left.code, left.message, left.query, left.span) == (right.code, right.message, right.query, right.span)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(message)
    }
}

/// A stretch of a query's text, in bytes from its beginning.
public struct SourceSpan: Sendable, Hashable {
    public var start: Int
    public var end: Int

    public init(_ start: Int, _ end: Int) {
        self.start = start
        self.end = end
    }

    func through(_ other: SourceSpan) -> SourceSpan { SourceSpan(start, other.end) }
}

func lineAndColumn(of offset: Int, in text: String) -> (line: Int, column: Int) {
    var line = 1
    var column = 1
    for byte in text.utf8.prefix(offset) {
        column += 1
        if byte == 0x0A { (line, column) = (line + 1, 1) }
    }
    return (line, column)
}
