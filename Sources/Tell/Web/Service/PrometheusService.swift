public import Series
public import JSONCoding
public import Units

/// What the addresses of the Prometheus HTTP API ask of the running site, beside what the pages ask too.
///
/// Answers come as the JSON that is sent: one may hold a million points. Refusals are thrown as `QueryFault`.
public protocol PrometheusService: Sendable {
    func answer(_ query: PrometheusQuery) async throws -> PrometheusAnswer
    /// The exemplars of the series that the selectors of `expression` name.
    func exemplars(_ expression: String, from start: Timestamp, through end: Timestamp) async throws -> PrometheusAnswer
    /// The expression laid out over lines.
    func format(_ expression: String) async throws -> String
    /// The expression as a tree.
    func parse(_ expression: String) async throws -> JSONValue

    /// - Parameters:
    ///   - state: `active`, `dropped` or `any`.
    ///   - pool: the name of one job; nil for all.
    /// - Returns: JSON as text: a JSON value would take labels whose names Unicode holds for the same one together.
    func targets(state: String, pool: String?) async throws -> String
    func targetMetadata(selector: String?, metric: String?, limit: Int?) async throws -> String
    func status(_ topic: PrometheusStatusTopic, limit: Int) async throws -> JSONValue

    /// Removes the samples of the series matching any of `selectors` in the range, both ends included.
    func deleteSeries(_ selectors: [String], from start: Timestamp, through end: Timestamp) async throws
    func cleanTombstones() async throws
    /// - Returns: the name of the folder under `snapshots`.
    func snapshot(skipsHead: Bool) async throws -> String

    /// Takes a message of another program's and gives the answer to send.
    func exchange(_ message: ReceivedMessage) async throws -> SentMessage
    /// The newest samples of the matching series as a page to scrape.
    /// - Parameter accept: the header of that name; native histograms are only in the format that it asks for by protocol buffers.
    func federate(_ selectors: [String], accept: String?) async throws -> SentMessage
}

/// A query as the API asks it.
public struct PrometheusQuery: Sendable, Hashable {
    public enum When: Sendable, Hashable {
        /// Nil is now.
        case instant(Timestamp?)
        case range(from: Timestamp, through: Timestamp, step: Duration)
    }

    public var expression: String
    public var when: When
    public var timeLimit: Duration
    /// Most series of the answer; nil for all.
    public var limit: Int?
    /// How far back an instant selector looks; nil for the site's setting.
    public var lookback: Duration?
    public var wantsStatistics: Bool

    public init(
        _ expression: String, _ when: When, timeLimit: Duration, limit: Int? = nil, lookback: Duration? = nil,
        wantsStatistics: Bool = false
    ) {
        self.expression = expression
        self.when = when
        self.timeLimit = timeLimit
        self.limit = limit
        self.lookback = lookback
        self.wantsStatistics = wantsStatistics
    }
}

/// The `data` of an answer, as JSON, with what the engine wants said about it.
public struct PrometheusAnswer: Sendable {
    /// JSON, in its order.
    public var parts: [[UInt8]]
    public var warnings: [String]
    public var infos: [String]
    /// What `parts` take of the memory for all.
    public var memory: MemoryShare?

    public init(_ parts: [[UInt8]], warnings: [String] = [], infos: [String] = [], memory: MemoryShare? = nil) {
        self.parts = parts
        self.warnings = warnings
        self.infos = infos
        self.memory = memory
    }
}

/// The addresses under `/api/v1/status/`, `buildinfo` aside.
public enum PrometheusStatusTopic: String, Sendable, CaseIterable {
    case config, flags, runtimeinfo, tsdb, walreplay
}

/// A message in a format of another program's, as it came.
public struct ReceivedMessage: Sendable {
    public enum Kind: Sendable {
        case remoteWrite, remoteRead, otlpMetrics
    }

    public var kind: Kind
    /// By lower-case name.
    public var headers: [String: String]
    public var body: [UInt8]

    public init(_ kind: Kind, headers: [String: String], body: [UInt8]) {
        self.kind = kind
        self.headers = headers
        self.body = body
    }
}

/// The answer to a `ReceivedMessage`.
public struct SentMessage: Sendable {
    public var status: Int
    public var type: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// What `body` takes of the memory for all.
    public var memory: MemoryShare?

    public init(
        _ status: Int, type: String = "text/plain; charset=utf-8", headers: [(name: String, value: String)] = [],
        body: [UInt8] = [], memory: MemoryShare? = nil
    ) {
        self.memory = memory
        self.status = status
        self.type = type
        self.headers = headers
        self.body = body
    }
}
