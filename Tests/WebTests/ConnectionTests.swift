import Access
import Diagnostics
import FoundationEssentials
import Glibc
import Logging
import Synchronization
import Series
import Testing
import Units
import WebAPI

@testable import Web

/// Goal: nobody holds the server up, however slowly or oddly they speak, and every answer carries the same headers. Method: a
/// real server on a free port with short limits, and clients that write single bytes.
///
/// Where a test measures that something takes no longer than its limit, other limits are ten minutes, so that what ends the
/// connection can only be the limit that is meant.
struct ConnectionTests {
    private static let security = [
        "content-security-policy: default-src 'none'", "x-content-type-options: nosniff", "x-frame-options: DENY",
        "referrer-policy: same-origin", "cache-control: no-store",
    ]

    private static func expectSecurityHeaders(_ answer: String, _ place: SourceLocation = #_sourceLocation) {
        let end = answer.firstRange(of: "\r\n\r\n")?.lowerBound ?? answer.startIndex
        let head = answer[..<end].lowercased()
        for line in security {
            #expect(
                head.contains(line.lowercased()), "\(line) is missing in \(answer.prefix(600))", sourceLocation: place)
        }
    }

    /// As when the other server of the same program cannot listen.
    @Test func `a server that is told to stop logs no error`() async throws {
        let lines = LogLines()
        let (started, announced) = AsyncStream.makeStream(of: Void.self)
        let server = WebServer(
            site: try WebFixture().site, listener: .network(host: "127.0.0.1", port: 0),
            logger: Logger(label: "test") { _ in lines }, onListening: { _ in announced.finish() })
        let running = Task { try await server.run() }
        for await _ in started {}
        running.cancel()
        _ = await running.result
        let stops = lines.lines.filter { $0.text.contains("CancellationError") }
        #expect(!stops.isEmpty && stops.allSatisfy { $0.level == .debug }, "\(lines.lines)")
        #expect(lines.levels.allSatisfy { $0 < .warning }, "\(lines.lines)")
        // Errors of its own stay what they are.
        let log = LibraryLog.logger(over: Logger(label: "test") { _ in lines })
        log.error("Server shutdown error: EBADF")
        #expect(lines.lines.last?.level == .error)
    }

    /// The first instant is the one of the RFC.
    @Test func `every answer has its date`() async throws {
        #expect(httpDate(Timestamp(rfc3339: "1994-11-06T08:49:37.9Z")!) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(httpDate(Timestamp(rfc3339: "2028-02-29T23:00:05Z")!) == "Tue, 29 Feb 2028 23:00:05 GMT")
        let fixture = try WebFixture()
        try await withServer(fixture) { port in
            let client = try RawClient(port: port)
            let answer = try await client.get("/healthz")
            #expect(
                answer.lowercased().contains("\r\ndate: \(httpDate(fixture.clock.now).lowercased())\r\n"), "\(answer)")
            #expect(answer.lowercased().ranges(of: "\r\ndate: ").count == 1)
        }
        // Also those that the site never saw.
        try await withServer(fixture, limits: .test { $0.header = .milliseconds(1) }) { port in
            for text in ["GET / HT", "what is this\r\n\r\n"] {
                let client = try RawClient(port: port)
                await client.send(text)
                let answer = try await client.readToTheEnd()
                #expect(answer.hasPrefix("HTTP/1.1 40"))
                #expect(
                    answer.lowercased().contains("\r\ndate: \(httpDate(fixture.clock.now).lowercased())\r\n"),
                    "\(answer)")
            }
        }
    }

    /// RFC 9112, section 3.2.
    @Test(arguments: [
        ("1.1", ["localhost"], 200), ("1.1", [], 400), ("1.1", ["localhost", "localhost"], 400),
        ("1.1", ["localhost", "evil.example"], 400), ("1.0", [], 200), ("1.0", ["localhost", "evil.example"], 400),
    ])
    func `a request has one host, and those before it are answered all the same`(
        version: String, hosts: [String], status: Int
    ) async throws {
        let fixture = try WebFixture()
        try await withServer(fixture, limits: .test { _ in }) { port in
            let client = try RawClient(port: port)
            let first = "GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let lines = hosts.map { "HOST: \($0)\r\n" }.joined()
            await client.send(first + "GET /healthz HTTP/\(version)\r\nConnection: close\r\n\(lines)\r\n")
            let statuses = try await client.readToTheEnd().split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
            #expect(statuses == ["200", "\(status)"])
        }
    }

    @Test func `a half-sent header is answered 408 and cut at its deadline, however often a byte comes`() async throws {
        let fixture = try WebFixture()
        try await withServer(fixture, limits: .test { $0.header = .milliseconds(600) }) { port in
            let slow = try RawClient(port: port)
            await slow.send("GET / HTTP/1.1\r\nHost: localhost\r\n")
            async let rest = slow.readToTheEnd()
            for _ in 0..<40 {
                guard await slow.send("x") else { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            let answer = try await rest
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            Self.expectSecurityHeaders(answer)
        }
    }

    @Test func `the deadline also begins anew with the second request of a connection`() async throws {
        let fixture = try WebFixture()
        try await withServer(fixture, limits: .test { $0.header = .seconds(2) }) { port in
            // Silence between two requests has its own limit, so the connection outlives the header's. A busy machine may need the limit
            // for a whole request, and then another connection is tried.
            var kept: RawClient?
            for _ in 0..<20 where kept == nil {
                let client = try RawClient(port: port)
                guard try await client.get("/healthz").hasPrefix("HTTP/1.1 200 ") else { continue }
                try await Task.sleep(for: .seconds(3))
                if try await client.get("/healthz").hasPrefix("HTTP/1.1 200 ") { kept = client }
            }
            let client = try #require(kept)
            await client.send("GET /healthz HT")
            #expect(try await client.readToTheEnd().hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test func `a half-sent body is answered 408 and cut`() async throws {
        let fixture = try WebFixture()
        try await withServer(fixture, limits: .test { $0.body = .milliseconds(400) }) { port in
            let slow = try RawClient(port: port)
            await slow.send("POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname=")
            #expect(try await slow.readToTheEnd().hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test func `clients that send half a header do not hold others up`() async throws {
        let fixture = try WebFixture()
        try await withServer(fixture) { port in
            var slow: [RawClient] = []
            for _ in 0..<100 {
                let client = try RawClient(port: port)
                await client.send("GET / HTTP/1.1\r\nHost: loc")
                slow.append(client)
            }
            #expect(try await RawClient(port: port).get("/healthz").hasPrefix("HTTP/1.1 200 "))
            #expect(slow.count == 100)
        }
    }

    @Test func `connections are bounded, and a newcomer takes the place of the one that was idle for longest`()
        async throws
    {
        let fixture = try WebFixture()
        try await withServer(fixture, limits: .test { $0.countMax = 8 }) { port in
            var idle: [RawClient] = []
            for _ in 0..<20 {
                let client = try RawClient(port: port)
                #expect(try await client.get("/healthz").hasPrefix("HTTP/1.1 200 "))
                idle.append(client)
            }
            #expect(try await RawClient(port: port).get("/healthz").hasPrefix("HTTP/1.1 200 "))
            // The first ones were closed from the other side.
            for client in idle.prefix(10) {
                let (text, hasEnded) = try await client.read { _ in false }
                #expect(text.isEmpty && hasEnded)
            }
        }
    }

    @Test func `somebody who reads nothing of a large answer is cut off, and holds nobody up meanwhile`() async throws {
        let fixture = try WebFixture()
        fixture.service.exportBytes.withLock { $0 = 30_000_000 }
        let token = try await fixture.token(.administrator)
        try await withServer(fixture, limits: .test { $0.stalledAnswer = .milliseconds(500) }) { port, server in
            let deaf = try RawClient(port: port)
            await deaf.send(
                "GET \(APIPath.ledgerExport) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n")
            #expect(try await RawClient(port: port).get("/healthz").hasPrefix("HTTP/1.1 200 "))
            // Reading begins only when the server has given the connection up: the rest is not there any more.
            try await fixture.waitUntil { server.register.count == 0 }
            #expect(try await deaf.countToTheEnd() < 30_000_000)
        }
    }

    /// The limit on a standstill, which begins anew with each piece that is taken, is far away here.
    @Test func `an answer that is not read whole in its time is cut off, and its memory given back`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let request = "GET /api/v1/query?query=large HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n"
        for (limit, isDeaf) in [(Duration.milliseconds(300), true), (.seconds(600), false)] {
            try await withServer(fixture, limits: .test { ($0.wholeAnswer, $0.answerRateMin) = (limit, .max) }) {
                port, server in
                let client = try RawClient(port: port)
                await client.send(request + "Connection: close\r\n\r\n")
                // It has begun; what was read of it until then is little.
                let begun = try await client.read { !$0.isEmpty }.text.utf8.count
                if isDeaf {
                    try await fixture.waitUntil { server.register.count == 0 }
                } else {
                    #expect(fixture.service.memory.byteCount > 0)
                }
                let count = try await begun + client.countToTheEnd()
                #expect(isDeaf ? count < 30_000_000 : count > 30_000_000)
                try await fixture.waitUntil { fixture.service.memory.byteCount == 0 }
            }
        }
    }

    @Test func `somebody who reads a large answer steadily gets all of it`() async throws {
        let fixture = try WebFixture()
        fixture.service.exportBytes.withLock { $0 = 30_000_000 }
        let token = try await fixture.token(.administrator)
        try await withServer(fixture, limits: .test { $0.stalledAnswer = .seconds(20) }) { port in
            let client = try RawClient(port: port)
            await client.send(
                """
                GET \(APIPath.ledgerExport) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r
                Authorization: Bearer \(token)\r\n\r\n
                """)
            #expect(try await client.countToTheEnd() > 30_000_000)
        }
    }

    /// RFC 9112, sections 9.3 and 9.6.
    @Test(arguments: [
        ("1.1", "", nil), ("1.1", "Connection: Keep-Alive\r\n", nil), ("1.1", "Connection: close\r\n", "close"),
        ("1.1", "Connection: Close\r\n", "close"), ("1.1", "connection: TE, cLoSe\r\n", "close"),
        ("1.1", "Connection: TE\r\nConnection: CLOSE\r\n", "close"), ("1.0", "", "close"),
        ("1.0", "Connection: Keep-Alive\r\n", "keep-alive"), ("1.0", "Connection: keep-alive, Close\r\n", "close"),
    ])
    func `a connection ends with the answer when its client says so, or is of HTTP 1.0 and does not ask to keep it`(
        version: String, header: String, connection: String?
    ) async throws {
        let fixture = try WebFixture()
        try await withServer(fixture, limits: .test { $0.farewell = .seconds(600) }) { port in
            let client = try RawClient(port: port)
            let request = "GET /healthz HTTP/\(version)\r\nHost: localhost\r\n\(header)\r\n"
            // What comes behind the last request is not answered.
            await client.send(request + request)
            let (text, hasEnded) = try await client.read { $0.ranges(of: "HTTP/1.1 200 OK").count == 2 }
            #expect(hasEnded == (connection == "close"))
            let lines = text.lowercased().split(separator: "\r\n").filter { $0.hasPrefix("connection:") }
            let expected = connection.map { ["connection: \($0)"] } ?? []
            #expect(Set(lines.map(String.init)) == Set(expected), "\(text)")
        }
    }

    @Test func `a client of HTTP 1.0 gets an answer of unknown length without chunks`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.administrator)
        try await withServer(fixture, limits: .test { _ in }) { port in
            let client = try RawClient(port: port)
            await client.send(
                "GET \(APIPath.ledgerExport) HTTP/1.0\r\nConnection: keep-alive\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n"
            )
            let answer = try await client.readToTheEnd()
            #expect(answer.hasPrefix("HTTP/1.0 200 ") && !answer.lowercased().contains("transfer-encoding"))
            #expect(answer.hasSuffix("\r\n\r\n{\"format\":\"jaga-ledger-export\"}\n"), "\(answer)")
        }
    }

    @Test func `a body over the limit is answered 413 with a reason, announced or not, and the connection ends`()
        async throws
    {
        let fixture = try WebFixture(options: WebOptions(bodyBytesMax: 100_000, strangerBodyBytesMax: 1000))
        let token = try await fixture.token(.administrator)
        try await withServer(fixture) { port in
            func post(_ headers: String, _ body: String) async throws -> String {
                let client = try RawClient(port: port)
                await client.send("POST \(APIPath.actions) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n\(body)")
                return try await client.readToTheEnd()
            }
            let bearer = "Authorization: Bearer \(token)\r\n"
            for answer in [
                try await post("Content-Length: 1001\r\n", String(repeating: "x", count: 1001)),
                try await post("Content-Length: 4000000000\r\n", ""),
                try await post("\(bearer)Content-Length: 100001\r\n", "x"),
                try await post(
                    "\(bearer)Transfer-Encoding: chunked\r\n",
                    String(repeating: "4000\r\n\(String(repeating: "x", count: 0x4000))\r\n", count: 8)),
            ] {
                #expect(answer.hasPrefix("HTTP/1.1 413 "), "\(answer.prefix(300))")
                #expect(answer.contains("\"too-large\"") && answer.lowercased().contains("connection: close"))
                Self.expectSecurityHeaders(answer)
            }
            // Within the limit the body is read and judged.
            let client = try RawClient(port: port)
            let fit = try await client.answer(
                to: "POST \(APIPath.actions) HTTP/1.1\r\nHost: localhost\r\n\(bearer)Content-Length: 50000\r\n\r\n"
                    + String(repeating: "x", count: 50_000))
            #expect(fit.hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func `a client that asks whether to send its body is told to when the body is wanted`() async throws {
        let fixture = try WebFixture(options: WebOptions(bodyBytesMax: 100_000, strangerBodyBytesMax: 1000))
        let token = try await fixture.token(.administrator)
        try await withServer(fixture, limits: .test { _ in }) { port in
            func client(_ length: Int, _ version: String = "1.1", body: String = "") async throws -> RawClient {
                let client = try RawClient(port: port)
                await client.send(
                    "POST \(APIPath.actions) HTTP/\(version)\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\nConnection: close\r\nExpect: 100-Continue\r\nContent-Length: \(length)\r\n\r\n\(body)"
                )
                return client
            }
            let word = "HTTP/1.1 100 Continue\r\n\r\n"
            let waiting = try await client(50_000)
            // No body has been sent yet.
            #expect(try await waiting.read { $0.hasSuffix("\r\n\r\n") }.text == word)
            await waiting.send(String(repeating: "x", count: 50_000))
            #expect(try await waiting.readToTheEnd().hasPrefix("HTTP/1.1 400 "))
            // Too large a body is not wanted, and what comes of itself need not be asked for.
            #expect(try await client(200_000).readToTheEnd().hasPrefix("HTTP/1.1 413 "))
            #expect(try await client(5, body: "{\"a\":").readToTheEnd().hasPrefix("HTTP/1.1 400 "))
            // HTTP/1.0 knows no such word.
            let old = try await client(5, "1.0")
            await old.send("{\"a\":")
            #expect(try await old.readToTheEnd().hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func `methods that nothing answers pass the gate first, and get 405 with what is allowed`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        try await withServer(fixture) { port in
            func send(_ method: String, _ target: String, _ headers: String = "") async throws -> String {
                let client = try RawClient(port: port)
                await client.send(
                    "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)\r\n")
                return try await client.readToTheEnd()
            }
            for method in ["PATCH", "TRACE", "OPTIONS", "PROPFIND"] {
                for target in [APIPath.status, "/nothing/at/all", "/api/nothing"] {
                    let stranger = try await send(method, target)
                    #expect(
                        stranger.hasPrefix(target.hasPrefix("/api") ? "HTTP/1.1 401 " : "HTTP/1.1 303 "), "\(method)")
                    Self.expectSecurityHeaders(stranger)
                }
                let known = try await send(method, APIPath.status, "Authorization: Bearer \(token)\r\n")
                #expect(known.hasPrefix("HTTP/1.1 405 "))
                #expect(known.lowercased().contains("\r\nallow: get, head\r\n"))
                #expect(!known.contains(token))
                Self.expectSecurityHeaders(known)
            }
        }
    }

    @Test func `an answer to what is no request carries the security headers too`() async throws {
        let fixture = try WebFixture()
        try await withServer(fixture) { port in
            let client = try RawClient(port: port)
            await client.send("what is this\r\n\r\n")
            let answer = try await client.readToTheEnd()
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            Self.expectSecurityHeaders(answer)
            let long = try RawClient(port: port)
            await long.send("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 200_000))\r\n\r\n")
            #expect(try await long.readToTheEnd().hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test(arguments: ["/healthz", "/login", "/assets/app.css", "/api/jaga/v1/status", "/nothing"])
    func `HEAD is answered as GET without the body`(target: String) async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        try await withServer(fixture) { port in
            func head(_ method: String) async throws -> (head: [String], body: String) {
                let client = try RawClient(port: port)
                await client.send(
                    "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer \(token)\r\n\r\n"
                )
                let answer = try await client.readToTheEnd()
                let end = try #require(answer.firstRange(of: "\r\n\r\n"))
                // A fresh form token differs each time.
                let lines = answer[..<end.lowerBound].split(separator: "\r\n").map(String.init)
                    .filter { !$0.lowercased().hasPrefix("date:") && !$0.lowercased().hasPrefix("set-cookie:") }
                return (lines.sorted(), String(answer[end.upperBound...]))
            }
            let (get, whole) = try await head("GET")
            let (same, nothing) = try await head("HEAD")
            #expect(get == same)
            #expect(!whole.isEmpty && nothing.isEmpty)
        }
    }

    @Test func `the unix socket is open to its owner only and needs no login`() async throws {
        let fixture = try WebFixture()
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "jaga-sock-\(UInt64.random(in: 0 ... .max))"
        )
        .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/jaga.sock"
        try await withServer(fixture, listener: .socket(path: path)) { _ in
            var facts = stat()
            #expect(stat(path, &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600)
            #expect(facts.st_mode & S_IFMT == S_IFSOCK)
        }
    }

    @Test func `a listener that cannot accept looks away for longer each time, and begins anew when it can`() {
        var backoff = AcceptBackoff()
        let spans = (0..<10).map { _ in backoff.failed() }
        #expect(spans.map { Int($0 / .milliseconds(1)) } == [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000])
        #expect(backoff.succeeded() == 10)
        #expect(backoff.failed() == .milliseconds(5) && backoff.failureCount == 1)
        #expect(backoff.succeeded() == 1 && backoff.succeeded() == 0)
    }

    @Test(arguments: [(64, 8), (0, 8), (100, 12), (256, 64), (832, 256), (1024, 256), (.max, 256)])
    func `two listeners leave a third of the descriptors to the others`(descriptors: Int, connections: Int) {
        #expect(ConnectionLimits(descriptorCountMax: descriptors).countMax == connections)
    }

    @Test(arguments: [true, false])
    func `what stands where the admin socket goes is told and kept`(isFolder: Bool) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "jaga-sock-\(UInt64.random(in: 0 ... .max))"
        )
        .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/jaga.sock"
        if isFolder {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } else {
            #expect(FileManager.default.createFile(atPath: path, contents: nil))
        }
        let server = WebServer(
            site: try WebFixture().site, listener: .socket(path: path),
            logger: Logger(label: "test") { _ in LogLines() })
        let failure = try await #require(throws: PlainFailure.self) { try await server.run() }
        let kind = isFolder ? "a folder" : "a file"
        #expect(failure.summary == "cannot listen at \(path): \(kind) stands where the admin socket goes")
        #expect(failure.hint != nil && FileManager.default.fileExists(atPath: path))
    }

    @Test func `a socket that an earlier run left is replaced`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "jaga-sock-\(UInt64.random(in: 0 ... .max))"
        )
        .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/jaga.sock"
        let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let status = withUnsafeBytes(of: &address) {
            bind(left, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
        close(left)
        #expect(status == 0 && FileManager.default.fileExists(atPath: path))
        try await withServer(try WebFixture(), listener: .socket(path: path)) { _ in
            var facts = stat()
            #expect(stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `the book gives up only who waits, the longest waiting first`() {
        var book = ConnectionBook<String>(countMax: 3)
        for number in 1...3 { #expect(book.open(number, "c\(number)").isWelcome) }
        book.beginAnswer(1)
        guard case .inPlaceOf("c2") = book.open(4, "c4") else {
            return #expect(Bool(false), "the second waited longest")
        }
        book.beginAnswer(3)
        book.beginAnswer(4)
        guard case .full = book.open(5, "c5") else { return #expect(Bool(false), "all are being answered") }
        book.endAnswer(4)
        book.endAnswer(1)
        guard case .inPlaceOf("c4") = book.open(6, "c6") else { return #expect(Bool(false), "the fourth ended first") }
        book.close(1)
        #expect(book.open(7, "c7").isWelcome && book.count == 3)
    }
}

extension ConnectionBook.Admission {
    fileprivate var isWelcome: Bool { if case .welcome = self { true } else { false } }
}
