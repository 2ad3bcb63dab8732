import Diagnostics
import Glibc
import JSONCoding
import SampleStack
import TestSupport
import Testing

/// Goal: the whole stack runs, shows each fault to whoever looks at it, and is well again when the fault is mended.
/// Method: one real stack for each test, looked at over HTTP as Jaga would.
@Suite(.serialized) struct StackTests {
    private func start() async throws -> Stack {
        try await Stack.start(shopProgram: [BuiltPrograms.path("sample-stack"), "shop"], data: SampleData(seed: 7))
    }

    private func health(_ stack: Stack) async throws -> (status: Int, body: JSONValue) {
        let answer = try await stack.shop.detailedHealth()
        return (answer.status, try JSONValue(parsing: answer.body))
    }

    @Test func `a healthy stack sells, counts, logs and reports each dependency`() async throws {
        let stack = try await start()
        let port = stack.nginx.port
        #expect(try await Loopback.request(port: port, "GET", "/").body.contains("100 products"))
        #expect(try await Loopback.request(port: port, "GET", "/products").status == 200)
        let order = try await Loopback.request(
            port: port, "POST", "/orders", body: "{\"userId\":1,\"productId\":2,\"quantity\":3}")
        #expect(order.status == 201)
        #expect(try await Loopback.request(port: port, "GET", "/health").status == 200)
        #expect(try await Loopback.request(port: port, "GET", "/health/detailed").status == 401)
        let health = try await health(stack)
        #expect(health.status == 200)
        #expect(health.body["status"] == "healthy")
        for name in ["database", "redis", "email", "storage"] {
            #expect(health.body["services"]?[name]?["status"] == "healthy")
            #expect(health.body["services"]?[name]?["responseTime"]?.doubleValue != nil)
        }
        let metrics = try await Loopback.request(port: stack.shop.port, "GET", "/metrics").body
        #expect(metrics.contains("http_requests_total{method=\"POST\",route=\"/orders\",status=\"201\"} 1\n"))
        #expect(metrics.contains("http_request_duration_seconds_bucket{route=\"/orders\",le=\"+Inf\"} 1\n"))
        let log = try readText(stack.description.applicationLogPath)
        let line =
            #/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO: order \d+ placed by user 1 \[in SampleShop/ShopPages.swift:\d+\]/#
        #expect(log.contains(line))
        await stack.stop()
        #expect(access(stack.description.folder, F_OK) != 0)
    }

    @Test func `each fault shows and goes when mended`() async throws {
        let stack = try await start()
        try await stack.cause(.killed(.database))
        var seen = try await health(stack)
        #expect(seen.status == 503)
        #expect(seen.body["services"]?["database"]?["status"] == "unhealthy")
        #expect(seen.body["services"]?["redis"]?["status"] == "healthy")
        try await stack.mend(.killed(.database))
        try await waitUntil("health after the database is back") { try await health(stack).status == 200 }

        try await stack.cause(.paused(.cache))
        seen = try await health(stack)
        #expect(seen.status == 200)
        #expect(seen.body["status"] == "degraded")
        try await stack.mend(.paused(.cache))

        try await stack.cause(.failing(share: 0.5))
        var failures = 0
        for _ in 0..<4 where try await Loopback.request(port: stack.nginx.port, "GET", "/products").status == 500 {
            failures += 1
        }
        #expect(failures == 2)
        try await stack.mend(.failing(share: 0.5))

        try await stack.cause(.locked)
        let order = try await Loopback.request(
            port: stack.nginx.port, "POST", "/orders", body: "{\"userId\":1,\"productId\":2}")
        #expect(order.status == 500)
        try await stack.mend(.locked)
        let later = try await Loopback.request(
            port: stack.nginx.port, "POST", "/orders", body: "{\"userId\":1,\"productId\":2}")
        #expect(later.status == 201)

        try await stack.cause(.killed(.app))
        #expect(try await Loopback.request(port: stack.nginx.port, "GET", "/").status == 502)
        try await stack.mend(.killed(.app))
        await stack.stop()
    }

    @Test func `a full disk shows where it can be had, and is refused where not`() async throws {
        let stack = try await start()
        if stack.description.storageIsMounted {
            try await stack.cause(.diskFull)
            let seen = try await health(stack)
            #expect(seen.body["services"]?["storage"]?["status"] == "unhealthy")
            try await stack.mend(.diskFull)
            let mended = try await health(stack)
            #expect(mended.body["status"] == "healthy")
        } else {
            let error = await #expect(throws: StackError.self) { try await stack.cause(.diskFull) }
            #expect(error?.code == .faultUnavailable)
        }
        await stack.stop()
        #expect(access(stack.description.folder, F_OK) != 0)
    }

    @Test func `traffic is counted by how it was answered`() async throws {
        let stack = try await start()
        let traffic = Traffic(port: stack.nginx.port, requestsPerSecond: 100)
        let visitors = Task { await traffic.run() }
        try await waitUntil("twenty answers") { traffic.counts.answered >= 20 }
        #expect(traffic.counts.failed == 0)
        try await stack.cause(.killed(.app))
        try await waitUntil("a failed request") { traffic.counts.failed > 0 }
        visitors.cancel()
        await visitors.value
        await stack.stop()
    }
}
