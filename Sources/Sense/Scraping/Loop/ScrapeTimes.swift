import Series
import Units

/// When a target is scraped: a grid of the time of day, shifted by a hash of the target, so that targets do not all answer in one
/// moment and a restart does not move them.
struct ScrapeTimes: Sendable {
    let intervalMs: Int64
    let shiftMs: Int64
    /// A scrape that begins this close to its place on the grid is stored as of that place: regular times cost almost no room.
    let toleranceMs: Int64

    /// - Parameter seed: differs between instances that scrape the same targets, so that they do not do so together.
    init(interval: Duration, target: Target, seed: String) {
        intervalMs = max(1, interval.wholeMilliseconds)
        // FNV-1a, the same in every process, unlike Swift's own hashing.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ text: String) {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01b3
        }
        mix(seed)
        mix(target.url)
        for pair in target.labels.pairs {
            mix(pair.name)
            mix(pair.value)
        }
        shiftMs = Int64(hash % UInt64(intervalMs))
        toleranceMs = min(10, intervalMs / 100)
    }

    /// How long after the start the first scrape comes: within a second and within the interval, spread over it, since a first page takes more
    /// time and memory than those that follow.
    var firstDelayMs: Int64 { shiftMs % min(1000, intervalMs) }

    /// The next place on the grid, at least half an interval after `last`.
    func next(after last: Timestamp, now: Timestamp) -> Timestamp {
        var earliest = now.millisecondsSinceEpoch + 1
        // A clock that was set back would otherwise keep the target waiting.
        if last <= now { earliest = max(earliest, last.millisecondsSinceEpoch + intervalMs / 2) }
        let past = (earliest - shiftMs) % intervalMs
        let remainder = past < 0 ? past + intervalMs : past
        return Timestamp(millisecondsSinceEpoch: remainder == 0 ? earliest : earliest + intervalMs - remainder)
    }

    /// The time that a scrape is stored under.
    func aligned(_ now: Timestamp, to planned: Timestamp) -> Timestamp {
        abs(now.millisecondsSinceEpoch - planned.millisecondsSinceEpoch) <= toleranceMs ? planned : now
    }
}
