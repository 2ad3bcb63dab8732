public import Diagnostics

/// Why the ledger could not be opened, appended to or read.
public struct LedgerError: Failure {
    public enum Code: Sendable, Hashable {
        /// A projection refused an entry of this kind, so nothing of the append was kept.
        case projectionRefused(projection: String, kind: String)
        /// An entry could not be applied while a projection was built.
        case replayFailed(projection: String, sequence: Int64)
        /// Somebody else appended first.
        case sizeChanged(expected: Int64, actual: Int64)
        case entryTooLarge(kind: String, bytes: Int)
        /// A payload is no object, or holds a number that JSON cannot write.
        case unencodable(kind: String, reason: String)
        /// An entry or a node of the tree is not where it must be.
        case inconsistent(reason: String)
        case unreadableKey(path: String, reason: String)
        case malformedKey(String)
        case malformedNote(String)
        case malformedExport(line: Int, reason: String)
        case outOfRange(reason: String)
    }

    public let code: Code
    public let cause: (any Error)?

    init(_ code: Code, cause: (any Error)? = nil) {
        self.code = code
        self.cause = cause
    }

    public var codeName: String {
        switch code {
        case .projectionRefused: "ledger-projection-refused"
        case .replayFailed: "ledger-replay-failed"
        case .sizeChanged: "ledger-size-changed"
        case .entryTooLarge: "ledger-entry-too-large"
        case .unencodable: "ledger-unencodable"
        case .inconsistent: "ledger-inconsistent"
        case .unreadableKey: "ledger-key-unreadable"
        case .malformedKey: "ledger-key-malformed"
        case .malformedNote: "ledger-note-malformed"
        case .malformedExport: "ledger-export-malformed"
        case .outOfRange: "ledger-out-of-range"
        }
    }

    public var summary: String {
        switch code {
        case .projectionRefused(let projection, let kind):
            "'\(projection)' refused an entry of kind '\(kind)', nothing was recorded"
        case .replayFailed(let projection, let sequence):
            "'\(projection)' could not be built: entry \(sequence) failed"
        case .sizeChanged(let expected, let actual):
            "the ledger has \(actual) entries, the append expected \(expected)"
        case .entryTooLarge(let kind, let bytes):
            "an entry of kind '\(kind)' takes \(bytes) bytes, more than the \(LeafEncoding.byteCountMax) allowed"
        case .unencodable(let kind, let reason): "an entry of kind '\(kind)' cannot be written: \(reason)"
        case .inconsistent(let reason): "the ledger is inconsistent: \(reason)"
        case .unreadableKey(let path, let reason): "the ledger's key '\(path)' cannot be used: \(reason)"
        case .malformedKey(let reason): "not a key of the ledger: \(reason)"
        case .malformedNote(let reason): "not a checkpoint: \(reason)"
        case .malformedExport(let line, let reason): "line \(line) of the export is not valid: \(reason)"
        case .outOfRange(let reason): reason
        }
    }

    public var hint: String? {
        switch code {
        case .replayFailed: "Report the message; the entries themselves are untouched."
        case .sizeChanged: "Read the newer entries and decide again."
        case .entryTooLarge: "Keep large output in a file and record its path and hash."
        case .inconsistent: "Run 'jaga ledger verify' to see which entry is at fault."
        case .unreadableKey: "Put back the key file from a backup; without it, move it away and a new key is made."
        case .malformedKey: "A verifier key looks like 'jaga/host+1a2b3c4d+AbC…'; 'jaga ledger verify' prints it."
        default: nil
        }
    }
}
