import Synchronization
import Access
import Testing
import Units
import WebAPI

@testable import Web

/// Goal: a session is as hard to steal, to guess and to stretch as it can be. Method: forms as a browser would send them, cookies
/// read as text, every route that changes something called by those who may not.
struct AccountTests {
    private static let form = ["content-type": "application/x-www-form-urlencoded"]

    /// Sends the login form.
    private static func logIn(_ fixture: WebFixture, _ name: String, _ password: String, isSecure: Bool = false) async
        -> Reply
    {
        let token = AccessControl.freshSecret()
        var headers = form
        headers["cookie"] = "jaga_form=\(token)"
        return await fixture.send(
            .post, "/login", headers: headers,
            body: "form_token=\(token)&name=\(name)&password=\(password.replacing(" ", with: "+"))", isSecure: isSecure)
    }

    @Test(arguments: [false, true]) func `the session's cookie is closed to scripts and other sites`(isSecure: Bool)
        async throws
    {
        let fixture = try WebFixture()
        _ = try await fixture.session(.viewer)
        let reply = await Self.logIn(fixture, "viewer0", WebFixture.password, isSecure: isSecure)
        #expect(reply.status == 303)
        let cookie = try #require(
            reply.headers.first { $0.name == "set-cookie" && $0.value.hasPrefix("jaga_session=") }?.value)
        let flags = Set(cookie.split(separator: ";").dropFirst().map { $0.drop { $0 == " " } })
        #expect(flags.contains("HttpOnly") && flags.contains("SameSite=Lax") && flags.contains("Path=/"))
        #expect(flags.contains("Max-Age=604800"))
        #expect(flags.contains("Secure") == isSecure)
        #expect(!flags.contains { $0.hasPrefix("Domain") })
        let session = String(cookie.dropFirst("jaga_session=".count).prefix { $0 != ";" })
        #expect(await fixture.get("/", session: session).status == 200)
        let out = await fixture.post("/logout", session: session)
        #expect(out.headers.contains { $0.value.hasPrefix("jaga_session=;") && $0.value.contains("Max-Age=0") })
        #expect(await fixture.get("/", session: session).status == 303)
    }

    @Test func `guessing is slowed down with 429 and a time to come back, then the right password works`() async throws
    {
        let clock = StandingClock()
        let fixture = try WebFixture(clock: clock)
        _ = try await fixture.session(.viewer)
        for _ in 0..<5 { #expect(await Self.logIn(fixture, "viewer0", "wrong").status == 401) }
        let held = await Self.logIn(fixture, "viewer0", WebFixture.password)
        #expect(held.status == 429)
        let wait = try #require(held.header("retry-after").flatMap { Int($0) })
        #expect(wait >= 1)
        #expect(!held.headers.contains { $0.value.hasPrefix("jaga_session=") })
        clock.advance(by: .seconds(wait))
        #expect(await Self.logIn(fixture, "viewer0", WebFixture.password).status == 303)
    }

    @Test func `a stranger's user and a wrong password read the same`() async throws {
        let fixture = try WebFixture()
        _ = try await fixture.session(.viewer)
        let wrong = await Self.logIn(fixture, "viewer0", "wrong")
        let absent = await Self.logIn(fixture, "nobody0", "wrong")
        #expect(wrong.status == absent.status)
        func fault(_ reply: Reply) -> Substring? {
            reply.text.firstRange(of: "role=\"alert\">").map { reply.text[$0.upperBound...].prefix { $0 != "<" } }
        }
        #expect(fault(wrong) == fault(absent) && fault(wrong) != nil)
    }

    @Test func `after a login nobody is sent to another site`() async throws {
        let fixture = try WebFixture()
        _ = try await fixture.session(.viewer)
        for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            let token = AccessControl.freshSecret()
            var headers = Self.form
            headers["cookie"] = "jaga_form=\(token)"
            let reply = await fixture.send(
                .post, "/login", headers: headers,
                body: "form_token=\(token)&name=viewer0&password=\(WebFixture.password.replacing(" ", with: "+"))"
                    + "&next=\(APIPath.escaped(next))")
            #expect(reply.header("location") == "/", "\(next)")
        }
    }

    /// What a request to each changing route would need to do something.
    private static func bodies(_ pattern: String) -> [(path: String, form: String)] {
        switch pattern {
        case "/actions/{action}":
            [
                ("/actions/run-job", "name=report"), ("/actions/run-backup", "target=shop"),
                ("/actions/verify-backup", "id=x"),
                ("/actions/drill", "target=shop"), ("/actions/restore", "target=shop&into=new"),
                ("/actions/reload", ""),
            ]
        case "/users": [(pattern, "name=eve&role=administrator")]
        case "/users/{name}":
            [
                ("/users/administrator0", "do=remove"), ("/users/administrator0", "do=link"),
                ("/users/administrator0", "do=role&role=viewer"),
            ]
        case "/tokens": [(pattern, "name=eve&role=administrator&days=0")]
        case "/tokens/{id}/revoke": [("/tokens/1/revoke", "")]
        default: [(pattern.replacing("{name}", with: "x").replacing("{id}", with: "x"), "")]
        }
    }

    @Test(arguments: [Role.viewer, .operator])
    func `no form and no call lets a role do what only a higher one may`(role: Role) async throws {
        let fixture = try WebFixture()
        _ = try await fixture.session(.administrator)
        let session = try await fixture.session(role)
        let token = try await fixture.token(role)
        let before = (try await fixture.access.users(), try await fixture.access.tokens().map(\.id))
        var tried = 0
        for route in WebSite.allRoutes where route.method.isUnsafe {
            guard case .needs(let permission) = route.entrance, !isAllowed(permission, to: role) else { continue }
            for (path, form) in Self.bodies(route.pattern) {
                if route.method == .post {
                    #expect(await fixture.post(path, session: session, form).status == 403, "\(route.pattern) \(form)")
                }
                let call = await fixture.send(route.method, path, token: token, body: "{}")
                #expect(call.status == 403, "\(route.method) \(route.pattern)")
                tried += 1
            }
        }
        #expect(tried >= (role == .viewer ? 15 : 8), "the walk found too little to walk")
        let actions: [SiteAction] = [
            .runJob(name: "report"), .runBackup(target: "shop"), .verifyBackup(id: "x"),
            .drill(target: "shop", backup: nil),
            .restore(target: "shop", backup: nil, into: "new"), .reload,
        ]
        var performed = 0
        for action in actions {
            let isFree = isAllowed(WebSite.permission(for: action), to: role)
            let body = String(decoding: Array(try APIJSON.encode(action)), as: UTF8.self)
            #expect(await fixture.send(.post, APIPath.actions, token: token, body: body).status == (isFree ? 202 : 403))
            performed += isFree ? 1 : 0
        }
        #expect(fixture.service.performed.withLock { $0.count } == performed)
        let after = (try await fixture.access.users(), try await fixture.access.tokens().map(\.id))
        #expect(before.0.map(\.name) == after.0.map(\.name) && before.0.map(\.role) == after.0.map(\.role))
        #expect(before.1 == after.1)
    }
}

/// Goal: the site answers to its own names only where a foreign name would mean an attack. Method: requests with all kinds of
/// `Host` headers, as a page that makes its name lead to 127.0.0.1 would send them.
struct HostNameTests {
    @Test(arguments: [
        ("localhost:9797", true), ("LOCALHOST", true), ("127.0.0.1:9797", true), ("[::1]:9797", true),
        ("10.0.0.5", true),
        ("jaga.example.org", true), ("Jaga.Example.org.:443", true), ("a.localhost", true),
        ("evil.example:9797", false),
        ("localhost.evil.example", false), ("127.0.0.1.evil.example", false), ("jaga.example.org.evil.example", false),
        ("1.2.3.400", false), ("", false),
    ])
    func `a server that only this machine can reach answers to its own names`(host: String, isTaken: Bool) async throws
    {
        let names = WebOptions.hostNames(listeningAt: "127.0.0.1", publicURL: "https://jaga.example.org/")
        let fixture = try WebFixture(options: WebOptions(hostNames: names))
        let token = try await fixture.token(.viewer)
        for target in ["/login", "/healthz", APIPath.status] {
            let reply = await fixture.get(target, token: token, headers: ["host": host])
            #expect(reply.status == (isTaken ? 200 : 421), "\(target)")
            if !isTaken { #expect(reply.text.contains("web.public_url")) }
        }
        // The socket's file mode is the permission, and a trusted proxy knows its own names.
        #expect(await fixture.send(.get, "/healthz", headers: ["host": host], trust: .localSocket).status == 200)
        #expect(await fixture.send(.get, "/healthz", headers: ["host": host], isForwarded: true).status == 200)
    }

    @Test func `where others can connect, every name is taken`() async throws {
        for host in ["0.0.0.0", "10.0.0.5", "::", "jaga.internal"] {
            #expect(WebOptions.hostNames(listeningAt: host, publicURL: "https://jaga.example.org") == nil)
        }
        #expect(WebOptions.hostNames(listeningAt: "::1", publicURL: "") == [])
    }

    @Test func `no answer allows another site to read it`() async throws {
        let fixture = try WebFixture()
        let session = try await fixture.session(.viewer)
        for target in ["/", APIPath.status, "/api/v1/query?query=up", "/healthz", "/login"] {
            let reply = await fixture.get(target, session: session, headers: ["origin": "https://evil.example"])
            #expect(reply.header("access-control-allow-origin") == nil, "\(target)")
            #expect(reply.header("cross-origin-resource-policy") == "same-origin", "\(target)")
        }
    }
}
