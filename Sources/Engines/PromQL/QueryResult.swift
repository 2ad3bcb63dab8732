public import Series
public import Units

/// What a query gives.
public struct QueryResult: Sendable {
    public enum Value: Sendable {
        case scalar(Double, at: Timestamp)
        case string(String, at: Timestamp)
        /// Of an instant query. The order is that of `sort`, `topk` and the like; else that of the labels.
        case vector([Sample])
        /// Of a range query, sorted by labels; or the raw samples of a range selector.
        case matrix([SeriesColumns])
    }

    public struct Sample: Sendable, Hashable {
        public var labels: Labels
        public var value: Double
        public var timestamp: Timestamp
        /// The native histogram that this element is; then `value` is a NaN without meaning.
        public var histogram: NativeHistogram?

        public init(labels: Labels, value: Double, timestamp: Timestamp, histogram: NativeHistogram? = nil) {
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
            self.histogram = histogram
        }
    }

    public var value: Value
    /// The answer is probably not what was meant: `PromQL warning: … (1:10)`.
    public var warnings: [String] = []
    /// Worth knowing: `PromQL info: … (1:6)`.
    public var infos: [String] = []
    /// How many samples the query read.
    public var samplesRead = 0
    /// What the query took of the memory for all; held for as long as this value lives.
    public var memory: MemoryShare?

    public init(value: Value) {
        self.value = value
    }

    /// The elements of an instant query, a scalar as one element without labels. Nil for a string and for range vectors.
    public var samples: [Sample]? {
        switch value {
        case .vector(let samples): samples
        case .scalar(let value, let time): [Sample(labels: [:], value: value, timestamp: time)]
        case .string, .matrix: nil
        }
    }
}
