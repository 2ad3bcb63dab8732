import BinaryCoding
import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Outbound

/// Requests against a real server on a loopback port: what is sent, what comes back, and where every limit bites.
@Suite struct HTTPClientTests {
    let server: LoopbackServer

    init() throws { server = try .http() }

    func url(_ path: String) -> String { "http://127.0.0.1:\(server.port)\(path)" }

    @Test func `method, headers, body and bearer token arrive as given`() async throws {
        let reply = try await HTTPClient().send(
            HTTPRequest(
                url: url("/echo?q=1"), method: "PUT", headers: ["X-One": "é"], body: Array("héllo".utf8),
                credentials: .bearer(Secret("token-1"))))
        let lines = reply.text.split(separator: "\n").map(String.init)
        #expect(reply.status == 200)
        #expect(lines.first == "PUT /echo?q=1")
        #expect(lines.contains("Authorization: Bearer token-1"))
        #expect(lines.contains("User-Agent: jaga"))
        #expect(!reply.text.contains("urlencoded"))
        #expect(lines.last == "héllo")
        #expect(reply.headers["x-two"] == "a")
        #expect(reply.headers.values("X-TWO") == ["a", "b"])
        #expect(reply.version == "1.1")
    }

    @Test func `basic credentials are sent and an empty body is a body`() async throws {
        let reply = try await HTTPClient().send(
            HTTPRequest(
                url: url("/echo"), method: "POST", credentials: .basic(user: "ani", password: Secret("p:w"))))
        #expect(reply.text.contains("Authorization: Basic \(Base64.text(Array("ani:p:w".utf8)))"))
        #expect(reply.text.contains("Content-Length: 0"))
    }

    @Test(arguments: [204, 404, 503]) func `every status is an answer`(status: Int) async throws {
        #expect(try await HTTPClient().send(HTTPRequest(url: url("/status/\(status)"))).status == status)
    }

    @Test func `timings have every phase that was reached and none that was not`() async throws {
        let timings = try await HTTPClient().send(HTTPRequest(url: url("/slow/0.2"))).timings
        #expect(timings.resolve != nil)
        #expect(timings.connect != nil)
        #expect(timings.tls == nil)
        #expect(try #require(timings.processing) >= .milliseconds(190))
        #expect(timings.transfer != nil)
        #expect(timings.total >= .milliseconds(200))
    }

    @Test(arguments: ["http://ani:s3cret@", "http://", ""])
    func `a proxy that refuses is named, and its password is not`(start: String) async throws {
        let port = try LoopbackServer.closedPort()
        var request = HTTPRequest(url: "https://127.0.0.1:\(server.port)/", proxy: .url("\(start)127.0.0.1:\(port)"))
        let error = try await #require(throws: OutboundError.self) { try await HTTPClient().send(request) }
        #expect(
            error.summary
                == "connection to https://127.0.0.1:\(server.port) through the proxy http://127.0.0.1:\(port) refused")
        #expect(error.hint == "Check the proxy's address, and that it runs and listens there.")
        // Here and there the exceptions let the request pass by the proxy, or not.
        request.proxyExceptions = "elsewhere.example"
        let named = try await #require(throws: OutboundError.self) { try await HTTPClient().send(request) }
        #expect(named.proxy == "http://127.0.0.1:\(port)")
        request.proxyExceptions = "127.0.0.1"
        request.url = "http://127.0.0.1:\(try LoopbackServer.closedPort())/"
        let straight = try await #require(throws: OutboundError.self) { try await HTTPClient().send(request) }
        #expect(straight.proxy == nil && straight.hint?.contains("proxy") == false)
    }

    @Test func `a refused connection is an error without the phases after it`() async throws {
        let port = try LoopbackServer.closedPort()
        let error = try await #require(throws: OutboundError.self) {
            try await HTTPClient().send(HTTPRequest(url: "http://127.0.0.1:\(port)/secret-path"))
        }
        #expect(error.code == .connectionRefused)
        #expect(error.summary == "connection to http://127.0.0.1:\(port) refused")
        #expect(error.timings?.connect == nil)
        #expect(error.timings?.processing == nil)
        #expect(error.hint != nil)
    }

    @Test func `a silent server times out and says that it was connected`() async throws {
        // A machine that has other things to do is given more time to connect.
        var limit = Duration.milliseconds(150)
        var error: OutboundError
        repeat {
            error = try await #require(throws: OutboundError.self) {
                try await HTTPClient().send(HTTPRequest(url: url("/slow/3600"), timeout: limit))
            }
            limit *= 4
        } while error.timings?.connect == nil && limit < .seconds(60)
        #expect(error.code == .timedOut)
        #expect(error.detail.hasPrefix("connected, but no complete reply within"))
        #expect(error.timings?.connect != nil)
        #expect(error.timings?.processing == nil)
    }

    @Test func `cancelling comes back at once`() async throws {
        let url = url("/slow/3600")
        let task = Task { try await HTTPClient().send(HTTPRequest(url: url, timeout: .seconds(3600))) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `a body over the limit is an error, or is cut where that was asked for`() async throws {
        let whole = try await HTTPClient().send(HTTPRequest(url: url("/bytes/1000"), bodyBytesMax: 1000))
        #expect(whole.body.count == 1000)
        #expect(!whole.isBodyTruncated)
        let error = try await #require(throws: OutboundError.self) {
            try await HTTPClient().send(HTTPRequest(url: url("/bytes/1000000"), bodyBytesMax: 999))
        }
        #expect(error.code == .bodyTooLarge)
        let cut = try await HTTPClient().send(
            HTTPRequest(url: url("/bytes/1000000"), bodyBytesMax: 999, truncatesBody: true))
        #expect(cut.body.count == 999)
        #expect(cut.isBodyTruncated)
        #expect(cut.status == 200)
    }

    @Test func `redirects are followed as far as allowed`() async throws {
        #expect(try await HTTPClient().send(HTTPRequest(url: url("/redirect/2"))).status == 302)
        let followed = try await HTTPClient().send(HTTPRequest(url: url("/redirect/2"), redirectsMax: 2))
        #expect(followed.status == 200)
        #expect(followed.redirectCount == 2)
        #expect(followed.effectiveURL == url("/echo"))
        #expect(followed.headers.values("Location").isEmpty)
        let error = try await #require(throws: OutboundError.self) {
            try await HTTPClient().send(HTTPRequest(url: url("/redirect/3"), redirectsMax: 2))
        }
        #expect(error.code == .tooManyRedirects)
    }

    @Test func `a server that hangs up is a lost connection`() async throws {
        let error = try await #require(throws: OutboundError.self) {
            try await HTTPClient().send(HTTPRequest(url: url("/hangup")))
        }
        #expect(error.code == .connectionLost)
    }

    @Test func `lines of an event stream come as they arrive and the taker can end it`() async throws {
        let taken = Collected()
        let reply = try await HTTPClient().lines(of: HTTPRequest(url: url("/events"), timeout: .seconds(60))) { line in
            taken.add(line) < 5
        }
        #expect(reply.status == 200)
        #expect(taken.lines == ["data: 0", "", "data: 1", "", "data: 2"])
    }

    @Test func `a unix socket serves as well`() async throws {
        let path = FileManager.default.temporaryDirectory.path() + "/jaga-\(UUID().uuidString.prefix(8)).sock"
        let unix = try LoopbackServer.http(arguments: ["unix", path])
        defer { try? FileManager.default.removeItem(atPath: path) }
        let reply = try await HTTPClient().send(HTTPRequest(url: "http://jaga/echo", unixSocketPath: path))
        #expect(reply.text.contains("Host: jaga"))
        _ = unix
        #expect(try await ConnectionCheck().unixSocket(path: path, timeout: .seconds(60)).connect != nil)
    }

    @Test(arguments: ["not a url", "ftp://localhost/x", "file:///etc/passwd", "http://a b/"])
    func `what is no web address is refused`(url: String) async throws {
        let error = try await #require(throws: OutboundError.self) {
            try await HTTPClient().send(HTTPRequest(url: url))
        }
        #expect(error.code == .invalidRequest || error.code == .nameNotFound)
    }

    @Test func `a header cannot smuggle another one`() async throws {
        let error = try await #require(throws: OutboundError.self) {
            try await HTTPClient().send(HTTPRequest(url: url("/echo"), headers: ["X": "a\r\nEvil: 1"]))
        }
        #expect(error.code == .invalidRequest)
    }

    @Test func `errors name the origin without user, password, path and query`() {
        #expect(origin(of: "https://u:p@shop.example:8443/a?token=1") == "https://shop.example:8443")
    }
}

final class Collected: @unchecked Sendable {
    // `lock` guards `content`.
    private let lock = NSLock()
    private var content: [String] = []

    func add(_ line: String) -> Int {
        lock.withLock {
            content.append(line)
            return content.count
        }
    }
    var lines: [String] { lock.withLock { content } }
}
