/// What a verification found.
public struct LedgerReport: Sendable, Hashable {
    /// The number of entries read.
    public var entryCount: Int64 = 0
    /// The root over them, as far as they follow each other.
    public var root = MerkleHash.empty
    /// Checkpoints whose size, root and signature are right.
    public var soundCheckpointCount = 0
    /// How many entries the last of them covers. Those after it are not signed yet.
    public var signedSize: Int64 = 0
    /// The keys that signatures were held against, oldest first.
    public var keys: [VerifierKey] = []
    /// Whether the caller named the keys; else they came with the data, and whoever can write the data can write them.
    public var keysAreTrusted = false
    /// In the order of the entries; at most `LedgerAudit.findingCountMax`.
    public var findings: [LedgerFinding] = []

    public var isSound: Bool { findings.isEmpty }
    /// The first entry that is not as it was.
    public var firstBad: LedgerFinding? { findings.first }
}

/// One thing that is wrong with a ledger.
public struct LedgerFinding: Sendable, Hashable {
    public enum Problem: Sendable, Hashable {
        /// The entry's content is not what was appended.
        case edited
        /// The entry that stands here was appended as another.
        case reordered(belongsAt: Int64)
        /// There is no entry of this sequence, but there are later ones.
        case missing
        case unreadable(String)
        /// The entries from here to the checkpoint's size do not give its root, and it cannot be told which is at fault.
        case differsFromCheckpoint(size: Int64)
        /// The entries from here on were there and are gone.
        case cutOff(size: Int64)
        case badSignature(checkpointSize: Int64)
        /// None of the keys has signed the checkpoint.
        case unknownKey(checkpointSize: Int64, origin: String)
        case malformedCheckpoint(String)
        /// The entries are right, a stored hash over them is not; proofs would fail.
        case damagedHash
    }

    /// The first entry concerned.
    public let sequence: Int64
    public let problem: Problem

    public init(sequence: Int64, _ problem: Problem) {
        self.sequence = sequence
        self.problem = problem
    }
}

extension LedgerFinding: CustomStringConvertible {
    public var description: String {
        switch problem {
        case .edited: "entry \(sequence) was edited: its content does not give the hash it was appended with"
        case .reordered(let place): "entry \(sequence) was put in another's place: it was appended as entry \(place)"
        case .missing: "entry \(sequence) is missing"
        case .unreadable(let reason): "entry \(sequence) cannot be read: \(reason)"
        case .differsFromCheckpoint(let size):
            "entries \(sequence) to \(size - 1) are not those that the checkpoint of size \(size) signed"
        case .cutOff(let size): "the tail was cut off: entry \(sequence) and up to \(size - 1) were there and are gone"
        case .badSignature(let size): "the signature of the checkpoint of size \(size) is wrong"
        case .unknownKey(let size, let origin):
            "the checkpoint of size \(size) by '\(origin)' is not signed by a known key"
        case .malformedCheckpoint(let reason): "a checkpoint after entry \(sequence) cannot be read: \(reason)"
        case .damagedHash: "a stored hash over entry \(sequence) is damaged, the entry itself is right"
        }
    }
}
