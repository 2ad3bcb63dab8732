public import Events
import Units

import StateStore
import JSONCoding

extension AccessControl {
    /// Tells a token from other secrets in logs and secret scanners.
    static let tokenPrefix = "jaga_"

    public func tokens() async throws -> [Token] {
        try await store.read { try TokenRow.all($0) }.map(\.token)
    }

    /// - Parameter validFor: nil is until it is revoked.
    /// - Returns: the token and its secret, which is kept as a hash only.
    /// - Throws: `AccessError` of code `invalidName`.
    public func createToken(_ name: String, role: Role, validFor: Duration?, by actor: Actor) async throws
        -> (token: Token, secret: String)
    {
        guard (1...64).contains(name.count), name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw AccessError(
                .invalidName, "'\(name.prefix(80))' cannot be a token's name", hint: "Use 1 to 64 characters.")
        }
        if let validFor, validFor <= .zero {
            throw AccessError(
                .invalidName, "a token cannot be valid for \(validFor.briefText)", hint: "Use a span above 0.")
        }
        let now = clock.now
        let expiresAt = validFor.map { now + $0 }
        var payload: [String: JSONValue] = ["token": .string(name), "role": .string(role.rawValue)]
        if let expiresAt { payload["expiresAt"] = .integer(expiresAt.millisecondsSinceEpoch) }
        let id = try await events.record([
            Event(at: now, by: actor, .tokenCreated, "token/\(name)", .object(payload))
        ])
        let secret = Self.tokenPrefix + RandomSecret.make()
        try await store.addTokenSecret(digest: RandomSecret.digest(secret), of: id)
        let token = Token(
            id: String(id), name: name, role: role, createdBy: actor.name, createdAt: now, expiresAt: expiresAt,
            lastUsedAt: nil)
        return (token, secret)
    }

    /// - Throws: `AccessError` of code `unknownToken`.
    public func revokeToken(_ id: String, by actor: Actor) async throws {
        guard let token = try await tokens().first(where: { $0.id == id }), let number = Int64(id) else {
            throw AccessError(.unknownToken, "there is no token '\(id.prefix(80))'")
        }
        _ = try await events.record([
            Event(
                at: clock.now, by: actor, .tokenRevoked, "token/\(token.name)",
                ["token": .string(token.name), "id": .integer(number)])
        ])
        try await store.removeTokenSecret(of: number)
    }

    /// Who holds this token; nil when it was revoked, has expired or never was.
    public func identity(token secret: String) async throws -> Identity? {
        guard secret.hasPrefix(Self.tokenPrefix) else { return nil }
        let now = clock.now
        let digest = RandomSecret.digest(secret)
        guard let token = try await store.read({ try TokenRow.find(digest: digest, $0) })?.token else { return nil }
        if let expiresAt = token.expiresAt, now >= expiresAt { return nil }
        if token.lastUsedAt.map({ now - $0 >= .seconds(60) }) ?? true {
            try await store.noteToken(digest: digest, usedAt: now)
        }
        return Identity(name: token.name, role: token.role, means: .token(id: token.id))
    }
}
