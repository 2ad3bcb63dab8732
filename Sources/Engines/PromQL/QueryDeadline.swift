/// Measures from its making on.
struct Stopwatch: Sendable {
    private let sinceStart: @Sendable () -> Duration

    init(_ clock: some Clock<Duration>) {
        let start = clock.now
        sinceStart = { start.duration(to: clock.now) }
    }

    var elapsed: Duration { sinceStart() }
}

/// When a query must have ended. Whoever computes or reads for it asks now and then: a task beside each query, to end it from without, would
/// cost short queries more than they take.
struct QueryDeadline: Sendable {
    private let isPast: @Sendable () -> Bool
    private let sleep: @Sendable () async throws -> Void

    /// - Parameter limit: from now on.
    init(_ limit: Duration, _ clock: some Clock<Duration>) {
        let end = clock.now.advanced(by: limit)
        isPast = { clock.now >= end }
        sleep = { try await clock.sleep(until: end, tolerance: nil) }
    }

    var isOver: Bool { isPast() }

    /// - Throws: `CancellationError` when the task is cancelled.
    func wait() async throws { try await sleep() }

    /// - Throws: `CancellationError` when the task is cancelled or the time is up.
    func check() throws {
        try Task.checkCancellation()
        if isOver { throw CancellationError() }
    }
}
