public import Series
public import Units

extension SampleBatch {
    /// The samples that families stand for: `_bucket`, `_sum`, `_count` of classic histograms, quantiles of summaries, native histograms as
    /// they are. A histogram that has both kinds of buckets gives the native one, as Prometheus reads it by default.
    public init(_ families: [MetricFamily], at timestamp: Timestamp) {
        self.init(at: timestamp)
        for family in families {
            metadata[family.name] = MetricMetadata(family.name, family.type, family.help, unit: family.unit)
            for metric in family.metrics { add(metric, of: family.name) }
        }
    }

    private mutating func add(_ metric: MetricFamily.Metric, of name: String) {
        let time = metric.timestamp.map(Timestamp.init(millisecondsSinceEpoch:))
        func labels(_ suffix: String, _ more: (String, Double)? = nil) -> Labels {
            var labels = metric.labels
            labels[Labels.metricName] = name + suffix
            if let more { labels[more.0] = openMetricsNumber(more.1) }
            return labels
        }
        switch metric.value {
        case .number(let value):
            rows.append(.init(labels: labels(""), value: value, timestamp: time))
            add(metric.exemplars, labels(""))
        case .summary(let count, let sum, let quantiles):
            rows.append(.init(labels: labels("_count"), value: count, timestamp: time))
            rows.append(.init(labels: labels("_sum"), value: sum, timestamp: time))
            for quantile in quantiles {
                rows.append(
                    .init(labels: labels("", ("quantile", quantile.quantile)), value: quantile.value, timestamp: time))
            }
        case .histogram(_, _, let buckets, let native?):
            rows.append(.init(labels: labels(""), histogram: native, timestamp: time))
            // Clients that know no exemplars of native histograms have them at the classic buckets.
            add(metric.exemplars.isEmpty ? buckets.compactMap(\.exemplar) : metric.exemplars, labels(""))
        case .histogram(let count, let sum, let buckets, nil):
            rows.append(.init(labels: labels("_count"), value: count, timestamp: time))
            rows.append(.init(labels: labels("_sum"), value: sum, timestamp: time))
            for bucket in buckets {
                let series = labels("_bucket", ("le", bucket.upperBound))
                rows.append(.init(labels: series, value: bucket.cumulativeCount, timestamp: time))
                if let exemplar = bucket.exemplar { add([exemplar], series) }
            }
            if buckets.last?.upperBound != .infinity {
                rows.append(.init(labels: labels("_bucket", ("le", .infinity)), value: count, timestamp: time))
            }
        }
    }

    private mutating func add(_ examples: [MetricFamily.Example], _ series: Labels) {
        for example in examples {
            exemplars.append(
                Exemplar(series: series, labels: example.labels, value: example.value, timestamp: example.timestamp))
        }
    }
}
