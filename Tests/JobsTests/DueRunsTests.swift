import Schedule
import Testing
import Units

@testable import Jobs

/// Goal: a job is due once for each scheduled time, whatever the clock does. Method: the decision alone, with chosen times.
@Suite struct DueRunsTests {
    let hourly: Recurrence

    init() throws { hourly = try Recurrence("0 * * * *") }

    @Test func `a run is due once`() {
        var due = DueRuns(handled: at("00:00:00"))
        #expect(due.actions(at: at("00:59:59"), hourly, .skip) == [])
        #expect(due.actions(at: at("01:00:00"), hourly, .skip) == [.run(at("01:00:00"), isLate: false)])
        #expect(due.actions(at: at("01:00:01"), hourly, .skip) == [])
    }

    @Test func `a clock set back runs nothing twice`() {
        var due = DueRuns(handled: at("00:00:00"))
        _ = due.actions(at: at("03:00:05"), hourly, .runOnce)
        for time in ["02:59:00", "02:00:00", "01:30:00", "03:00:00", "03:30:00"] {
            #expect(due.actions(at: at(time), hourly, .runOnce) == [], "\(time)")
        }
        #expect(due.actions(at: at("04:00:00"), hourly, .runOnce) == [.run(at("04:00:00"), isLate: false)])
    }

    @Test func `a clock that was years ahead does not stop a job for years`() {
        var due = DueRuns(handled: at("00:00:00") + .seconds(86_400 * 1000))
        #expect(due.actions(at: at("05:30:00"), hourly, .runOnce) == [])
        #expect(due.actions(at: at("06:00:00"), hourly, .runOnce) == [.run(at("06:00:00"), isLate: false)])
    }

    @Test func `missed runs are recorded and made up for once, or skipped`() {
        var due = DueRuns(handled: at("00:00:00"))
        #expect(
            due.actions(at: at("05:30:00"), hourly, .runOnce) == [
                .miss(newest: at("04:00:00"), count: 4), .run(at("05:00:00"), isLate: true),
            ])
        due = DueRuns(handled: at("00:00:00"))
        #expect(due.actions(at: at("05:30:00"), hourly, .skip) == [.miss(newest: at("05:00:00"), count: 5)])
        due = DueRuns(handled: at("00:00:00"))
        #expect(
            due.actions(at: at("05:01:00"), hourly, .skip) == [
                .miss(newest: at("04:00:00"), count: 4), .run(at("05:00:00"), isLate: false),
            ])
    }

    private func at(_ time: String) -> Timestamp { Timestamp(rfc3339: "2026-03-10T\(time)Z")! }
}
