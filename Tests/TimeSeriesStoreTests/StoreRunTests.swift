import DurableFiles
import Series
import Synchronization
import TestSupport
import Testing
import TimeSeriesStore
import Units

/// Goal: `run` syncs at its interval, maintains once a minute and syncs at its end. Method: a clock whose sleeps end at once and count.
@Suite struct StoreRunTests {
    @Test func `the timed work is done, and a last sync follows the cancellation`() async throws {
        let files = MemoryFiles()
        let store = try openStore(files, StoreSettings(fsyncInterval: .seconds(1)))
        try await store.append(batch(epoch, [(Labels("a"), 1)]))
        let clock = StepClock(stepCount: 61)
        await store.run(clock: clock, wall: FixedClock(now: at(epoch + 5 * hour)))
        #expect(store.stats.counts.syncs == 62)
        #expect(store.stats.blockCount == 1)
        #expect(clock.sleptSeconds == 61)
    }

    @Test func `what one round of joining leaves is done soon after, and not a minute later`() async throws {
        let files = MemoryFiles()
        let store = try openStore(files, StoreSettings(retention: .seconds(3000 * 3600), fsyncInterval: .seconds(1)))
        var backfill = Backfill(into: store)
        try backfill.add(
            SeriesColumns(
                labels: Labels("m"), times: (0..<1440).map { epoch + $0 * hour }, values: (0..<1440).map { Double($0) })
        )
        _ = try backfill.finish()
        let before = store.stats.blockCount
        await store.run(clock: StepClock(stepCount: 60), wall: FixedClock(now: at(epoch + 1500 * hour)))
        let afterOne = store.stats.blockCount
        #expect(afterOne < before && afterOne > 100)
        await store.run(clock: StepClock(stepCount: 66), wall: FixedClock(now: at(epoch + 1500 * hour)))
        #expect(store.stats.blockCount < 30, "\(store.stats.blockCount)")
    }

    struct FixedClock: WallClock {
        let now: Timestamp
    }

    /// Every sleep moves the clock to its deadline at once; past the last step it is as if the task were cancelled.
    final class StepClock: Clock {
        typealias Instant = ManualClock.Instant

        private let state: Mutex<(now: Instant, stepsLeft: Int)>
        init(stepCount: Int) { state = Mutex((Instant(offset: .zero), stepCount)) }
        var now: Instant { state.withLock { $0.now } }
        var minimumResolution: Duration { .nanoseconds(1) }
        var sleptSeconds: Double { now.offset.inSeconds }

        func sleep(until deadline: Instant, tolerance: Duration?) async throws {
            try state.withLock { state in
                guard state.stepsLeft > 0 else { throw CancellationError() }
                state.stepsLeft -= 1
                state.now = max(state.now, deadline)
            }
        }
    }
}
