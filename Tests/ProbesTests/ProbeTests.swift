import Diagnostics
import Outbound
import Series
import Settings
import TestSupport
import Testing
import Units

@testable import Probes

/// Probes against real servers: what counts as well, what is reported when it is not, and which durations exist.
@Suite struct ProbeTests {
    let now = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)

    func http(_ url: String, failures: Int = 3, _ expectation: HTTPExpectation = HTTPExpectation()) -> Probe {
        Probe(
            ProbeSettings(
                name: "shop", kind: .http, request: HTTPRequest(url: url, timeout: .seconds(60)), failures: failures,
                expectation: expectation))
    }

    func value(_ batch: SampleBatch, _ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double? {
        batch.rows.first { row in
            row.labels.name == name && labels.allSatisfy { row.labels[$0.key] == $0.value }
        }?.value
    }

    @Test func `a good reply has success, status and every phase`() async throws {
        let server = try LoopbackServer.http()
        let batch = try await http("http://127.0.0.1:\(server.port)/echo?token=hidden").read(at: now)
        #expect(value(batch, "probe_success") == 1)
        #expect(value(batch, "probe_http_status_code") == 200)
        #expect(try #require(value(batch, "probe_duration_seconds")) > 0)
        for phase in ["resolve", "connect", "processing", "transfer"] {
            #expect(value(batch, "probe_http_duration_seconds", ["phase": phase]) != nil, "\(phase)")
        }
        #expect(value(batch, "probe_http_duration_seconds", ["phase": "tls"]) == nil)
        #expect(value(batch, "jaga_probe_failing") == 0)
        #expect(batch.rows.allSatisfy { $0.labels["probe"] == "shop" && $0.labels["job"] == "probe" })
        #expect(batch.rows[0].labels["instance"] == "http://127.0.0.1:\(server.port)/echo")
    }

    @Test func `a refused connection is a failure and has no duration`() async throws {
        let port = try LoopbackServer.closedPort()
        let probe = http("http://127.0.0.1:\(port)/")
        let batch = try await probe.read(at: now)
        #expect(value(batch, "probe_success") == 0)
        #expect(value(batch, "probe_duration_seconds") == nil)
        for phase in ["connect", "processing", "transfer"] {
            #expect(value(batch, "probe_http_duration_seconds", ["phase": phase]) == nil, "\(phase)")
        }
        #expect(probe.snapshot.lastFailure == "connection to http://127.0.0.1:\(port) refused")
        #expect(probe.snapshot.isUp == false)
        #expect(probe.snapshot.isFailing == nil)
    }

    @Test func `three failures in a row count and one success ends them`() async throws {
        var server: LoopbackServer? = try LoopbackServer.http()
        let probe = http("http://127.0.0.1:\(server!.port)/")
        #expect(value(try await probe.read(at: now), "jaga_probe_failing") == 0)
        server = nil
        var seen: [[Double?]] = []
        for _ in 1...4 {
            let batch = try await probe.read(at: now)
            seen.append([value(batch, "jaga_probe_failing"), value(batch, "jaga_probe_consecutive_failures")])
        }
        #expect(seen == [[0, 1], [0, 2], [1, 3], [1, 4]])
        #expect(probe.snapshot.isFailing == true)
    }

    @Test func `after a restart nothing is claimed before it is known`() {
        var count = FailureCount(needed: 2)
        #expect(count.isFailing == nil)
        count.observe(success: false)
        #expect(count.isFailing == nil)
        count.observe(success: false)
        #expect(count.isFailing == true)
        count.observe(success: true)
        #expect(
            count
                == {
                    var other = FailureCount(needed: 2); other.observe(success: true); return other
                }())
    }

    @Test(arguments: [
        ("/status/503", HTTPExpectation(), "the status is 503, expected 2xx"),
        ("/echo", HTTPExpectation(contains: ["absent"]), "the body does not contain 'absent'"),
        ("/echo", HTTPExpectation(containsNot: ["GET /"]), "the body contains 'GET /'"),
        ("/echo", HTTPExpectation(headers: ["X-None": ""]), "the reply has no header X-None"),
        ("/echo", HTTPExpectation(headers: ["X-Two": "z"]), "the header X-Two does not contain 'z'"),
        ("/echo", HTTPExpectation(json: [JSONCondition("a", .exists(true))]), "the body is not JSON at byte 0"),
        ("/slow/0.3", HTTPExpectation(durationMax: .milliseconds(100)), "the reply took "),
    ])
    func `each expectation says what is wrong`(path: String, expectation: HTTPExpectation, start: String) async throws {
        let server = try LoopbackServer.http()
        let probe = http("http://127.0.0.1:\(server.port)\(path)", expectation)
        #expect(value(try await probe.read(at: now), "probe_success") == 0)
        #expect(try #require(probe.snapshot.lastFailure).hasPrefix(start))
    }

    @Test func `a pattern may match anywhere in the body`() async throws {
        let server = try LoopbackServer.http()
        let url = "http://127.0.0.1:\(server.port)/echo"
        let good = HTTPExpectation(matches: [("GET /ec.o", try HTTPExpectation.pattern("GET /ec.o"))])
        #expect(value(try await http(url, good).read(at: now), "probe_failed_due_to_regex") == 0)
        let bad = HTTPExpectation(matches: [("^Host", try HTTPExpectation.pattern("Hos?t: [a-z]+$"))])
        let probe = http(url, bad)
        #expect(value(try await probe.read(at: now), "probe_failed_due_to_regex") == 1)
        #expect(probe.snapshot.lastFailure == "the body does not match /^Host/")
    }

    @Test func `an unexpected status can be the expected one`() async throws {
        let server = try LoopbackServer.http()
        let expectation = HTTPExpectation(statuses: [401...401, 500...503])
        let batch = try await http("http://127.0.0.1:\(server.port)/status/503", expectation).read(at: now)
        #expect(value(batch, "probe_success") == 1)
    }

    @Test func `a port that takes connections is up and a closed one is not`() async throws {
        let server = try LoopbackServer.http()
        let open = Probe(ProbeSettings(name: "db", kind: .tcp, address: "127.0.0.1:\(server.port)"))
        #expect(value(try await open.read(at: now), "probe_success") == 1)
        let closed = Probe(
            ProbeSettings(name: "db", kind: .tcp, address: "127.0.0.1:\(try LoopbackServer.closedPort())"))
        let batch = try await closed.read(at: now)
        #expect(value(batch, "probe_success") == 0)
        #expect(value(batch, "probe_duration_seconds") == nil)
    }

    @Test func `an expired certificate fails, is dated, and says why`() async throws {
        let certificates = try TestCertificates()
        defer { certificates.remove() }
        let server = try LoopbackServer.http(arguments: [certificates.path("old.pem"), certificates.path("old.key")])
        let tls = TLSOptions(authorityFile: certificates.path("ca.pem"))
        let ended = try #require(Timestamp(rfc3339: "2024-02-01T00:00:00Z"))
        let probes = [
            Probe(
                ProbeSettings(
                    name: "cert", kind: .tls, address: "localhost:\(server.port)",
                    request: HTTPRequest(url: "", tls: tls))),
            Probe(
                ProbeSettings(
                    name: "web", kind: .http,
                    request: HTTPRequest(url: "https://localhost:\(server.port)/echo", tls: tls))),
        ]
        for probe in probes {
            let batch = try await probe.read(at: now)
            #expect(value(batch, "probe_success") == 0)
            #expect(value(batch, "probe_ssl_earliest_cert_expiry") == ended.secondsSinceEpoch)
            #expect(probe.snapshot.certificateExpiry == ended)
            #expect(try #require(probe.snapshot.lastFailure).hasSuffix("certificate has expired"))
        }
    }

    @Test func `a token is sent and stands in no label and no message`() async throws {
        let server = try LoopbackServer.http()
        let request = HTTPRequest(
            url: "http://user:planted-1@127.0.0.1:\(server.port)/echo?key=planted-2",
            credentials: .bearer(Secret("planted-3")), timeout: .seconds(60))
        let expectation = HTTPExpectation(contains: ["absent"])
        let probe = Probe(ProbeSettings(name: "shop", kind: .http, request: request, expectation: expectation))
        let batch = try await probe.read(at: now)
        #expect(!"\(batch)".contains("planted"))
        #expect(!"\(probe.snapshot)".contains("planted"))
    }
}
