import BlockingCalls
import CHiredis
import Diagnostics
import Glibc
import Synchronization

// hiredis keeps the protocol and the buffers; waiting is ours. Its blocking calls know a limit for each read but none for the
// whole answer, so the socket is non-blocking and each step ends in a `poll` that watches the socket, the deadline and the
// task's cancellation.

/// One connection to Redis. Calls of several tasks wait in line, each within its own limit. A call that times out, is
/// cancelled or loses the server closes the connection for good.
public final class RedisConnection: Sendable {
    public let settings: RedisSettings
    private let wire: RedisWire

    private init(_ settings: RedisSettings, _ wire: RedisWire) {
        self.settings = settings
        self.wire = wire
    }

    /// Connects, authenticates and chooses the database.
    /// - Parameter timeout: for all of it.
    /// - Throws: `RedisError`, or `CancellationError`.
    public static func open(_ settings: RedisSettings, timeout: Duration) async throws -> RedisConnection {
        let deadline = ContinuousClock.now + timeout
        let wire = try await onThread(settings.target, timeout) { interrupt in
            let wire = try RedisWire(settings, deadline: deadline, interrupt: interrupt)
            var greeting: [[String]] = []
            if let password = settings.password?.reveal() {
                greeting.append(["AUTH"] + (settings.user.map { [$0] } ?? []) + [password])
            }
            if settings.database != 0 { greeting.append(["SELECT", "\(settings.database)"]) }
            for reply in try wire.exchange(greeting, deadline: deadline, interrupt: interrupt) {
                if case .error(let message) = reply { throw RedisError.refused(settings.target, message) }
            }
            return wire
        }
        return RedisConnection(settings, wire)
    }

    public var isOpen: Bool { wire.isOpen }

    /// Runs one command: its name and arguments.
    /// - Throws: `RedisError`, also where the server answers with an error; or `CancellationError`.
    @discardableResult
    public func command(_ words: String..., timeout: Duration) async throws -> RedisReply {
        let reply = try await pipeline([words], timeout: timeout)[0]
        if case .error(let message) = reply { throw RedisError.refused(settings.target, message) }
        return reply
    }

    /// Sends all commands at once and gives their answers in order. An error of one command is its `RedisReply.error`.
    /// - Throws: `RedisError`, or `CancellationError`.
    public func pipeline(_ commands: [[String]], timeout: Duration) async throws -> [RedisReply] {
        let deadline = ContinuousClock.now + timeout
        return try await Self.onThread(settings.target, timeout) { [wire] interrupt in
            try wire.exchange(commands, deadline: deadline, interrupt: interrupt)
        }
    }

    public func close() { wire.close() }

    private static func onThread<Result: Sendable>(
        _ target: String, _ timeout: Duration, _ body: @escaping @Sendable (Interrupt) throws -> Result
    ) async throws -> Result {
        do {
            return try await BlockingThreads.shared.run(timeout: timeout, body)
        } catch is DeadlineExceeded {
            throw RedisError.timedOut(target)
        }
    }
}

/// "The" connection to a server: made when first needed, kept, and made anew after it broke.
public final class RedisTarget: Sendable {
    public let settings: RedisSettings
    private let connectTimeout: Duration
    private let current = Mutex<RedisConnection?>(nil)

    public init(_ settings: RedisSettings, connectTimeout: Duration = .seconds(5)) {
        self.settings = settings
        self.connectTimeout = connectTimeout
    }

    deinit { current.withLock { $0 }?.close() }

    /// The open connection, or a new one.
    public func connection() async throws -> RedisConnection {
        if let kept = current.withLock({ $0 }), kept.isOpen { return kept }
        let fresh = try await RedisConnection.open(settings, timeout: connectTimeout)
        current.withLock { $0 = fresh }
        return fresh
    }

    /// As `RedisConnection.pipeline`. A kept connection that the server ended meanwhile is replaced once, since the commands
    /// meant here only read.
    public func pipeline(_ commands: [[String]], timeout: Duration) async throws -> [RedisReply] {
        let kept = current.withLock { $0 }
        do {
            return try await connection().pipeline(commands, timeout: timeout)
        } catch let error as RedisError where error.code == .connectionLost && kept != nil {
            return try await connection().pipeline(commands, timeout: timeout)
        }
    }

    public func close() {
        current.withLock { connection in
            defer { connection = nil }
            return connection
        }?.close()
    }
}

extension RedisError {
    static func timedOut(_ target: String) -> RedisError {
        RedisError(.timeout, target: target, "no answer within the time limit")
    }

    static func refused(_ target: String, _ message: String) -> RedisError {
        let isAboutAccess = ["WRONGPASS", "NOAUTH", "NOPERM", "ERR AUTH", "ERR invalid password"]
            .contains { message.hasPrefix($0) }
        return RedisError(isAboutAccess ? .authenticationFailed : .commandFailed, target: target, message)
    }
}
