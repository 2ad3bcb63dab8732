import Testing
import Units

@testable import Rules

/// Goal: groups are evaluated on a grid of their own, once for each of its places. Method: the timetable is asked at made-up times.
@Suite struct TimetableTests {
    private func at(_ seconds: Double) -> Timestamp { newYear + .seconds(seconds) }
    private let groups = [(id: "f.yml;a", interval: Duration.seconds(15)), (id: "f.yml;b", interval: .seconds(60))]

    @Test func `places are the same whenever one asks, and an interval apart`() {
        for (id, interval) in groups {
            let first = Timetable.slot(after: at(0), id, interval)
            #expect(first > at(0) && first <= at(0) + interval)
            #expect(Timetable.slot(after: first, id, interval) == first + interval)
            #expect(Timetable.slot(after: first - .milliseconds(1), id, interval) == first)
        }
    }

    @Test func `groups have different places`() {
        let places = (0..<50).map { Timetable.slot(after: at(0), "f.yml;g\($0)", .seconds(60)) }
        #expect(Set(places).count > 45)
    }

    @Test func `a new group is due at once and then at its places`() {
        var timetable = Timetable()
        #expect(timetable.due(groups, at: at(0)).map(\.slot) == [at(0), at(0)])
        let place = Timetable.slot(after: at(0), groups[0].id, groups[0].interval)
        #expect(timetable.wake == min(place, Timetable.slot(after: at(0), groups[1].id, groups[1].interval)))
        let due = timetable.due([groups[0]], at: place + .milliseconds(40))
        #expect(due == [Timetable.Due(group: "f.yml;a", slot: place, missed: 0)])
        #expect(timetable.due([groups[0]], at: place + .milliseconds(80)).isEmpty)
    }

    @Test func `places that passed are counted and not made up for`() {
        var timetable = Timetable()
        _ = timetable.due([groups[0]], at: at(0))
        let place = Timetable.slot(after: at(0), groups[0].id, groups[0].interval)
        let due = timetable.due([groups[0]], at: place + .seconds(50))
        #expect(due == [Timetable.Due(group: "f.yml;a", slot: place + .seconds(45), missed: 3)])
    }

    @Test func `a clock that is put back does not stop a group`() {
        var timetable = Timetable()
        _ = timetable.due([groups[0]], at: at(86_400))
        #expect(timetable.due([groups[0]], at: at(0)).isEmpty)
        #expect(timetable.wake! <= at(15))
    }
}
