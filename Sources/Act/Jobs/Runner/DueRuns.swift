import Schedule
import Units

// The decision whether a job is due, without clock or storage. `handled` is the newest scheduled time that is done with:
// run, missed or skipped. It only moves forward as long as the clock is right, so a clock that is set back cannot make a run
// happen twice. A clock that was a day or more ahead for a while is another matter: after it is right again, nothing would
// run until it catches up, so the past is forgotten and counting begins anew.

struct DueRuns: Sendable, Hashable {
    /// What to do now.
    enum Action: Sendable, Hashable {
        /// Run for this scheduled time; `isLate` when it makes up for a missed one.
        case run(Timestamp, isLate: Bool)
        /// `count` runs up to and including the one at `newest` did not take place and will not.
        case miss(newest: Timestamp, count: Int)

        /// The newest scheduled time that is done with when the action is.
        var scheduledFor: Timestamp {
            switch self {
            case .run(let scheduled, _), .miss(let scheduled, _): scheduled
            }
        }
    }

    /// How late a run may begin and still be on time: the pace of the scheduler and a busy machine.
    static let lateMax = Duration.seconds(120)
    /// A clock that goes back further than this was wrong before.
    static let setBackMax = Duration.seconds(25 * 3600)
    /// Missed runs are counted up to here: a year of every minute would take seconds to enumerate.
    static let missedCountMax = 1000

    var handled: Timestamp

    /// - Parameter policy: for missed runs.
    mutating func actions(at now: Timestamp, _ recurrence: Recurrence, _ policy: MissedRunPolicy) -> [Action] {
        if handled - now > Self.setBackMax { handled = now }
        guard let first = recurrence.next(after: handled), first <= now,
            let newest = recurrence.previous(before: now + .milliseconds(1)), newest >= first
        else { return [] }
        handled = newest
        var older = 0
        var newestOlder = first
        var at = first
        while at < newest, older < Self.missedCountMax {
            older += 1
            newestOlder = at
            guard let next = recurrence.next(after: at) else { break }
            at = next
        }
        if older == Self.missedCountMax { newestOlder = recurrence.previous(before: newest) ?? newestOlder }
        let isLate = now - newest > Self.lateMax
        if isLate && policy == .skip { return [.miss(newest: newest, count: older + 1)] }
        let run = Action.run(newest, isLate: isLate)
        return older == 0 ? [run] : [.miss(newest: newestOlder, count: older), run]
    }
}
