import Series
import Synchronization
public import Units

extension TimeSeriesStore {
    /// Whether samples are taken, and what went wrong.
    public var health: StoreHealth { state.withLock { $0.health } }

    public var stats: StoreStats {
        state.withLock { state in
            StoreStats(
                seriesCount: state.head.seriesWithSamplesCount,
                headSampleCount: state.head.sampleCount,
                headChunkCount: state.head.chunkCount,
                headByteCount: state.head.byteCount,
                blockCount: state.blocks.count,
                blockSampleCount: state.blocks.reduce(0) { $0 + $1.sampleCount },
                blockByteCount: state.blocks.reduce(0) { $0 + $1.byteCount },
                logByteCount: state.logByteCount, headFileByteCount: state.headFileByteCount,
                logSegmentCount: state.logSegmentCount,
                oldest: state.oldestTime.map { Timestamp(millisecondsSinceEpoch: $0) },
                newest: state.newestTime.map { Timestamp(millisecondsSinceEpoch: $0) },
                minimumTime: Timestamp(millisecondsSinceEpoch: state.head.minimumTime),
                counts: state.counts, health: state.health)
        }
    }

    /// The most series there may be in memory; 0 for no limit.
    public var seriesLimits: (all: Int, perMetric: Int, perTarget: Int) {
        (settings.seriesMax, settings.seriesPerMetricMax, settings.seriesPerTargetMax)
    }

    /// Where the series in memory come from: the largest of each kind.
    /// - Parameter limit: how many of each are named.
    public func cardinality(limit: Int = 10) -> StoreReport {
        let (head, refused) = state.withLock { ($0.head.labelStatistics, $0.refused) }
        return StoreReport(head, refused, limit: limit)
    }

    /// The same of the block with the newest samples, and its span. Blocks.
    /// - Returns: nil where there is no block.
    /// - Throws: `StoreError` where its index cannot be read.
    public func newestBlockCardinality(
        limit: Int = 10
    ) throws(StoreError) -> (report: StoreReport, span: Range<Timestamp>)? {
        let newest = state.withLock { state in
            // Of blocks that end together the finest is the one that came of the head.
            state.blocks.max { ($0.end, -$0.name.resolution) < ($1.end, -$1.name.resolution) }
        }
        guard let newest else { return nil }
        let index = try notingDamage { () throws(StoreError) -> BlockIndex in try self.index(of: newest) }
        let span = Timestamp(millisecondsSinceEpoch: newest.start)..<Timestamp(millisecondsSinceEpoch: newest.end)
        return (StoreReport(index.labelStatistics, RefusedSeries(), limit: limit), span)
    }
}

/// How many series there are, by what they have in common, and which were refused.
public struct StoreReport: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public var name: String
        public var count: Int

        public init(name: String, count: Int) {
            self.name = name
            self.count = count
        }
    }

    public var seriesCount: Int
    public var labelPairCount: Int
    /// Series by metric name.
    public var metrics: [Entry]
    /// Values by label name.
    public var labelNames: [Entry]
    /// Bytes of all values by label name.
    public var labelBytes: [Entry]
    /// Series by pair, as in `job=shop`.
    public var labelPairs: [Entry]
    /// Series by `job/instance`.
    public var targets: [Entry]
    /// Series by the value of `job`; those without one are under the empty text.
    public var jobs: [Entry]
    /// Samples refused since the start because of a limit on the number of series or the length of their labels.
    public var refusals: Int64
    /// How often a series was refused when its labels were offered, by metric name: with every batch, and with every change of a page
    /// that is scraped.
    public var refusedMetrics: [Entry]
    /// The same by `job/instance`.
    public var refusedTargets: [Entry]
}

/// The counts as they are, before the largest are chosen.
struct LabelStatistics: Sendable {
    var seriesCount = 0
    var pairCount = 0
    var byMetric: [ByteText: Int] = [:]
    var valuesByName: [ByteText: Int] = [:]
    var bytesByName: [ByteText: Int] = [:]
    var byPair: [ByteText: Int] = [:]
    var byTarget: [ByteText: Int] = [:]
    var byJob: [ByteText: Int] = [:]
}

extension Head {
    var seriesWithSamplesCount: Int {
        series.indices.count { series[$0].isLive && hasSamples($0) }
    }

    var labelStatistics: LabelStatistics {
        var found = LabelStatistics(seriesCount: liveCount)
        for pair in 0..<UInt32(table.count) {
            let count = seriesCount(of: pair)
            guard count > 0 else { continue }
            let name = table.name(of: pair)
            let value = table.value(of: pair)
            found.pairCount += 1
            if name == Labels.metricName { found.byMetric[ByteText(value)] = count }
            found.valuesByName[ByteText(name), default: 0] += 1
            found.bytesByName[ByteText(name), default: 0] += value.utf8.count
            found.byPair[ByteText("\(name)=\(value)")] = count
        }
        for (target, count) in targets {
            let job = target.job == .max ? "" : table.value(of: target.job)
            let instance = target.instance == .max ? "" : table.value(of: target.instance)
            found.byTarget[ByteText("\(job)/\(instance)")] = count
            found.byJob[ByteText(job), default: 0] += count
        }
        return found
    }
}

extension BlockIndex {
    var labelStatistics: LabelStatistics {
        var found = LabelStatistics(seriesCount: seriesCount, pairCount: pairCount)
        for pair in 0..<UInt32(pairCount) {
            let (name, value, count) = (name(of: pair), value(of: pair), seriesCount(of: pair))
            if name == Labels.metricName { found.byMetric[ByteText(value)] = count }
            found.valuesByName[ByteText(name), default: 0] += 1
            found.bytesByName[ByteText(name), default: 0] += value.utf8.count
            found.byPair[ByteText("\(name)=\(value)")] = count
        }
        for series in 0..<seriesCount {
            let labels = labels(of: series)
            let job = labels["job"] ?? ""
            found.byTarget[ByteText("\(job)/\(labels["instance"] ?? "")"), default: 0] += 1
            found.byJob[ByteText(job), default: 0] += 1
        }
        return found
    }
}

extension StoreReport {
    init(_ found: LabelStatistics, _ refused: RefusedSeries, limit: Int) {
        func top(_ counts: [ByteText: Int]) -> [Entry] {
            counts.map { Entry(name: $0.key.text, count: $0.value) }
                .sorted { $0.count != $1.count ? $0.count > $1.count : precedes($0.name, $1.name) }
                .prefix(limit).map(\.self)
        }
        self.init(
            seriesCount: found.seriesCount, labelPairCount: found.pairCount, metrics: top(found.byMetric),
            labelNames: top(found.valuesByName), labelBytes: top(found.bytesByName), labelPairs: top(found.byPair),
            targets: top(found.byTarget), jobs: top(found.byJob), refusals: refused.total,
            refusedMetrics: top(refused.byMetric.mapValues { Int($0) }),
            refusedTargets: top(refused.byTarget.mapValues { Int($0) }))
    }
}
