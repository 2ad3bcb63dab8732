import Crypto
import CryptoExtras
import Diagnostics
import FoundationEssentials

// Passwords are stored as scrypt hashes (RFC 7914). The cost of one guess is that of one login, so it should be as high as a
// small machine bears. Memory for one hash is 128 · blockSize · rounds bytes: 16 MiB with the parameters here, which together
// with `LoginLine` (one hash at a time) keeps a storm of logins inside the daemon's memory budget. OWASP's Password Storage
// Cheat Sheet lists N = 2^14, r = 8, p = 5 as equal in strength to its first choice.
//
// Stored form: `scrypt$<log2 N>$<r>$<p>$<salt>$<key>`, salt and key in base64, so that parameters can rise later while old
// hashes still verify.

/// The cost of a password hash.
public struct ScryptCost: Sendable, Hashable {
    /// Logarithm of the number of rounds to base 2.
    public var roundsLog2: Int
    public var blockSize: Int
    public var parallelism: Int

    public init(roundsLog2: Int, blockSize: Int, parallelism: Int) {
        self.roundsLog2 = roundsLog2
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// 16 MiB, some tenths of a second on one core.
    public static let standard = ScryptCost(roundsLog2: 14, blockSize: 8, parallelism: 5)
}

/// A password as it is stored.
struct PasswordHash: Sendable, Hashable {
    let text: String

    init(stored text: String) {
        self.text = text
    }

    /// Hashes `password` with a fresh salt. Blocks the thread for as long as the cost says.
    init(of password: Secret, cost: ScryptCost, salt: [UInt8]) throws {
        let key = try Self.derive(password, cost: cost, salt: salt)
        let fields = [cost.roundsLog2, cost.blockSize, cost.parallelism].map { String($0) }
        let encoded = [Data(salt).base64EncodedString(), Data(key).base64EncodedString()]
        text = (["scrypt"] + fields + encoded).joined(separator: "$")
    }

    /// Whether `password` gives this hash. The comparison takes the same time wherever the first difference is.
    func matches(_ password: Secret) throws -> Bool {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "scrypt", let roundsLog2 = Int(parts[1]), (1...24).contains(roundsLog2),
            let blockSize = Int(parts[2]), let parallelism = Int(parts[3]), let salt = Data(base64Encoded: parts[4]),
            let expected = Data(base64Encoded: parts[5])
        else {
            throw AccessError(.passwordHashing, "a stored password hash cannot be read", hint: "Set a new password.")
        }
        let cost = ScryptCost(roundsLog2: roundsLog2, blockSize: blockSize, parallelism: parallelism)
        return constantTimeEqual(try Self.derive(password, cost: cost, salt: Array(salt)), Array(expected))
    }

    private static func derive(_ password: Secret, cost: ScryptCost, salt: [UInt8]) throws -> [UInt8] {
        let rounds = 1 << cost.roundsLog2
        // BoringSSL adds the mixing blocks to the table; a mebibyte of room covers them.
        let memoryBytesMax = 128 * cost.blockSize * (rounds + cost.parallelism + 2) + 1_048_576
        let key = try KDF.Scrypt.deriveKey(
            from: Array(password.reveal().utf8), salt: salt, outputByteCount: 32, rounds: rounds,
            blockSize: cost.blockSize, parallelism: cost.parallelism, maxMemory: memoryBytesMax)
        return key.withUnsafeBytes { Array($0) }
    }
}

/// Compares without stopping at the first difference.
func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for (mine, other) in zip(left, right) { difference |= mine ^ other }
    return difference == 0
}
