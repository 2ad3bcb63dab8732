import Synchronization
public import Units

/// A clock that stands still until a test moves it, for what sleeps; `wall` is the time of day from the same hand.
///
/// ```swift
/// let clock = ManualClock()
/// let work = Task { try await loop.run(clock: clock, wallClock: clock.wall) }
/// try await clock.waitForSleepers()      // the loop has come to its sleep
/// clock.advance(by: .seconds(15))        // it wakes up, 15 s later
/// ```
public final class ManualClock: Clock, Sendable {
    public struct Instant: InstantProtocol {
        /// Since the clock was made.
        public var offset: Duration

        public init(offset: Duration) { self.offset = offset }

        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let start: Timestamp
    private let state = Mutex(State())

    /// - Parameter start: the time of day at first; 2026-01-01T00:00:00Z unless told otherwise.
    public init(start: Timestamp = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)) {
        self.start = start
    }

    public var now: Instant { Instant(offset: state.withLock { $0.offset }) }
    public var minimumResolution: Duration { .zero }

    /// The time of day.
    public var time: Timestamp { state.withLock { start + ($0.offset + $0.wallShift) } }

    /// This clock as the time of day.
    public var wall: ManualWallClock { ManualWallClock(clock: self) }

    /// How many tasks sleep until this clock is moved.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// When the next sleeper wakes up; nil when nobody sleeps.
    public var nextDeadline: Instant? { state.withLock { $0.sleepers.map(\.deadline).min() } }

    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        let id = state.withLock { $0.takeID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { $0.fallAsleep(id, until: deadline, continuation) }
                outcome.run()
            }
        } onCancel: {
            let outcome = state.withLock { $0.cancel(id) }
            outcome.run()
        }
    }

    /// Moves the clock on and wakes whoever is due. Each wakes as if it had been called at its own deadline, earliest
    /// first.
    public func advance(by span: Duration) {
        precondition(span >= .zero, "a clock moves forward; use shiftWall to set the time of day back")
        state.withLock { $0.advance(by: span) }.run()
    }

    /// Moves the clock to the next sleeper's deadline and wakes it, after waiting until somebody sleeps.
    public func advanceToNextSleeper(limit: Duration = .seconds(60)) async throws {
        try await waitForSleepers(limit: limit)
        guard let deadline = nextDeadline else { return }
        let span = now.duration(to: deadline)
        advance(by: span > .zero ? span : .zero)
    }

    /// Sets the time of day forward or back, as an administrator or NTP would. Sleepers do not notice.
    public func shiftWall(by span: Duration) {
        state.withLock { $0.wallShift += span }
    }

    /// Waits until at least `count` tasks sleep.
    /// - Throws: `WaitTimedOut` after `limit` of real time.
    public func waitForSleepers(_ count: Int = 1, limit: Duration = .seconds(60)) async throws {
        try await waitUntil("\(count) sleepers", timeout: limit, every: .milliseconds(1)) { self.sleeperCount >= count }
    }
}

/// The time of day of a `ManualClock`.
public struct ManualWallClock: WallClock {
    let clock: ManualClock
    public var now: Timestamp { clock.time }
}

extension ManualClock {
    private struct Sleeper {
        let id: Int
        let deadline: Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// Continuations to resume after the lock is given back.
    private struct Outcome {
        var woken: [CheckedContinuation<Void, any Error>] = []
        var cancelled: CheckedContinuation<Void, any Error>?

        func run() {
            for continuation in woken { continuation.resume() }
            cancelled?.resume(throwing: CancellationError())
        }
    }

    private struct State {
        var offset: Duration = .zero
        /// What the time of day was set forward or back by, beside the passing of time.
        var wallShift: Duration = .zero
        var sleepers: [Sleeper] = []
        /// Sleeps that were cancelled before they began.
        var cancelledEarly: Set<Int> = []
        var nextID = 0

        mutating func takeID() -> Int {
            nextID += 1
            return nextID
        }

        mutating func fallAsleep(
            _ id: Int, until deadline: Instant, _ continuation: CheckedContinuation<Void, any Error>
        ) -> Outcome {
            if cancelledEarly.remove(id) != nil { return Outcome(cancelled: continuation) }
            if deadline.offset <= offset { return Outcome(woken: [continuation]) }
            sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
            return Outcome()
        }

        mutating func cancel(_ id: Int) -> Outcome {
            guard let index = sleepers.firstIndex(where: { $0.id == id }) else {
                cancelledEarly.insert(id)
                return Outcome()
            }
            return Outcome(cancelled: sleepers.remove(at: index).continuation)
        }

        mutating func advance(by span: Duration) -> Outcome {
            offset += span
            let due = sleepers.filter { $0.deadline.offset <= offset }.sorted { $0.deadline < $1.deadline }
            sleepers.removeAll { $0.deadline.offset <= offset }
            return Outcome(woken: due.map(\.continuation))
        }
    }
}
