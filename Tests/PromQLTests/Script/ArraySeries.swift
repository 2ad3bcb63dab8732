import Series
import Synchronization
import Units

/// Series held in arrays, as a store for tests.
final class ArraySeries: SeriesReading, Sendable {
    private let columns = Mutex<[Labels: SeriesColumns]>([:])
    /// How often `select` was called.
    private let selections = Mutex(0)

    init(_ columns: [SeriesColumns] = []) {
        for column in columns { add(column) }
    }

    /// Samples must be newer than those that are there.
    func add(_ more: SeriesColumns) {
        columns.withLock {
            var column = $0[more.labels] ?? SeriesColumns(labels: more.labels, times: [], values: [])
            column.times += more.times
            column.values += more.values
            $0[more.labels] = column
        }
    }

    func removeAll() { columns.withLock { $0 = [:] } }

    var selectionCount: Int { selections.withLock { $0 } }

    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        selections.withLock { $0 += 1 }
        return columns.withLock { $0.values }
            .filter { column in matchers.allSatisfy { $0.matches(column.labels) } }
            .compactMap { column in
                let range = start.millisecondsSinceEpoch...end.millisecondsSinceEpoch
                let kept = column.times.indices.filter { range.contains(column.times[$0]) }
                guard let first = kept.first, let last = kept.last else { return nil }
                return SeriesColumns(
                    labels: column.labels, times: Array(column.times[first...last]),
                    values: Array(column.values[first...last]))
            }
            .sorted { $0.labels < $1.labels }
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
