import Units

/// When a source is read: a grid of the time of day, shifted by the source's name.
struct ReadingTimes {
    let intervalMs: Int64
    let shiftMs: Int64

    init(interval: Duration, name: String) {
        intervalMs = max(1, interval.wholeMilliseconds)
        // FNV-1a, the same in every process, unlike Swift's own hashing.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        shiftMs = Int64(hash % UInt64(intervalMs))
    }

    /// How long after the start the first reading comes: within a second, and within a tenth of the interval.
    var firstDelay: Duration { .milliseconds(shiftMs % max(1, min(1000, intervalMs / 10))) }

    /// How long to wait, counted from `now`, for the next place on the grid. At least half an interval after `last`, so that
    /// the first reading is not followed at once by a second one.
    func delay(at now: Timestamp, after last: Timestamp) -> Duration {
        let earliest: Int64
        // A clock that was set back would otherwise keep the source waiting.
        if last <= now {
            earliest = max(now.millisecondsSinceEpoch + 1, last.millisecondsSinceEpoch + intervalMs / 2)
        } else {
            earliest = now.millisecondsSinceEpoch + 1
        }
        let past = (earliest - shiftMs) % intervalMs
        let remainder = past < 0 ? past + intervalMs : past
        let next = remainder == 0 ? earliest : earliest + intervalMs - remainder
        return .milliseconds(next - now.millisecondsSinceEpoch)
    }
}
