import TimeSeriesStore
import Units

// Whether what is read comes to be stored. The store says itself when its log cannot be written. It says nothing when it takes
// what it is given and refuses all of it sample by sample: after the clock was set back everything is older than what it has, and
// with a full list of series everything new is over the limit. Pages would then show the last state for hours.
//
// Counts are noted every ten seconds at most, by a clock that nobody sets and that stands still while the machine sleeps, and the
// last two minutes of them are judged. Jaga reads itself every 15 s, so that something always comes.

struct StorageWatch: Sendable {
    /// A window shorter than this says nothing: a restart of a few targets can look alike.
    static let window = Duration.seconds(120)
    private static let stepMin = Duration.seconds(10)

    struct Finding: Hashable {
        enum Reason: Hashable {
            /// Nothing came at all.
            case nothingCame
            /// Older than what is stored, or far ahead of it.
            case outOfOrder
            /// Of series past a limit.
            case overLimit
        }

        var stored: Int64
        var refused: Int64
        var span: Duration
        var reason: Reason

        /// Less than one sample in 20 is as good as none; less than half is more than a target that repeats itself.
        var isStandstill: Bool { stored * 20 <= stored + refused }
    }

    private struct Note {
        var at: SuspendingClock.Instant
        var stored: Int64
        var outOfOrder: Int64
        var overLimit: Int64
    }

    /// Oldest first; the first one is the newest that is at least `window` old, where there is one.
    private var notes: [Note] = []

    /// - Parameter now: must not fall.
    mutating func note(_ counts: StoreCounts, at now: SuspendingClock.Instant) {
        if let last = notes.last, now - last.at < Self.stepMin { return }
        notes.append(
            Note(
                at: now, stored: counts.samplesStored, outOfOrder: counts.samplesOutOfOrder,
                overLimit: counts.samplesOverLimit))
        while notes.count > 1, now - notes[1].at >= Self.window { notes.removeFirst() }
    }

    /// What is wrong with the last two minutes; nil when more is stored than refused, or when it is too early to say.
    func finding(_ counts: StoreCounts, at now: SuspendingClock.Instant) -> Finding? {
        guard let first = notes.first, now - first.at >= Self.window else { return nil }
        let stored = counts.samplesStored - first.stored
        let late = counts.samplesOutOfOrder - first.outOfOrder
        let over = counts.samplesOverLimit - first.overLimit
        guard stored <= late + over else { return nil }
        let reason: Finding.Reason = late + over == 0 ? .nothingCame : late >= over ? .outOfOrder : .overLimit
        return Finding(stored: stored, refused: late + over, span: now - first.at, reason: reason)
    }
}
