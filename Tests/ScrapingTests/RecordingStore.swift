import Series
import Synchronization
import Units

/// A store that keeps everything in memory and can forget series, as the real one forgets idle ones.
final class RecordingStore: ColumnAppending {
    private struct State {
        var labels: [Labels] = []
        var numbers: [Labels: Int] = [:]
        var forgotten: Set<Int> = []
        var samples: [Labels: [(time: Int64, value: Double)]] = [:]
        var metadata: MetadataByName = [:]
        var exemplars: [Exemplar] = []
        var histograms: [(name: String, histogram: NativeHistogram)] = []
        var blockCount = 0
        var refusedCounts: [Int] = []
        var seriesMax = Int.max
        var askedCount = 0
    }

    private let state = Mutex(State())

    func append(_ batch: SampleBatch) async throws -> AppendOutcome {
        state.withLock { state in
            for row in batch.rows {
                if let histogram = row.histogram { state.histograms.append((row.labels.name, histogram)) }
                state.samples[row.labels, default: []].append(
                    ((row.timestamp ?? batch.timestamp).millisecondsSinceEpoch, row.value))
            }
            state.metadata.merge(batch.metadata) { _, new in new }
            state.exemplars += batch.exemplars
        }
        return AppendOutcome(stored: batch.rows.count)
    }

    func references(of labels: [Labels]) async throws -> [SeriesReference?] {
        state.withLock { state in
            state.askedCount += labels.count
            return labels.map { labels in
                if let number = state.numbers[labels], !state.forgotten.contains(number) {
                    return SeriesReference(UInt64(number))
                }
                guard state.numbers.count < state.seriesMax else { return nil }
                state.labels.append(labels)
                state.numbers[labels] = state.labels.count - 1
                return SeriesReference(UInt64(state.labels.count - 1))
            }
        }
    }

    func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int]) {
        state.withLock { state in
            state.blockCount += 1
            state.refusedCounts.append(block.refusedCount)
            var unknown: [Int] = []
            for (index, reference) in block.references.enumerated() {
                let number = Int(reference.raw)
                if state.forgotten.contains(number) {
                    unknown.append(index)
                } else {
                    state.samples[state.labels[number], default: []].append(
                        (block.timestamp.millisecondsSinceEpoch, block.values[index]))
                }
            }
            return (AppendOutcome(stored: block.references.count - unknown.count), unknown)
        }
    }

    /// From now on the numbers that were given are unknown.
    func forgetAll() { state.withLock { $0.forgotten.formUnion(0..<$0.labels.count) } }
    func limitSeries(to most: Int) { state.withLock { $0.seriesMax = most } }

    /// What came beside each block.
    var refusedCounts: [Int] { state.withLock { $0.refusedCounts } }
    var askedCount: Int { state.withLock { $0.askedCount } }
    var metadata: MetadataByName { state.withLock { $0.metadata } }
    var exemplars: [Exemplar] { state.withLock { $0.exemplars } }
    func histograms(_ name: String) -> [NativeHistogram] {
        state.withLock { $0.histograms.filter { $0.name == name }.map(\.histogram) }
    }

    var names: Set<String> { state.withLock { Set($0.samples.keys.map(\.name)) } }

    func series(_ name: String) -> [Labels] { state.withLock { $0.samples.keys.filter { $0.name == name }.sorted() } }

    /// The values of the only series with this name and these labels among its own; "stale" for the marker.
    func values(_ name: String, _ labels: [String: String] = [:]) -> [String] {
        samples(name, labels).map { $0.value.isStaleMarker ? "stale" : "\($0.value)" }
    }

    func samples(_ name: String, _ labels: [String: String] = [:]) -> [(time: Int64, value: Double)] {
        state.withLock { state in
            let found = state.samples.filter { entry in
                entry.key.name == name && labels.allSatisfy { (entry.key[$0.key] ?? "") == $0.value }
            }
            return found.count == 1 ? found.first!.value : []
        }
    }
}
