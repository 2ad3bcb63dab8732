import Diagnostics
import RedisClient
import TestSupport
import Testing

/// Goal: every call ends within its limit with the right answer or the right error. Method: a real Redis.
@Suite struct RedisConnectionTests {
    private func settings(_ server: RedisServer) -> RedisSettings {
        RedisSettings(host: server.host, port: server.port, password: server.password)
    }

    @Test func `answers come back as what they are`() async throws {
        let folder = try StackFolder()
        let server = try await RedisServer.start(in: folder.path, .init(password: Secret("right-one")))
        let connection = try await RedisConnection.open(settings(server), timeout: .seconds(60))
        #expect(try await connection.command("PING", timeout: .seconds(60)) == .text("PONG"))
        #expect(try await connection.command("SET", "k", "a\nb \"c\"", timeout: .seconds(60)) == .text("OK"))
        #expect(try await connection.command("GET", "k", timeout: .seconds(60)) == .text("a\nb \"c\""))
        #expect(try await connection.command("GET", "none", timeout: .seconds(60)) == .null)
        #expect(try await connection.command("INCR", "n", timeout: .seconds(60)) == .integer(1))
        #expect(try await connection.command("MGET", "n", "none", timeout: .seconds(60)) == .list([.text("1"), .null]))
        let error = await #expect(throws: RedisError.self) {
            try await connection.command("INCR", "k", timeout: .seconds(60))
        }
        #expect(error?.code == .commandFailed)
        #expect(connection.isOpen)
        let replies = try await connection.pipeline(
            [["SET", "big", String(repeating: "x", count: 2_000_000)], ["NOSUCH"], ["GET", "big"]],
            timeout: .seconds(60))
        #expect(replies[0] == .text("OK"))
        if case .error = replies[1] {} else { Issue.record("an unknown command was not refused: \(replies[1])") }
        #expect(replies[2].text?.utf8.count == 2_000_000)
        if let path = server.socketPath {
            var local = RedisSettings(socket: path, password: server.password, database: 3)
            #expect(try await RedisConnection.open(local, timeout: .seconds(60)).isOpen)
            local.socket = "/nonexistent.sock"
            let refused = await #expect(throws: RedisError.self) {
                try await RedisConnection.open(local, timeout: .seconds(60))
            }
            #expect(refused?.code == .connectionRefused)
        }
        await server.stop()
    }

    @Test func `wrong passwords, nobody listening and unknown hosts are told apart`() async throws {
        let folder = try StackFolder()
        let server = try await RedisServer.start(in: folder.path, .init(password: Secret("right-one")))
        var wrong = settings(server)
        wrong.password = Secret("hunter2")
        var user = wrong
        user.user = "nobody"
        var nobody = settings(server)
        nobody.port = 1
        var unknown = settings(server)
        unknown.host = "name.invalid"
        let expectations: [(RedisSettings, RedisError.Code)] = [
            (wrong, .authenticationFailed), (user, .authenticationFailed), (nobody, .connectionRefused),
            (unknown, .hostUnknown),
        ]
        for (settings, code) in expectations {
            let error = await #expect(throws: RedisError.self) {
                try await RedisConnection.open(settings, timeout: .seconds(60))
            }
            #expect(error?.code == code, "\(error?.summary ?? "")")
            #expect(error.map { $0.oneLine.contains("hunter2") } == false)
        }
        var silent = settings(server)
        silent.password = nil
        let connection = try await RedisConnection.open(silent, timeout: .seconds(60))
        let error = await #expect(throws: RedisError.self) {
            try await connection.command("GET", "k", timeout: .seconds(60))
        }
        #expect(error?.code == .authenticationFailed)
        await server.stop()
    }

    @Test func `a paused server, a cancelled task and a killed server end the call`() async throws {
        let folder = try StackFolder()
        let server = try await RedisServer.start(in: folder.path)
        let connection = try await RedisConnection.open(settings(server), timeout: .seconds(60))
        let blocked = Task { try await connection.command("BLPOP", "empty", "0", timeout: .seconds(600)) }
        let other = try await RedisConnection.open(settings(server), timeout: .seconds(60))
        try await waitUntil("the command blocks") {
            RedisInfo(try await other.command("INFO", "clients", timeout: .seconds(60)).text ?? "").number(
                "blocked_clients") == 1
        }
        blocked.cancel()
        await #expect(throws: CancellationError.self) { try await blocked.value }
        try await waitUntil("the connection is closed") { !connection.isOpen }
        server.pause()
        let error = await #expect(throws: RedisError.self) {
            try await other.command("PING", timeout: .milliseconds(100))
        }
        #expect(error?.code == .timeout)
        #expect(!other.isOpen)
        server.resume()
        let target = RedisTarget(settings(server))
        #expect(try await target.pipeline([["PING"]], timeout: .seconds(60)) == [.text("PONG")])
        try await server.restart()
        #expect(try await target.pipeline([["PING"]], timeout: .seconds(60)) == [.text("PONG")])
        let idle = try await RedisConnection.open(settings(server), timeout: .seconds(60))
        await server.kill()
        // Writing to a closed connection raises SIGPIPE, which would end this process.
        let large = [["SET", "k", String(repeating: "x", count: 5_000_000)]]
        let lost = await #expect(throws: RedisError.self) { try await idle.pipeline(large, timeout: .seconds(60)) }
        #expect(lost?.code == .connectionLost)
        await #expect(throws: RedisError.self) { try await target.pipeline([["PING"]], timeout: .seconds(60)) }
    }
}
