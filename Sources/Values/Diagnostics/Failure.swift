/// An error that a person reads: what failed, with which input, and what to do about it.
///
/// Each target has one conforming type. The same value is printed to a terminal, as JSON and as a log line.
public protocol Failure: Error, Sendable, CustomStringConvertible {
    /// What failed and with which input: lower case, no full stop. Never holds a secret.
    var summary: String { get }
    /// What to do next: a sentence with a full stop. Nil when there is nothing useful to say.
    var hint: String? { get }
    /// Stable name for programs (`connection-refused`), documented and only added to.
    var codeName: String { get }
    /// The error underneath, where there is one.
    var cause: (any Error)? { get }
}

extension Failure {
    public var hint: String? { nil }
    public var cause: (any Error)? { nil }
    public var description: String { summary }
}

extension Failure {
    /// One line with the chain of causes: `summary: cause: cause`.
    public var oneLine: String {
        var parts = [summary]
        var next = cause
        while let error = next {
            parts.append(describe(error))
            next = (error as? any Failure)?.cause
        }
        return parts.joined(separator: ": ")
    }
}

extension Failure {
    /// Summary and hint as one sentence, as a diagnostic has it: `'x' is not a name; write it like this`.
    public var inOneSentence: String {
        guard var hint, let first = hint.first else { return summary }
        // An abbreviation or a name keeps its capitals.
        let second = hint.dropFirst().first
        if second.map({ $0.isLowercase || $0 == " " }) ?? true { hint = first.lowercased() + hint.dropFirst() }
        if hint.hasSuffix(".") { hint.removeLast() }
        return "\(summary); \(hint)"
    }
}

/// The text that stands for any error: a `Failure`'s summary, or the error's own description.
public func describe(_ error: any Error) -> String {
    if let failure = error as? any Failure { return failure.summary }
    if error is CancellationError { return "cancelled" }
    return String(describing: error)
}

/// A failure without a type of its own: for edges that only report.
public struct PlainFailure: Failure {
    public let codeName: String
    public let summary: String
    public let hint: String?
    public let cause: (any Error)?

    public init(_ codeName: String, _ summary: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.codeName = codeName
        self.summary = summary
        self.hint = hint
        self.cause = cause
    }
}
