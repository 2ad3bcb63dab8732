public import Series

// The protobuf exposition: a stream of `io.prometheus.client.MetricFamily`, each behind its length
// (<https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>). Native histograms, and the times when
// counters were created, are only to be had in this format.

/// A metric with all its label sets, as the protobuf exposition has it.
public struct MetricFamily: Sendable, Hashable {
    public var name: String
    public var help: String
    public var type: MetricType
    public var unit: String
    public var metrics: [Metric]

    public init(name: String, help: String = "", type: MetricType = .untyped, unit: String = "", metrics: [Metric] = [])
    {
        self.name = name
        self.help = help
        self.type = type
        self.unit = unit
        self.metrics = metrics
    }

    public struct Metric: Sendable, Hashable {
        /// Without the family's name.
        public var labels: Labels
        public var value: Value
        /// Milliseconds since the epoch, where the source gave one.
        public var timestamp: Int64?
        /// When counting began, in milliseconds since the epoch.
        public var createdTime: Int64?
        /// Of a counter or a native histogram.
        public var exemplars: [Example]

        public init(
            labels: Labels, value: Value, timestamp: Int64? = nil, createdTime: Int64? = nil, exemplars: [Example] = []
        ) {
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
            self.createdTime = createdTime
            self.exemplars = exemplars
        }
    }

    public enum Value: Sendable, Hashable {
        /// Of a counter, a gauge, or what has no type.
        case number(Double)
        case summary(count: Double, sum: Double, quantiles: [Quantile])
        /// The classic buckets and the native histogram, either of which may be missing.
        case histogram(count: Double, sum: Double, buckets: [Bucket], native: NativeHistogram?)
    }

    public struct Quantile: Sendable, Hashable {
        public var quantile: Double
        public var value: Double

        public init(_ quantile: Double, _ value: Double) {
            self.quantile = quantile
            self.value = value
        }
    }

    public struct Bucket: Sendable, Hashable {
        public var upperBound: Double
        public var cumulativeCount: Double
        public var exemplar: Example?

        public init(_ upperBound: Double, _ cumulativeCount: Double, exemplar: Example? = nil) {
            self.upperBound = upperBound
            self.cumulativeCount = cumulativeCount
            self.exemplar = exemplar
        }
    }

    public struct Example: Sendable, Hashable {
        public var labels: Labels
        public var value: Double
        public var timestamp: Int64?

        public init(labels: Labels, value: Double, timestamp: Int64? = nil) {
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
        }
    }
}
