import Series
import Units

extension MetricFamily {
    /// Puts the samples of a family together again: buckets, sum and count of one label set are one histogram.
    init(_ metadata: MetricMetadata, _ rows: [SampleBatch.Row]) {
        self.init(name: metadata.name, help: metadata.help, type: metadata.type, unit: metadata.unit)
        let isHistogram = metadata.type == .histogram || metadata.type == .gaugeHistogram
        var places: [Labels: Int] = [:]
        for row in rows {
            let time = row.timestamp?.millisecondsSinceEpoch
            var labels = row.labels
            let suffix = labels.name.dropFirst(name.count)
            labels[Labels.metricName] = nil
            guard isHistogram || metadata.type == .summary else {
                metrics.append(Metric(labels: labels, value: .number(row.value), timestamp: time))
                continue
            }
            if isHistogram { labels["le"] = nil } else { labels["quantile"] = nil }
            let empty: Value =
                isHistogram
                ? .histogram(count: 0, sum: 0, buckets: [], native: nil) : .summary(count: 0, sum: 0, quantiles: [])
            let place = places[labels] ?? metrics.count
            if place == metrics.count {
                places[labels] = place
                metrics.append(Metric(labels: labels, value: empty, timestamp: time))
            }
            metrics[place].value.take(row, String(suffix))
        }
    }
}

extension MetricFamily.Value {
    fileprivate mutating func take(_ row: SampleBatch.Row, _ suffix: String) {
        func bound(_ label: String) -> Double { row.labels[label].flatMap { parseNumber(Array($0.utf8)[...]) } ?? .nan }
        switch self {
        case .number: break
        case .summary(let count, let sum, let quantiles):
            switch suffix {
            case "_count": self = .summary(count: row.value, sum: sum, quantiles: quantiles)
            case "_sum": self = .summary(count: count, sum: row.value, quantiles: quantiles)
            default:
                let quantile = MetricFamily.Quantile(bound("quantile"), row.value)
                self = .summary(count: count, sum: sum, quantiles: quantiles + [quantile])
            }
        case .histogram(let count, let sum, let buckets, let native):
            switch suffix {
            case "_count", "_gcount":
                self = .histogram(count: row.value, sum: sum, buckets: buckets, native: native)
            case "_sum", "_gsum":
                self = .histogram(count: count, sum: row.value, buckets: buckets, native: native)
            case "_bucket":
                let bucket = MetricFamily.Bucket(bound("le"), row.value)
                self = .histogram(count: count, sum: sum, buckets: buckets + [bucket], native: native)
            default:
                self = .histogram(
                    count: row.histogram?.count ?? count, sum: row.histogram?.sum ?? sum, buckets: buckets,
                    native: row.histogram)
            }
        }
    }
}
