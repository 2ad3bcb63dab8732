import BinaryCoding

/// A signed statement of a ledger's size and root: a C2SP signed note (`docs/formats/ledger.md`).
public struct Checkpoint: Sendable, Hashable {
    /// The log that it speaks of; equal to the name of the key.
    public let origin: String
    public let head: TreeHead
    /// The whole note, as it is stored and handed out.
    public let note: String
    /// The part that is signed.
    private let body: String
    private let signatures: [(name: String, bytes: [UInt8])]

    public init(of head: TreeHead, signedBy signer: LedgerSigner) {
        let name = signer.verifier.name
        body = "\(name)\n\(head.size)\n\(Base64.text(head.root.bytes))\n"
        let bytes = signer.verifier.keyHash + signer.signature(of: Array(body.utf8))
        origin = name
        self.head = head
        note = "\(body)\n— \(name) \(Base64.text(bytes))\n"
        signatures = [(name, bytes)]
    }

    /// Reads a note. The signatures are not checked here; see `isSigned(by:)`.
    /// - Throws: `LedgerError` with `malformedNote`.
    public init(parsing note: String) throws(LedgerError) {
        func malformed(_ reason: String) -> LedgerError { LedgerError(.malformedNote(reason)) }
        // `split` on scalars: "\r\n" is one Character, and must not pass for a line end here.
        let lines = note.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.last == "", let empty = lines.dropLast().lastIndex(where: \.isEmpty), empty >= 3
        else { throw malformed("it needs three lines, an empty one and a signature") }
        guard let size = Int64(lines[1]), size >= 0, String(size) == lines[1] else {
            throw malformed("its second line '\(lines[1])' is not a size")
        }
        guard let bytes = Base64.bytes(lines[2]), let root = MerkleHash(bytes) else {
            throw malformed("its third line '\(lines[2])' is not a root hash")
        }
        var signatures: [(name: String, bytes: [UInt8])] = []
        for line in lines[(empty + 1)..<(lines.count - 1)] {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, parts[0] == "—", let bytes = Base64.bytes(parts[2]), bytes.count > 4 else {
                throw malformed("'\(line)' is not a signature")
            }
            signatures.append((parts[1], bytes))
        }
        guard !signatures.isEmpty else { throw malformed("it has no signature") }
        self.note = note
        origin = lines[0]
        head = TreeHead(size: size, root: root)
        body = lines[..<empty].map { $0 + "\n" }.joined()
        self.signatures = signatures
    }

    /// Whether the note has a line that claims to be of `key`.
    func claims(_ key: VerifierKey) -> Bool {
        signatures.contains { $0.name == key.name && Array($0.bytes.prefix(4)) == key.keyHash }
    }

    /// Whether `key` has signed this note, and the note is about the log that the key stands for.
    public func isSigned(by key: VerifierKey) -> Bool {
        origin == key.name
            && signatures.contains { signature in
                signature.name == key.name && Array(signature.bytes.prefix(4)) == key.keyHash
                    && key.accepts(Array(signature.bytes.dropFirst(4)), of: Array(body.utf8))
            }
    }

    public static func == (left: Checkpoint, right: Checkpoint) -> Bool { left.note == right.note }
    public func hash(into hasher: inout Hasher) { hasher.combine(note) }
}
