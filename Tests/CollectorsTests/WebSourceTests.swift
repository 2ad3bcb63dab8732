import Outbound
import Series
import TestSupport
import Testing
import Units

@testable import Collectors

/// Goal: a web server's status page is read, and anything else is an error. Method: a real nginx that serves a status page and
/// errors.
@Suite struct WebSourceTests {
    @Test func `the numbers of the status page are found`() throws {
        let page =
            "Active connections: 291 \nserver accepts handled requests\n 16630948 16630947 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n"
        let status = try #require(StubStatus(page))
        #expect(status.active == 291)
        #expect(status.accepted == 16_630_948)
        #expect(status.handled == 16_630_947)
        #expect(status.requests == 31_070_465)
        #expect([status.reading, status.writing, status.waiting] == [6, 179, 106])
        #expect(StubStatus("<html>Active connections: 291</html>") == nil)
        #expect(StubStatus(page.replacing("291", with: "many")) == nil)
    }

    @Test func `nginx is read, and refuses plainly`() async throws {
        let folder = try StackFolder()
        let nginx = try await NginxServer.start(
            in: folder.path,
            .init(
                serverDirectives: """
                    location = /broken { return 503; }
                    """))
        func nginxSource(_ url: String) -> NginxSource {
            NginxSource(name: "nginx/t", labels: [:], HTTPRequest(url: url), deadline: .seconds(60))
        }
        let batch = try await nginxSource(nginx.statusURL).read(at: testNow)
        #expect(batch.value("nginx_up") == 1)
        #expect(batch.value("nginx_connections_active") ?? 0 >= 1)
        #expect(batch.value("nginx_http_requests_total") ?? 0 >= 1)
        await #expect(throws: CollectorError.self) { try await nginxSource(nginx.url + "/").read(at: testNow) }
        await #expect(throws: CollectorError.self) { try await nginxSource(nginx.url + "/broken").read(at: testNow) }

        nginx.pause()
        let stopped = NginxSource(
            name: "nginx/t", labels: [:], HTTPRequest(url: nginx.statusURL), deadline: .milliseconds(300))
        // It is paused for as long as this takes, so a reading without a limit would not end.
        await #expect(throws: OutboundError.self) { try await stopped.read(at: testNow) }
        nginx.resume()
        for _ in 0..<20 { _ = try? await nginxSource(nginx.statusURL).read(at: testNow) }
        let counted = try await nginxSource(nginx.statusURL).read(at: testNow).value("nginx_http_requests_total") ?? 0
        try await nginx.restart()
        // Counters begin anew with the server, and are passed on as they are.
        let anew = try await nginxSource(nginx.statusURL).read(at: testNow)
        #expect(anew.value("nginx_up") == 1)
        #expect(anew.value("nginx_http_requests_total") ?? .infinity < counted)
        await nginx.stop()
    }
}
