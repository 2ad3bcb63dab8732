import Series

// Adding two histograms of different layout. Exponential ones are brought to the coarser schema and to the wider zero bucket;
// ones with bounds by hand to the bounds that both have. An exponential one and one with bounds by hand cannot be added.

/// The two histograms have buckets that no common layout holds.
struct IncompatibleSchemas: Error {}

/// What a query should be told of an addition.
struct CombiningNotes {
    /// One says that the counter was reset before it, the other that it was not.
    var hasHintCollision = false
    /// Bounds by hand differed.
    var hasReconciledBounds = false
}

extension Histogram {
    mutating func add(_ other: Histogram) throws(IncompatibleSchemas) -> CombiningNotes { try combine(other, 1) }
    mutating func subtract(_ other: Histogram) throws(IncompatibleSchemas) -> CombiningNotes { try combine(other, -1) }

    private mutating func combine(_ other: Histogram, _ factor: Double) throws(IncompatibleSchemas) -> CombiningNotes {
        var notes = CombiningNotes()
        guard isCustom == other.isCustom else { throw IncompatibleSchemas() }
        notes.hasHintCollision = mergeHint(other.hint)
        var other = other
        notes.hasReconciledBounds = reconcileLayout(with: &other)
        zeroCount += factor * other.zeroCount
        count += factor * other.count
        sum += factor * other.sum
        positive = positive.adding(other.positive, factor: factor)
        negative = negative.adding(other.negative, factor: factor)
        return notes
    }

    /// - Returns: whether the hints contradict each other.
    mutating func mergeHint(_ other: NativeHistogram.ResetHint) -> Bool {
        switch (hint, other) {
        case _ where hint == other: return false
        case (.gauge, _), (_, .gauge): hint = .gauge
        case (.unknown, _), (_, .unknown): hint = .unknown
        default:
            hint = .unknown
            return true
        }
        return false
    }

    /// Brings both to one layout. Both are exponential or both have bounds by hand.
    /// - Returns: whether bounds by hand differed.
    mutating func reconcileLayout(with other: inout Histogram) -> Bool {
        if isCustom {
            guard bounds != other.bounds else { return false }
            let common = commonBounds(bounds, other.bounds)
            self = rebounded(to: common)
            other = other.rebounded(to: common)
            return true
        }
        // Not `!=`: a threshold that is no number would never become equal.
        while zeroThreshold < other.zeroThreshold || zeroThreshold > other.zeroThreshold {
            if zeroThreshold < other.zeroThreshold {
                widenZeroBucket(to: other.zeroThreshold)
            } else {
                other.widenZeroBucket(to: zeroThreshold)
            }
        }
        let target = min(schema, other.schema)
        self = reduced(to: target)
        other = other.reduced(to: target)
        return false
    }

    /// Merges the buckets below `threshold` into the zero bucket. Where the threshold falls into a populated bucket, that
    /// bucket is swallowed whole and the zero bucket ends where it ends.
    mutating func widenZeroBucket(to threshold: Double) {
        let (total, reached) = zeroBucket(widenedTo: threshold)
        zeroCount = total
        zeroThreshold = reached
        positive = beyond(positive, reached)
        negative = beyond(negative, reached)
    }

    /// What the zero bucket would hold, and where it would end.
    func zeroBucket(widenedTo threshold: Double) -> (count: Double, threshold: Double) {
        guard threshold > zeroThreshold else { return (zeroCount, zeroThreshold) }
        var threshold = threshold
        while true {
            var total = zeroCount
            let before = threshold
            for row in [positive, negative] {
                for (index, count) in zip(row.indices, row.counts) where count != 0 {
                    if bound(index - 1) >= threshold { break }
                    total += count
                    threshold = max(threshold, bound(index))
                }
            }
            // The negative side may have moved the threshold past more of the positive one.
            if threshold == before { return (total, threshold) }
        }
    }

    private func beyond(_ row: BucketRow, _ threshold: Double) -> BucketRow {
        var kept = BucketRow()
        for (index, count) in zip(row.indices, row.counts) where bound(index - 1) >= threshold {
            kept.append(index, count)
        }
        return kept
    }

    /// The upper bound of the bucket `index` on the positive side.
    func bound(_ index: Int) -> Double {
        isCustom
            ? NativeHistogram.customBound(index, bounds) : NativeHistogram.bound(of: index, schema: Int8(schema))
    }

    /// With only those bounds by hand that are in `common`, a subset of its own.
    func rebounded(to common: [Double]) -> Histogram {
        guard bounds != common else { return self }
        var result = self
        result.bounds = common
        result.positive = positive.reindexed { index in
            let upper = NativeHistogram.customBound(index, bounds)
            return common.firstIndex { $0 >= upper } ?? common.count
        }
        return result
    }
}

/// The bounds in both of two rising lists.
func commonBounds(_ left: [Double], _ right: [Double]) -> [Double] {
    var common: [Double] = []
    var (i, j) = (0, 0)
    while i < left.count, j < right.count {
        if left[i] == right[j] {
            common.append(left[i])
            (i, j) = (i + 1, j + 1)
        } else if left[i] < right[j] {
            i += 1
        } else {
            j += 1
        }
    }
    return common
}
