public import Diagnostics
public import Events

import StateStore
import Units

extension AccessControl {
    public func users() async throws -> [User] {
        try await store.read { try UserRow.all($0) }.map { row in
            User(
                name: row.name, role: row.role, createdAt: row.createdAt, hasPassword: row.passwordHash != nil,
                lastLoginAt: row.lastLoginAt)
        }
    }

    /// Sees to it that somebody can get in: creates `administrator` when there is no user, and makes a link when no
    /// administrator has a password yet.
    /// - Returns: the link to print; nil when an administrator can log in.
    public func prepareFirstStart(administrator name: String = "admin") async throws -> SetPasswordLink? {
        let users = try await users()
        if users.contains(where: { $0.role == .administrator && $0.hasPassword }) { return nil }
        if let waiting = users.first(where: { $0.role == .administrator }) {
            return try await makeLink(for: waiting.name, by: .jaga)
        }
        return try await createUser(name, role: .administrator, by: .jaga)
    }

    /// - Returns: the link by which the person sets a password.
    /// - Throws: `AccessError` of code `invalidName` or `nameTaken`.
    public func createUser(_ name: String, role: Role, by actor: Actor) async throws -> SetPasswordLink {
        guard isValidName(name) else {
            throw AccessError(
                .invalidName, "'\(name.prefix(80))' cannot be a user's name",
                hint: "Use 1 to 64 of a-z, 0-9, '.', '_', '-' and '@', with a letter or a digit first.")
        }
        guard try await store.read({ try UserRow.named(name, $0) }) == nil else {
            throw AccessError(.nameTaken, "there is a user '\(name)' already", hint: "Choose another name.")
        }
        _ = try await record(.userCreated, by: actor, "user/\(name)", ["user": name, "role": role.rawValue])
        return try await storeLink(for: try await user(name))
    }

    /// - Throws: `AccessError` of code `unknownUser` or `lastAdministrator`.
    public func changeRole(of name: String, to role: Role, by actor: Actor) async throws {
        let user = try await user(name)
        guard user.role != role else { return }
        if user.role == .administrator { try await requireAnotherAdministrator(than: name) }
        _ = try await record(
            .userChanged, by: actor, "user/\(name)", ["user": name, "role": role.rawValue, "was": user.role.rawValue])
    }

    /// Removes the user with password, links and sessions.
    /// - Throws: `AccessError` of code `unknownUser` or `lastAdministrator`.
    public func removeUser(_ name: String, by actor: Actor) async throws {
        let user = try await user(name)
        if user.role == .administrator { try await requireAnotherAdministrator(than: name) }
        _ = try await record(.userRemoved, by: actor, "user/\(name)", ["user": name])
        try await store.removeSecrets(of: user.id)
    }

    /// A new link; an older one of this user stops working.
    /// - Throws: `AccessError` of code `unknownUser`.
    public func makeLink(for name: String, by actor: Actor) async throws -> SetPasswordLink {
        let user = try await user(name)
        _ = try await record(.userChanged, by: actor, "user/\(name)", ["user": name, "change": "password-link"])
        return try await storeLink(for: user)
    }

    /// Whose link this is; nil when it was used, has expired or never was.
    public func userOfLink(_ secret: String) async throws -> String? {
        let now = clock.now
        return try await store.read { try UserRow.withLink(digest: RandomSecret.digest(secret), at: now, $0) }?.name
    }

    /// Uses up a link. Sessions of the user end, so that whoever knew the old password is out.
    /// - Throws: `AccessError` of code `linkUsedOrExpired` or `weakPassword`.
    public func setPassword(_ password: Secret, link secret: String) async throws {
        let now = clock.now
        let digest = RandomSecret.digest(secret)
        guard let user = try await store.read({ try UserRow.withLink(digest: digest, at: now, $0) }) else {
            throw AccessError(
                .linkUsedOrExpired, "this link was used already or has expired",
                hint: "Ask an administrator for a new one, or run 'jaga user password-link NAME' on the host.")
        }
        let hash = try await hashed(password, for: user.name)
        // Taken first and alone: of two people with the same link one gets in.
        guard try await store.takeLink(digest: digest) else {
            throw AccessError(.linkUsedOrExpired, "this link was used already or has expired")
        }
        try await storePassword(hash, for: user)
    }

    /// Changes a password that the person knows.
    /// - Throws: `AccessError` of code `wrongCredentials`, `weakPassword` or `unknownUser`.
    public func changePassword(of name: String, from old: Secret, to new: Secret) async throws {
        let user = try await user(name)
        guard let current = user.passwordHash, try await line.run({ try current.matches(old) }) else {
            throw AccessError(.wrongCredentials, "the old password is wrong")
        }
        try await storePassword(try await hashed(new, for: name), for: user)
    }

    private func hashed(_ password: Secret, for name: String) async throws -> PasswordHash {
        let length = password.reveal().count
        guard length >= limits.passwordLengthMin, length <= 1024 else {
            throw AccessError(
                .weakPassword, "the password has \(length) characters",
                hint: "Use \(limits.passwordLengthMin) to 1024; a few words are best.")
        }
        guard password.reveal().lowercased() != name.lowercased() else {
            throw AccessError(.weakPassword, "the password is the name", hint: "Use a few words.")
        }
        let cost = limits.cost
        return try await line.run { try PasswordHash(of: password, cost: cost, salt: RandomSecret.bytes(16)) }
    }

    private func storePassword(_ hash: PasswordHash, for user: UserRow) async throws {
        _ = try await record(
            .userChanged, by: Actor(.person, user.name), "user/\(user.name)",
            ["user": user.name, "change": "password"])
        try await store.setPassword(hash, of: user.id)
    }

    private func storeLink(for user: UserRow) async throws -> SetPasswordLink {
        let secret = RandomSecret.make()
        let expiresAt = clock.now + limits.linkValid
        try await store.setLink(digest: RandomSecret.digest(secret), of: user.id, expiresAt: expiresAt)
        return SetPasswordLink(user: user.name, secret: secret, expiresAt: expiresAt)
    }

    private func user(_ name: String) async throws -> UserRow {
        guard let user = try await store.read({ try UserRow.named(name, $0) }) else {
            throw AccessError(
                .unknownUser, "there is no user '\(name.prefix(80))'", hint: "List them with 'jaga user list'.")
        }
        return user
    }

    private func requireAnotherAdministrator(than name: String) async throws {
        let others = try await users().filter { $0.role == .administrator && $0.name != name && $0.hasPassword }
        guard !others.isEmpty else {
            throw AccessError(
                .lastAdministrator, "'\(name)' is the last administrator who can log in",
                hint: "Make another user administrator first.")
        }
    }

    private func isValidName(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), let first = name.unicodeScalars.first else { return false }
        func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
            ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
        }
        return isAlphanumeric(first)
            && name.unicodeScalars.allSatisfy { isAlphanumeric($0) || "._-@".unicodeScalars.contains($0) }
    }
}
