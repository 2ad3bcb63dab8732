import Diagnostics
import Events
import GRDB
import JSONCoding
import Ledger
import StateStore
import Testing
import Units

@testable import Access

/// Goal: only those who should get in, get in, and the ledger tells who did. Method: a real store and ledger, a clock that
/// is moved by hand.
struct AccessControlTests {
    private let fixture: AccessFixture
    private var access: AccessControl { fixture.access }

    init() throws { fixture = try AccessFixture() }

    private func code(_ body: () async throws -> Void) async -> AccessError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? AccessError)?.code
        }
    }

    @Test func `the first start gives a link that works once and makes an administrator`() async throws {
        let link = try #require(try await access.prepareFirstStart())
        #expect(try await access.userOfLink(link.secret) == "admin")
        try await access.setPassword(Secret("correct horse battery"), link: link.secret)
        #expect(
            await code { try await access.setPassword(Secret("another password"), link: link.secret) }
                == .linkUsedOrExpired)
        let session = try await access.logIn(name: "admin", password: Secret("correct horse battery"), address: "::1")
        #expect(session.identity.role == .administrator)
        #expect(try await access.prepareFirstStart() == nil)
    }

    @Test func `an administrator who lost the first link gets another at the next start`() async throws {
        let first = try #require(try await access.prepareFirstStart())
        fixture.clock.advance(by: .seconds(25 * 3600))
        #expect(try await access.userOfLink(first.secret) == nil)
        let second = try #require(try await access.prepareFirstStart())
        #expect(second.user == "admin")
        #expect(try await access.userOfLink(second.secret) == "admin")
        #expect(try await access.users().count == 1)
    }

    @Test func `a wrong password, an unknown user and a user without password all get the same answer`() async throws {
        try await fixture.addUser("ani", .viewer)
        _ = try await access.createUser("budi", role: .viewer, by: .jaga)
        var answers: Set<AccessError> = []
        for (name, password) in [("ani", "wrong"), ("nobody", "wrong"), ("budi", "absent")] {
            do {
                _ = try await access.logIn(name: name, password: Secret(password), address: "a")
                Issue.record("\(name) got in")
            } catch let error as AccessError {
                answers.insert(error)
            }
        }
        #expect(answers.map(\.code) == [.wrongCredentials])
    }

    @Test func `guessing is refused before the password is looked at`() async throws {
        try await fixture.addUser("ani", .viewer)
        for _ in 0..<LoginThrottle.freeFailures {
            _ = await code { _ = try await access.logIn(name: "ani", password: Secret("wrong"), address: "a") }
        }
        let right = Secret("correct horse battery")
        #expect(await code { _ = try await access.logIn(name: "ani", password: right, address: "a") } == .tooManyTries)
        fixture.clock.advance(by: .seconds(31))
        #expect(await code { _ = try await access.logIn(name: "ani", password: right, address: "a") } == nil)
    }

    @Test func `a session ends when idle, when old, at log out and with a new password`() async throws {
        try await fixture.addUser("ani", .operator)
        func open() async throws -> NewSession {
            try await access.logIn(name: "ani", password: Secret("correct horse battery"), address: "a")
        }
        let idle = try await open()
        fixture.clock.advance(by: .seconds(11 * 3600))
        #expect(try await access.identity(session: idle.secret)?.name == "ani")
        fixture.clock.advance(by: .seconds(12 * 3600))
        #expect(try await access.identity(session: idle.secret) == nil)

        let old = try await open()
        for _ in 0..<15 {
            fixture.clock.advance(by: .seconds(11 * 3600))
            #expect(try await access.identity(session: old.secret) != nil)
        }
        fixture.clock.advance(by: .seconds(11 * 3600))
        #expect(try await access.identity(session: old.secret) == nil, "seven days have passed")

        let left = try await open()
        try await access.logOut(left.identity, address: "a")
        #expect(try await access.identity(session: left.secret) == nil)

        let changed = try await open()
        try await access.changePassword(
            of: "ani", from: Secret("correct horse battery"), to: Secret("a quite new password"))
        #expect(try await access.identity(session: changed.secret) == nil)
        #expect(try await access.identity(session: "guessed") == nil)
    }

    @Test func `a changed role counts at once and a removed user is out`() async throws {
        try await fixture.addUser("boss", .administrator)
        try await fixture.addUser("ani", .viewer)
        let session = try await access.logIn(name: "ani", password: Secret("correct horse battery"), address: "a")
        try await access.changeRole(of: "ani", to: .operator, by: .jaga)
        #expect(try await access.identity(session: session.secret)?.role == .operator)
        try await access.removeUser("ani", by: .jaga)
        #expect(try await access.identity(session: session.secret) == nil)
        // Somebody new of that name does not inherit anything.
        _ = try await access.createUser("ani", role: .viewer, by: .jaga)
        #expect(try await access.users().first { $0.name == "ani" }?.hasPassword == false)
        #expect(try await access.identity(session: session.secret) == nil)
    }

    @Test func `the last administrator cannot be removed or demoted`() async throws {
        try await fixture.addUser("boss", .administrator)
        _ = try await access.createUser("waiting", role: .administrator, by: .jaga)
        #expect(await code { try await access.removeUser("boss", by: .jaga) } == .lastAdministrator)
        #expect(await code { try await access.changeRole(of: "boss", to: .viewer, by: .jaga) } == .lastAdministrator)
        try await fixture.addUser("second", .administrator)
        #expect(await code { try await access.removeUser("boss", by: .jaga) } == nil)
    }

    @Test(arguments: ["", "Ani", "a b", "-ani", "ani/../x", "<b>", String(repeating: "a", count: 65), "ani\u{0}"])
    func `a name that could mislead is refused`(name: String) async {
        #expect(await code { _ = try await access.createUser(name, role: .viewer, by: .jaga) } == .invalidName)
    }

    @Test func `short passwords and the own name are refused and the link stays good`() async throws {
        let link = try await access.createUser("administrasi", role: .viewer, by: .jaga)
        #expect(await code { try await access.setPassword(Secret("short"), link: link.secret) } == .weakPassword)
        #expect(await code { try await access.setPassword(Secret("Administrasi"), link: link.secret) } == .weakPassword)
        #expect(await code { try await access.setPassword(Secret("long enough now"), link: link.secret) } == nil)
    }

    @Test func `a token works until it expires or is revoked`() async throws {
        let lasting = try await access.createToken("grafana", role: .viewer, validFor: nil, by: .jaga)
        let short = try await access.createToken("deploy", role: .operator, validFor: .seconds(3600), by: .jaga)
        #expect(lasting.secret.hasPrefix("jaga_"))
        #expect(try await access.identity(token: lasting.secret)?.role == .viewer)
        #expect(try await access.identity(token: short.secret)?.means == .token(id: short.token.id))
        fixture.clock.advance(by: .seconds(3600))
        #expect(try await access.identity(token: short.secret) == nil)
        try await access.revokeToken(lasting.token.id, by: .jaga)
        #expect(try await access.identity(token: lasting.secret) == nil)
        #expect(try await access.identity(token: "jaga_guessed") == nil)
        #expect(try await access.tokens().map(\.name) == ["deploy"])
    }

    @Test func `no secret and no hash stands in the ledger or in clear in the store`() async throws {
        let link = try await access.createUser("ani", role: .viewer, by: .jaga)
        try await access.setPassword(Secret("planted-password"), link: link.secret)
        let session = try await access.logIn(name: "ani", password: Secret("planted-password"), address: "a")
        let token = try await access.createToken("t", role: .viewer, validFor: nil, by: .jaga)
        let digests = try await fixture.store.read { db in
            try String.fetchAll(
                db, sql: "SELECT hash FROM access_password UNION SELECT digest FROM access_token_secret")
        }
        var text = ""
        let tables = try await fixture.store.read { db in
            try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        for table in tables {
            let isSide = ["access_password", "access_link", "access_token_secret", "access_session"].contains(table)
            let rows = try await fixture.store.read { db in
                try Row.fetchAll(db, sql: "SELECT * FROM \"\(table)\"").map { row in
                    row.map { "\($0.1.storage.value.map { "\($0)" } ?? "")" }.joined(separator: " ")
                }
            }.joined(separator: "\n")
            for secret in [link.secret, session.secret, token.secret, "planted-password"] {
                #expect(!rows.contains(secret), "\(table)")
            }
            if !isSide { text += rows }
        }
        #expect(!digests.isEmpty)
        for digest in digests { #expect(!text.contains(digest)) }
    }

    @Test func `replaying the ledger gives the same users and leaves passwords and tokens working`() async throws {
        try await fixture.addUser("boss", .administrator)
        try await fixture.addUser("gone", .viewer)
        try await access.removeUser("gone", by: .jaga)
        try await fixture.addUser("gone", .operator)
        try await access.changeRole(of: "gone", to: .viewer, by: .jaga)
        let token = try await access.createToken("t", role: .viewer, validFor: nil, by: .jaga)
        let session = try await access.logIn(name: "gone", password: Secret("correct horse battery"), address: "a")
        let before = (try await access.users(), try await access.tokens())
        try fixture.ledger.rebuildProjections()
        #expect(try await access.users() == before.0)
        #expect(try await access.tokens() == before.1)
        #expect(try await access.identity(session: session.secret)?.name == "gone")
        #expect(try await access.identity(token: token.secret)?.name == "t")
        _ = try await access.logIn(name: "boss", password: Secret("correct horse battery"), address: "a")
    }

    @Test func `a crowd at the door is served one after the other and a crush is turned away`() async throws {
        try await fixture.addUser("ani", .viewer)
        let outcomes = await withTaskGroup(of: AccessError.Code?.self) { group in
            for number in 0..<80 {
                group.addTask {
                    await code {
                        _ = try await access.logIn(
                            name: "ani", password: Secret("correct horse battery"), address: "a\(number)")
                    }
                }
            }
            return await group.reduce(into: [AccessError.Code?]()) { $0.append($1) }
        }
        #expect(outcomes.contains(nil))
        #expect(outcomes.allSatisfy { $0 == nil || $0 == .tooManyTries })
    }
}
