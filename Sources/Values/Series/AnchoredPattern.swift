/// A regular expression that must match a whole text.
public struct AnchoredPattern: Sendable {
    public init(_ source: String) throws(PatternFault) { throw PatternFault(pattern: source, reason: "unwritten") }
    public func matches(_ text: String) -> Bool { false }
}

/// Why a text is not a regular expression.
public struct PatternFault: Error, Sendable, Hashable {
    public let pattern: String
    public let reason: String
}
