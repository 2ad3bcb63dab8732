public import Diagnostics
import Units

import Events
import StateStore
import Synchronization

extension AccessControl {
    /// Checks a password and opens a session.
    /// - Parameter address: where the person comes from, for the throttle and the ledger.
    /// - Throws: `AccessError` of code `wrongCredentials` or `tooManyTries`.
    public func logIn(name: String, password: Secret, address: String) async throws -> NewSession {
        let now = clock.now
        if let wait = throttle.withLock({ $0.wait(address: address, user: name, at: now) }) {
            throw AccessError(
                .tooManyTries, "too many failed logins", hint: "Try again in \((wait + .milliseconds(999)).briefText).",
                retryAfter: wait)
        }
        let user = try await store.read { try UserRow.named(name, $0) }
        let matches = try await verify(password, for: user)
        guard let user, matches else {
            throttle.withLock { $0.failed(address: address, user: name, at: now) }
            // The name may be a password typed into the wrong field, so only a known name is written down.
            let known = user?.name ?? "unknown"
            _ = try await record(
                .loginFailed, by: .jaga, "user/\(known)", ["user": known, "address": address, "reason": "password"])
            throw AccessError(
                .wrongCredentials, "name or password is wrong", hint: "Ask an administrator for a new password link.")
        }
        throttle.withLock { $0.succeeded(address: address, user: name) }
        return try await openSession(for: user, address: address, at: now)
    }

    private func verify(_ password: Secret, for user: UserRow?) async throws -> Bool {
        let cost = limits.cost
        let known = user?.passwordHash
        let prepared = absentHash.withLock { $0 }
        let (matches, used) = try await line.run {
            let hash =
                try known ?? prepared ?? PasswordHash(of: Secret("absent"), cost: cost, salt: RandomSecret.bytes(16))
            return (try hash.matches(password), hash)
        }
        if known == nil { absentHash.withLock { $0 = used } }
        return matches && known != nil
    }

    private func openSession(for user: UserRow, address: String, at now: Timestamp) async throws -> NewSession {
        let secret = RandomSecret.make()
        let digest = RandomSecret.digest(secret)
        _ = try await record(
            .loginSucceeded, by: Actor(.person, user.name), "user/\(user.name)",
            ["user": user.name, "address": address])
        try await store.openSession(
            digest: digest, of: user.id, at: now, endedBefore: now - limits.sessionMax,
            idleBefore: now - limits.sessionIdle)
        return NewSession(
            identity: Identity(name: user.name, role: user.role, means: .session(digest: digest)), secret: secret,
            expiresAt: now + limits.sessionMax)
    }

    /// Who holds this session; nil when it has ended or never was.
    public func identity(session secret: String) async throws -> Identity? {
        let now = clock.now
        let digest = RandomSecret.digest(secret)
        guard let session = try await store.read({ try SessionRow.find(digest: digest, $0) }) else { return nil }
        guard now - session.createdAt < limits.sessionMax, now - session.lastSeenAt < limits.sessionIdle else {
            return nil
        }
        // One write a minute at most: a page with its charts is dozens of requests.
        if now - session.lastSeenAt >= .seconds(60) {
            try await store.noteSession(digest: digest, seenAt: now)
        }
        return Identity(name: session.user, role: session.role, means: .session(digest: digest))
    }

    /// Whether `identity` may still do what it could when it was recognised: its session has not ended, its token was not
    /// revoked, its role is the same. Unlike a request this does not count as use, so that a page that only listens does not
    /// keep a session from ending.
    public func isCurrent(_ identity: Identity) async throws -> Bool {
        let now = clock.now
        switch identity.means {
        case .socket: return true
        case .session(let digest):
            guard let session = try await store.read({ try SessionRow.find(digest: digest, $0) }) else { return false }
            return session.role == identity.role && now - session.createdAt < limits.sessionMax
                && now - session.lastSeenAt < limits.sessionIdle
        case .token(let id):
            return try await tokens().contains { token in
                token.id == id && token.role == identity.role && token.expiresAt.map { now < $0 } ?? true
            }
        }
    }

    /// Ends the session; does nothing for other identities.
    public func logOut(_ identity: Identity, address: String) async throws {
        guard case .session(let digest) = identity.means else { return }
        _ = try await record(
            .loggedOut, by: identity.actor, "user/\(identity.name)", ["user": identity.name, "address": address])
        try await store.endSession(digest: digest)
    }

    /// The value that a form of this session must bring along. It cannot be had without the session's secret.
    public static func formToken(session secret: String) -> String {
        RandomSecret.derived(secret, purpose: "form")
    }

    /// A fresh secret of 256 bits in 43 characters of base64url.
    public static func freshSecret() -> String { RandomSecret.make() }

    /// Compares two secrets in a time that does not tell where they differ.
    public static func isEqual(_ left: String, _ right: String) -> Bool {
        constantTimeEqual(Array(left.utf8), Array(right.utf8))
    }
}
