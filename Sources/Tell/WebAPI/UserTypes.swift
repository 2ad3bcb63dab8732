public import Units

public struct UserStatus: Sendable, Codable, Hashable {
    public var name: String
    /// `viewer`, `operator` or `administrator`.
    public var role: String
    public var createdAt: Timestamp
    /// False until the person has used the set-password link.
    public var hasPassword: Bool
    public var lastLoginAt: Timestamp?

    public init(
        name: String,
        role: String,
        createdAt: Timestamp,
        hasPassword: Bool,
        lastLoginAt: Timestamp? = nil
    ) {
        self.name = name
        self.role = role
        self.createdAt = createdAt
        self.hasPassword = hasPassword
        self.lastLoginAt = lastLoginAt
    }
}

public struct TokenStatus: Sendable, Codable, Hashable {
    public var id: String
    public var name: String
    public var role: String
    public var createdBy: String
    public var createdAt: Timestamp
    /// Nil: until it is revoked.
    public var expiresAt: Timestamp?
    public var lastUsedAt: Timestamp?

    public init(
        id: String,
        name: String,
        role: String,
        createdBy: String,
        createdAt: Timestamp,
        expiresAt: Timestamp? = nil,
        lastUsedAt: Timestamp? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
    }
}

public struct CreateUser: Sendable, Codable, Hashable {
    public var name: String
    public var role: String

    public init(
        name: String,
        role: String
    ) {
        self.name = name
        self.role = role
    }
}

public struct ChangeUser: Sendable, Codable, Hashable {
    public var role: String

    public init(
        role: String
    ) {
        self.role = role
    }
}

/// A link that sets a password once. It is shown once and kept as a hash.
public struct PasswordLink: Sendable, Codable, Hashable {
    public var user: String
    /// The path with its secret; the caller puts the server's address before it.
    public var path: String
    public var expiresAt: Timestamp
    /// The whole address; filled by the command line, which asks the daemon where its pages are.
    public var url: String?

    public init(
        user: String,
        path: String,
        expiresAt: Timestamp,
        url: String? = nil
    ) {
        self.user = user
        self.path = path
        self.expiresAt = expiresAt
        self.url = url
    }
}

public struct CreateToken: Sendable, Codable, Hashable {
    public var name: String
    public var role: String
    /// Nil: until it is revoked.
    public var validForMs: Int64?

    public init(
        name: String,
        role: String,
        validForMs: Int64? = nil
    ) {
        self.name = name
        self.role = role
        self.validForMs = validForMs
    }
}

/// A new token with its secret, which is shown this once.
public struct NewToken: Sendable, Codable, Hashable {
    public var token: TokenStatus
    public var secret: String

    public init(
        token: TokenStatus,
        secret: String
    ) {
        self.token = token
        self.secret = secret
    }
}

/// Who the server takes the caller for.
public struct WhoAmI: Sendable, Codable, Hashable {
    public var name: String
    public var role: String
    /// `session`, `token` or `socket`.
    public var by: String

    public init(
        name: String,
        role: String,
        by: String
    ) {
        self.name = name
        self.role = role
        self.by = by
    }
}
