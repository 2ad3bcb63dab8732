import Series
import Synchronization
import Units

/// Series held in arrays.
final class ScriptStore: SeriesReading, Sendable {
    private let columns = Mutex<[Labels: SampleRow]>([:])

    /// Samples come beside those that are there; of two for one instant the new one counts.
    func add(_ labels: Labels, _ samples: [(time: Int64, value: SampleValue)]) {
        columns.withLock {
            let old = $0[labels] ?? SampleRow(labels: labels, times: [], values: [])
            var byTime: [Int64: SampleValue] = [:]
            for index in old.times.indices {
                byTime[old.times[index]] =
                    old.histograms.isEmpty || old.histograms[index] == nil
                    ? .number(old.values[index]) : .histogram(old.histograms[index]!)
            }
            for sample in samples { byTime[sample.time] = sample.value }
            var row = SampleRow(labels: labels, times: byTime.keys.sorted(), values: [])
            row.histograms = Array(repeating: nil, count: row.times.count)
            for (index, time) in row.times.enumerated() {
                switch byTime[time]! {
                case .number(let number): row.values.append(number)
                case .histogram(let histogram):
                    row.values.append(absent)
                    row.histograms[index] = histogram
                }
            }
            if row.histograms.allSatisfy({ $0 == nil }) { row.histograms = [] }
            $0[labels] = row
        }
    }

    func removeAll() { columns.withLock { $0 = [:] } }

    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        let range = start.millisecondsSinceEpoch...end.millisecondsSinceEpoch
        return columns.withLock { $0.values }
            .filter { row in matchers.allSatisfy { $0.matches(row.labels) } }
            .compactMap { row in
                let kept = row.times.indices.filter { range.contains(row.times[$0]) }
                return kept.isEmpty ? nil : withStoredHints(row).keeping(kept).columns
            }
            .sorted { $0.labels < $1.labels }
    }

    /// What a store of chunks knows of resets when it gives histograms back: a chunk holds no reset, so that every sample but its
    /// first is known to follow without one; of the first nothing is known. A chunk begins where a counter was reset and where
    /// its histogram does not fit the one before.
    private func withStoredHints(_ row: SampleRow) -> SampleRow {
        var row = row
        var previous: Histogram?
        for index in row.histograms.indices {
            guard var histogram = row.histograms[index] else {
                previous = nil
                continue
            }
            if !histogram.isGauge {
                var plain = histogram
                plain.hint = histogram.hint == .reset ? .reset : .unknown
                let continues = previous.map { before in
                    !before.isGauge && before.schema == histogram.schema && before.bounds == histogram.bounds
                        && before.zeroThreshold == histogram.zeroThreshold && !plain.isReset(after: before)
                }
                histogram.hint = continues == true ? .notReset : .unknown
            }
            previous = histogram
            row.histograms[index] = histogram
        }
        return row
    }

    func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        let found = try await select(matchers, from: from, through: through)
        return Set(found.flatMap { $0.labels.pairs.map(\.name) }).sorted()
    }

    func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
        -> [String]
    {
        let found = try await select(matchers, from: from, through: through)
        return Set(found.compactMap { $0.labels[name] }).sorted()
    }

    func metadata() async throws -> MetadataByName { [:] }
}
