import Logging
import ServiceLifecycle

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

/// Serves the fixture on a free port until `body` has told it to stop, and the last connection is gone.
/// - Parameter body: gets the port, and what tells the server to stop.
func withEndingServer(
    _ fixture: WebFixture, limits: ConnectionLimits,
    _ body: @escaping @Sendable (Int, ServiceGroup) async throws -> Void
) async throws {
    let (ports, announced) = AsyncStream.makeStream(of: Int.self)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let server = WebServer(
        site: fixture.site, listener: .network(host: "127.0.0.1", port: 0), limits: limits, logger: logger,
        onListening: { port in announced.yield(port ?? 0) })
    let services = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            try await services.run()
            announced.finish()
        }
        for await port in ports {
            try await body(port, services)
            break
        }
        try await group.waitForAll()
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
