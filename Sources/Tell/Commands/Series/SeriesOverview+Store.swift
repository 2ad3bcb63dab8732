public import TimeSeriesStore
public import WebAPI

extension SeriesOverview {
    /// What a store says of itself.
    /// - Parameters:
    ///   - limit: how many of each kind are named.
    ///   - hasLimits: whether the store was opened with the site's settings; without them nobody knows its limits.
    ///   - readElsewhere: the store that is read instead.
    public init(_ store: TimeSeriesStore, limit: Int, hasLimits: Bool, readElsewhere: String? = nil) {
        let (stats, report) = (store.stats, store.cardinality(limit: limit))
        func some(_ most: Int) -> Int? { hasLimits && most > 0 ? most : nil }
        let most = store.seriesLimits
        self.init(
            seriesCount: report.seriesCount, memorySamples: stats.headSampleCount, blocks: stats.blockCount,
            blockSamples: stats.blockSampleCount, blockBytes: stats.blockByteCount, logBytes: stats.logByteCount,
            oldestAt: stats.oldest, newestAt: stats.newest,
            limits: Limits(
                series: some(most.all), perMetric: some(most.perMetric), perTarget: some(most.perTarget)),
            refusals: report.refusals, fault: stats.health.writeFault, readElsewhere: readElsewhere)
        name(report)
        refusedMetrics = Self.entries(report.refusedMetrics)
        refusedTargets = Self.entries(report.refusedTargets)
    }

    private static func entries(_ found: [StoreReport.Entry]) -> [Entry] {
        found.map { Entry(name: $0.name, count: $0.count) }
    }

    /// Names the series of `report` as those with the most.
    mutating func name(_ report: StoreReport) {
        metrics = Self.entries(report.metrics)
        labelNames = Self.entries(report.labelNames)
        labelBytes = Self.entries(report.labelBytes)
        labelPairs = Self.entries(report.labelPairs)
        targets = Self.entries(report.targets)
        jobs = Self.entries(report.jobs)
    }
}
