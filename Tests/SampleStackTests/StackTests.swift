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

    /// The health page when it says so. The shop waits two or three seconds for its servers, which a busy machine may need.
    private func health(
        _ stack: Stack, _ what: String, _ isMeant: (_ status: Int, _ body: JSONValue) -> Bool
    ) async throws -> JSONValue {
        var last = JSONValue.null
        do {
            return try await waitFor(what) {
                let seen = try await health(stack)
                last = seen.body
                return isMeant(seen.status, seen.body) ? seen.body : nil
            }
        } catch let error as WaitTimedOut {
            Issue.record("\(what): the health page says \(last.canonicalText)")
            throw error
        }
    }

    @Test func `a healthy stack sells, counts, logs and reports each dependency`() async throws {
        let stack = try await start()
        let port = stack.nginx.port
        try await waitUntil("the front page") {
            try await Loopback.request(port: port, "GET", "/").body.contains("100 products")
        }
        try await waitUntil("the products") { try await Loopback.request(port: port, "GET", "/products").status == 200 }
        var orderCount = 0
        try await waitUntil("an order") {
            orderCount += 1
            return try await Loopback.request(
                port: port, "POST", "/orders", body: "{\"userId\":1,\"productId\":2,\"quantity\":3}"
            ).status == 201
        }
        #expect(try await Loopback.request(port: port, "GET", "/health").status == 200)
        #expect(try await Loopback.request(port: port, "GET", "/health/detailed").status == 401)
        let health = try await health(stack, "all is well") { $0 == 200 && $1["status"] == "healthy" }
        for name in ["database", "redis", "email", "storage"] {
            #expect(health["services"]?[name]?["status"] == "healthy")
            #expect(health["services"]?[name]?["responseTime"]?.doubleValue != nil)
        }
        let metrics = try await Loopback.request(port: stack.shop.port, "GET", "/metrics").body
        #expect(metrics.contains("http_requests_total{method=\"POST\",route=\"/orders\",status=\"201\"} 1\n"))
        #expect(metrics.contains("http_request_duration_seconds_bucket{route=\"/orders\",le=\"+Inf\"} \(orderCount)\n"))
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
        _ = try await health(stack, "the database alone is ill") { status, body in
            status == 503 && body["services"]?["database"]?["status"] == "unhealthy"
                && body["services"]?["redis"]?["status"] == "healthy"
        }
        try await stack.mend(.killed(.database))
        try await waitUntil("health after the database is back") { try await health(stack).status == 200 }

        try await stack.cause(.paused(.cache))
        _ = try await health(stack, "without the cache it goes on") { $0 == 200 && $1["status"] == "degraded" }
        try await stack.mend(.paused(.cache))

        try await stack.cause(.failing(share: 0.5))
        var failures = 0
        // A page that needs no server behind it: none of those may be late here.
        for _ in 0..<4 where try await Loopback.request(port: stack.nginx.port, "GET", "/about-us").status == 500 {
            failures += 1
        }
        #expect(failures == 2)
        try await stack.mend(.failing(share: 0.5))

        try await stack.cause(.locked)
        let order = try await Loopback.request(
            port: stack.nginx.port, "POST", "/orders", body: "{\"userId\":1,\"productId\":2}")
        #expect(order.status == 500)
        try await stack.mend(.locked)
        try await waitUntil("an order again") {
            try await Loopback.request(
                port: stack.nginx.port, "POST", "/orders", body: "{\"userId\":1,\"productId\":2}"
            ).status == 201
        }

        try await stack.cause(.killed(.app))
        #expect(try await Loopback.request(port: stack.nginx.port, "GET", "/").status == 502)
        try await stack.mend(.killed(.app))
        await stack.stop()
    }

    @Test func `a full disk shows where it can be had, and is refused where not`() async throws {
        let stack = try await start()
        if stack.description.storageIsMounted {
            try await stack.cause(.diskFull)
            _ = try await health(stack, "the disk is full") { $1["services"]?["storage"]?["status"] == "unhealthy" }
            try await stack.mend(.diskFull)
            _ = try await health(stack, "all is well again") { $1["status"] == "healthy" }
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
        // On a busy machine one may have failed already.
        let failed = traffic.counts.failed
        #expect(failed < 20)
        try await stack.cause(.killed(.app))
        try await waitUntil("failed requests") { traffic.counts.failed > failed + 1 }
        visitors.cancel()
        await visitors.value
        await stack.stop()
    }
}
