import Glibc
import Series

// `h </ 5` keeps the observations up to 5, `h >/ 5` those from 5 on. A bucket that the limit cuts keeps the share that
// interpolation gives it. When anything goes, count and sum are worked out anew from what stays: each kept part counts at its
// middle, the geometric one for exponential buckets.

extension Histogram {
    /// - Parameter keepsBelow: `</`; otherwise `>/`.
    func trimmed(at limit: Double, keepsBelow: Bool) -> Histogram {
        var result = self
        var kept = Kept()
        result.positive = trimmed(positive, isPositive: true, limit, keepsBelow, &kept)
        result.negative = trimmed(negative, isPositive: false, limit, keepsBelow, &kept)
        if zeroCount > 0 {
            let (count, middle) = trimmedZeroBucket(limit, keepsBelow)
            if count != zeroCount { kept.hasTrimmed = true }
            result.zeroCount = count
            kept.count += count
            if count != 0 { kept.sum += middle * count }
        }
        guard kept.hasTrimmed else { return self }
        result.count = kept.count
        result.sum = kept.sum
        result.compact()
        return result
    }

    private struct Kept {
        var count = 0.0
        var sum = 0.0
        var hasTrimmed = false
    }

    private func trimmed(
        _ row: BucketRow, isPositive: Bool, _ limit: Double, _ keepsBelow: Bool, _ kept: inout Kept
    ) -> BucketRow {
        var row = row
        for (place, index) in row.indices.enumerated() where row.counts[place] != 0 {
            let count = row.counts[place]
            let (lower, upper) = isPositive ? (bound(index - 1), bound(index)) : (-bound(index), -bound(index - 1))
            let part: (count: Double, middle: Double)
            if keepsBelow ? upper <= limit : lower >= limit {
                part = (count, middle(lower, upper, isPositive))
            } else if keepsBelow ? lower < limit : upper > limit {
                part = cut(
                    Bucket(lower: lower, upper: upper, count: count, includesLower: true, includesUpper: true), limit,
                    keepsBelow, isPositive)
            } else {
                part = (0, 0)
            }
            if part.count != count { kept.hasTrimmed = true }
            row.counts[place] = part.count
            kept.count += part.count
            if part.count != 0 { kept.sum += part.middle * part.count }
        }
        return row
    }

    /// What stays of a bucket that holds the limit.
    private func cut(_ bucket: Bucket, _ limit: Double, _ keepsBelow: Bool, _ isPositive: Bool)
        -> (count: Double, middle: Double)
    {
        if bucket.lower == -.infinity || bucket.upper == .infinity { return cutUnbounded(bucket, limit, keepsBelow) }
        let share =
            isCustom
            ? (limit - bucket.lower) / (bucket.upper - bucket.lower) : logarithmicShare(of: bucket, below: limit)
        return keepsBelow
            ? (bucket.count * share, middle(bucket.lower, limit, isPositive))
            : (bucket.count * (1 - share), middle(limit, bucket.upper, isPositive))
    }

    /// Of where observations lie in a bucket without an end nothing is known. The lowest one is taken to begin at 0 where it
    /// ends above; otherwise the bucket stays or goes as a whole.
    private func cutUnbounded(_ bucket: Bucket, _ limit: Double, _ keepsBelow: Bool)
        -> (count: Double, middle: Double)
    {
        if bucket.lower == -.infinity {
            let beginsAtZero = bucket.upper > 0 && bucket.upper != .infinity
            if keepsBelow {
                if beginsAtZero, limit > 0 { return (bucket.count * limit / bucket.upper, limit / 2) }
                return bucket.upper <= 0 ? (bucket.count, limit) : (0, 0)
            }
            if beginsAtZero, limit >= 0 {
                return (bucket.count * (1 - limit / bucket.upper), (limit + bucket.upper) / 2)
            }
            return (0, 0)
        }
        return keepsBelow ? (0, 0) : (bucket.count, limit)
    }

    private func trimmedZeroBucket(_ limit: Double, _ keepsBelow: Bool) -> (count: Double, middle: Double) {
        var (lower, upper) = (-zeroThreshold, zeroThreshold)
        if negative.isEmpty, !positive.isEmpty { lower = 0 }
        if positive.isEmpty, !negative.isEmpty { upper = 0 }
        if keepsBelow {
            if limit <= lower, !(limit == lower && lower == upper) { return (0, 0) }
            if limit >= upper { return (zeroCount, (lower + upper) / 2) }
            return (zeroCount * (limit - lower) / (upper - lower), (lower + limit) / 2)
        }
        if limit <= lower { return (zeroCount, (lower + upper) / 2) }
        if limit >= upper { return (0, 0) }
        return (zeroCount * (upper - limit) / (upper - lower), (limit + upper) / 2)
    }

    private func middle(_ lower: Double, _ upper: Double, _ isPositive: Bool) -> Double {
        if lower.isInfinite { return upper.isInfinite ? 0 : upper > 0 ? upper / 2 : upper }
        if upper.isInfinite { return lower }
        if isCustom { return (lower + upper) / 2 }
        let middle = (lower * upper).magnitude.squareRoot()
        return isPositive ? middle : -middle
    }
}
