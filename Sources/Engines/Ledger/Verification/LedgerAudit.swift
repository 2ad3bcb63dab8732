// Two trees grow side by side: one from the entries as they are, one from the leaf hashes that were stored when they were
// appended. Where an entry and its stored hash differ, a checkpoint decides who is right:
//
//     root of the checkpoint = root from the stored hashes   →  the entries that differ were edited
//     root of the checkpoint = root from the entries          →  the stored hashes were damaged
//     neither                                                 →  something before this checkpoint was changed together with
//                                                                its hash; after the last checkpoint that was right
//
// An export has no stored hashes; there both trees are the same. What is not covered by a checkpoint has only its stored hash
// to speak for it.

/// Holds entries against checkpoints: a value without I/O, fed in order.
struct LedgerAudit {
    /// Past this many findings the file is not the ledger any more, and more lines help nobody.
    static let findingCountMax = 100

    private(set) var report = LedgerReport()
    private var fromEntries = CompactTree()
    private var fromHashes = CompactTree()
    /// Entries that differ from their stored hash and that no checkpoint has judged yet.
    private var doubtful: [Doubt] = []
    private var doubtfulNode: NodePlace?
    private var rootIsLost = false
    private var cutOffSize: Int64 = 0

    struct Doubt {
        let sequence: Int64
        let stored: MerkleHash
        /// The leaf hash that this content would have as the entry of another sequence.
        let hashAs: (Int64) -> MerkleHash
    }

    init(keys: [VerifierKey], areTrusted: Bool) {
        report.keys = keys
        report.keysAreTrusted = areTrusted
    }

    var size: Int64 { fromEntries.size }
    var isFull: Bool { report.findings.count >= Self.findingCountMax }

    /// Takes the entry that is next in order.
    mutating func take(
        leaf: MerkleHash, stored: MerkleHash, hashAs: @escaping (Int64) -> MerkleHash,
        storedNode: (NodePlace) throws -> MerkleHash?
    ) throws {
        let sequence = fromEntries.size
        if stored != leaf {
            doubtful.append(Doubt(sequence: sequence, stored: stored, hashAs: hashAs))
        }
        fromEntries.append(leaf: leaf)
        try fromHashes.append(leaf: stored) { place, hash in
            guard place.level > 0, doubtfulNode == nil, try storedNode(place) != hash else { return }
            doubtfulNode = place
        }
        report.entryCount = fromEntries.size
    }

    /// Takes the entry that is next in order, where there are no stored hashes.
    mutating func take(leaf: MerkleHash) {
        fromEntries.append(leaf: leaf)
        fromHashes.append(leaf: leaf)
        report.entryCount = fromEntries.size
    }

    /// Takes note of an entry that is not there; its stored hash stands in for it.
    mutating func skip(_ problem: LedgerFinding.Problem, stored: MerkleHash?) {
        find(fromEntries.size, problem)
        guard let stored else {
            rootIsLost = true
            fromEntries.append(leaf: .empty)
            fromHashes.append(leaf: .empty)
            return
        }
        fromEntries.append(leaf: stored)
        fromHashes.append(leaf: stored)
    }

    /// Judges a checkpoint whose size is that of the entries taken so far, or larger at the end.
    mutating func judge(note: String) {
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint(parsing: note)
        } catch {
            find(max(0, size - 1), .malformedCheckpoint(error.summary))
            return
        }
        let signedSize = checkpoint.head.size
        let claiming = report.keys.filter(checkpoint.claims)
        guard !claiming.isEmpty else {
            find(max(0, signedSize - 1), .unknownKey(checkpointSize: signedSize, origin: checkpoint.origin))
            return
        }
        guard claiming.contains(where: checkpoint.isSigned(by:)) else {
            find(max(0, signedSize - 1), .badSignature(checkpointSize: signedSize))
            return
        }
        guard signedSize == size else {
            if signedSize > size { cutOffSize = max(cutOffSize, signedSize) }
            return
        }
        if checkpoint.head.root == fromHashes.root {
            settle(entriesAreRight: false)
            fromEntries = fromHashes
        } else if checkpoint.head.root == fromEntries.root {
            settle(entriesAreRight: true)
            fromHashes = fromEntries
        } else {
            if !rootIsLost {
                let first = doubtful.first?.sequence ?? doubtfulNode?.leaves.lowerBound ?? report.signedSize
                find(max(first, report.signedSize), .differsFromCheckpoint(size: signedSize))
            }
            doubtful = []
            doubtfulNode = nil
            rootIsLost = true
            return
        }
        rootIsLost = false
        report.soundCheckpointCount += 1
        report.signedSize = signedSize
    }

    /// Ends the audit.
    /// - Parameter hashCount: stored leaf hashes; more than entries means that entries were removed at the end.
    mutating func finish(hashCount: Int64 = 0) -> LedgerReport {
        settle(entriesAreRight: false)
        let lostSize = max(cutOffSize, hashCount)
        if lostSize > size { find(size, .cutOff(size: lostSize)) }
        report.root = fromEntries.root
        report.findings.sort { $0.sequence < $1.sequence }
        return report
    }

    private mutating func settle(entriesAreRight: Bool) {
        for doubt in doubtful {
            if entriesAreRight {
                find(doubt.sequence, .damagedHash)
            } else if let other = doubtful.first(where: {
                $0.sequence != doubt.sequence && doubt.hashAs($0.sequence) == $0.stored
            }) {
                find(doubt.sequence, .reordered(belongsAt: other.sequence))
            } else {
                find(doubt.sequence, .edited)
            }
        }
        if doubtful.isEmpty, let doubtfulNode, !rootIsLost { find(doubtfulNode.leaves.lowerBound, .damagedHash) }
        doubtful = []
        doubtfulNode = nil
    }

    private mutating func find(_ sequence: Int64, _ problem: LedgerFinding.Problem) {
        guard !isFull else { return }
        report.findings.append(LedgerFinding(sequence: sequence, problem))
    }
}
