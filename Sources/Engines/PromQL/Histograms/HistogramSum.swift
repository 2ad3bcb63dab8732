import Series

// Sums and means of many histograms. Each count has its own correction of rounding errors (Neumaier's, as for numbers), so
// that the result does not depend on the order. The corrections lie beside the total in rows of the same indices and follow it
// when its layout becomes coarser.

struct HistogramSum {
    private(set) var total: Histogram
    private var corrections: Histogram
    private(set) var notes = CombiningNotes()
    private(set) var seesReset = false
    private(set) var seesNotReset = false
    private var members = 1.0

    init(_ first: Histogram) {
        total = first
        corrections = first.multiplied(by: 0)
        corrections.sum = 0
        corrections.count = 0
        corrections.zeroCount = 0
        corrections.positive.scale { _ in 0 }
        corrections.negative.scale { _ in 0 }
        see(first.hint)
    }

    private mutating func see(_ hint: NativeHistogram.ResetHint) {
        if hint == .reset { seesReset = true }
        if hint == .notReset { seesNotReset = true }
    }

    /// Whether some member says that the counter was reset and another that it was not.
    var hasHintCollision: Bool { seesReset && seesNotReset }

    mutating func add(_ histogram: Histogram) throws(IncompatibleSchemas) {
        guard histogram.isCustom == total.isCustom else { throw IncompatibleSchemas() }
        see(histogram.hint)
        members += 1
        _ = total.mergeHint(histogram.hint)
        var other = histogram
        if total.reconcileLayout(with: &other) { notes.hasReconciledBounds = true }
        follow()
        Self.add(other.count, &total.count, &corrections.count)
        Self.add(other.sum, &total.sum, &corrections.sum)
        Self.add(other.zeroCount, &total.zeroCount, &corrections.zeroCount)
        Self.add(other.positive, &total.positive, &corrections.positive)
        Self.add(other.negative, &total.negative, &corrections.negative)
    }

    /// Gives the corrections the layout of the total.
    private mutating func follow() {
        if total.isCustom {
            corrections = corrections.rebounded(to: total.bounds)
        } else {
            // Before the schema, since the threshold lies on a bound of the finer one.
            if corrections.zeroThreshold < total.zeroThreshold { corrections.absorb(upTo: total.zeroThreshold) }
            corrections = corrections.reduced(to: total.schema)
        }
    }

    private static func add(_ value: Double, _ total: inout Double, _ correction: inout Double) {
        var sum = CompensatedSum(total)
        sum.correction = correction
        sum.add(value)
        total = sum.sum
        correction = sum.correction
    }

    private static func add(_ row: BucketRow, _ total: inout BucketRow, _ correction: inout BucketRow) {
        if total.indices != row.indices || correction.indices != total.indices {
            let empty = BucketRow(indices: row.indices, counts: row.counts.map { _ in 0 })
            total = total.adding(empty)
            let blank = BucketRow(indices: total.indices, counts: total.counts.map { _ in 0 })
            correction = blank.adding(correction)
        }
        var place = 0
        for (index, count) in zip(row.indices, row.counts) {
            while total.indices[place] < index { place += 1 }
            add(count, &total.counts[place], &correction.counts[place])
        }
    }

    /// The sum, corrected.
    var sum: Histogram { corrected(total) }

    private func corrected(_ total: Histogram) -> Histogram {
        var result = total
        func mend(_ value: Double, _ correction: Double) -> Double { value.isInfinite ? value : value + correction }
        result.count = mend(total.count, corrections.count)
        result.sum = mend(total.sum, corrections.sum)
        result.zeroCount = mend(total.zeroCount, corrections.zeroCount)
        result.positive = Self.corrected(total.positive, corrections.positive)
        result.negative = Self.corrected(total.negative, corrections.negative)
        result.compact()
        return result
    }

    private static func corrected(_ row: BucketRow, _ corrections: BucketRow) -> BucketRow {
        guard row.indices == corrections.indices else { return row.adding(corrections) }
        var row = row
        for place in row.counts.indices where row.counts[place].isFinite {
            row.counts[place] += corrections.counts[place]
        }
        return row
    }

    /// The mean of all members, or nil when the sum ran out of the range of numbers.
    var mean: Histogram? {
        let whole = sum
        let hasOverflow =
            whole.count.isInfinite || whole.sum.isInfinite || whole.zeroCount.isInfinite
            || whole.positive.counts.contains(where: \.isInfinite)
            || whole.negative.counts.contains(where: \.isInfinite)
        return hasOverflow ? nil : whole.divided(by: members)
    }

    /// The mean, built up step by step so that no sum can run out of range.
    static func runningMean(_ members: [Histogram]) throws(IncompatibleSchemas) -> Histogram {
        var mean = members[0]
        for (index, member) in members.enumerated().dropFirst() {
            let weight = Double(index + 1)
            mean = mean.multiplied(by: (weight - 1) / weight)
            _ = try mean.add(member.divided(by: weight))
        }
        mean.compact()
        return mean
    }
}

extension Histogram {
    /// Merges what lies below `threshold`, which is a bound of a bucket, into the zero bucket, populated or not.
    fileprivate mutating func absorb(upTo threshold: Double) {
        for side in [\Histogram.positive, \Histogram.negative] {
            var kept = BucketRow()
            for (index, count) in zip(self[keyPath: side].indices, self[keyPath: side].counts) {
                if bound(index - 1) >= threshold { kept.append(index, count) } else { zeroCount += count }
            }
            self[keyPath: side] = kept
        }
        zeroThreshold = threshold
    }
}
