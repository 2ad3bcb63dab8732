public import Units

/// A look from outside and what it saw last.
public struct ProbeStatus: Sendable, Codable, Hashable {
    public struct Phase: Sendable, Codable, Hashable {
        /// `resolve`, `connect`, `tls`, `processing`, `transfer`, in this order.
        public var name: String
        public var durationMs: Double

        public init(
            name: String,
            durationMs: Double
        ) {
            self.name = name
            self.durationMs = durationMs
        }
    }

    public var name: String
    /// `http`, `tcp`, `certificate`.
    public var kind: String
    /// The address or the file it looks at.
    public var target: String
    /// `ok` only after a look that succeeded; `warning` while failures are fewer than count; `unknown` before the first.
    public var verdict: Verdict
    public var lastAt: Timestamp?
    public var lastDurationMs: Double?
    public var httpStatus: Int?
    public var phases: [Phase] = []
    /// Why the last look failed, in a sentence; nil when it worked.
    public var failure: String?
    /// Failures in a row, and how many it takes to count.
    public var failuresInRow: Int
    public var failuresNeeded: Int
    public var intervalMs: Int64
    /// When the certificate that was served, or that stands in the file, ends.
    public var certificateExpiresAt: Timestamp?
    public var labels: [String: String]

    public init(
        name: String,
        kind: String,
        target: String,
        verdict: Verdict,
        lastAt: Timestamp? = nil,
        lastDurationMs: Double? = nil,
        httpStatus: Int? = nil,
        phases: [Phase] = [],
        failure: String? = nil,
        failuresInRow: Int,
        failuresNeeded: Int,
        intervalMs: Int64,
        certificateExpiresAt: Timestamp? = nil,
        labels: [String: String]
    ) {
        self.name = name
        self.kind = kind
        self.target = target
        self.verdict = verdict
        self.lastAt = lastAt
        self.lastDurationMs = lastDurationMs
        self.httpStatus = httpStatus
        self.phases = phases
        self.failure = failure
        self.failuresInRow = failuresInRow
        self.failuresNeeded = failuresNeeded
        self.intervalMs = intervalMs
        self.certificateExpiresAt = certificateExpiresAt
        self.labels = labels
    }
}
