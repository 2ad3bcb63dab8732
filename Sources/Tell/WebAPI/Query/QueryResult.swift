public import Series
public import Units

/// The answer to a PromQL expression, as the Prometheus HTTP API has it.
/// <https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats>
public enum QueryResult: Sendable, Hashable {
    public struct Sample: Sendable, Hashable {
        public var labels: Labels
        public var at: Timestamp
        public var value: Double
        /// The native histogram that this element is, as text; then `value` means nothing.
        public var histogram: String?

        public init(labels: Labels, at: Timestamp, value: Double, histogram: String? = nil) {
            self.labels = labels
            self.at = at
            self.value = value
            self.histogram = histogram
        }

        public var text: String { histogram ?? PrometheusJSON.text(value) }
    }

    public struct Columns: Sendable, Hashable {
        public var labels: Labels
        /// Milliseconds since the epoch, rising; as many as `values`.
        public var times: [Int64]
        public var values: [Double]
        /// Native histograms as text, with their times.
        public var histograms: [Histogram] = []

        public struct Histogram: Sendable, Hashable {
            public var time: Int64
            public var text: String
            /// How many observations it counted.
            public var count: Double

            public init(time: Int64, text: String, count: Double) {
                self.time = time
                self.text = text
                self.count = count
            }
        }

        public init(labels: Labels, times: [Int64], values: [Double]) {
            self.labels = labels
            self.times = times
            self.values = values
        }
    }

    case vector([Sample])
    case matrix([Columns])
    case scalar(Double, at: Timestamp)
    case string(String, at: Timestamp)

    /// The number, where the answer is one: a scalar, or a vector of one sample. Nil when there is none or several.
    public var singleValue: Double? {
        switch self {
        case .vector(let samples): samples.count == 1 ? samples[0].value : nil
        case .scalar(let value, _): value
        case .matrix, .string: nil
        }
    }
}

/// Why a query gave no answer. The names and the HTTP statuses are those of Prometheus.
public struct QueryFault: Error, Sendable, Hashable {
    public enum Kind: String, Sendable, Codable {
        case badData = "bad_data"
        case timeout
        case canceled
        case execution
        case `internal`
        case unavailable
        case notFound = "not_found"
    }

    public var kind: Kind
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var httpStatus: Int {
        switch kind {
        case .badData: 400
        case .execution: 422
        case .canceled, .timeout, .unavailable: 503
        case .notFound: 404
        case .internal: 500
        }
    }
}

/// An answer with what the engine wants said about it.
public struct QueryAnswer: Sendable, Hashable {
    public var result: QueryResult
    public var warnings: [String] = []

    public init(_ result: QueryResult, warnings: [String] = []) {
        self.result = result
        self.warnings = warnings
    }
}

/// Which series: PromQL selectors of which one must match (none: all), and a stretch of time.
public struct SeriesFilter: Sendable, Hashable {
    public var selectors: [String]
    public var from: Timestamp
    public var through: Timestamp
    /// Nil: no limit but the server's own.
    public var limit: Int?

    public init(
        selectors: [String],
        from: Timestamp,
        through: Timestamp,
        limit: Int? = nil
    ) {
        self.selectors = selectors
        self.from = from
        self.through = through
        self.limit = limit
    }
}
