import Units

// What becomes of a hold time while the program is away.
//
// Two records survive a stop. The ledger knows which alerts were open, since when, and which of them fired: it is the source
// for that. The series `ALERTS_FOR_STATE` has one sample for each evaluation at which an alert was open, whose value is when
// the condition began: its newest sample says until when anybody looked. Both together decide, as the reference decides from
// the series alone (<https://github.com/prometheus/prometheus/pull/4061>):
//
//   it had been held for its whole `for`             it goes on as it was, and fires
//   less was left than the grace period              the rest becomes the grace period: series need time to come back
//   more was left                                    the time away does not count; the rest is what it was
//   nobody looked within the tolerance, an hour      the hold time begins anew
//
// The reference lets hold times shorter than the grace period begin anew. Here they are only held up while the program is
// away: a program that is restarted every few minutes would otherwise never fire them.
//
// An alert that the ledger does not know is taken from the series in the same way when its condition holds: so it is when
// the series were copied from another Prometheus. Alerts that fired stay open whatever the series say; they are neither told
// again nor ended before an evaluation has found their condition gone.

enum HoldRestoration {
    /// After a longer absence than this a pending alert begins anew.
    static let outageMax = Duration.seconds(3600)
    /// The least rest of a hold time after a start, for holds that are at least as long.
    static let grace = Duration.seconds(600)

    /// When a condition counts as begun.
    /// - Parameters:
    ///   - since: when it began.
    ///   - lastSeen: when it was last seen to hold.
    static func activeAt(since: Timestamp, lastSeen: Timestamp, hold: Duration, now: Timestamp) -> Timestamp {
        let lastSeen = min(lastSeen, now)
        let remaining = hold - (lastSeen - since)
        guard remaining > .zero else { return min(since, now) }
        guard now - lastSeen <= outageMax else { return now }
        if hold >= grace, remaining < grace { return now + grace - hold }
        return since + (now - lastSeen)
    }
}
