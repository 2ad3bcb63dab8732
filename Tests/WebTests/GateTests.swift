import Access
import Events
import Synchronization
import Testing
import Units
import WebAPI

@testable import Web

/// Goal: nobody gets more than their role allows, and no other site can act for them. Method: a walk over the route table
/// itself, so that a new route is covered by being there, with real sessions and tokens and a clock that is moved by hand.
struct GateTests {
    private static func path(_ route: Route) -> String {
        "/" + Route.segments(of: route.pattern).map { $0.hasPrefix("{") ? "x" : $0 }.joined(separator: "/")
    }

    @Test func `without a login only the open routes answer`() async throws {
        let web = try WebFixture()
        let open = Set(["/healthz", "/-/healthy", "/-/ready", "/login", "/setup-link", "/assets/{name}"])
        #expect(Set(WebSite.allRoutes.filter { $0.entrance == .open }.map(\.pattern)) == open)
        for route in WebSite.allRoutes where route.entrance != .open {
            let reply = await web.send(route.method, Self.path(route))
            switch route.family {
            case .page:
                #expect(reply.status == 303, "\(route.pattern)")
                #expect(reply.header("location")?.hasPrefix("/login") == true, "\(route.pattern)")
            case .api:
                #expect(reply.status == 401, "\(route.pattern)")
                let problem = try APIJSON.decode(Problem.self, from: Array(reply.text.utf8))
                #expect(problem.code == .unauthenticated, "\(route.pattern)")
            case .prometheus:
                #expect(reply.status == 401, "\(route.pattern)")
            }
        }
        #expect(web.service.performed.withLock { $0.isEmpty })
    }

    @Test(arguments: Role.allCases) func `a role is refused exactly what its permissions leave out`(role: Role)
        async throws
    {
        let web = try WebFixture()
        let token = try await web.token(role)
        for route in WebSite.allRoutes {
            guard case .needs(let permission) = route.entrance else { continue }
            // A request that changes something could remove what the walk stands on; reading shows the gate as well.
            guard route.method == .get || !isAllowed(permission, to: role) else { continue }
            let reply = await web.send(route.method, Self.path(route), token: token)
            #expect(
                (reply.status == 403) == !isAllowed(permission, to: role),
                "\(route.method) \(route.pattern): \(reply.status)")
            #expect(reply.status != 401 && reply.status != 500, "\(route.pattern): \(reply.status)")
        }
    }

    @Test func `a session ends when it is idle for too long, and after a week in any case`() async throws {
        let clock = StandingClock()
        let web = try WebFixture(clock: clock)
        let idle = try await web.session(.viewer)
        clock.advance(by: .seconds(12 * 3600 - 1))
        #expect(await web.get("/", session: idle).status == 200)
        clock.advance(by: .seconds(12 * 3600))
        #expect(await web.get("/", session: idle).status == 303)
        let used = try await web.session(.viewer)
        for _ in 0..<15 {
            clock.advance(by: .seconds(11 * 3600))
            #expect(await web.get("/", session: used).status == 200)
        }
        clock.advance(by: .seconds(3 * 3600))
        #expect(await web.get("/", session: used).status == 303)
    }

    @Test func `wrong, expired and revoked tokens are refused`() async throws {
        let clock = StandingClock()
        let web = try WebFixture(clock: clock)
        #expect(await web.get(APIPath.status, token: "jaga_wrong").status == 401)
        let short = try await web.access.createToken("short", role: .viewer, validFor: .seconds(60), by: .jaga)
        #expect(await web.get(APIPath.status, token: short.secret).status == 200)
        clock.advance(by: .seconds(60))
        #expect(await web.get(APIPath.status, token: short.secret).status == 401)
        let other = try await web.access.createToken("other", role: .viewer, validFor: nil, by: .jaga)
        try await web.access.revokeToken(other.token.id, by: .jaga)
        #expect(await web.get(APIPath.status, token: other.secret).status == 401)
    }

    @Test func `the local socket needs no login and an unknown address does`() async throws {
        let web = try WebFixture()
        #expect(await web.send(.get, APIPath.users, trust: .localSocket).status == 200)
        #expect(await web.get("/api/jaga/v1/nothing").status == 401)
        #expect(await web.get("/nothing").status == 303)
        #expect(await web.send(.get, "/nothing", trust: .localSocket).status == 404)
    }

    @Test func `a parameter that nobody knows and a filter that cannot match are refused`() async throws {
        let web = try WebFixture()
        func ask(_ target: String) async -> Reply { await web.send(.get, target, trust: .localSocket) }
        #expect(await ask("/api/jaga/v1/ledger?kind=alert.&limit=5").status == 200)
        for (target, part) in [
            ("/api/jaga/v1/ledger?knid=alert.", "there is no such parameter"),
            ("/api/jaga/v1/status?x=1", "This address takes none."),
            ("/api/jaga/v1/ledger?kind=alret.", "is no kind of entry"),
            ("/api/jaga/v1/ledger?limit=0", "is not between 1 and 1000"),
            ("/api/jaga/v1/alerts?state=frining", "is none of"),
        ] {
            let reply = await ask(target)
            #expect(reply.status == 400, "\(target)")
            #expect(reply.text.contains(part), "\(target): \(reply.text)")
        }
        // Grafana adds parameters of its own.
        #expect(await ask("/api/v1/query?query=1&x=1").status == 200)
    }

    @Test func `a form without this session's token changes nothing`() async throws {
        let web = try WebFixture()
        let session = try await web.session(.administrator)
        let other = try await web.session(.administrator)
        let type = ["content-type": "application/x-www-form-urlencoded"]
        for token in ["", AccessControl.formToken(session: other)] {
            let reply = await web.send(
                .post, "/actions/reload", session: session, headers: type, body: "form_token=\(token)")
            #expect(reply.status == 403)
        }
        let json = Array(try APIJSON.encode(SiteAction.reload))
        let body = String(decoding: json, as: UTF8.self)
        #expect(await web.send(.post, APIPath.actions, session: session, body: body).status == 403)
        #expect(web.service.performed.withLock { $0.isEmpty })
        #expect(await web.post("/actions/reload", session: session).status == 303)
        let token = try await web.token(.administrator)
        #expect(await web.send(.post, APIPath.actions, token: token, body: body).status == 202)
        #expect(web.service.performed.withLock { $0.count } == 2)
    }

    @Test func `every page renders, escapes hostile text and runs under the strict policy`() async throws {
        let web = try WebFixture()
        let session = try await web.session(.administrator)
        let pages = [
            "/", "/host", "/databases", "/source?name=shop&kind=postgres", "/probes", "/alerts", "/jobs",
            "/jobs/report",
            "/jobs/nightly%2Fbackup/runs/r41", "/backups", "/ledger", "/query?expr=up", "/series", "/jaga", "/api",
            "/actions/a7",
            "/account", "/users",
        ]
        for page in pages {
            let reply = await web.get(page, session: session)
            let html = reply.text
            #expect(reply.status == 200, "\(page)")
            #expect(html.hasPrefix("<!doctype html>") && html.contains("· Jaga</title>"), "\(page)")
            #expect(!html.contains("<script>") && !html.contains(" style=\"") && !html.contains(" onclick"), "\(page)")
            #expect(!html.contains("href=\"javascript:"), "\(page)")
            let policy = reply.header("content-security-policy") ?? ""
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'"), "\(page)")
        }
        #expect(await web.get("/", session: session).text.contains("running for 1d"))
    }

    @Test func `a request that another site makes the browser send is refused`() async throws {
        let fixture = try WebFixture()
        let session = try await fixture.session(.operator)
        let reply = await fixture.send(
            .post, "/actions/run-backup", session: session,
            headers: [
                "content-type": "application/x-www-form-urlencoded", "origin": "https://evil.example",
                "host": "127.0.0.1:9797",
            ], body: "form_token=\(AccessControl.formToken(session: session))&target=shop")
        #expect(reply.status == 403)
    }
}
