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
/// are stopped (SIGSTOP) and one runs `SELECT pg_sleep`. One reading of a stopped server lasts longer than the test waits: who is held
/// up by it is held up for good.
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
        let redisSettings = RedisSettings(host: redis.host, port: redis.port)
        // Long enough for a healthy server to answer within it on a machine that has other things to do.
        let interval = Duration.seconds(2)
        let sources: [any SampleSource] = [
            HostSource(labels: ["instance": "host"], interval: interval),
            PostgresSource(name: "busy", labels: ["instance": "busy"], settings(busy), interval: interval),
            PostgresSource(name: "stopped", labels: ["instance": "stopped"], settings(stopped), interval: interval),
            RedisSource(name: "redis", labels: ["instance": "redis"], redisSettings, interval: interval),
            RedisSource(
                name: "patient", labels: ["instance": "patient"], redisSettings, interval: .seconds(3600),
                deadline: .seconds(3600)),
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
        // Before the first reading, so that the patient one meets a stopped server.
        stopped.pause()
        redis.pause()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            let sleeping = Task {
                try await PostgresConnection.open(settings(busy), timeout: .seconds(30))
                    .query("SELECT pg_sleep(600)", timeout: .seconds(600))
            }
            try await waitUntil("the stopped ones are down, several times", timeout: .seconds(90)) {
                readings("stopped", up: 0) >= 3 && readings("redis", up: 0) >= 3
            }
            for name in ["host", "busy", "nginx"] {
                try await waitUntil("\(name) is read all the time", timeout: .seconds(90)) {
                    readings(name, up: 1) >= 4
                }
            }
            #expect(runner.snapshot.first { $0.name == "patient" }?.readingCount == 0, "nothing could be held up by it")
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
