import TestSupport
import Testing
import Units

@testable import Outbound

/// TLS against a Python server with certificates from the openssl program: accepted, expired, for another name, unknown authority;
/// and connections and names that work or do not.
@Suite struct ConnectionTests {
    let certificates: TestCertificates

    init() throws { certificates = try TestCertificates() }

    func server(_ name: String) throws -> LoopbackServer {
        try .http(arguments: [certificates.path("\(name).pem"), certificates.path("\(name).key")])
    }

    var trusting: TLSOptions { TLSOptions(authorityFile: certificates.path("ca.pem")) }

    @Test func `an accepted certificate is described and its handshake timed`() async throws {
        let server = try server("good")
        let reply = try await HTTPClient().send(
            HTTPRequest(url: "https://localhost:\(server.port)/echo", tls: trusting))
        let leaf = try #require(reply.certificates.first)
        #expect(reply.status == 200)
        #expect(leaf.subject.contains("localhost"))
        #expect(leaf.issuer.contains("Test Authority"))
        #expect(leaf.alternativeNames == ["DNS:localhost"])
        let life = try #require(leaf.notAfter) - (try #require(leaf.notBefore))
        #expect(life == .seconds(5 * 86_400))
        #expect(reply.timings.tls != nil)
        certificates.remove()
    }

    @Test func `an unknown authority is refused unless verification is off`() async throws {
        let server = try server("good")
        let request = HTTPRequest(url: "https://localhost:\(server.port)/echo")
        let error = try await #require(throws: OutboundError.self) { try await HTTPClient().send(request) }
        #expect(error.code == .certificate)
        var open = request
        open.tls.verifiesPeer = false
        #expect(try await HTTPClient().send(open).status == 200)
        certificates.remove()
    }

    @Test func `an expired certificate is refused and still dated`() async throws {
        let server = try server("old")
        let outcome = try await ConnectionCheck().tls(
            host: "localhost", port: server.port, options: trusting, timeout: .seconds(60))
        #expect(outcome.refusal?.detail == "certificate has expired")
        #expect(outcome.certificates.first?.notAfter == Timestamp(rfc3339: "2024-02-01T00:00:00Z"))
        certificates.remove()
    }

    @Test func `a certificate for another name is refused, and accepted when asked for by that name`() async throws {
        let server = try server("other")
        let check = ConnectionCheck()
        let wrong = try await check.tls(
            host: "localhost", port: server.port, options: trusting, timeout: .seconds(60))
        #expect(wrong.refusal?.detail.contains("name") == true)
        let right = try await check.tls(
            host: "127.0.0.1", port: server.port, serverName: "other.example", options: trusting, timeout: .seconds(60))
        #expect(right.refusal == nil)
        #expect(right.certificates.first?.alternativeNames == ["DNS:other.example"])
        certificates.remove()
    }

    @Test func `TLS with a server that speaks plain HTTP is a TLS error`() async throws {
        let server = try LoopbackServer.http()
        let error = try await #require(throws: OutboundError.self) {
            try await ConnectionCheck().tls(host: "127.0.0.1", port: server.port, timeout: .seconds(60))
        }
        #expect(error.code == .tls)
    }

    @Test func `an open port connects and a closed one is refused`() async throws {
        let server = try LoopbackServer.http()
        let timings = try await ConnectionCheck().tcp(host: "127.0.0.1", port: server.port, timeout: .seconds(60))
        #expect(timings.connect != nil)
        let closed = try LoopbackServer.closedPort()
        let error = try await #require(throws: OutboundError.self) {
            try await ConnectionCheck().tcp(host: "127.0.0.1", port: closed, timeout: .seconds(60))
        }
        #expect(error.code == .connectionRefused)
        #expect(error.target == "tcp://127.0.0.1:\(closed)")
    }

    @Test func `a known name has addresses and an unknown one an error`() async throws {
        let found = try await NameLookup().addresses(of: "localhost", timeout: .seconds(60))
        #expect(found.addresses.contains("127.0.0.1") || found.addresses.contains("::1"))
        await #expect(throws: OutboundError.self) {
            try await NameLookup().addresses(of: "name.invalid", timeout: .seconds(60))
        }
    }

    @Test func `OpenSSL's dates are read`() {
        #expect(PeerCertificate.time("Nov  1 03:18:20 2026 GMT") == Timestamp(rfc3339: "2026-11-01T03:18:20Z"))
        #expect(PeerCertificate.time("yesterday") == nil)
    }
}
