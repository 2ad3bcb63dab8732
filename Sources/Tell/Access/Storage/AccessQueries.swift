import GRDB
import Units

/// A user as the tables have it.
struct UserRow: Sendable {
    var id: Int64
    var name: String
    var role: Role
    var createdAt: Timestamp
    var lastLoginAt: Timestamp?
    var passwordHash: PasswordHash?

    init(_ row: Row) {
        id = row["id"]
        name = row["name"]
        // A role that this version does not know may do the least.
        role = Role(rawValue: row["role"]) ?? .viewer
        createdAt = Timestamp(millisecondsSinceEpoch: row["created_ms"])
        lastLoginAt = (row["last_login_ms"] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) }
        passwordHash = (row["hash"] as String?).map { PasswordHash(stored: $0) }
    }

    private static let columns = """
        SELECT u.id, u.name, u.role, u.created_ms, u.last_login_ms, p.hash
        FROM access_user u LEFT JOIN access_password p ON p.user_id = u.id
        """

    static func all(_ db: Database) throws -> [UserRow] {
        try Row.fetchAll(db, sql: columns + " ORDER BY u.name").map(UserRow.init)
    }

    static func named(_ name: String, _ db: Database) throws -> UserRow? {
        try Row.fetchOne(db, sql: columns + " WHERE u.name = ?", arguments: [name]).map(UserRow.init)
    }

    /// The user whom an unexpired link belongs to.
    static func withLink(digest: String, at now: Timestamp, _ db: Database) throws -> UserRow? {
        try Row.fetchOne(
            db,
            sql: columns + """
                 JOIN access_link l ON l.user_id = u.id
                WHERE l.digest = ? AND l.expires_ms > ?
                """, arguments: [digest, now.millisecondsSinceEpoch]
        ).map(UserRow.init)
    }
}

/// A session with its user.
struct SessionRow: Sendable {
    var user: String
    var role: Role
    var createdAt: Timestamp
    var lastSeenAt: Timestamp

    static func find(digest: String, _ db: Database) throws -> SessionRow? {
        // Asked with every request: not parsed each time.
        let statement = try db.cachedStatement(
            sql: """
                SELECT u.name, u.role, s.created_ms, s.last_seen_ms
                FROM access_session s JOIN access_user u ON u.id = s.user_id WHERE s.digest = ?
                """)
        let row = try Row.fetchOne(statement, arguments: [digest])
        guard let row else { return nil }
        return SessionRow(
            user: row["name"], role: Role(rawValue: row["role"]) ?? .viewer,
            createdAt: Timestamp(millisecondsSinceEpoch: row["created_ms"]),
            lastSeenAt: Timestamp(millisecondsSinceEpoch: row["last_seen_ms"]))
    }
}

/// A token as the tables have it.
struct TokenRow: Sendable {
    var token: Token

    init(_ row: Row) {
        token = Token(
            id: String(row["id"] as Int64), name: row["name"], role: Role(rawValue: row["role"]) ?? .viewer,
            createdBy: row["created_by"], createdAt: Timestamp(millisecondsSinceEpoch: row["created_ms"]),
            expiresAt: (row["expires_ms"] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) },
            lastUsedAt: (row["last_used_ms"] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) })
    }

    // Tokens without a secret (a state rebuilt from the ledger alone) are listed, so that they can be revoked.
    private static let columns = """
        SELECT t.id, t.name, t.role, t.created_by, t.created_ms, t.expires_ms, s.last_used_ms
        FROM access_token t LEFT JOIN access_token_secret s ON s.token_id = t.id
        """

    static func all(_ db: Database) throws -> [TokenRow] {
        try Row.fetchAll(db, sql: columns + " ORDER BY t.name, t.id").map(TokenRow.init)
    }

    static func find(digest: String, _ db: Database) throws -> TokenRow? {
        let statement = try db.cachedStatement(sql: columns + " WHERE s.digest = ?")
        return try Row.fetchOne(statement, arguments: [digest]).map(TokenRow.init)
    }
}
