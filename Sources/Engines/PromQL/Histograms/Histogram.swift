import Series

// Native histograms as the evaluator computes with them: each side of zero is a row of populated buckets, index and count,
// sorted by index. Spans exist only where histograms come in and go out. A row without empty buckets is its own normal form, so
// that two histograms of one meaning are equal.
// <https://prometheus.io/docs/specs/native_histograms/>

/// Populated buckets on one side of zero, indices rising.
struct BucketRow: Hashable, Sendable {
    var indices: [Int] = []
    var counts: [Double] = []

    var isEmpty: Bool { indices.isEmpty }

    mutating func append(_ index: Int, _ count: Double) {
        indices.append(index)
        counts.append(count)
    }

    mutating func scale(_ change: (Double) -> Double) {
        for place in counts.indices { counts[place] = change(counts[place]) }
    }

    /// Without empty buckets.
    mutating func compact() {
        guard counts.contains(0) else { return }
        var kept = BucketRow()
        for (index, count) in zip(indices, counts) where count != 0 { kept.append(index, count) }
        self = kept
    }

    /// Both rows added up, the counts of `other` multiplied by `factor` (1 or -1).
    func adding(_ other: BucketRow, factor: Double = 1) -> BucketRow {
        if indices == other.indices {
            return BucketRow(indices: indices, counts: zip(counts, other.counts).map { $0 + factor * $1 })
        }
        var sum = BucketRow()
        var (mine, others) = (0, 0)
        while mine < indices.count || others < other.indices.count {
            let a = mine < indices.count ? indices[mine] : .max
            let b = others < other.indices.count ? other.indices[others] : .max
            var count = 0.0
            if a <= b {
                count += counts[mine]
                mine += 1
            }
            if b <= a {
                count += factor * other.counts[others]
                others += 1
            }
            sum.append(min(a, b), count)
        }
        return sum
    }

    /// The row with the indices that `change` gives; buckets that fall together are added up.
    func reindexed(_ change: (Int) -> Int) -> BucketRow {
        var row = BucketRow()
        for (index, count) in zip(indices, counts) {
            let target = change(index)
            if row.indices.last == target {
                row.counts[row.counts.count - 1] += count
            } else {
                row.append(target, count)
            }
        }
        row.normalise()
        return row
    }

    /// Puts indices that do not rise in order. Sound histograms never need it; ones that came over the wire may be anything.
    mutating func normalise() {
        guard zip(indices, indices.dropFirst()).contains(where: { $0 >= $1 }) else { return }
        var byIndex: [Int: Double] = [:]
        for (index, count) in zip(indices, counts) { byIndex[index, default: 0] += count }
        indices = byIndex.keys.sorted()
        counts = indices.map { byIndex[$0]! }
    }
}

/// A native histogram in the middle of a query.
struct Histogram: Sendable {
    var hint = NativeHistogram.ResetHint.unknown
    var schema: Int
    var zeroThreshold = 0.0
    var zeroCount = 0.0
    var count = 0.0
    var sum = 0.0
    var positive = BucketRow()
    var negative = BucketRow()
    /// Upper bounds given by hand; empty for exponential schemas.
    var bounds: [Double] = []

    init(schema: Int) { self.schema = schema }

    var isCustom: Bool { schema == Int(NativeHistogram.customBucketsSchema) }
    var isGauge: Bool { hint == .gauge }

    mutating func compact() {
        positive.compact()
        negative.compact()
    }

    // MARK: In and out

    init(_ native: NativeHistogram) {
        schema = native.hasCustomBounds ? Int(native.schema) : min(8, max(-4, Int(native.schema)))
        hint = native.resetHint
        zeroThreshold = native.zeroThreshold
        zeroCount = native.zeroCount
        count = native.count
        sum = native.sum
        positive = Self.row(native.positiveSpans, native.positiveBuckets)
        negative = Self.row(native.negativeSpans, native.negativeBuckets)
        bounds = native.customBounds
    }

    private static func row(_ spans: [NativeHistogram.Span], _ counts: [Double]) -> BucketRow {
        var row = BucketRow()
        for (index, count) in NativeHistogram.indexed(spans, counts) where count != 0 { row.append(index, count) }
        row.normalise()
        return row
    }

    /// With spans, empty buckets left out.
    var native: NativeHistogram {
        var native = NativeHistogram(schema: Int8(schema))
        native.resetHint = hint
        native.zeroThreshold = zeroThreshold
        native.zeroCount = zeroCount
        native.count = count
        native.sum = sum
        (native.positiveSpans, native.positiveBuckets) = Self.spans(positive)
        (native.negativeSpans, native.negativeBuckets) = Self.spans(negative)
        native.customBounds = bounds
        return native
    }

    private static func spans(_ row: BucketRow) -> ([NativeHistogram.Span], [Double]) {
        var row = row
        row.compact()
        var spans: [NativeHistogram.Span] = []
        var next = 0
        for index in row.indices {
            if !spans.isEmpty, index == next {
                spans[spans.count - 1].length += 1
            } else {
                spans.append(NativeHistogram.Span(offset: Int32(clamping: index - next), length: 1))
            }
            next = index + 1
        }
        return (spans, row.counts)
    }

    // MARK: Scaling

    /// All counts and the sum times `factor`. What has negative counts is no counter.
    func multiplied(by factor: Double) -> Histogram { scaled(isNegative: factor < 0) { $0 * factor } }

    /// Divided by zero, the buckets are gone and the rest is infinite or NaN.
    func divided(by divisor: Double) -> Histogram {
        var result = scaled(isNegative: divisor < 0) { $0 / divisor }
        if divisor == 0 {
            result.positive = BucketRow()
            result.negative = BucketRow()
        }
        return result
    }

    private func scaled(isNegative: Bool, _ change: (Double) -> Double) -> Histogram {
        var result = self
        result.zeroCount = change(zeroCount)
        result.count = change(count)
        result.sum = change(sum)
        result.positive.scale(change)
        result.negative.scale(change)
        if isNegative { result.hint = .gauge }
        return result
    }

    /// Of coarser resolution; `target` is at most `schema`, both exponential.
    func reduced(to target: Int) -> Histogram {
        guard target < schema else { return self }
        var result = self
        result.schema = target
        let shift = schema - target
        // Bucket i ends at 2^(i·2^-schema): its place on the coarser scale is i/2^shift, rounded up.
        func coarser(_ index: Int) -> Int { ((index - 1) >> shift) + 1 }
        result.positive = positive.reindexed(coarser)
        result.negative = negative.reindexed(coarser)
        return result
    }
}

/// The same observations, whatever is known of resets. Compared to the bit.
extension Histogram: Equatable {
    static func == (left: Histogram, right: Histogram) -> Bool {
        var (a, b) = (left, right)
        a.compact()
        b.compact()
        func same(_ x: Double, _ y: Double) -> Bool { x == y || x.bitPattern == y.bitPattern }
        return a.schema == b.schema && same(a.zeroThreshold, b.zeroThreshold) && same(a.zeroCount, b.zeroCount)
            && same(a.count, b.count) && same(a.sum, b.sum) && a.bounds == b.bounds
            && a.positive.indices == b.positive.indices && a.negative.indices == b.negative.indices
            && zip(a.positive.counts, b.positive.counts).allSatisfy(same)
            && zip(a.negative.counts, b.negative.counts).allSatisfy(same)
    }
}
