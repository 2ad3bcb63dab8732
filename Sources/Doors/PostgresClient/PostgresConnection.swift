import BlockingCalls
import CLibpq
import Diagnostics
import Glibc

// libpq has calls without a time limit of their own (a stopped server accepts a connection and never speaks). So only its
// non-blocking calls are used: each step ends in a `poll` that watches the socket, the deadline and a pipe through which a
// cancelled task wakes the thread (`PostgresWire`). A statement that ran out of time leaves the connection in an unknown
// state, so the server is asked to cancel it and the connection is closed; there is no half-used connection.

/// One connection to PostgreSQL.
///
/// Calls of several tasks wait in line, each within its own limit; a transaction wants a connection to itself
/// (`PostgresPool.withConnection`). A call that times out, is cancelled or loses the server closes the connection for good.
public final class PostgresConnection: Sendable {
    private let wire: PostgresWire
    public let settings: PostgresSettings

    private init(_ wire: PostgresWire, _ settings: PostgresSettings) {
        self.wire = wire
        self.settings = settings
    }

    /// Connects, and sets the session's parameters.
    /// - Parameter timeout: for both together.
    /// - Throws: `PostgresError`, or `CancellationError`.
    public static func open(
        _ settings: PostgresSettings, session: PostgresSession = PostgresSession(), timeout: Duration
    ) async throws -> PostgresConnection {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        let wire = try await onThread(settings.target, timeout) { interrupt in
            try PostgresWire(settings, deadline: deadline, interrupt: interrupt)
        }
        let connection = PostgresConnection(wire, settings)
        let wanted = session.parameters
        if !wanted.isEmpty {
            let calls = wanted.indices.map { "set_config($\($0 * 2 + 1), $\($0 * 2 + 2), false)" }
            _ = try await connection.query(
                "SELECT " + calls.joined(separator: ", "),
                wanted.flatMap { [PostgresParameter.text($0.name), .text($0.value)] },
                timeout: max(.milliseconds(1), clock.now.duration(to: deadline)))
        }
        return connection
    }

    /// As `150007` for 15.7.
    public var serverVersion: Int { wire.serverVersion }

    /// The server process that serves this connection, as in `pg_stat_activity.pid`.
    public var serverProcess: Int32 { wire.serverProcess }

    public var isOpen: Bool { wire.isOpen }

    /// Runs one statement with `$1`, `$2` … standing for `parameters`.
    /// - Throws: `PostgresError`, or `CancellationError`.
    @discardableResult
    public func query(_ sql: String, _ parameters: [PostgresParameter] = [], timeout: Duration) async throws
        -> PostgresResult
    {
        let deadline = ContinuousClock.now + timeout
        return try await Self.onThread(settings.target, timeout) { [wire] interrupt in
            try wire.exchange(deadline: deadline, interrupt: interrupt) { handle in
                withCStrings(parameters.map(\.text)) { values in
                    PQsendQueryParams(handle, sql, Int32(parameters.count), nil, values, nil, nil, 0)
                }
            }
        }
    }

    /// Runs statements separated by semicolons, as one transaction where the text opens none itself.
    /// - Returns: the answer to the last one.
    /// - Throws: `PostgresError`, or `CancellationError`.
    @discardableResult
    public func run(script: String, timeout: Duration) async throws -> PostgresResult {
        let deadline = ContinuousClock.now + timeout
        return try await Self.onThread(settings.target, timeout) { [wire] interrupt in
            try wire.exchange(deadline: deadline, interrupt: interrupt) { handle in PQsendQuery(handle, script) }
        }
    }

    /// Runs `body` between BEGIN and COMMIT; rolls back when it throws.
    /// - Parameters:
    ///   - mode: what follows BEGIN, as in `ISOLATION LEVEL REPEATABLE READ READ ONLY`.
    ///   - timeout: of BEGIN, COMMIT and ROLLBACK each.
    /// - Throws: what `body` throws, `PostgresError`, or `CancellationError`. A COMMIT that ends in ROLLBACK throws.
    public func transaction<Result: Sendable>(
        _ mode: String = "", timeout: Duration, _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await query("BEGIN \(mode)", timeout: timeout)
        let result: Result
        do {
            result = try await body(self)
        } catch {
            // A cancelled task can wait for nothing more: closing makes the server roll back.
            let isRolledBack = Task.isCancelled ? nil : try? await query("ROLLBACK", timeout: timeout)
            if isRolledBack == nil { close() }
            throw error
        }
        let end = try await query("COMMIT", timeout: timeout)
        guard end.command == "COMMIT" else {
            throw PostgresError(
                .queryFailed, target: settings.target, "the transaction was rolled back, since a statement in it failed"
            )
        }
        return result
    }

    /// Ends the connection. Calls in flight fail with `connectionLost` when they look next.
    public func close() { wire.close() }

    /// Whether the connection is open, outside a transaction, and the server has not hung up. Does not block.
    var isReusable: Bool { wire.isReusable }

    /// Runs `body` on a blocking thread. The thread gives up by itself at its deadline; the outer limit is for what libpq
    /// does without asking (looking up the host's name), and for a line of waiting calls.
    private static func onThread<Result: Sendable>(
        _ target: String, _ timeout: Duration, _ body: @escaping @Sendable (Interrupt) throws -> Result
    ) async throws -> Result {
        let interrupt = Interrupt()
        do {
            return try await withDeadline(timeout + .milliseconds(250)) {
                try await withTaskCancellationHandler {
                    try await BlockingThreads.shared.run { try body(interrupt) }
                } onCancel: {
                    interrupt.fire()
                }
            }
        } catch is DeadlineExceeded {
            throw PostgresError.timedOut(target)
        }
    }
}

extension PostgresError {
    static func timedOut(_ target: String) -> PostgresError {
        PostgresError(.timeout, target: target, "no answer within the time limit")
    }
}

/// Borrows `texts` as C strings for the call.
private func withCStrings<Result>(_ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result)
    -> Result
{
    let copies = texts.map { text in text.map { strdup($0) } ?? nil }
    defer { for copy in copies { free(copy) } }
    // One extra element, so that an empty list has an address too.
    return (copies.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { body($0.baseAddress!) }
}
