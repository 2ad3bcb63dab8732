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
    /// What counted towards `QueryLimits.samplesMax`: what was read, and what was computed from it.
    public var samplesCounted = 0
    public var timings = Timings()
    /// From when to when each selector looked.
    public var spansRead: [ClosedRange<Timestamp>] = []

    /// How long the parts of a query took.
    public struct Timings: Sendable, Hashable {
        /// Finding out what the query needs, and reading that from the store.
        public var preparation = Duration.zero
        /// Computing the answer, its order included.
        public var evaluation = Duration.zero
        /// Both, and before them the parsing of a query that came as text.
        public var total = Duration.zero

        public init(preparation: Duration = .zero, evaluation: Duration = .zero, total: Duration = .zero) {
            self.preparation = preparation
            self.evaluation = evaluation
            self.total = total
        }
    }

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
