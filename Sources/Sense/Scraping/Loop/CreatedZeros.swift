import Exposition
import Series
import Units

// A counter that is first seen at 5 has risen by 5 since it was made, and `increase` does not know that: it sees no sample before the first.
// Where a page says when counting began, a sample of 0 at that time tells it, and after a restart of the target it marks the reset where
// it happened. Protocol buffers carry the time beside the value; OpenMetrics has a line `…_created` of its own, which stands for nothing
// else and is not stored then.
//
// Prometheus calls it `created-timestamp-zero-ingestion`.

/// Zeros that a page's series began with.
struct CreatedZeros {
    /// The time in milliseconds since the epoch, by the labels that the page gives.
    private(set) var times: [Labels: Int64] = [:]

    init() {}

    /// - Parameter page: what `families` became.
    init(_ families: [MetricFamily], at now: Timestamp) {
        for family in families {
            for metric in family.metrics {
                guard let created = metric.createdTime else { continue }
                var alone = family
                alone.metrics = [metric]
                for row in SampleBatch([alone], at: now).rows { times[row.labels] = created }
                times[Self.key(metric.labels, family.name)] = created
            }
        }
    }

    /// Takes the lines `…_created` out of a page of OpenMetrics.
    init(takingFrom page: inout SampleBatch) {
        var begun: [Labels: Int64] = [:]
        page.rows.removeAll { row in
            guard let family = row.labels.name.withoutSuffix("_created"),
                [.counter, .histogram, .summary].contains(page.metadata[family]?.type), row.value.isFinite,
                row.value.magnitude < 9e12
            else { return false }
            begun[Self.key(row.labels, family)] = Int64((row.value * 1000).rounded())
            return true
        }
        guard !begun.isEmpty else { return }
        // Under the family's name stands what its classic buckets may be converted to.
        times = begun
        for row in page.rows {
            let name = row.labels.name
            let family = ["_total", "_bucket", "_count", "_sum"].lazy.compactMap { name.withoutSuffix($0) }.first
            if let created = begun[Self.key(row.labels, family ?? name)] { times[row.labels] = created }
        }
    }

    /// What all series of one metric have in common.
    private static func key(_ labels: Labels, _ family: String) -> Labels {
        var key = labels.dropping(["le", "quantile"])
        key[Labels.metricName] = family
        return key
    }
}

extension SampleBatch.Row {
    /// The same series with nothing counted yet.
    func beginning(at time: Timestamp) -> Self {
        guard let histogram else { return .init(labels: labels, value: 0, timestamp: time) }
        var empty = NativeHistogram(schema: histogram.schema)
        empty.zeroThreshold = histogram.zeroThreshold
        empty.customBounds = histogram.customBounds
        empty.resetHint = .reset
        return .init(labels: labels, histogram: empty, timestamp: time)
    }
}

extension String {
    fileprivate func withoutSuffix(_ suffix: String) -> String? {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : nil
    }
}
