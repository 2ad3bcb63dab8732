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
        /// There is no key, but there are checkpoints that one has signed.
        case missingKey(path: String)
        case unreadableCheckpoint(path: String, reason: String)
        /// The ledger has fewer entries than the checkpoint that was kept beside it.
        case entriesLost(kept: Int64, actual: Int64, path: String)
        /// The first `size` entries are not those that the kept checkpoint signed.
        case entriesChanged(size: Int64, path: String)
        case malformedKey(String)
        case malformedNote(String)
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
        case .missingKey: "ledger-key-missing"
        case .unreadableCheckpoint: "ledger-checkpoint-unreadable"
        case .entriesLost: "ledger-entries-lost"
        case .entriesChanged: "ledger-entries-changed"
        case .malformedKey: "ledger-key-malformed"
        case .malformedNote: "ledger-note-malformed"
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
        case .missingKey(let path):
            "the ledger's key '\(path)' is missing, and checkpoints were signed with it"
        case .unreadableCheckpoint(let path, let reason): "the kept checkpoint '\(path)' cannot be used: \(reason)"
        case .entriesLost(let kept, let actual, let path):
            "the ledger has lost entries: the database holds \(actual), and '\(path)' was signed over \(kept)"
        case .entriesChanged(let size, let path):
            "the ledger's first \(size) entries are not those over which '\(path)' was signed"
        case .malformedKey(let reason): "not a key of the ledger: \(reason)"
        case .malformedNote(let reason): "not a checkpoint: \(reason)"
        case .outOfRange(let reason): reason
        }
    }

    public var hint: String? {
        switch code {
        case .replayFailed: "Report the message; the entries themselves are untouched."
        case .sizeChanged: "Read the newer entries and decide again."
        case .entryTooLarge: "Keep large output in a file and record its path and hash."
        case .inconsistent: "Run 'jaga ledger verify' to see which entry is at fault."
        case .unreadableKey(let path, LedgerSigner.wrongMode): "Run 'chmod 600 \(path)'."
        case .unreadableKey(let path, _):
            "Put back the file from a backup. If it is gone for good, rename it to '\(path).lost' and start again: a new key "
                + "is made, the change is entered in the ledger, and what the old key signed stays valid."
        case .missingKey(let path):
            "Put back the file from a backup. If it is gone for good, make an empty file '\(path).lost' and start again: a new "
                + "key is made, the change is entered in the ledger, and what the old key signed stays valid."
        case .unreadableCheckpoint(let path, _), .entriesLost(_, _, let path), .entriesChanged(_, let path):
            "Put back the newest copy of 'jaga.db', with its 'jaga.db-wal' where it has one. If what is missing is gone for good, rename '\(path)' to "
                + "'\(path).lost' and start again: the loss is then entered in the ledger."
        case .malformedKey: "A verifier key looks like 'jaga/host+1a2b3c4d+AbC…'; 'jaga ledger verify' prints it."
        default: nil
        }
    }
}
