public import Diagnostics

/// Why a login, a change of a user or a token was refused.
public struct AccessError: Failure, Hashable {
    public enum Code: String, Sendable {
        /// Name or password is wrong; which of the two is not said.
        case wrongCredentials = "wrong-credentials"
        case tooManyTries = "too-many-tries"
        case invalidName = "invalid-name"
        case weakPassword = "weak-password"
        case nameTaken = "name-taken"
        case unknownUser = "unknown-user"
        case unknownToken = "unknown-token"
        case linkUsedOrExpired = "link-used-or-expired"
        case lastAdministrator = "last-administrator"
        case passwordHashing = "password-hashing"
    }

    public let code: Code
    public let summary: String
    public let hint: String?
    /// For `tooManyTries`: when the next try counts.
    public let retryAfter: Duration?

    init(_ code: Code, _ summary: String, hint: String? = nil, retryAfter: Duration? = nil) {
        self.code = code
        self.summary = summary
        self.hint = hint
        self.retryAfter = retryAfter
    }

    public var codeName: String { code.rawValue }
}
