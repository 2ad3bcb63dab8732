import GRDB
import StateStore
import Units

// The side tables hold what an entry of the ledger must not: hashes of passwords, digests of sessions, links and tokens. They
// are no projection, so a replay leaves them alone.

extension StateStore {
    /// Opens a session and forgets those that have ended.
    func openSession(
        digest: String, of user: Int64, at now: Timestamp, endedBefore oldest: Timestamp, idleBefore idle: Timestamp
    )
        async throws
    {
        try await write { db in
            try db.execute(
                sql: "DELETE FROM access_session WHERE created_ms < ? OR last_seen_ms < ?",
                arguments: [oldest.millisecondsSinceEpoch, idle.millisecondsSinceEpoch])
            try db.execute(
                sql: "INSERT INTO access_session (digest, user_id, created_ms, last_seen_ms) VALUES (?, ?, ?, ?)",
                arguments: [digest, user, now.millisecondsSinceEpoch, now.millisecondsSinceEpoch])
        }
    }

    func noteSession(digest: String, seenAt now: Timestamp) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE access_session SET last_seen_ms = ? WHERE digest = ?",
                arguments: [now.millisecondsSinceEpoch, digest])
        }
    }

    func endSession(digest: String) async throws {
        try await write { try $0.execute(sql: "DELETE FROM access_session WHERE digest = ?", arguments: [digest]) }
    }

    func addTokenSecret(digest: String, of token: Int64) async throws {
        try await write { db in
            try db.execute(
                sql: "INSERT INTO access_token_secret (token_id, digest) VALUES (?, ?)", arguments: [token, digest])
        }
    }

    func removeTokenSecret(of token: Int64) async throws {
        try await write {
            try $0.execute(sql: "DELETE FROM access_token_secret WHERE token_id = ?", arguments: [token])
        }
    }

    func noteToken(digest: String, usedAt now: Timestamp) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE access_token_secret SET last_used_ms = ? WHERE digest = ?",
                arguments: [now.millisecondsSinceEpoch, digest])
        }
    }

    /// Removes a user's password, links and sessions.
    func removeSecrets(of user: Int64) async throws {
        try await write { db in
            for table in ["access_password", "access_link", "access_session"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE user_id = ?", arguments: [user])
            }
        }
    }

    /// Uses up a link.
    /// - Returns: false when somebody else was first.
    func takeLink(digest: String) async throws -> Bool {
        try await write { db in
            try db.execute(sql: "DELETE FROM access_link WHERE digest = ?", arguments: [digest])
            return db.changesCount == 1
        }
    }

    /// Puts a link in the place of the user's older one.
    func setLink(digest: String, of user: Int64, expiresAt: Timestamp) async throws {
        try await write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO access_link (user_id, digest, expires_ms) VALUES (?, ?, ?)",
                arguments: [user, digest, expiresAt.millisecondsSinceEpoch])
        }
    }

    /// Sets a password and ends the user's sessions.
    func setPassword(_ hash: PasswordHash, of user: Int64) async throws {
        try await write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO access_password (user_id, hash) VALUES (?, ?)",
                arguments: [user, hash.text])
            try db.execute(sql: "DELETE FROM access_session WHERE user_id = ?", arguments: [user])
        }
    }
}
