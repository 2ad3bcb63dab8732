public import Series
public import Units
public import WebAPI

/// What `jaga rules` does with files; `ProgramParts` brings it along.
public protocol RuleTools: Sendable {
    /// Reads rule files as the daemon would. A path may have `*` in its last part.
    /// - Parameter features: names of the feature flags that are on, as in the setting `queries.features`.
    /// - Throws: `Failure` of code `not-found` for a path that names no file, of code `usage` for an unknown feature.
    func check(_ files: [String], features: [String]) async throws -> [RuleFileReport]
    /// Runs unit tests in promtool's format.
    /// - Throws: as `check`.
    func test(_ files: [String], features: [String]) async throws -> [RuleTestReport]
    /// Runs the alerting rules of a file over the past.
    /// - Throws: `InvalidInput` for a file that is no rule file.
    func backtest(_ request: BacktestRequest, on past: BacktestPast) async throws -> [BacktestReport]
}

/// Where the past is.
public enum BacktestPast: Sendable {
    /// A daemon answers.
    case daemon(range: RangeQuestion, samples: SampleQuestion)
    /// A store that is open here.
    case store(any SeriesReading)
}

/// Answers with samples as they are stored: selector, the first and the last instant.
public typealias SampleQuestion = @Sendable (String, Timestamp, Timestamp) async throws -> [QueryResult.Columns]

/// Answers a range query: expression, first and last step, step.
public typealias RangeQuestion =
    @Sendable (String, Timestamp, Timestamp, Duration) async throws -> [QueryResult.Columns]

/// How a rule file was read.
public struct RuleFileReport: Sendable, Codable, Hashable {
    public var file: String
    public var alertingCount: Int
    public var recordingCount: Int
    /// Why it is no rule file; empty when it is one.
    public var faults: [String]
    /// What is most likely a mistake.
    public var findings: [String]

    public init(file: String, alertingCount: Int = 0, recordingCount: Int = 0, faults: [String], findings: [String]) {
        self.file = file
        self.alertingCount = alertingCount
        self.recordingCount = recordingCount
        self.faults = faults
        self.findings = findings
    }
}

/// How a file of unit tests fared.
public struct RuleTestReport: Sendable, Codable, Hashable {
    public var file: String
    public var testCount: Int
    public var warnings: [String]
    /// Faults of the file, or what did not come out as expected; empty when all did.
    public var failures: [String]
    /// Whether the file, or one that it names, could not be read.
    public var isInvalid: Bool

    public init(file: String, testCount: Int, warnings: [String], failures: [String], isInvalid: Bool) {
        self.file = file
        self.testCount = testCount
        self.warnings = warnings
        self.failures = failures
        self.isInvalid = isInvalid
    }
}

public struct BacktestRequest: Sendable {
    public var file: String
    public var start: Timestamp
    public var end: Timestamp
    /// Nil: each group's own interval.
    public var step: Duration?
    /// Names of the feature flags that are on.
    public var features: [String] = []
}

/// What an alerting rule would have done.
public struct BacktestReport: Sendable, Codable, Hashable {
    public struct Episode: Sendable, Codable, Hashable {
        public var labels: [String: String]
        public var pendingAt: Timestamp
        /// Left out: the condition went away before its hold time was over.
        public var firedAt: Timestamp?
        /// Left out: it still held at the end.
        public var endedAt: Timestamp?
        /// From firing to the end, or to the end of the time asked for; left out where it did not fire.
        public var firingMs: Int64?
        /// As numbers are written in the API, since some are no JSON numbers.
        public var value: String
        public var lowest: String
        public var highest: String
        /// As they were when it fired, or became pending if it did not.
        public var annotations: [String: String]

        public init(
            labels: [String: String], pendingAt: Timestamp, firedAt: Timestamp?, endedAt: Timestamp?, firingMs: Int64?,
            value: String, lowest: String, highest: String, annotations: [String: String] = [:]
        ) {
            self.labels = labels
            self.pendingAt = pendingAt
            self.firedAt = firedAt
            self.endedAt = endedAt
            self.firingMs = firingMs
            self.value = value
            self.lowest = lowest
            self.highest = highest
            self.annotations = annotations
        }
    }

    public var group: String
    public var rule: String
    public var expression: String
    public var episodes: [Episode]
    /// Why nothing can be said about the rule.
    public var failure: String?

    public init(group: String, rule: String, expression: String, episodes: [Episode], failure: String?) {
        self.group = group
        self.rule = rule
        self.expression = expression
        self.episodes = episodes
        self.failure = failure
    }
}
