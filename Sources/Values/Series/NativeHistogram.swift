/// A native histogram: counts of observations in buckets whose bounds follow from a schema, held as one sample.
///
/// Counts are floating point throughout, as the query language computes with them; integer histograms of the wire are exact up to
/// 2^53. Buckets that are empty at the ends and between the spans are not stored. The model is that of
/// <https://prometheus.io/docs/specs/native_histograms/>.
public struct NativeHistogram: Sendable, Hashable {
    /// A run of neighbouring buckets.
    public struct Span: Sendable, Hashable {
        /// The first span: index of its first bucket. Later spans: the number of buckets left out since the span before, at least 0.
        public var offset: Int32
        /// Number of buckets of the run.
        public var length: UInt32

        public init(offset: Int32, length: UInt32) {
            self.offset = offset
            self.length = length
        }
    }

    /// What is known of the way from the sample before to this one.
    public enum ResetHint: UInt8, Sendable, Hashable {
        /// Whoever reads must compare.
        case unknown
        /// The counter started again.
        case reset
        /// It did not.
        case notReset
        /// It is no counter; counts may fall.
        case gauge
    }

    /// The schema of histograms whose bounds are given by hand, in `customBounds`.
    public static let customBucketsSchema: Int8 = -53

    public var resetHint = ResetHint.unknown
    /// -4…8: bucket i ends at 2^(i·2^-schema). -53: bounds by hand.
    public var schema: Int8
    /// Observations whose magnitude is at most this are in the zero bucket. 0 with bounds by hand.
    public var zeroThreshold = 0.0
    public var zeroCount = 0.0
    /// All observations, NaN ones included.
    public var count = 0.0
    public var sum = 0.0
    public var positiveSpans: [Span] = []
    /// The count of each bucket that the spans name, not accumulated.
    public var positiveBuckets: [Double] = []
    public var negativeSpans: [Span] = []
    public var negativeBuckets: [Double] = []
    /// Upper bounds, rising, without +Inf. Only with `customBucketsSchema`.
    public var customBounds: [Double] = []

    public init(schema: Int8) {
        self.schema = schema
    }
}

/// A native histogram at a place of a series' columns.
public struct HistogramSample: Sendable, Hashable {
    /// Index into `times`; the value there is a NaN without meaning.
    public var index: Int
    public var histogram: NativeHistogram

    public init(index: Int, histogram: NativeHistogram) {
        self.index = index
        self.histogram = histogram
    }
}

/// One observation kept as an example for its series, as OpenMetrics defines it: most often it carries a trace's id.
public struct Exemplar: Sendable, Hashable {
    /// The labels of the series it belongs to.
    public var series: Labels
    public var labels: Labels
    public var value: Double
    /// When it was observed. Nil: at the time of its reading.
    public var timestamp: Int64?

    public init(series: Labels, labels: Labels, value: Double, timestamp: Int64?) {
        self.series = series
        self.labels = labels
        self.value = value
        self.timestamp = timestamp
    }
}
