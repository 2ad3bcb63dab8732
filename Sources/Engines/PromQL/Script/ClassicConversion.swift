import Series

// `load_with_nhcb`: what a classic histogram says in the series `x_bucket`, `x_count` and `x_sum` becomes one native histogram
// `x` whose bounds are those of the buckets.

/// The native histograms that the classic ones among `definitions` amount to, with the index of each sample.
func convertedClassic(_ definitions: [QueryScript.Definition])
    -> [(labels: Labels, samples: [(index: Int, value: SampleValue)])]
{
    struct Parts {
        /// Accumulated counts by upper bound.
        var buckets: [(bound: Double, count: Double)] = []
        var count: Double?
        var sum = 0.0
    }
    var order: [Labels] = []
    var histograms: [Labels: [Int: Parts]] = [:]
    for definition in definitions {
        let name = definition.labels.name
        guard let suffix = ["_bucket", "_count", "_sum"].first(where: name.hasSuffix) else { continue }
        var labels = definition.labels
        labels[Labels.metricName] = String(name.dropLast(suffix.count))
        var bound = 0.0
        if suffix == "_bucket" {
            guard let parsed = parsedBound(labels["le"] ?? ""), !parsed.isNaN else { continue }
            bound = parsed
            labels["le"] = nil
        }
        if histograms[labels] == nil { order.append(labels) }
        for (index, value) in definition.values.enumerated() {
            guard case .number(let number) = value, !number.isStaleMarker else { continue }
            var parts = histograms[labels, default: [:]][index] ?? Parts()
            switch suffix {
            case "_bucket": parts.buckets.append((bound, number))
            case "_count": parts.count = number
            default: parts.sum = number
            }
            histograms[labels, default: [:]][index] = parts
        }
    }
    return order.map { labels in
        let samples = histograms[labels, default: [:]].sorted { $0.key < $1.key }.map { index, parts in
            var histogram = Histogram(schema: Int(NativeHistogram.customBucketsSchema))
            let buckets = parts.buckets.sorted { $0.bound < $1.bound }
            histogram.bounds = buckets.map(\.bound).filter { $0 != .infinity }
            histogram.sum = parts.sum
            histogram.count = parts.count ?? buckets.last?.count ?? 0
            var below = 0.0
            for (place, bucket) in buckets.enumerated() {
                let count = bucket.count - below
                if count != 0 { histogram.positive.append(place, count) }
                below = bucket.count
            }
            if buckets.last?.bound != .infinity, histogram.count > below {
                histogram.positive.append(buckets.count, histogram.count - below)
            }
            return (index, SampleValue.histogram(histogram))
        }
        return (labels, samples)
    }
}
