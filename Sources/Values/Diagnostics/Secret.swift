/// A value that must not be seen. Printing, dumping and encoding give `<redacted>`; only `reveal()` gives the text, so that
/// every use of a secret can be found by searching for that word.
public struct Secret: Sendable, Hashable {
    private let text: String

    public init(_ text: String) {
        self.text = text
    }

    /// The secret itself, for the one call that needs it. Never pass it to a log, an error or a process's arguments.
    public func reveal() -> String { text }

    public static let redacted = "<redacted>"
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { Self.redacted }
    public var debugDescription: String { Self.redacted }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
