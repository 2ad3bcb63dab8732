import Synchronization

/// Keeps connections to one target, lends each to one task at a time, and replaces those that broke.
///
/// With the default of one connection it is "the" connection to a target that comes back by itself.
public final class PostgresPool: Sendable {
    public let settings: PostgresSettings
    public let session: PostgresSession
    private let connectionCountMax: Int
    private let connectTimeout: Duration
    private let state = Mutex(State())

    private struct State {
        var idle: [PostgresConnection] = []
        /// Connections that exist or are being made.
        var count = 0
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
        var nextID: UInt64 = 0
        var isClosed = false
    }

    /// - Parameter connectionCountMax: further borrowers wait in line until they are cancelled.
    public init(
        _ settings: PostgresSettings, session: PostgresSession = PostgresSession(), connectionCountMax: Int = 1,
        connectTimeout: Duration = .seconds(5)
    ) {
        precondition(connectionCountMax > 0, "a pool of no connections serves nobody")
        self.settings = settings
        self.session = session
        self.connectionCountMax = connectionCountMax
        self.connectTimeout = connectTimeout
    }

    deinit {
        for connection in state.withLock({ $0.idle }) { connection.close() }
    }

    /// Runs `body` with a connection of its own, which goes back afterwards if it is still good and outside a transaction.
    /// - Throws: `PostgresError` when no connection can be made, what `body` throws, or `CancellationError`.
    public func withConnection<Result: Sendable>(_ body: (PostgresConnection) async throws -> Result) async throws
        -> Result
    {
        let connection = try await borrow()
        defer { giveBack(connection) }
        return try await body(connection)
    }

    /// One statement on a borrowed connection.
    @discardableResult
    public func query(_ sql: String, _ parameters: [PostgresParameter] = [], timeout: Duration) async throws
        -> PostgresResult
    {
        try await withConnection { try await $0.query(sql, parameters, timeout: timeout) }
    }

    /// Closes what is idle, and what is lent as soon as it comes back. Later borrowers fail.
    public func close() {
        let (idle, waiting) = state.withLock { state in
            defer {
                state.count -= state.idle.count
                state.idle = []
                state.waiting = []
            }
            state.isClosed = true
            return (state.idle, state.waiting)
        }
        for connection in idle { connection.close() }
        for waiter in waiting { waiter.continuation.resume(throwing: CancellationError()) }
    }

    private enum Turn {
        case use(PostgresConnection), open, wait, closed
    }

    private func borrow() async throws -> PostgresConnection {
        while true {
            try Task.checkCancellation()
            let turn: Turn = state.withLock { state in
                if state.isClosed { return .closed }
                if let connection = state.idle.popLast() { return .use(connection) }
                guard state.count < connectionCountMax else { return .wait }
                state.count += 1
                return .open
            }
            switch turn {
            case .closed:
                throw PostgresError(.connectionLost, target: settings.target, "the pool is closed")
            case .use(let connection):
                if connection.isReusable { return connection }
                drop(connection)
            case .open:
                do {
                    return try await PostgresConnection.open(settings, session: session, timeout: connectTimeout)
                } catch {
                    leavePlace()
                    throw error
                }
            case .wait: try await waitInLine()
            }
        }
    }

    /// Comes back when a connection or a place may be free; the caller looks again.
    private func waitInLine() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let early: Bool = state.withLock { state in
                    guard !Task.isCancelled, !state.isClosed, state.idle.isEmpty, state.count >= connectionCountMax
                    else {
                        return true
                    }
                    state.waiting.append((id, continuation))
                    return false
                }
                if early { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func giveBack(_ connection: PostgresConnection) {
        let isGood = connection.isReusable
        let (isKept, next): (Bool, CheckedContinuation<Void, any Error>?) = state.withLock { state in
            let isKept = isGood && !state.isClosed
            if isKept { state.idle.append(connection) } else { state.count -= 1 }
            return (isKept, state.waiting.isEmpty ? nil : state.waiting.removeFirst().continuation)
        }
        if !isKept { connection.close() }
        next?.resume()
    }

    private func drop(_ connection: PostgresConnection) {
        connection.close()
        leavePlace()
    }

    private func leavePlace() {
        let next = state.withLock { state in
            state.count -= 1
            return state.waiting.isEmpty ? nil : state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}
