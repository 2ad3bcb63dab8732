import BinaryCoding
import Crypto

// Keys as Go's note package writes them, so that other tools for transparency logs can read ours:
//
//     jaga/shop-1+1a2b3c4d+<base64 of 0x01 and the public key>                  verifier key
//     PRIVATE+KEY+jaga/shop-1+1a2b3c4d+<base64 of 0x01 and the seed>            signing key
//
// <https://c2sp.org/signed-note>; 0x01 stands for Ed25519.

/// The public half of a ledger's key: what somebody needs to check a checkpoint.
public struct VerifierKey: Sendable, Hashable, CustomStringConvertible {
    /// Also the origin line of the checkpoints.
    public let name: String
    /// 32 bytes, Ed25519.
    public let publicKey: [UInt8]

    init(name: String, publicKey: [UInt8]) {
        self.name = name
        self.publicKey = publicKey
    }

    /// Reads `name+hash+base64`.
    public init(parsing text: some StringProtocol) throws(LedgerError) {
        let parts = String(text).split(separator: "+" as Character, maxSplits: 2, omittingEmptySubsequences: false).map(
            String.init)
        guard parts.count == 3, isKeyName(parts[0]) else { throw LedgerError(.malformedKey("'\(text)'")) }
        guard let bytes = Base64.bytes(parts[2]), bytes.count == 33, bytes[0] == ed25519 else {
            throw LedgerError(.malformedKey("'\(text)' does not hold an Ed25519 key"))
        }
        self.init(name: parts[0], publicKey: Array(bytes.dropFirst()))
        guard Base16.text(keyHash) == parts[1] else {
            throw LedgerError(.malformedKey("the parts of '\(text)' do not belong together"))
        }
    }

    /// The first 4 bytes of SHA-256(name ‖ line feed ‖ 0x01 ‖ key).
    var keyHash: [UInt8] {
        Array(SHA256.hash(data: Array(name.utf8) + [0x0A, ed25519] + publicKey).prefix(4))
    }

    public var description: String { "\(name)+\(Base16.text(keyHash))+\(Base64.text([ed25519] + publicKey))" }

    func accepts(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        // 32 bytes that are no point on the curve accept no signature.
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: message)
    }
}

/// The private half. Never printed.
public struct LedgerSigner: Sendable {
    public let verifier: VerifierKey
    private let key: Curve25519.Signing.PrivateKey

    /// A new key.
    /// - Parameter name: the origin of the checkpoints, as in `jaga/shop-1`: not empty, without spaces and `+`.
    public init(name: String) throws(LedgerError) {
        try self.init(name: name, key: Curve25519.Signing.PrivateKey())
    }

    /// The key that follows from a seed of 32 bytes (RFC 8032 §5.1.5).
    public init(name: String, seed: [UInt8]) throws(LedgerError) {
        // Its one error is the length.
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw LedgerError(.malformedKey("a seed has 32 bytes, not \(seed.count)"))
        }
        try self.init(name: name, key: key)
    }

    private init(name: String, key: Curve25519.Signing.PrivateKey) throws(LedgerError) {
        guard isKeyName(name) else {
            throw LedgerError(.malformedKey("the name '\(name)' is empty or holds a space or '+'"))
        }
        self.key = key
        verifier = VerifierKey(name: name, publicKey: Array(key.publicKey.rawRepresentation))
    }

    /// Reads the text of a key file. Errors do not repeat it.
    init(parsing text: String) throws(LedgerError) {
        let line = text.hasSuffix("\n") ? text.dropLast() : Substring(text)
        let parts = line.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", let bytes = Base64.bytes(parts[4]),
            bytes.count == 33, bytes[0] == ed25519,
            // Its one error is the length, and nothing of a private key goes into a message.
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(bytes.dropFirst()))
        else { throw LedgerError(.malformedKey("the file does not hold a signing key")) }
        try self.init(name: parts[2], key: key)
        guard Base16.text(verifier.keyHash) == parts[3] else {
            throw LedgerError(.malformedKey("the parts of the signing key do not belong together"))
        }
    }

    /// What a key file holds.
    var fileText: String {
        let seed = Array(key.rawRepresentation)
        return "PRIVATE+KEY+\(verifier.name)+\(Base16.text(verifier.keyHash))+\(Base64.text([ed25519] + seed))\n"
    }

    func signature(of message: [UInt8]) -> [UInt8] {
        do {
            return Array(try key.signature(for: message))
        } catch {
            preconditionFailure("Ed25519 signing of \(message.count) bytes failed: \(error)")
        }
    }
}

private let ed25519: UInt8 = 1

private func isKeyName(_ name: String) -> Bool {
    !name.isEmpty && !name.contains("+") && !name.unicodeScalars.contains { $0.properties.isWhitespace }
}
