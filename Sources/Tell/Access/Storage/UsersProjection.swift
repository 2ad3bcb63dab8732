public import GRDB
import JSONCoding
import Units
public import Ledger
public import StateStore

import Events

// What the ledger says of users and tokens, as tables. A user's or token's identifier is the sequence number of the entry that
// created it, so a replay gives the same identifiers.
//
// The ledger holds no secret and no hash of one. Those stand in side tables (`access_password`, `access_link`,
// `access_token_secret`, `access_session`) that belong to no projection: they hang on the identifiers, a replay leaves them
// alone, and a row whose user or token is gone is never found, since every look-up joins with the projection. Whoever rebuilds
// a state from an exported ledger alone gets users without passwords, and makes new links for them.

/// The projection of `user.*`, `token.*` and `login.succeeded`.
public struct UsersProjection: Projection {
    public init() {}

    public var name: String { "users" }

    public var migrations: [Migration] {
        [
            Migration("users-1") { db in
                try db.execute(
                    sql: """
                        CREATE TABLE access_user (
                            id INTEGER PRIMARY KEY,
                            name TEXT NOT NULL UNIQUE,
                            role TEXT NOT NULL,
                            created_ms INTEGER NOT NULL,
                            last_login_ms INTEGER
                        ) STRICT;
                        CREATE TABLE access_token (
                            id INTEGER PRIMARY KEY,
                            name TEXT NOT NULL,
                            role TEXT NOT NULL,
                            created_by TEXT NOT NULL,
                            created_ms INTEGER NOT NULL,
                            expires_ms INTEGER
                        ) STRICT;
                        CREATE TABLE access_password (
                            user_id INTEGER PRIMARY KEY,
                            hash TEXT NOT NULL
                        ) STRICT;
                        CREATE TABLE access_link (
                            user_id INTEGER PRIMARY KEY,
                            digest TEXT NOT NULL UNIQUE,
                            expires_ms INTEGER NOT NULL
                        ) STRICT;
                        CREATE TABLE access_token_secret (
                            token_id INTEGER PRIMARY KEY,
                            digest TEXT NOT NULL UNIQUE,
                            last_used_ms INTEGER
                        ) STRICT;
                        CREATE TABLE access_session (
                            digest TEXT PRIMARY KEY,
                            user_id INTEGER NOT NULL,
                            created_ms INTEGER NOT NULL,
                            last_seen_ms INTEGER NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        CREATE INDEX access_session_user ON access_session (user_id);
                        """)
            }
        ]
    }

    public func apply(_ entry: Entry, in db: Database) throws {
        let event = entry.event
        guard let name = event.payload["user"]?.stringValue ?? event.payload["token"]?.stringValue else { return }
        let at = event.time.millisecondsSinceEpoch
        switch event.kind {
        case .userCreated:
            try db.execute(
                sql: "INSERT OR IGNORE INTO access_user (id, name, role, created_ms) VALUES (?, ?, ?, ?)",
                arguments: [entry.sequence, name, role(event.payload), at])
        case .userChanged:
            guard let role = event.payload["role"]?.stringValue else { return }
            try db.execute(sql: "UPDATE access_user SET role = ? WHERE name = ?", arguments: [role, name])
        case .userRemoved:
            try db.execute(sql: "DELETE FROM access_user WHERE name = ?", arguments: [name])
        case .loginSucceeded:
            try db.execute(sql: "UPDATE access_user SET last_login_ms = ? WHERE name = ?", arguments: [at, name])
        case .tokenCreated:
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO access_token (id, name, role, created_by, created_ms, expires_ms)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    entry.sequence, name, role(event.payload), event.actor.name, at,
                    event.payload["expiresAt"]?.intValue,
                ])
        case .tokenRevoked:
            try db.execute(
                sql: "DELETE FROM access_token WHERE id = ?", arguments: [event.payload["id"]?.intValue])
        default: break
        }
    }

    public func reset(in db: Database) throws {
        try db.execute(sql: "DELETE FROM access_user; DELETE FROM access_token")
    }

    private func role(_ payload: JSONValue) -> String {
        payload["role"]?.stringValue ?? Role.viewer.rawValue
    }
}
