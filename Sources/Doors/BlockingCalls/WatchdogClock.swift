/// The machine's monotonic clock with sleepers that one thread wakes, each straight on its own executor.
///
/// `ContinuousClock` wakes a thread for its timer, which wakes one of the cooperative pool, which wakes the sleeper's: three for a loop that
/// does its work elsewhere. Time in which the machine is suspended does not count towards a sleep (`CLOCK_MONOTONIC`, clock_gettime(2)).
public struct WatchdogClock: Clock {
    public typealias Instant = ContinuousClock.Instant

    public init() {}

    public var now: Instant { .now }
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        // The watchdog takes a day for anything longer.
        while now < deadline { try await sleepOnce(for: now.duration(to: deadline)) }
        try Task.checkCancellation()
    }

    private func sleepOnce(for duration: Duration) async throws {
        let handoff = Handoff<Void>()
        let watch = Watchdog.shared.watch(duration) { handoff.finish(with: .success(())) }
        defer { Watchdog.shared.release(watch) }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in _ = handoff.wait(with: continuation) }
        } onCancel: {
            handoff.finish(with: .failure(CancellationError()))
        }
    }
}
