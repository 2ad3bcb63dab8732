public import Units

/// A person who may log in.
public struct User: Sendable, Hashable {
    public let name: String
    public let role: Role
    public let createdAt: Timestamp
    /// False until the set-password link was used.
    public let hasPassword: Bool
    public let lastLoginAt: Timestamp?
}

/// An API token, without its secret.
public struct Token: Sendable, Hashable {
    public let id: String
    public let name: String
    public let role: Role
    public let createdBy: String
    public let createdAt: Timestamp
    /// Nil: until it is revoked.
    public let expiresAt: Timestamp?
    public let lastUsedAt: Timestamp?
}

/// A link that sets a password once. Its secret is shown now and never again.
public struct SetPasswordLink: Sendable, Hashable {
    public let user: String
    public let secret: String
    public let expiresAt: Timestamp

    /// The path on the web server.
    public var path: String { "/setup-link?secret=\(secret)" }
}

/// A login that worked.
public struct NewSession: Sendable, Hashable {
    public let identity: Identity
    /// For the cookie.
    public let secret: String
    public let expiresAt: Timestamp
}

/// How long things last.
public struct AccessLimits: Sendable, Hashable {
    /// A session that is not used for this long ends.
    public var sessionIdle: Duration
    /// A session ends after this long in any case.
    public var sessionMax: Duration
    public var linkValid: Duration
    public var passwordLengthMin: Int
    public var cost: ScryptCost

    public init(
        sessionIdle: Duration = .seconds(12 * 3600), sessionMax: Duration = .seconds(7 * 86_400),
        linkValid: Duration = .seconds(24 * 3600), passwordLengthMin: Int = 10, cost: ScryptCost = .standard
    ) {
        self.sessionIdle = sessionIdle
        self.sessionMax = sessionMax
        self.linkValid = linkValid
        self.passwordLengthMin = passwordLengthMin
        self.cost = cost
    }
}
