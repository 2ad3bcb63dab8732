import Diagnostics
import Glibc
import SampleStack
import TestSupport
import Testing

/// Goal: the servers that other tests and the demo lean on start, can be hindered and ended in each way, and leave
/// nothing. Method: the real programs, each test with servers of its own.
@Suite struct ServersTests {
    @Test func `postgres starts, is killed with its workers, and comes back with its data`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(in: folder.path)
        try await server.run(sql: "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7); CHECKPOINT")
        #expect(try await server.run(sql: "SELECT n FROM kept") == "7")
        let pid = try #require(server.pid)
        await server.kill()
        #expect(!server.isRunning)
        #expect(kill(pid, 0) != 0)
        #expect(await !server.answers())
        try await server.start()
        #expect(try await server.run(sql: "SELECT n FROM kept") == "7")
        await server.stop()
        #expect(!server.isRunning)
    }

    @Test func `postgres with a password lets nobody in over tcp without it`() async throws {
        let folder = try StackFolder()
        let server = try await PostgresServer.start(
            in: folder.path, .init(authentication: .scram(password: Secret("it's \"quoted\""))))
        #expect(try await server.run(sql: "SHOW listen_addresses") == "127.0.0.1")
        let rules = try await server.run(
            sql: "SELECT DISTINCT auth_method FROM pg_hba_file_rules WHERE type = 'host' AND auth_method <> 'reject'")
        #expect(rules == "scram-sha-256")
        await server.stop()
    }

    @Test func `a paused server does not answer and a resumed one does`() async throws {
        let folder = try StackFolder()
        let redis = try await RedisServer.start(in: folder.path, .init(password: Secret("a b")))
        try await waitUntil("it answers") { await redis.answers() }
        redis.pause()
        #expect(await !redis.answers())
        #expect(redis.isRunning)
        redis.resume()
        try await waitUntil("it answers again") { await redis.answers() }
        #expect(try await redis.run("SET key value") == "+OK")
        let port = redis.port
        try await redis.restart()
        #expect(redis.port == port)
        #expect(try await redis.run("GET key") == "$-1")
        redis.pause()
        await redis.stop()
        #expect(!redis.isRunning)
    }

    @Test func `nginx serves pages, its status and a log with times, as nobody special`() async throws {
        let folder = try StackFolder()
        let nginx = try await NginxServer.start(in: folder.path)
        let answer = try await Loopback.request(port: nginx.port, "GET", "/some%20page")
        #expect(answer.status == 404)
        let line = try await waitFor("a line in the access log") {
            try? readText(nginx.accessLogPath).split(separator: "\n").last
        }
        #expect(line.hasPrefix("127.0.0.1 - - ["))
        #expect(try line.contains(Regex(#""GET /some%20page HTTP/1.0" 404 \d+ "-" "-" \d+\.\d{3}$"#)))
        let pid = try #require(nginx.pid)
        let owner = try readText("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("Uid:") }
        #expect(owner?.split(separator: "\t").dropFirst().contains("0") == false)
        await nginx.kill()
        #expect(await !nginx.answers())
        try await nginx.start()
        await nginx.stop()
    }

    @Test func `a server that cannot start says why`() async throws {
        let folder = try StackFolder()
        let error = await #expect(throws: StackError.self) {
            _ = try await RedisServer.start(in: folder.path, .init(settings: ["no-such-directive": "1"]))
        }
        #expect(error?.code == .notRunning)
        #expect(error?.summary.contains("no-such-directive") == true)
    }
}
