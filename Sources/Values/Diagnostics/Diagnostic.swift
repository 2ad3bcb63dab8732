/// A place in a text file. Lines and columns count from 1; columns count characters.
public struct SourcePosition: Sendable, Hashable, Comparable {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

extension SourcePosition: CustomStringConvertible {
    public var description: String { "\(file):\(line):\(column)" }
}

/// One fault of an input that may have many: a configuration file, a rule file.
public struct Diagnostic: Sendable, Hashable {
    public enum Severity: String, Sendable {
        case error, warning
    }

    public var severity: Severity
    public var position: SourcePosition?
    /// Where in the document's structure, as in `alerts[3].for`; empty at the top.
    public var path: String
    /// What is wrong and how to write it right.
    public var message: String

    public init(_ severity: Severity = .error, at position: SourcePosition?, path: String = "", _ message: String) {
        self.severity = severity
        self.position = position
        self.path = path
        self.message = message
    }
}

/// `jaga.yaml:42:9: alerts[3].for: '5 minuts' is not a duration; write it like 5m or 1h30m`
extension Diagnostic: CustomStringConvertible {
    public var description: String {
        var parts: [String] = []
        if let position { parts.append("\(position)") }
        if severity == .warning { parts.append("warning") }
        if !path.isEmpty { parts.append(path) }
        parts.append(message)
        return parts.joined(separator: ": ")
    }
}

/// Every fault of one input at once.
public struct InvalidInput: Failure {
    public let codeName = "invalid-input"
    public let diagnostics: [Diagnostic]

    public init(_ diagnostics: [Diagnostic]) {
        precondition(!diagnostics.isEmpty, "an invalid input has at least one fault")
        self.diagnostics = diagnostics
    }

    public var summary: String { diagnostics.map(\.description).joined(separator: "\n") }
}
