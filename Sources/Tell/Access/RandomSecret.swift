import Crypto
import FoundationEssentials

/// Secrets that the program makes: session and API tokens, links. Each has 256 random bits, so a plain SHA-256 of it can be
/// stored: there is nothing to guess, unlike with passwords.
enum RandomSecret {
    /// 43 characters of base64url.
    static func make() -> String {
        base64url(bytes(32))
    }

    static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// SHA-256 in hexadecimal, as it stands in the store.
    static func digest(_ secret: String) -> String {
        hexadecimal(SHA256.hash(data: Array(secret.utf8)))
    }

    /// A value bound to `secret` and `purpose` that does not tell the secret.
    static func derived(_ secret: String, purpose: String) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        return hexadecimal(HMAC<SHA256>.authenticationCode(for: Array(purpose.utf8), using: key))
    }

    static func base64url(_ bytes: [UInt8]) -> String {
        String(
            Data(bytes).base64EncodedString().compactMap { character -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
