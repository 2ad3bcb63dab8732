import Series
public import Settings
public import Units

/// The section `series` of the settings: how long samples are kept, how soon they are safe from a power cut, and how many series
/// there may be.
public struct StoreSettings: SettingsSection, Sendable, Hashable {
    public var retention: Duration
    /// 0 for no limit.
    public var retentionSize: ByteCount
    public var fsyncInterval: Duration
    public var blockSpan: Duration
    /// How late a sample may come; 0 for not at all.
    public var outOfOrderWindow: Duration
    /// What is kept longer or shorter than the rest; the first that fits a series counts.
    public var keep: [KeepRule]
    /// 0 for no limit, as the two below.
    public var seriesMax: Int
    public var seriesPerMetricMax: Int
    /// A target is what has one `job` and one `instance`.
    public var seriesPerTargetMax: Int
    public var exemplarsMax: Int

    /// - Parameters:
    ///   - retention: blocks that end longer ago are removed.
    ///   - fsyncInterval: what was acknowledged longer ago survives a power cut.
    ///   - blockSpan: at least a minute; samples of this span are moved from memory to disk together.
    public init(
        retention: Duration = .seconds(15 * 86_400), fsyncInterval: Duration = .seconds(1),
        blockSpan: Duration = .seconds(7200), retentionSize: ByteCount = ByteCount(0),
        outOfOrderWindow: Duration = .zero, keep: [KeepRule] = [], seriesMax: Int = 1_000_000,
        seriesPerMetricMax: Int = 0, seriesPerTargetMax: Int = 0, exemplarsMax: Int = 10_000
    ) {
        self.retention = retention
        self.fsyncInterval = fsyncInterval
        self.blockSpan = blockSpan
        self.retentionSize = retentionSize
        self.outOfOrderWindow = outOfOrderWindow
        self.keep = keep
        self.seriesMax = seriesMax
        self.seriesPerMetricMax = seriesPerMetricMax
        self.seriesPerTargetMax = seriesPerTargetMax
        self.exemplarsMax = exemplarsMax
    }

    public init(_ reader: SettingsReader) {
        retention = reader.duration(
            "retention", default: .seconds(15 * 86_400), atLeast: .seconds(3600),
            "How long samples are kept; older ones are removed a block at a time.")
        retentionSize = reader.bytes(
            "retention_size", default: ByteCount(0),
            "The most that blocks and files of the head may take on the disk; the oldest blocks go first. The write-ahead log, of the last "
                + "hours, comes on top. 0 for no limit."
        )
        fsyncInterval = reader.duration(
            "fsync_interval", default: .seconds(1), atLeast: .milliseconds(10),
            "How soon stored samples are safe from a power cut; the end of the process never loses any.")
        blockSpan = reader.duration(
            "block_span", default: .seconds(7200), atLeast: .seconds(60),
            "The span of time whose samples are moved from memory to disk together.")
        outOfOrderWindow = reader.duration(
            "out_of_order_window", default: .zero,
            "How much older than the newest sample of all a late sample may be; 0s refuses what is older than its series' newest."
        )
        keep = reader.list(
            "keep", of: KeepRule.self,
            "Series that are kept longer or shorter than the rest, or in coarser steps; the first rule that fits a series counts."
        )
        seriesMax = reader.integer(
            "series_max", default: 1_000_000, in: 0...Int(Int32.max),
            "The most series in memory; further ones are refused and counted. 0 for no limit.")
        seriesPerMetricMax = reader.integer(
            "series_per_metric_max", default: 0, in: 0...Int(Int32.max),
            "The most series in memory of one metric name. 0 for no limit.")
        seriesPerTargetMax = reader.integer(
            "series_per_target_max", default: 0, in: 0...Int(Int32.max),
            "The most series in memory of one target, which is one job and instance. 0 for no limit.")
        exemplarsMax = reader.integer(
            "exemplars_max", default: 10_000, in: 0...10_000_000, "The most exemplars in memory; the oldest go first.")
    }
}

extension StoreSettings {
    /// Younger samples are kept of every series.
    var shortestAge: Duration { keep.map(\.longestAge).min().map { min($0, retention) } ?? retention }

    /// The age past which nothing is kept, of any step.
    var longestAge: Duration { keep.map(\.longestAge).max().map { max($0, retention) } ?? retention }

    /// How old samples of a series may become, in any step.
    func age(of labels: Labels) -> Duration { keep.first { $0.matches(labels) }?.longestAge ?? retention }
}
