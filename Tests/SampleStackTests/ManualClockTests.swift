import TestSupport
import Testing
import Units

/// Goal: a clock that only a test moves wakes exactly who is due.
/// Method: tasks that sleep on it.
@Suite struct ManualClockTests {
    @Test func `sleepers wake when the clock has come to them and not before`() async throws {
        let clock = ManualClock()
        let start = clock.wall.now
        let work = Task { () -> Timestamp in
            try await clock.sleep(for: .seconds(15))
            return clock.wall.now
        }
        try await clock.waitForSleepers()
        clock.advance(by: .seconds(14))
        #expect(clock.sleeperCount == 1)
        try await clock.advanceToNextSleeper()
        #expect(try await work.value - start == .seconds(15))
    }

    @Test func `a cancelled sleeper ends at once and a shifted wall wakes nobody`() async throws {
        let clock = ManualClock()
        let start = clock.time
        let work = Task { try await clock.sleep(for: .seconds(1)) }
        try await clock.waitForSleepers()
        clock.shiftWall(by: .seconds(-3600))
        #expect(clock.time - start == .seconds(-3600))
        #expect(clock.sleeperCount == 1)
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
        #expect(clock.sleeperCount == 0)
    }
}
