public import Units

/// How much is stored, and where the series in memory come from: what to look at when there are too many.
public struct SeriesOverview: Sendable, Codable, Hashable {
    public struct Entry: Sendable, Codable, Hashable {
        public var name: String
        public var count: Int

        /// What a reader sees: series without a job, or without a job and an instance, are of no target.
        public var title: String { name.isEmpty || name == "/" ? "–" : name }

        public init(name: String, count: Int) {
            self.name = name
            self.count = count
        }
    }

    /// The most series there may be; nil where nothing limits them.
    public struct Limits: Sendable, Codable, Hashable {
        public var series: Int?
        public var perMetric: Int?
        public var perTarget: Int?

        public init(series: Int?, perMetric: Int?, perTarget: Int?) {
            self.series = series
            self.perMetric = perMetric
            self.perTarget = perTarget
        }
    }

    /// In memory: the series of the last hours.
    public var seriesCount: Int
    public var memorySamples: Int
    public var blocks: Int
    public var blockSamples: Int64
    public var blockBytes: Int64
    public var logBytes: Int64
    public var oldestAt: Timestamp?
    public var newestAt: Timestamp?
    public var limits: Limits
    /// How often a series was offered and refused since the start because of a limit.
    public var refusals: Int64
    /// Why no samples are taken, while they are not.
    public var fault: String?
    /// The store that pages, rules and queries read instead of this one, without passwords.
    public var readElsewhere: String?
    /// Of each kind the largest first, as many as were asked for. Series by metric name.
    public var metrics: [Entry] = []
    /// Different values by label name.
    public var labelNames: [Entry] = []
    /// Bytes of all values by label name.
    public var labelBytes: [Entry] = []
    /// Series by label and value, as in `job=shop`.
    public var labelPairs: [Entry] = []
    /// Series by target, as `job/instance`.
    public var targets: [Entry] = []
    /// Series by job.
    public var jobs: [Entry] = []
    /// Refusals by metric name.
    public var refusedMetrics: [Entry] = []
    /// The same by target.
    public var refusedTargets: [Entry] = []

    public init(
        seriesCount: Int, memorySamples: Int, blocks: Int, blockSamples: Int64, blockBytes: Int64, logBytes: Int64,
        oldestAt: Timestamp? = nil, newestAt: Timestamp? = nil, limits: Limits, refusals: Int64 = 0,
        fault: String? = nil, readElsewhere: String? = nil
    ) {
        self.seriesCount = seriesCount
        self.memorySamples = memorySamples
        self.blocks = blocks
        self.blockSamples = blockSamples
        self.blockBytes = blockBytes
        self.logBytes = logBytes
        self.oldestAt = oldestAt
        self.newestAt = newestAt
        self.limits = limits
        self.refusals = refusals
        self.fault = fault
        self.readElsewhere = readElsewhere
    }
}
