import Crypto

/// A SHA-256 value of the tree, RFC 6962 §2.1.
public struct MerkleHash: Sendable, Hashable {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// - Returns: nil unless there are 32 bytes.
    public init?(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == 32 else { return nil }
    }

    private init(_ digest: SHA256Digest) {
        bytes = Array(digest)
    }

    /// The root of the empty tree: the hash of nothing.
    public static let empty = MerkleHash(SHA256.hash(data: [UInt8]()))

    /// SHA-256(0x00 ‖ leaf). The prefix keeps a leaf from passing for a node.
    public static func leaf(_ data: some Collection<UInt8>) -> MerkleHash {
        var bytes: [UInt8] = [0]
        bytes.reserveCapacity(data.count + 1)
        bytes.append(contentsOf: data)
        return MerkleHash(SHA256.hash(data: bytes))
    }

    /// SHA-256(0x01 ‖ left ‖ right).
    public static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        var bytes: [UInt8] = [1]
        bytes.reserveCapacity(65)
        bytes.append(contentsOf: left.bytes)
        bytes.append(contentsOf: right.bytes)
        return MerkleHash(SHA256.hash(data: bytes))
    }
}

extension MerkleHash: CustomStringConvertible {
    /// Lower-case hexadecimal.
    public var description: String { Base16.text(bytes) }
}

enum Base16 {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
