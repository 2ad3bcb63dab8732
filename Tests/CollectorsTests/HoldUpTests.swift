import Collectors
import Diagnostics
import Logging
import Outbound
import PostgresClient
import RedisClient
import Series
import TestSupport
import Testing
import Units

/// Goal: a server that hangs holds up no other reading. Method: real servers under one runner with short intervals; two of them
/// are stopped (SIGSTOP) and one runs `SELECT pg_sleep`.
@Suite struct HoldUpTests {
    private struct SystemClock: WallClock {
        private let start = ContinuousClock.now
        var now: Timestamp { Timestamp(millisecondsSinceEpoch: 1_767_225_600_000) + start.duration(to: .now) }
    }

    @Test func `stopped servers and a sleeping query leave the other readings their rhythm`() async throws {
        let folder = try StackFolder()
        let other = try StackFolder()
        let busy = try await PostgresServer.start(in: folder.path)
        let stopped = try await PostgresServer.start(in: other.path)
        let redis = try await RedisServer.start(in: folder.path)
        let nginx = try await NginxServer.start(in: folder.path)
        func settings(_ server: PostgresServer) -> PostgresSettings {
            PostgresSettings(host: server.host, port: server.port, database: "postgres", user: server.user)
        }
        // Long enough for a healthy server to answer within it on a machine that has other things to do.
        let interval = Duration.seconds(2)
        let sources: [any SampleSource] = [
            HostSource(labels: ["instance": "host"], interval: interval),
            PostgresSource(name: "busy", labels: ["instance": "busy"], settings(busy), interval: interval),
            PostgresSource(name: "stopped", labels: ["instance": "stopped"], settings(stopped), interval: interval),
            RedisSource(
                name: "redis", labels: ["instance": "redis"], RedisSettings(host: redis.host, port: redis.port),
                interval: interval),
            NginxSource(
                name: "nginx", labels: ["instance": "nginx"], HTTPRequest(url: nginx.statusURL), interval: interval),
        ]
        let store = RecordingStore()
        let runner = SourceRunner(
            sources.map { SourcePlan($0, identity: $0.name) }, appendingTo: store, clock: ContinuousClock(),
            wallClock: SystemClock(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        func readings(_ source: String, up: Double) -> Int {
            store.batches.filter { $0.value("jaga_source_up", ["source": source]) == up }.count
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            try await waitUntil("all sources are up", timeout: .seconds(90)) {
                runner.snapshot.allSatisfy { $0.isUp == true }
            }
            let sleeping = Task {
                try await PostgresConnection.open(settings(busy), timeout: .seconds(30))
                    .query("SELECT pg_sleep(600)", timeout: .seconds(600))
            }
            stopped.pause()
            redis.pause()
            let before = ["host", "busy", "nginx"].map { readings($0, up: 1) }
            try await waitUntil("the stopped ones are down, several times", timeout: .seconds(90)) {
                readings("stopped", up: 0) >= 3 && readings("redis", up: 0) >= 3
            }
            // While three readings of the hanging servers failed, the others had at least as many.
            for (name, count) in zip(["host", "busy", "nginx"], before) {
                #expect(readings(name, up: 1) >= count + 2, "\(name)")
                #expect(readings(name, up: 0) == 0, "\(name)")
            }
            #expect(store.batches.last { $0.value("redis_up") != nil }?.value("redis_up") == 0)
            stopped.resume()
            redis.resume()
            try await waitUntil("all sources are up again", timeout: .seconds(90)) {
                runner.snapshot.allSatisfy { $0.isUp == true }
            }
            sleeping.cancel()
            group.cancelAll()
        }
        await busy.stop()
        await stopped.stop()
        await redis.stop()
        await nginx.stop()
    }
}
