import Series

// OpenTelemetry's bucket i covers (base^i, base^(i+1)], Prometheus' bucket i covers (base^(i-1), base^i], with the same base
// 2^(2^-scale): the indices differ by one. Scales above 8, which Prometheus does not have, are halved until they fit: two neighbouring buckets
// become one each time.

extension NativeHistogram {
    /// Nil where an index does not fit.
    init?(_ other: OTLPExponential) {
        let halvings = max(0, other.scale - 8)
        guard halvings < 32 else { return nil }
        self.init(schema: Int8(other.scale - halvings))
        zeroThreshold = other.zeroThreshold > 0 ? other.zeroThreshold : 1e-128
        zeroCount = Double(other.zeroCount)
        count = Double(other.count)
        sum = other.sum ?? 0
        guard let positive = Self.runs(other.positive, halvings), let negative = Self.runs(other.negative, halvings)
        else { return nil }
        (positiveSpans, positiveBuckets) = positive
        (negativeSpans, negativeBuckets) = negative
    }

    private static func runs(
        _ buckets: OTLPExponential.Buckets, _ halvings: Int64
    ) -> (spans: [Span], buckets: [Double])? {
        guard buckets.offset.magnitude <= 1 << 30, buckets.counts.count <= 1 << 20 else { return nil }
        var merged: [(index: Int64, count: UInt64)] = []
        for (place, count) in buckets.counts.enumerated() where count > 0 {
            let index = (buckets.offset + Int64(place)) >> halvings + 1
            if merged.last?.index == index {
                merged[merged.count - 1].count &+= count
            } else {
                merged.append((index, count))
            }
        }
        var spans: [Span] = []
        var counts: [Double] = []
        var next: Int64 = 0
        for (index, count) in merged {
            // Two empty buckets cost less than another span.
            if !spans.isEmpty, index - next <= 2 {
                for _ in next..<index { counts.append(0) }
                spans[spans.count - 1].length += UInt32(index - next) + 1
            } else {
                spans.append(Span(offset: Int32(spans.isEmpty ? index : index - next), length: 1))
            }
            counts.append(Double(count))
            next = index + 1
        }
        return (spans, counts)
    }
}
