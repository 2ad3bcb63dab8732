import Diagnostics
import RedisClient
import Series
import TestSupport
import Testing

@testable import Collectors

/// Goal: Redis' INFO arrives under redis_exporter's names. Method: a real server.
@Suite struct RedisSourceTests {
    private func source(_ server: RedisServer, deadline: Duration = .seconds(60)) -> RedisSource {
        RedisSource(
            name: "redis/test", labels: [:],
            RedisSettings(host: server.host, port: server.port, password: server.password), deadline: deadline)
    }

    @Test func `a healthy server's fields are read`() async throws {
        let folder = try StackFolder()
        let server = try await RedisServer.start(in: folder.path, .init(password: Secret("right-one")))
        let client = try await RedisConnection.open(
            RedisSettings(host: server.host, port: server.port, password: server.password), timeout: .seconds(60))
        try await client.command("SET", "k", "v", "EX", "1000", timeout: .seconds(60))
        try await client.command("SET", "l", "v", timeout: .seconds(60))
        await #expect(throws: RedisError.self) { try await client.command("INCR", "k", timeout: .seconds(60)) }
        let batch = try await source(server).read(at: testNow)
        #expect(batch.value("redis_up") == 1)
        #expect(batch.value("redis_db_keys", ["db": "db0"]) == 2)
        #expect(batch.value("redis_db_keys_expiring", ["db": "db0"]) == 1)
        #expect(batch.value("redis_commands_total", ["cmd": "set"]) == 2)
        #expect(batch.value("redis_commands_failed_calls_total", ["cmd": "incr"]) == 1)
        #expect(batch.value("redis_errors_total", ["err": "ERR"]) == 1)
        #expect(batch.value("redis_memory_used_bytes") ?? 0 > 100_000)
        #expect(batch.value("redis_connected_clients") ?? 0 >= 2)
        #expect(batch.value("redis_rdb_last_bgsave_status") == 1)
        #expect(batch.value("redis_config_maxclients") ?? 0 > 0)
        #expect(batch.value("redis_instance_info", ["role": "master"]) == 1)
        #expect(batch.value("redis_start_time_seconds") != nil)
        let duplicates = Dictionary(grouping: batch.rows, by: \.labels).filter { $1.count > 1 }
        #expect(duplicates.isEmpty)
        var wrong = RedisSettings(host: server.host, port: server.port, password: Secret("hunter2"))
        for password in [Secret("hunter2"), nil] {
            wrong.password = password
            let source = RedisSource(name: "redis/wrong", labels: [:], wrong, deadline: .seconds(60))
            let error = await #expect(throws: RedisError.self) { try await source.read(at: testNow) }
            #expect(error?.code == .authenticationFailed)
            #expect(error?.oneLine.contains("hunter2") == false)
        }
        await server.stop()
    }

    @Test func `a paused, a killed and a restarted server are told apart`() async throws {
        let folder = try StackFolder()
        let server = try await RedisServer.start(in: folder.path)
        let source = source(server)
        #expect(try await source.read(at: testNow).value("redis_up") == 1)
        let hasty = self.source(server, deadline: .seconds(1))
        server.pause()
        let error = await #expect(throws: RedisError.self) { try await hasty.read(at: testNow) }
        #expect(error?.code == .timeout)
        server.resume()
        // The first ones may still be too late.
        let again = try await waitFor("the server answers again") { try? await hasty.read(at: testNow) }
        #expect(again.value("redis_up") == 1)
        for _ in 0..<20 { _ = try await source.read(at: testNow) }
        let before = try #require(again.value("redis_uptime_in_seconds"))
        let counted = try #require(try await source.read(at: testNow).value("redis_commands_processed_total"))
        try await server.restart()
        // Counters begin anew with the server, and are passed on as they are: rate() and increase() know what that means.
        let anew = try await source.read(at: testNow)
        #expect(anew.value("redis_up") == 1)
        #expect(anew.value("redis_commands_processed_total") ?? .infinity < counted)
        #expect(before >= 0 && anew.value("redis_uptime_in_seconds") ?? -1 >= 0)
        await server.kill()
        await #expect(throws: RedisError.self) { try await source.read(at: testNow) }
        let gone = await #expect(throws: RedisError.self) { try await source.read(at: testNow) }
        #expect(gone?.code == .connectionRefused)
    }
}
