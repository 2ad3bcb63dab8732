import Access
import Events
import Testing
import Units
import WebAPI

@testable import Web

/// Goal: a page hears of changes for as long as its session lasts and no longer, and the listeners are bounded. Method: a real
/// server, with signs of life every few milliseconds, and sessions under a clock that is moved by hand.
struct LiveFeedTests {
    private static let quick = WebOptions(signOfLife: .milliseconds(50))

    private static func listen(_ port: Int, session: String) async throws -> RawClient {
        let client = try RawClient(port: port)
        await client.send("GET /events HTTP/1.1\r\nHost: localhost\r\nCookie: jaga_session=\(session)\r\n\r\n")
        return client
    }

    /// Listens, and waits until the feed has begun.
    private static func opened(_ port: Int, session: String) async throws -> RawClient {
        let client = try await listen(port, session: session)
        let (text, _) = try await client.read { $0.contains("retry: 5000") }
        #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("text/event-stream"))
        return client
    }

    @Test func `without a login there are no events`() async throws {
        let fixture = try WebFixture()
        try await withServer(fixture) { port in
            let answer = try await RawClient(port: port).get("/events")
            #expect(answer.hasPrefix("HTTP/1.1 401 "))
        }
        #expect(fixture.service.feedCount == 0)
    }

    @Test func `a change reaches the page, a second feed begins after the first, and nothing is left behind`()
        async throws
    {
        let fixture = try WebFixture(options: Self.quick)
        let session = try await fixture.session(.viewer)
        try await withServer(fixture) { port in
            for round in 1...2 {
                let page = try await Self.opened(port, session: session)
                fixture.service.send(.alerts)
                let (text, _) = try await page.read { $0.contains("data: alerts") && $0.contains(": here") }
                #expect(text.contains("event: change\ndata: alerts\n\n"), "round \(round)")
            }
            // Both clients are gone; the server notices with the next sign of life.
            try await fixture.waitUntil { fixture.site.feeds.count == 0 }
        }
    }

    @Test func `a logout ends the feed at once`() async throws {
        // The next sign of life would come in an hour.
        let fixture = try WebFixture(options: WebOptions(signOfLife: .seconds(3600)))
        let session = try await fixture.session(.viewer)
        let other = try await fixture.session(.viewer)
        try await withServer(fixture) { port in
            let page = try await Self.opened(port, session: session)
            let stays = try await Self.opened(port, session: other)
            #expect(await fixture.post("/logout", session: session).status == 303)
            // The end of a chunked body is an empty chunk.
            _ = try await page.read { $0.hasSuffix("0\r\n\r\n") }
            // The place is given back a moment after the last bytes went out.
            try await fixture.waitUntil { fixture.site.feeds.count == 1 }
            fixture.service.send(.jobs)
            _ = try await stays.read { $0.contains("data: jobs") }
            let again = try await Self.listen(port, session: session).read(until: RawClient.isWhole).text
            #expect(again.hasPrefix("HTTP/1.1 401 "))
        }
    }

    @Test func `a feed ends when its session has run out, and does not keep it alive`() async throws {
        let clock = StandingClock()
        let fixture = try WebFixture(clock: clock, options: Self.quick)
        let session = try await fixture.session(.viewer)
        try await withServer(fixture) { port in
            let page = try await Self.opened(port, session: session)
            // Signs of life come, and none of them counts as use of the session.
            clock.advance(by: .seconds(11 * 3600))
            _ = try await page.read { $0.contains(": here") }
            clock.advance(by: .seconds(2 * 3600))
            _ = try await page.read { $0.hasSuffix("0\r\n\r\n") }
            try await fixture.waitUntil { fixture.site.feeds.count == 0 }
        }
    }

    @Test func `a feed of a removed user or a revoked token ends`() async throws {
        let fixture = try WebFixture(options: Self.quick)
        let session = try await fixture.session(.viewer)
        let user = try #require(try await fixture.access.users().first?.name)
        let (token, secret) = try await fixture.access.createToken("t", role: .viewer, validFor: nil, by: .jaga)
        try await withServer(fixture) { port in
            let page = try await Self.opened(port, session: session)
            let program = try RawClient(port: port)
            await program.send("GET /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(secret)\r\n\r\n")
            _ = try await program.read { $0.contains("retry") }
            try await fixture.access.revokeToken(token.id, by: .jaga)
            _ = try await program.read { $0.hasSuffix("0\r\n\r\n") }
            try await fixture.access.removeUser(user, by: .jaga)
            _ = try await page.read { $0.hasSuffix("0\r\n\r\n") }
        }
    }

    @Test func `the listeners are bounded for each session and for all, and a place that is left is free again`()
        async throws
    {
        var options = WebOptions(signOfLife: .milliseconds(50))
        options.liveClientsMax = 3
        options.liveClientsPerCallerMax = 2
        let fixture = try WebFixture(options: options)
        let greedy = try await fixture.session(.viewer)
        let second = try await fixture.session(.viewer)
        try await withServer(fixture) { port in
            var pages = [try await Self.opened(port, session: greedy), try await Self.opened(port, session: greedy)]
            let refused = try await Self.listen(port, session: greedy).read(until: RawClient.isWhole).text
            #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("too many pages"))
            pages.append(try await Self.opened(port, session: second))
            let full = try await Self.listen(port, session: second).read(until: RawClient.isWhole).text
            #expect(full.hasPrefix("HTTP/1.1 503 "))
            pages.removeAll()
            try await fixture.waitUntil { fixture.site.feeds.count == 0 }
            _ = try await Self.opened(port, session: greedy)
        }
    }
}

extension WebFixture {
    /// For what happens in the server's own time.
    func waitUntil(_ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record("it did not come true within 60 s")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
