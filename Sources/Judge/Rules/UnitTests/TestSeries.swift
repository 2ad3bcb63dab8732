import Series
import Synchronization
import Units

/// The series of one unit test: what the test gives appears as its time comes, what rules record is there at once.
final class TestSeries: SeriesReading, Sendable {
    private struct State {
        var columns: [Labels: SeriesColumns] = [:]
        var pending: [SeriesColumns] = []
        /// How many samples of `pending` are in `columns`.
        var taken: [Int] = []
    }

    private let state: Mutex<State>

    init(_ input: [SeriesColumns]) {
        state = Mutex(State(pending: input, taken: Array(repeating: 0, count: input.count)))
    }

    /// Lets the samples up to `time` appear.
    func advance(to time: Timestamp) {
        state.withLock { state in
            for index in state.pending.indices {
                let input = state.pending[index]
                let first = state.taken[index]
                var next = first
                while next < input.times.count, input.times[next] <= time.millisecondsSinceEpoch { next += 1 }
                guard next > first else { continue }
                state.taken[index] = next
                var column = state.columns[input.labels] ?? SeriesColumns(labels: input.labels, times: [], values: [])
                let base = column.times.count - first
                column.times += input.times[first..<next]
                column.values += input.values[first..<next]
                column.histograms += input.histograms.filter { (first..<next).contains($0.index) }
                    .map { HistogramSample(index: $0.index + base, histogram: $0.histogram) }
                state.columns[input.labels] = column
            }
        }
    }

    /// A sample for a time that has one already, or that is older, is left out, as a store would refuse it.
    func append(_ rows: [SampleBatch.Row], at time: Timestamp) {
        state.withLock { state in
            for row in rows {
                var column = state.columns[row.labels] ?? SeriesColumns(labels: row.labels, times: [], values: [])
                if let last = column.times.last, last >= time.millisecondsSinceEpoch { continue }
                if let histogram = row.histogram {
                    column.histograms.append(HistogramSample(index: column.times.count, histogram: histogram))
                }
                column.times.append(time.millisecondsSinceEpoch)
                column.values.append(row.value)
                state.columns[row.labels] = column
            }
        }
    }

    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        let (from, through) = (start.millisecondsSinceEpoch, end.millisecondsSinceEpoch)
        return state.withLock {
            $0.columns.values.filter { column in matchers.allSatisfy { $0.matches(column.labels) } }
        }
        .compactMap { column in
            let first = column.times.partitioningIndex { $0 >= from }
            let last = column.times.partitioningIndex { $0 > through }
            guard first < last else { return nil }
            return SeriesColumns(
                labels: column.labels, times: Array(column.times[first..<last]),
                values: Array(column.values[first..<last]),
                histograms: column.histograms.filter { (first..<last).contains($0.index) }
                    .map { HistogramSample(index: $0.index - first, histogram: $0.histogram) })
        }
        .sorted { $0.labels < $1.labels }
    }

    func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(try await select(matchers, from: from, through: through).flatMap { $0.labels.pairs.map(\.name) }).sorted()
    }

    func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
        -> [String]
    {
        Set(try await select(matchers, from: from, through: through).compactMap { $0.labels[name] }).sorted()
    }

    func metadata() async throws -> MetadataByName { [:] }
}

extension Array where Element == Int64 {
    /// The first index whose element satisfies `isIn`; all that follow do too.
    fileprivate func partitioningIndex(_ isIn: (Int64) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isIn(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
