import Glibc
import Series

// What is read off a native histogram. Within an exponential bucket observations are taken to be spread evenly on a
// logarithmic scale; within the zero bucket and within buckets of bounds by hand evenly on a linear one.
// <https://prometheus.io/docs/specs/native_histograms/#interpolation-within-a-bucket>

extension Histogram {
    struct Bucket {
        var lower: Double
        var upper: Double
        var count: Double
        var includesLower: Bool
        var includesUpper: Bool
    }

    /// From the lowest to the highest; the zero bucket only where it is populated. No bucket reaches into the zero bucket.
    var allBuckets: [Bucket] {
        var list: [Bucket] = []
        for (index, count) in zip(negative.indices, negative.counts).reversed() {
            let inner = -bound(index - 1)
            list.append(
                Bucket(
                    lower: -bound(index), upper: inner < 0 ? min(inner, -zeroThreshold) : inner, count: count,
                    includesLower: true, includesUpper: false))
        }
        if zeroCount > 0 {
            list.append(
                Bucket(
                    lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount, includesLower: true,
                    includesUpper: true))
        }
        for (index, count) in zip(positive.indices, positive.counts) {
            let inner = bound(index - 1)
            list.append(
                Bucket(
                    lower: inner > 0 ? max(inner, zeroThreshold) : inner, upper: bound(index), count: count,
                    includesLower: isCustom && index == 0, includesUpper: true))
        }
        return list
    }

    /// The bounds within which a bucket around zero can have observations, where only one side has any.
    private func narrowed(_ bucket: Bucket) -> Bucket {
        var bucket = bucket
        if negative.isEmpty, !positive.isEmpty { bucket.lower = 0 }
        if positive.isEmpty, !negative.isEmpty { bucket.upper = 0 }
        return bucket
    }

    /// NaN observations are counted but in no bucket; the sum gives them away.
    var hasNaNObservations: Bool { sum.isNaN }

    enum QuantileNote { case none, resultIsNaN, skewedHigher }

    func quantile(_ phi: Double) -> (value: Double, note: QuantileNote) {
        if phi.isNaN { return (.nan, .none) }
        if phi < 0 { return (-.infinity, .none) }
        if phi > 1 { return (.infinity, .none) }
        guard count != 0 else { return (.nan, .none) }
        // From the nearer end, so that rounding of the counts on the way does least harm. NaN observations count as the highest.
        let isForward = hasNaNObservations || phi < 0.5
        let buckets = allBuckets.filter { $0.count != 0 }
        var rank = isForward ? phi * count : (1 - phi) * count
        var reached = 0.0
        var found = Bucket(lower: 0, upper: 0, count: 0, includesLower: true, includesUpper: true)
        for offset in buckets.indices {
            found = buckets[isForward ? offset : buckets.count - 1 - offset]
            reached += found.count
            if reached >= rank { break }
        }
        if isCustom {
            if found.lower == -.infinity {
                if found.upper <= 0 { return (found.upper, .none) }
                found.lower = 0
            } else if found.upper == .infinity {
                return (found.lower, .none)
            }
        } else if found.lower < 0, found.upper > 0 {
            found = narrowed(found)
        }
        reached = min(reached, count)
        if reached < rank {
            return (.nan, hasNaNObservations ? .resultIsNaN : .none)
        }
        rank = isForward ? rank - (reached - found.count) : reached - rank
        let note = hasNaNObservations && !isCustom ? QuantileNote.skewedHigher : .none
        return (interpolated(found, rank / found.count), note)
    }

    private func interpolated(_ bucket: Bucket, _ fraction: Double) -> Double {
        if isCustom || (bucket.lower <= 0 && bucket.upper >= 0) {
            return bucket.lower + (bucket.upper - bucket.lower) * fraction
        }
        let lower = log2(bucket.lower.magnitude)
        let upper = log2(bucket.upper.magnitude)
        if bucket.lower > 0 { return exp2(lower + (upper - lower) * fraction) }
        return -exp2(upper + (lower - upper) * (1 - fraction))
    }

    /// The share of all observations between the two values.
    func fraction(_ lower: Double, _ upper: Double) -> Double {
        guard count != 0, !lower.isNaN, !upper.isNaN else { return .nan }
        if lower >= upper { return 0 }
        let buckets = allBuckets
        let inBuckets = hasNaNObservations ? buckets.reduce(0) { $0 + $1.count } : count
        /// How many observations lie below `value`.
        func rank(_ value: Double) -> Double {
            var rank = 0.0
            for whole in buckets {
                let isAroundZero = whole.lower <= 0 && whole.upper >= 0
                let bucket = isAroundZero ? narrowed(whole) : whole
                if bucket.lower >= value { return rank }
                if bucket.upper > value {
                    if isCustom || isAroundZero {
                        // Nothing is known of where observations lie in a bucket without a lower end.
                        if bucket.lower == -.infinity { return bucket.count }
                        return rank + bucket.count * (value - bucket.lower) / (bucket.upper - bucket.lower)
                    }
                    return rank + bucket.count * logarithmicShare(of: bucket, below: value)
                }
                rank += bucket.count
            }
            return inBuckets
        }
        return (min(rank(upper), inBuckets) - min(rank(lower), inBuckets)) / count
    }

    func logarithmicShare(of bucket: Bucket, below value: Double) -> Double {
        let lower = log2(bucket.lower.magnitude)
        let upper = log2(bucket.upper.magnitude)
        let place = log2(value.magnitude)
        return value > 0 ? (place - lower) / (upper - lower) : 1 - (place - upper) / (lower - upper)
    }

    /// Of the population, each observation taken at the middle of its bucket.
    var variance: Double {
        let mean = sum / count
        var total = CompensatedSum()
        for bucket in allBuckets where bucket.count != 0 {
            let value: Double
            if isCustom {
                value = (bucket.upper + bucket.lower) / 2
            } else if bucket.lower <= 0, bucket.upper >= 0 {
                value = 0
            } else {
                let middle = (bucket.upper * bucket.lower).squareRoot()
                value = bucket.upper < 0 ? -middle : middle
            }
            total.add(bucket.count * (value - mean) * (value - mean))
        }
        return (total.sum + total.correction) / count
    }

    /// `{count:3, sum:5, (0.5,1]:1, (1,2]:2}`: what `count_values` makes of a histogram.
    var text: String {
        var parts = ["count:\(goGeneral(count))", "sum:\(goGeneral(sum))"]
        for bucket in allBuckets where bucket.count != 0 {
            parts.append(
                "\(bucket.includesLower ? "[" : "(")\(goGeneral(bucket.lower)),\(goGeneral(bucket.upper))"
                    + "\(bucket.includesUpper ? "]" : ")"):\(goGeneral(bucket.count))")
        }
        return "{\(parts.joined(separator: ", "))}"
    }
}
