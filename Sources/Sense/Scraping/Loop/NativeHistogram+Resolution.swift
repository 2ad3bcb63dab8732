import Glibc
import Series

extension NativeHistogram {
    var bucketCount: Int { positiveBuckets.count + negativeBuckets.count }

    /// How much larger each bound is than the one before.
    var growthFactor: Double { exp2(exp2(-Double(schema))) }

    /// The same observations at half the resolution: two neighbouring buckets become one. Bucket i of schema n lies in bucket
    /// ⌈i/2⌉ of schema n-1, since the upper bound 2^(i·2^-n) stays one where i is even.
    func halved() -> NativeHistogram {
        var coarse = self
        coarse.schema -= 1
        (coarse.positiveSpans, coarse.positiveBuckets) = Self.merged(positiveSpans, positiveBuckets)
        (coarse.negativeSpans, coarse.negativeBuckets) = Self.merged(negativeSpans, negativeBuckets)
        return coarse
    }

    private static func merged(_ spans: [Span], _ buckets: [Double]) -> ([Span], [Double]) {
        var merged: [(index: Int32, count: Double)] = []
        var index: Int32 = 0
        var place = 0
        for span in spans {
            index += span.offset
            for _ in 0..<span.length {
                // Rounds up for negative indices too.
                let target = (index + 1) >> 1
                if merged.last?.index == target {
                    merged[merged.count - 1].count += buckets[place]
                } else {
                    merged.append((target, buckets[place]))
                }
                place += 1
                index += 1
            }
        }
        var newSpans: [Span] = []
        var next: Int32 = 0
        for bucket in merged {
            if bucket.index == next, !newSpans.isEmpty {
                newSpans[newSpans.count - 1].length += 1
            } else {
                newSpans.append(Span(offset: bucket.index - next, length: 1))
            }
            next = bucket.index + 1
        }
        return (newSpans, merged.map(\.count))
    }
}
