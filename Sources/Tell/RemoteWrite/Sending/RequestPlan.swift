import Exposition
import Relabelling
import Series

/// What becomes of a chunk of the queue for one address: requests by shard.
struct RequestPlan {
    /// By shard, in the order in which they must be sent.
    var shards: [[WriteRequest]]
    /// Dropped by a rule.
    var relabelledAwayCount = 0
    /// Older than the limit.
    var tooOldCount = 0
    /// Histograms that are not to be sent.
    var unwantedCount = 0
    var newestTime = Int64.min
}

/// Makes requests of chunks.
struct RequestPlanner {
    let settings: RemoteWriteSettings
    let externalLabels: Labels
    /// What relabelling makes of a series; kept while the same series come again and again.
    private var known: [Labels: Labels?] = [:]
    private static let knownMax = 200_000

    init(_ settings: RemoteWriteSettings, externalLabels: Labels) {
        self.settings = settings
        self.externalLabels = externalLabels
    }

    /// - Parameters:
    ///   - oldest: samples before this are left out.
    ///   - metadata: of a metric, for version 2.
    mutating func plan(
        _ chunk: QueueChunk, shardCount: Int, oldest: Int64, metadata: MetadataByName = [:]
    ) -> RequestPlan {
        var plan = RequestPlan(shards: Array(repeating: [], count: shardCount))
        var open = Array(repeating: WriteRequest(), count: shardCount)
        var openCounts = Array(repeating: 0, count: shardCount)
        for entry in chunk.entries {
            guard let labels = final(entry.labels) else {
                plan.relabelledAwayCount += entry.times.count
                continue
            }
            let columns = self.columns(of: entry, labels, oldest: oldest, &plan)
            let exemplars = settings.sendsExemplars ? entry.exemplars : []
            guard !columns.times.isEmpty || !exemplars.isEmpty else { continue }
            plan.newestTime = max(plan.newestTime, columns.times.last ?? .min)
            let shard = Int(truncatingIfNeeded: hash(labels) % UInt64(shardCount))
            for part in columns.parts(of: settings.queue.samplesPerSendMax) {
                let count = part.times.count
                if openCounts[shard] > 0, openCounts[shard] + count > settings.queue.samplesPerSendMax {
                    plan.shards[shard].append(open[shard])
                    open[shard] = WriteRequest()
                    openCounts[shard] = 0
                }
                openCounts[shard] += max(1, count)
                open[shard].series.append(
                    WrittenSeries(columns: part, metadata: settings.version == .v2 ? described(labels, metadata) : nil))
            }
            if !exemplars.isEmpty {
                if open[shard].series.last?.columns.labels == labels {
                    open[shard].series[open[shard].series.count - 1].exemplars = exemplars
                } else {
                    let empty = SeriesColumns(labels: labels, times: [], values: [])
                    open[shard].series.append(WrittenSeries(columns: empty, exemplars: exemplars))
                }
            }
        }
        for shard in 0..<shardCount where !open[shard].series.isEmpty { plan.shards[shard].append(open[shard]) }
        return plan
    }

    private mutating func final(_ own: Labels) -> Labels? {
        if let found = known[own] { return found }
        if known.count >= Self.knownMax { known = [:] }
        let labels = settings.relabelRules.relabelled(externalLabels.merging(own)).flatMap { $0.isEmpty ? nil : $0 }
        known[own] = .some(labels)
        return labels
    }

    private func columns(of entry: QueueChunk.Entry, _ labels: Labels, oldest: Int64, _ plan: inout RequestPlan)
        -> SeriesColumns
    {
        if entry.histograms.isEmpty, entry.times.allSatisfy({ $0 >= oldest }) {
            return SeriesColumns(labels: labels, times: entry.times, values: entry.values)
        }
        var columns = SeriesColumns(labels: labels, times: [], values: [])
        var histograms = entry.histograms[...]
        for index in entry.times.indices {
            let histogram = histograms.first?.index == index ? histograms.removeFirst().histogram : nil
            if entry.times[index] < oldest {
                plan.tooOldCount += 1
            } else if histogram != nil, !settings.sendsHistograms {
                plan.unwantedCount += 1
            } else {
                if let histogram {
                    columns.histograms.append(.init(index: columns.times.count, histogram: histogram))
                }
                columns.times.append(entry.times[index])
                columns.values.append(entry.values[index])
            }
        }
        return columns
    }

    private func described(_ labels: Labels, _ metadata: MetadataByName) -> MetricMetadata? {
        let name = labels.name
        if let own = metadata[name] { return own }
        for suffix in ["_total", "_bucket", "_count", "_sum", "_created"] where name.hasSuffix(suffix) {
            if let own = metadata[String(name.dropLast(suffix.count))] { return own }
        }
        return nil
    }

    /// FNV-1a: the same series goes to the same shard, so that its samples stay in order.
    private func hash(_ labels: Labels) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for pair in labels.pairs {
            for byte in pair.name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            for byte in pair.value.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return hash
    }
}

extension SeriesColumns {
    /// The same in pieces of at most `most` samples.
    func parts(of most: Int) -> [SeriesColumns] {
        guard times.count > most else { return times.isEmpty ? [] : [self] }
        return stride(from: 0, to: times.count, by: most).map { part($0..<min($0 + most, times.count)) }
    }

    func part(_ range: Range<Int>) -> SeriesColumns {
        let own = histograms.filter { range.contains($0.index) }.map {
            HistogramSample(index: $0.index - range.lowerBound, histogram: $0.histogram)
        }
        return SeriesColumns(
            labels: labels, times: Array(times[range]), values: Array(values[range]), histograms: own)
    }
}

extension WriteRequest {
    /// Two requests with all of this one, the older samples in the first. Nil where all are of one time.
    var halvesByTime: (WriteRequest, WriteRequest)? {
        let times = series.flatMap(\.columns.times)
        guard let least = times.min(), let most = times.max(), least < most else { return nil }
        let middle = least + (most - least) / 2
        var (early, late) = (WriteRequest(), WriteRequest())
        for written in series {
            let cut = written.columns.times.firstIndex { $0 > middle } ?? written.columns.times.count
            let (first, second) = (
                written.columns.part(0..<cut), written.columns.part(cut..<written.columns.times.count)
            )
            var (one, other) = (written, written)
            one.columns = first
            other.columns = second
            // Exemplars go with the newer half.
            one.exemplars = second.times.isEmpty ? written.exemplars : []
            other.exemplars = second.times.isEmpty ? [] : written.exemplars
            if !one.columns.times.isEmpty || !one.exemplars.isEmpty { early.series.append(one) }
            if !other.columns.times.isEmpty || !other.exemplars.isEmpty { late.series.append(other) }
        }
        return (early, late)
    }

    /// Two requests with the series of this one. Nil for a single series.
    var halvesBySeries: (WriteRequest, WriteRequest)? {
        guard series.count > 1 else { return nil }
        let middle = series.count / 2
        return (WriteRequest(series: Array(series[..<middle])), WriteRequest(series: Array(series[middle...])))
    }
}
