import Diagnostics
import TestSupport
import Testing

@testable import Discovery

/// Goal: a server is known by what it answers before any login, and a question in the wrong language gets no answer that is taken
/// for one. Method: the real servers on free ports, each asked in all three languages.
@Suite struct PortQuestionTests {
    /// The server's own language gets the time that a busy machine needs; to another there may be no answer at all.
    private func answers(_ port: Int, _ own: PortQuestion.Kind? = nil) -> [PortAnswer?] {
        [PortQuestion.Kind.redis, .postgres, .web].map {
            PortQuestion(kind: $0).ask("127.0.0.1", port, limit: $0 == own ? .seconds(60) : .milliseconds(300))
        }
    }

    @Test func `each server answers in its own language alone`() async throws {
        let folder = try TemporaryFolder("questions")
        let redis = try await RedisServer.start(in: folder.path, .init(password: Secret("planted")))
        let postgres = try await PostgresServer.start(in: folder.path)
        let nginx = try await NginxServer.start(in: folder.path)
        #expect(answers(redis.port, .redis) == [.redis, nil, nil])
        #expect(answers(postgres.port, .postgres) == [nil, .postgres, nil])
        let web = answers(nginx.port, .web)
        #expect(web[0] == nil && web[1] == nil)
        guard case .web(let server)? = web[2] else {
            Issue.record("nginx gave no answer: \(web)")
            return
        }
        #expect(server.hasPrefix("nginx"))
        #expect(answers(try LoopbackServer.closedPort()) == [nil, nil, nil])
        await redis.stop()
        await postgres.stop()
        await nginx.stop()
        folder.remove()
    }

    @Test func `only usual ports are asked`() {
        #expect(PortQuestion.usual(at: 6379)?.kind == .redis && PortQuestion.usual(at: 5433)?.kind == .postgres)
        for port in [22, 25, 443, 3306, 9797] { #expect(PortQuestion.usual(at: port) == nil) }
    }
}
