public import Units

/// Something that is read for samples: a collector, a probe, a scrape target.
public struct SourceStatus: Sendable, Codable, Hashable {
    /// Unique, as in `postgres/shop`.
    public var name: String
    /// `host`, `postgres`, `redis`, `nginx`, `nginx_log`, `http_probe`, `tcp_probe`, `certificate`, `scrape`, `jaga`.
    public var kind: String
    /// The labels that all its samples carry; the pages build their selectors from them.
    public var labels: [String: String]
    /// Whether the last reading worked; nil before the first.
    public var up: Bool?
    public var lastReadAt: Timestamp?
    public var lastDurationMs: Double?
    /// Samples of the last reading.
    public var lastSampleCount: Int?
    public var intervalMs: Int64
    public var deadlineMs: Int64
    /// What failed in the last reading, with what to do; nil when it worked.
    public var error: String?
    /// Where it looks, without passwords: an address, a path. Empty for the host itself.
    public var address: String = ""

    public init(
        name: String,
        kind: String,
        labels: [String: String],
        up: Bool? = nil,
        lastReadAt: Timestamp? = nil,
        lastDurationMs: Double? = nil,
        lastSampleCount: Int? = nil,
        intervalMs: Int64,
        deadlineMs: Int64,
        error: String? = nil,
        address: String = ""
    ) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.up = up
        self.lastReadAt = lastReadAt
        self.lastDurationMs = lastDurationMs
        self.lastSampleCount = lastSampleCount
        self.intervalMs = intervalMs
        self.deadlineMs = deadlineMs
        self.error = error
        self.address = address
    }
}
