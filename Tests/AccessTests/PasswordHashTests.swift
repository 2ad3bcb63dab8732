import Diagnostics
import Testing

@testable import Access

/// Goal: a stored hash verifies its password and nothing else. Method: RFC 7914's own vector, and round trips.
struct PasswordHashTests {
    private let cost = AccessFixture.cheap

    @Test func `a hash matches its password alone`() throws {
        let hash = try PasswordHash(of: Secret("kopi tubruk pagi"), cost: cost, salt: Array(0..<16))
        #expect(try hash.matches(Secret("kopi tubruk pagi")))
        #expect(try !hash.matches(Secret("kopi tubruk malam")))
        #expect(try !hash.matches(Secret("")))
        #expect(!hash.text.contains("kopi"))
    }

    @Test func `the function is that of RFC 7914`() throws {
        // Section 12, second vector: "password", "NaCl", N = 1024, r = 8, p = 16; the first 32 bytes.
        let cost = ScryptCost(roundsLog2: 10, blockSize: 8, parallelism: 16)
        let hash = try PasswordHash(of: Secret("password"), cost: cost, salt: Array("NaCl".utf8))
        #expect(hash.text == "scrypt$10$8$16$TmFDbA==$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI=")
    }

    @Test func `equal passwords have different hashes under different salts`() throws {
        let first = try PasswordHash(of: Secret("same"), cost: cost, salt: RandomSecret.bytes(16))
        let second = try PasswordHash(of: Secret("same"), cost: cost, salt: RandomSecret.bytes(16))
        #expect(first != second)
    }

    @Test(arguments: ["", "plain", "scrypt$4$8$1$%%%$AA==", "bcrypt$4$8$1$AA==$AA==", "scrypt$99$8$1$AA==$AA=="])
    func `a damaged hash is refused and not taken for a mismatch`(text: String) {
        #expect(throws: AccessError.self) { try PasswordHash(stored: text).matches(Secret("x")) }
    }

    @Test func `the standard cost stays within the memory that logins may take`() {
        let cost = ScryptCost.standard
        #expect(128 * cost.blockSize << cost.roundsLog2 == 16 * 1_048_576)
    }

    @Test func `secrets do not repeat and fit into a cookie`() {
        let secrets = Set((0..<1000).map { _ in RandomSecret.make() })
        #expect(secrets.count == 1000)
        #expect(
            secrets.allSatisfy { $0.utf8.count == 43 && !$0.contains("=") && !$0.contains("+") && !$0.contains("/") })
    }
}
