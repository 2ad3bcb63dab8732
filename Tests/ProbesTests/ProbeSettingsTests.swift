import Diagnostics
import JSONCoding
import Outbound
import Series
import Settings
import Testing
import Texts
import Units

@testable import Probes

/// The section `probes` as a person writes it, conditions on JSON, and health replies.
@Suite struct ProbeSettingsTests {
    struct File: SettingsSection {
        let probes: [ProbeSettings]
        init(_ s: SettingsReader) { probes = s.list("probes", of: ProbeSettings.self, "What to look at.") }
    }

    func read(_ yaml: String) throws -> [ProbeSettings] {
        let sources = SettingsSources(environment: { $0 == "TOKEN" ? "planted" : nil }, readFile: { _ in "" })
        return try SettingsDocument.read(yaml, file: "jaga.yaml", sources: sources, as: File.self).section.probes
    }

    @Test func `a full entry is read`() throws {
        let probe = try #require(
            try read(
                """
                probes:
                  - name: shop
                    url: https://shop.example/health
                    interval: 30s
                    timeout: 4s
                    failures: 2
                    bearer_token: ${TOKEN}
                    expect:
                      status: [2xx, 304, 400-404]
                      contains: fine
                      json:
                        - path: services.database.status
                          equals: healthy
                        - path: queue
                          less: 10
                      max_duration: 2s
                """
            ).first)
        #expect(probe.kind == .http)
        #expect(probe.failures == 2)
        #expect(probe.request.timeout == .seconds(4))
        #expect(probe.request.credentials == .bearer(Secret("planted")))
        #expect(probe.expectation.statuses == [200...299, 304...304, 400...404])
        #expect(
            probe.expectation.json == [
                JSONCondition("services.database.status", .equals("healthy")), JSONCondition("queue", .less(10)),
            ])
        #expect(probe.expectation.durationMax == .seconds(2))
    }

    @Test(arguments: [
        ("name: a\n    url: http://x/\n    tcp: h:1", "a probe has exactly one of 'url', 'tcp' and 'tls'"),
        ("name: a", "a probe has exactly one of 'url', 'tcp' and 'tls'"),
        ("name: a\n    url: shop.example", "begin it with http:// or https://"),
        ("name: a\n    tcp: shop", "write host:port"),
        ("name: a\n    url: http://x/\n    interval: 2s\n    timeout: 5s", "is longer than the interval"),
        ("name: a\n    url: http://x/\n    expect: {status: [2x]}", "'2x' is not a status"),
        ("name: a\n    url: http://x/\n    expect: {matches: ['a(b']}", "is not a regular expression"),
        ("name: a\n    url: http://x/\n    expect: {json: [{path: a, equals: 1, not: 2}]}", "has one of"),
        ("name: a\n    ulr: http://x/", "did you mean 'url'?"),
    ])
    func `a fault is named with its fix`(entry: String, message: String) throws {
        let error = try #require(throws: InvalidInput.self) { try read("probes:\n  - \(entry)\n") }
        #expect(error.summary.contains(message), "\(error.summary)")
        #expect(error.summary.hasPrefix("jaga.yaml:"))
    }

    @Test(arguments: [
        (JSONCondition("a.b", .equals("x")), nil), (JSONCondition("list.1", .equals("2")), nil),
        (JSONCondition("list[1]", .greater(1)), nil), (JSONCondition("ok", .equals("true")), nil),
        (JSONCondition("a.c", .exists(false)), nil), (JSONCondition("a.b", .not("y")), nil),
        (JSONCondition("a.b", .equals("y")), "a.b is \"x\", expected y"),
        (JSONCondition("a.c", .not("y")), "a.c is missing from the reply"),
        (JSONCondition("a.b", .less(1)), "a.b is \"x\", not a number"),
        (JSONCondition("list.0", .greater(1)), "list.0 is 1, expected more than 1"),
        (JSONCondition("list.7", .exists(true)), "list.7 is missing from the reply"),
        (JSONCondition("ok", .exists(false)), "ok is in the reply and should not be"),
    ])
    func `conditions on JSON`(condition: JSONCondition, failure: String?) {
        let document: JSONValue = ["a": ["b": "x"], "list": [1, 2], "ok": true]
        #expect(condition.failure(in: document, Phrases(.english)) == failure)
    }

    @Test func `a detailed health reply becomes series`() throws {
        let body = """
            {"status":"healthy","uptime":12.5,"version":"1.2","environment":"production",
             "services":{"database":{"status":"healthy","responseTime":3},
                         "redis":{"status":"unhealthy","responseTime":1000,"error":"gone"}},
             "memory":{"used":50,"total":100,"percentage":50}}
            """
        let reply = try #require(HealthReply(body: Array(body.utf8)))
        #expect(reply.overall == "degraded")
        #expect(reply.dependencies.map(\.isUp) == [true, false])
        var batch = SampleBatch(at: Timestamp(millisecondsSinceEpoch: 0))
        reply.add(to: &batch)
        let rows = Dictionary(uniqueKeysWithValues: batch.rows.map { ($0.labels.description, $0.value) })
        #expect(rows["jaga_health_dependency_up{dependency=\"redis\"}"] == 0)
        #expect(rows["jaga_health_dependency_response_seconds{dependency=\"database\"}"] == 0.003)
        #expect(rows["jaga_health_state{state=\"degraded\"}"] == 1)
        #expect(rows["jaga_health_state{state=\"healthy\"}"] == 0)
        #expect(rows["jaga_health_uptime_seconds"] == 12.5)
        #expect(rows["jaga_health_memory_used_ratio"] == 0.5)
    }

    @Test(arguments: ["", "ok", "[1]", "{\"state\":1}", "{\"status\":5}", "{\"status\":\"ok\""])
    func `another body is no health reply`(body: String) {
        #expect(HealthReply(body: Array(body.utf8)) == nil)
    }
}
