public import Series
public import Units

/// What pages and `/api/v1/targets` show of scraped targets.
public struct TargetsReport: Sendable {
    public var active: [TargetStatus] = []
    public var dropped: [DroppedTarget] = []
    /// By job; also those that are not listed.
    public var droppedCounts: [String: Int] = [:]
    public var discoveries: [DiscoveryStatus] = []

    public init() {}
}

/// A target that is scraped.
public struct TargetStatus: Sendable, Hashable {
    public enum Health: String, Sendable, Hashable {
        case unknown, up, down
    }

    /// The job, as the configuration names it.
    public var pool: String
    public var discoveredLabels: Labels
    public var labels: Labels
    public var url: String
    public var interval: Duration
    public var timeout: Duration
    public var health = Health.unknown
    /// Why the last scrape failed; nil when it worked.
    public var lastError: String?
    public var lastHint: String?
    /// When the last scrape began; nil before the first one.
    public var lastScrape: Timestamp?
    public var lastDuration: Duration?
    /// Of the last page, before metric relabelling.
    public var sampleCount = 0
    public var scrapeCount = 0
    public var failureCount = 0
    /// Samples that the store refused as too old or contradictory.
    public var refusedSampleCount = 0

    /// Unique among what is read, as in `scrape/shop/127.0.0.1:8080`.
    public var sourceName: String { "scrape/\(pool)/\(labels["instance"] ?? "")" }
}

/// A target that relabelling dropped or that cannot be scraped.
public struct DroppedTarget: Sendable, Hashable {
    public var pool: String
    public var discoveredLabels: Labels
    /// Nil where a rule dropped it.
    public var reason: String?
}

/// How one way of finding targets fares.
public struct DiscoveryStatus: Sendable, Hashable {
    public var pool: String
    /// `static`, `file`, `http`, `dns`, `docker`.
    public var mechanism: String
    public var targetCount = 0
    public var refreshCount = 0
    public var failureCount = 0
    /// Why the last refresh failed; nil when it worked. The targets are then those of the last one that did.
    public var lastError: String?
    public var lastRefresh: Timestamp?
    public var lastDuration: Duration?
}

/// What a target says of one of its metrics, for `/api/v1/targets/metadata`.
public struct TargetMetadata: Sendable, Hashable {
    public var target: Labels
    public var metadata: MetricMetadata
}
