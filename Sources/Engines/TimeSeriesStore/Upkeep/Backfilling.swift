// Whoever sends yesterday's samples today (remote write after an outage, a migration) fills spans that would have moved to blocks long ago by the clock.
// A span that is moved while it is being filled refuses the rest of it, so it waits until nothing has come for it for a minute.

/// When a span may be moved to a block, and which spans are still being filled although they are due.
struct Backfilling {
    /// Of quiet, before a span that came late is taken for complete.
    private static let quietMilliseconds: Int64 = 60_000
    /// A batch over more spans than these is noted at its ends alone.
    private static let spansOfBatchMax: Int64 = 64

    /// By the start of the span: when samples came for it last, as their batches say.
    private var lastArrivals: [Int64: Int64] = [:]

    /// Whether a span has ended long enough ago by the clock.
    static func isDue(_ start: Int64, _ spanMilliseconds: Int64, at now: Int64) -> Bool {
        start + spanMilliseconds + spanMilliseconds / 4 <= now
    }

    /// Samples from `first` to `last` were taken at `now`.
    mutating func note(_ first: Int64, _ last: Int64, at now: Int64, _ spanMilliseconds: Int64) {
        guard first <= last else { return }
        let oldest = spanStart(of: first, spanMilliseconds)
        guard Self.isDue(oldest, spanMilliseconds, at: now) else { return }
        let newest = spanStart(of: last, spanMilliseconds)
        lastArrivals[oldest] = now
        if (newest - oldest) / spanMilliseconds <= Self.spansOfBatchMax {
            for start in stride(from: oldest, to: newest, by: Int(spanMilliseconds)) { lastArrivals[start] = now }
        }
        if Self.isDue(newest, spanMilliseconds, at: now) { lastArrivals[newest] = now }
    }

    /// Whether samples came for the span a short while ago.
    func isFilling(_ start: Int64, at now: Int64) -> Bool {
        guard let arrival = lastArrivals[start] else { return false }
        // A clock that was set back says nothing about quiet; then the span is moved as by the clock.
        return arrival <= now && now - arrival < Self.quietMilliseconds
    }

    /// Forgets the spans that are in blocks.
    mutating func forget(before minimum: Int64) {
        if !lastArrivals.isEmpty { lastArrivals = lastArrivals.filter { $0.key >= minimum } }
    }
}
