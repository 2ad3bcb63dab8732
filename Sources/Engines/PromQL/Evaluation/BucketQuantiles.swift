// Quantiles and fractions of classic histograms: cumulative counts by upper bound (`le`). Within a bucket observations are
// taken to be spread evenly; the lowest bucket begins at 0 unless its bound is negative.
// <https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile>

struct Bucket {
    var upperBound: Double
    var count: Double
}

/// Sorted, buckets of equal bound added up.
private func arranged(_ unsorted: [Bucket]) -> [Bucket] {
    var buckets: [Bucket] = []
    for bucket in unsorted.sorted(by: { $0.upperBound < $1.upperBound }) {
        if let last = buckets.last, last.upperBound == bucket.upperBound {
            buckets[buckets.count - 1].count += bucket.count
        } else {
            buckets.append(bucket)
        }
    }
    return buckets
}

/// - Returns: the quantile, and whether counts fell from one bucket to the next by more than rounding and had to be raised.
func bucketQuantile(_ phi: Double, _ unsorted: [Bucket]) -> (value: Double, wasForced: Bool) {
    if phi.isNaN { return (.nan, false) }
    if phi < 0 { return (-.infinity, false) }
    if phi > 1 { return (.infinity, false) }
    var buckets = arranged(unsorted)
    guard let top = buckets.last, top.upperBound == .infinity else { return (.nan, false) }
    let wasForced = makeMonotonic(&buckets)
    guard buckets.count >= 2 else { return (.nan, wasForced) }
    let observations = buckets.last!.count
    if observations == 0 { return (.nan, wasForced) }
    var rank = phi * observations
    let place = buckets.dropLast().firstIndex { $0.count >= rank } ?? buckets.count - 1
    if place == buckets.count - 1 { return (buckets[buckets.count - 2].upperBound, wasForced) }
    if place == 0 && buckets[0].upperBound <= 0 { return (buckets[0].upperBound, wasForced) }
    var lower = 0.0
    var count = buckets[place].count
    if place > 0 {
        lower = buckets[place - 1].upperBound
        count -= buckets[place - 1].count
        rank -= buckets[place - 1].count
    }
    return (lower + (buckets[place].upperBound - lower) * (rank / count), wasForced)
}

/// Differences of 1 in 10^12 come from adding floating-point numbers in another order and are mended in silence.
private func makeMonotonic(_ buckets: inout [Bucket]) -> Bool {
    var wasForced = false
    var previous = buckets[0].count
    for index in 1..<max(1, buckets.count) {
        let current = buckets[index].count
        if current == previous { continue }
        let isNearlyEqual = (current - previous).magnitude / (current.magnitude + previous.magnitude) < 1e-12
        if isNearlyEqual || current < previous {
            buckets[index].count = previous
            if !isNearlyEqual { wasForced = true }
        } else {
            previous = current
        }
    }
    return wasForced
}

/// The share of observations between `lower` and `upper`.
func bucketFraction(_ lower: Double, _ upper: Double, _ unsorted: [Bucket]) -> Double {
    let buckets = arranged(unsorted)
    guard let top = buckets.last, top.upperBound == .infinity, top.count != 0, !lower.isNaN, !upper.isNaN else {
        return .nan
    }
    if lower >= upper { return 0 }
    /// The count of observations below `value`.
    func rank(below value: Double) -> Double {
        var rank = 0.0
        for (index, bucket) in buckets.enumerated() {
            let low = index > 0 ? buckets[index - 1].upperBound : bucket.upperBound > 0 ? 0 : -.infinity
            if low >= value { return rank }
            if bucket.upperBound > value {
                if bucket.upperBound == .infinity { return rank }
                if low == -.infinity { return bucket.count }
                return rank + (bucket.count - rank) * (value - low) / (bucket.upperBound - low)
            }
            rank = bucket.count
        }
        return rank
    }
    return (min(rank(below: upper), top.count) - min(rank(below: lower), top.count)) / top.count
}
