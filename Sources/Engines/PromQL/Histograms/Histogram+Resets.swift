import Series

extension Histogram {
    /// Whether the counter was reset between `previous` and this one. A hint decides where there is one; else any loss does: a
    /// smaller count, a populated bucket that is gone or smaller, a finer schema, a narrower zero bucket.
    func isReset(after previous: Histogram) -> Bool {
        if hint == .reset { return true }
        if hint == .notReset { return false }
        if count < previous.count { return true }
        guard isCustom == previous.isCustom else { return true }
        if isCustom {
            guard bounds != previous.bounds else { return lostCounts(since: previous) }
            let common = commonBounds(bounds, previous.bounds)
            return rebounded(to: common).lostCounts(since: previous.rebounded(to: common))
        }
        if schema > previous.schema || zeroThreshold < previous.zeroThreshold { return true }
        let (previousZeroCount, reached) = previous.zeroBucket(widenedTo: zeroThreshold)
        if reached != zeroThreshold || zeroCount < previousZeroCount { return true }
        var older = previous
        older.widenZeroBucket(to: zeroThreshold)
        return lostCounts(since: older.reduced(to: schema))
    }

    /// A hint speaks of the sample right before. Where samples were left out or stand twice, only the counts can tell.
    var withoutHint: Histogram {
        var result = self
        if hint != .gauge { result.hint = .unknown }
        return result
    }

    /// Both have one layout.
    private func lostCounts(since previous: Histogram) -> Bool {
        Self.hasLoss(positive, previous.positive) || Self.hasLoss(negative, previous.negative)
    }

    private static func hasLoss(_ now: BucketRow, _ before: BucketRow) -> Bool {
        var place = 0
        for (index, count) in zip(before.indices, before.counts) where count != 0 {
            while place < now.indices.count, now.indices[place] < index { place += 1 }
            guard place < now.indices.count, now.indices[place] == index, now.counts[place] >= count else {
                return true
            }
        }
        return false
    }
}
