import Logging

@testable import Web

/// Serves the fixture on a free port for as long as `body` takes.
/// - Parameter body: gets the port; nil for a unix socket.
func withServer(
    _ fixture: WebFixture, listener: WebListener = .network(host: "127.0.0.1", port: 0),
    limits: ConnectionLimits = ConnectionLimits(), trustedProxies: Set<String> = [],
    _ body: @escaping @Sendable (Int) async throws -> Void
) async throws {
    try await withServer(fixture, listener: listener, limits: limits, trustedProxies: trustedProxies) { port, _ in
        try await body(port)
    }
}

/// As above, with the server itself, to look at its connections.
func withServer(
    _ fixture: WebFixture, listener: WebListener = .network(host: "127.0.0.1", port: 0),
    limits: ConnectionLimits = ConnectionLimits(), trustedProxies: Set<String> = [],
    _ body: @escaping @Sendable (Int, WebServer) async throws -> Void
) async throws {
    let (ports, announced) = AsyncStream.makeStream(of: Int.self)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let server = WebServer(
        site: fixture.site, listener: listener, trustedProxies: trustedProxies, limits: limits, logger: logger,
        onListening: { port in announced.yield(port ?? 0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            try await server.run()
            announced.finish()
        }
        group.addTask {
            for await port in ports { return try await body(port, server) }
        }
        // The server ends only when it is told to, or when it could not listen.
        try await group.next()
        group.cancelAll()
    }
}

extension ConnectionLimits {
    /// Short enough for a test, with the other limits far away.
    static func test(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
        var limits = ConnectionLimits()
        limits.header = .seconds(600)
        limits.body = .seconds(600)
        limits.stalledAnswer = .seconds(600)
        limits.wholeAnswer = .seconds(600)
        change(&limits)
        return limits
    }
}
