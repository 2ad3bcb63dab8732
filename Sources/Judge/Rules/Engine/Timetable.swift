import Units

// When groups are evaluated. Each group has its place within its interval, from a hash of its name, so that a hundred groups
// of one minute do not ask their queries in one moment, and so that a restart or another machine with the same files
// evaluates at the same times:
//
//     0s          15s         30s         45s
//     |···g1··g2··|···g1··g2··|···g1··g2··|
//
// The time of an evaluation is that of its place, not that of the moment when the machine came round to it: samples of
// recorded series then lie on a regular grid. Places that passed while nobody could evaluate are counted as missed and not
// made up for.

/// The places of all groups.
struct Timetable {
    struct Due: Equatable {
        var group: String
        var slot: Timestamp
        /// Places before `slot` that passed without an evaluation.
        var missed: Int
    }

    private var next: [String: Timestamp] = [:]

    /// The groups whose place has come, and forgets groups that are gone.
    mutating func due(_ groups: [(id: String, interval: Duration)], at now: Timestamp) -> [Due] {
        var due: [Due] = []
        var kept: [String: Timestamp] = [:]
        for (id, interval) in groups {
            guard let planned = next[id] else {
                // The first evaluation is at once, so that a start or a new file shows soon what it finds.
                due.append(Due(group: id, slot: now, missed: 0))
                kept[id] = Self.slot(after: now, id, interval)
                continue
            }
            // A place further away than one interval was planned by a clock that has been put back, or at a longer interval.
            guard planned <= now else {
                kept[id] = planned - now > interval ? Self.slot(after: now, id, interval) : planned
                continue
            }
            let following = Self.slot(after: now, id, interval)
            let last = following - interval
            // A reload may have changed the interval, and with it the grid.
            let slot = max(last, planned)
            due.append(Due(group: id, slot: slot, missed: Int((slot - planned) / interval)))
            kept[id] = following
        }
        next = kept
        return due
    }

    /// The nearest place of any group.
    var wake: Timestamp? { next.values.min() }

    /// The first place of a group that lies after `time`.
    static func slot(after time: Timestamp, _ id: String, _ interval: Duration) -> Timestamp {
        let length = max(1, interval.wholeMilliseconds)
        let offset = Int64(hash(id) % UInt64(length))
        let passed = time.millisecondsSinceEpoch - offset
        let remainder = passed % length
        let floor = passed - (remainder < 0 ? remainder + length : remainder)
        return Timestamp(millisecondsSinceEpoch: floor + length + offset)
    }

    /// FNV-1a, 64 bits.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
