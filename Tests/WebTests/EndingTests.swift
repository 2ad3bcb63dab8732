import Access
import ServiceLifecycle
import Synchronization
import Testing
import Units
import WebAPI

@testable import Web

/// Goal: a server that is told to stop answers what it was asked, and nobody can keep it from ending. Method: a real server with real
/// connections, where all limits but the one that is meant are ten minutes; each test ends only when the server has.
@Suite(.timeLimit(.minutes(5))) struct EndingTests {
    private static let halfBody = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname="

    /// A client with half a body on its way.
    private func halfSent(_ port: Int) async throws -> RawClient {
        let client = try RawClient(port: port)
        await client.send(
            "POST /login HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
        // Who asks for the body has read the header: of a connection without a request the end would be another.
        _ = try await client.read { $0.hasSuffix("\r\n\r\n") }
        await client.send("name=")
        return client
    }

    @Test func `half a body is waited for no longer than the grace`() async throws {
        let fixture = try WebFixture()
        try await withEndingServer(
            fixture, limits: .test { ($0.ending, $0.farewell) = (.milliseconds(50), .seconds(600)) }
        ) { port, services in
            let (idle, slow) = (try RawClient(port: port), try await halfSent(port))
            #expect(try await idle.get("/healthz").hasPrefix("HTTP/1.1 200 "))
            await services.triggerGracefulShutdown()
            #expect(try await slow.readToTheEnd().hasPrefix("HTTP/1.1 408 "))
            #expect(try await idle.readToTheEnd().isEmpty)
        }
    }

    @Test func `answers that nobody reads are not waited for`() async throws {
        let fixture = try WebFixture()
        fixture.service.exportBytes.withLock { $0 = 30_000_000 }
        let token = try await fixture.token(.administrator)
        let request =
            "GET \(APIPath.ledgerExport) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n"
        // It stays connected until the server has ended.
        let deaf = Mutex<RawClient?>(nil)
        try await withEndingServer(fixture, limits: .test { $0.ending = .milliseconds(50) }) { port, services in
            let client = try RawClient(port: port)
            await client.send(request + request)
            _ = try await client.read { !$0.isEmpty }
            deaf.withLock { $0 = client }
            await services.triggerGracefulShutdown()
        }
        #expect(deaf.withLock { $0 } != nil)
    }

    @Test func `what is being worked on is finished and answered, and what is asked later is not`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let request =
            "GET /api/v1/query?query=held HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n"
        try await withEndingServer(fixture, limits: .test { $0.ending = .milliseconds(50) }) { port, services in
            let (idle, slow) = (try RawClient(port: port), try RawClient(port: port))
            #expect(try await idle.get("/healthz").hasPrefix("HTTP/1.1 200 "))
            // Half of another request comes behind it.
            await slow.send(request + Self.halfBody)
            try await fixture.waitUntil { fixture.service.heldCount.withLock { $0 } == 1 }
            let other = try await halfSent(port)
            #expect(try await idle.get("/healthz").hasPrefix("HTTP/1.1 200 "))
            await services.triggerGracefulShutdown()
            // The grace is over when the other has been given up.
            #expect(try await other.readToTheEnd().hasPrefix("HTTP/1.1 408 "))
            await slow.send(request)
            fixture.service.release.yield()
            let answer = try await slow.readToTheEnd()
            #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.ranges(of: "HTTP/1.1 ").count == 1, "\(answer)")
            #expect(answer.lowercased().contains("\r\nconnection: close\r\n"))
            #expect(fixture.service.heldCount.withLock { $0 } == 1)
        }
    }

    @Test func `an answer that is being read comes whole`() async throws {
        let fixture = try WebFixture()
        fixture.service.exportBytes.withLock { $0 = 8_000_000 }
        let token = try await fixture.token(.administrator)
        try await withEndingServer(fixture, limits: .test { $0.ending = .seconds(600) }) { port, services in
            let client = try RawClient(port: port)
            await client.send(
                "GET \(APIPath.ledgerExport) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n")
            let begun = try await client.read { !$0.isEmpty }.text
            await services.triggerGracefulShutdown()
            let end = try await client.readToTheEnd(within: .seconds(120))
            #expect(begun.utf8.count + end.utf8.count > 8_000_000 && end.hasSuffix("\r\n0\r\n\r\n"))
        }
    }
}
