import Units

// What may go, decided without touching anything. A backup stays when any reason holds: it is among the newest `keepLast`
// GOOD ones, it is younger than `keepDays`, or it is the newest good one of one of the last `keepWeeks` weeks. Nothing goes
// at all unless the newest backup is verified, so that a series of bad backups never pushes the last good ones out.

/// How long backups are kept.
public struct RetentionRule: Sendable, Hashable {
    public var keepLast: Int
    public var keepDays: Int
    public var keepWeeks: Int

    public init(keepLast: Int = 7, keepDays: Int = 30, keepWeeks: Int = 0) {
        precondition(keepLast >= 1, "at least one backup has to stay")
        self.keepLast = keepLast
        self.keepDays = keepDays
        self.keepWeeks = keepWeeks
    }

    struct Candidate: Sendable, Hashable {
        var id: String
        var finishedAt: Timestamp
        /// Verified since it was made, and not found damaged after that.
        var isGood: Bool
    }

    /// The ids that may be removed, oldest first.
    func removable(_ backups: [Candidate], at now: Timestamp) -> [String] {
        let newestFirst = backups.sorted { ($0.finishedAt, $0.id) > ($1.finishedAt, $1.id) }
        guard let newest = newestFirst.first, newest.isGood else { return [] }
        let good = newestFirst.filter(\.isGood)
        guard good.count >= keepLast else { return [] }
        var kept = Set(good.prefix(keepLast).map(\.id))
        let limit = now - .seconds(86_400 * keepDays)
        kept.formUnion(newestFirst.filter { $0.finishedAt > limit }.map(\.id))
        let weekMs: Int64 = 7 * 86_400_000
        // Weeks from Monday: the epoch was a Thursday.
        func week(_ instant: Timestamp) -> Int64 { (instant.millisecondsSinceEpoch + 3 * 86_400_000) / weekMs }
        for offset in 0..<Int64(keepWeeks) {
            if let first = good.first(where: { week($0.finishedAt) == week(now) - offset }) { kept.insert(first.id) }
        }
        return newestFirst.reversed().map(\.id).filter { !kept.contains($0) }
    }
}
