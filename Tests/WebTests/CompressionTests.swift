import Access
import Compression
import Series
import Testing
import WebAPI

@testable import Web

/// Goal: answers of the API are gzip for who asks for it, the same as plain ones once unpacked, and nothing else is. Method: headers of all
/// kinds over the fake site; a large answer with its memory; a real server, asked with GET and HEAD.
@Suite struct CompressionTests {
    /// An answer of 1.1 kB: the expression comes back in it.
    private static let path = "/api/v1/format_query?query=" + String(repeating: "abcdefghij%20", count: 100)

    private func unpacked(_ reply: Reply) throws -> String {
        guard case .parts(let parts, memory: _) = reply.body else { return "" }
        return String(decoding: try Gzip.decompress(Array(parts.joined()), limit: 1 << 26), as: UTF8.self)
    }

    @Test(arguments: [
        ("gzip", true), ("GZIP", true), ("deflate, gzip;q=1.0, *;q=0.5", true), ("gzip, deflate, br, zstd", true),
        ("*", true), ("x-gzip", true), ("br;q=1, gzip;q=0.001", true), ("gzip;q=0.5, identity;q=0.5", true),
        ("gzip ; q=0.8", true),
        ("", false), ("identity", false), ("gzip;q=0", false), ("gzip;q=0.000, *", false), ("*;q=0", false),
        ("br", false), ("gzip;q=0.5, identity", false), ("gzip;q=x", false), (",;,", false),
    ])
    func `it is done for who asks for it`(accepted: String, isDone: Bool) async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let plain = await fixture.get(Self.path, token: token)
        let reply = await fixture.get(Self.path, token: token, headers: ["accept-encoding": accepted])
        #expect(plain.status == 200 && plain.header("content-encoding") == nil && plain.text.utf8.count >= 1024)
        #expect(plain.header("vary") == "accept-encoding" && reply.header("vary") == "accept-encoding")
        #expect(reply.header("content-type") == "application/json")
        #expect(reply.header("content-encoding") == (isDone ? "gzip" : nil), "\(accepted)")
        #expect(isDone ? try unpacked(reply) == plain.text : reply.text == plain.text)
    }

    @Test func `small answers, pages, what is packed already and the admin socket are left alone`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.operator)
        let gzip = ["accept-encoding": "gzip"]
        #expect(await fixture.get("/api/v1/query?query=up", token: token, headers: gzip).text.hasPrefix("{\"status\""))
        for path in ["/", "/query", "/login", APIPath.status, "/api/openapi.json"] {
            let reply = await fixture.get(path, token: token, headers: gzip)
            #expect(reply.header("content-encoding") == nil && reply.header("vary") == nil, "\(path)")
        }
        let local = await fixture.send(.get, Self.path, headers: gzip, trust: .localSocket)
        #expect(local.header("content-encoding") == nil && local.text.hasPrefix("{\"status\":\"success\""))
        var packed = Reply(200, type: "application/json", .bytes([UInt8](repeating: 7, count: 2000)))
        packed.set("content-encoding", "snappy")
        try WebSite.compress(&packed, for: WebRequest(method: .post, target: "/api/v1/read", headers: gzip))
        #expect(packed.header("content-encoding") == "snappy" && packed.header("vary") == nil)
        var samples = Reply(200, type: "application/x-protobuf", .bytes([UInt8](repeating: 7, count: 2000)))
        try WebSite.compress(&samples, for: WebRequest(method: .post, target: "/api/v1/read", headers: gzip))
        #expect(samples.header("content-encoding") == nil)
    }

    @Test func `pages to scrape are packed as well`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let path = "/federate?match[]=" + String(repeating: "x", count: 2000)
        let plain = await fixture.get(path, token: token)
        let reply = await fixture.get(path, token: token, headers: ["accept-encoding": "gzip"])
        #expect(plain.text.utf8.count > 2000 && plain.header("content-encoding") == nil)
        #expect(try reply.header("content-encoding") == "gzip" && unpacked(reply) == plain.text)
        var metrics = Reply(200, type: "text/plain; version=0.0.4; charset=utf-8", .text(plain.text))
        let request = WebRequest(method: .get, target: "/metrics", headers: ["accept-encoding": "gzip"])
        try WebSite.compress(&metrics, for: request)
        #expect(try metrics.header("content-encoding") == "gzip" && unpacked(metrics) == plain.text)
    }

    @Test func `of the memory that an answer takes the small form is left`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let reply = await fixture.get(
            "/api/v1/query?query=large", token: token, headers: ["accept-encoding": "gzip"])
        guard case .parts(let parts, let memory?) = reply.body else {
            Issue.record("\(reply.body)")
            return
        }
        let count = parts.reduce(0) { $0 + $1.count }
        #expect(count < 300_000 && fixture.service.memory.byteCount < 2 << 20)
        #expect(try unpacked(reply).utf8.count > 30_000_000)
        withExtendedLifetime(memory) {}
    }

    @Test func `who went away has nothing compressed`() async throws {
        let request = WebRequest(
            method: .get, target: "/api/v1/query", headers: ["accept-encoding": "gzip"])
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            var reply = Reply(200, type: "application/json", .bytes([UInt8](repeating: 7, count: 1 << 20)))
            #expect(throws: CancellationError.self) { try WebSite.compress(&reply, for: request) }
        }.value
    }

    @Test func `lengths are those of what is sent, with HEAD as with GET`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let path = Self.path
        try await withServer(fixture) { port in
            func head(_ method: String, _ encoding: String) async throws -> String {
                let client = try RawClient(port: port)
                await client.send(
                    "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n"
                        + "Accept-Encoding: \(encoding)\r\nConnection: close\r\n\r\n")
                let answer = try await client.readToTheEnd()
                return answer.firstRange(of: "\r\n\r\n").map { String(answer[..<$0.lowerBound]) } ?? answer
            }
            func length(_ head: String) -> Int? {
                head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
                    .flatMap { Int($0.dropFirst(16)) }
            }
            for encoding in ["gzip", "identity"] {
                let got = try await head("GET", encoding)
                let asked = try await head("HEAD", encoding)
                #expect(got.lowercased().contains("content-encoding: gzip") == (encoding == "gzip"), "\(got)")
                #expect(!got.lowercased().contains("transfer-encoding"), "\(got)")
                #expect(length(got) == length(asked) && asked.contains("200"), "\(asked)")
                #expect(encoding == "gzip" ? length(got) ?? 999 < 300 : length(got) ?? 0 > 1024, "\(got)")
            }
            let answer = try await RawClient(port: port).get(path, "Authorization: Bearer \(token)\r\n")
            #expect(answer.hasSuffix("\"}"), "\(answer.suffix(100))")
        }
    }
}
