public import Series
import Synchronization
import Units

/// Lets a store that takes only batches be used by number. Keeps the labels of every series that was asked for.
public final class BatchColumns: ColumnAppending {
    private let store: any SeriesAppending
    private let state = Mutex(State())

    private struct State {
        var labels: [Labels] = []
        var numbers: [Labels: Int] = [:]
    }

    public init(_ store: any SeriesAppending) { self.store = store }

    public func append(_ batch: SampleBatch) async throws -> AppendOutcome { try await store.append(batch) }

    public func references(of labels: [Labels]) async throws -> [SeriesReference?] {
        state.withLock { state in
            labels.map { labels in
                if let number = state.numbers[labels] { return SeriesReference(UInt64(number)) }
                state.labels.append(labels)
                state.numbers[labels] = state.labels.count - 1
                return SeriesReference(UInt64(state.labels.count - 1))
            }
        }
    }

    public func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int]) {
        var batch = SampleBatch(at: block.timestamp)
        var unknown: [Int] = []
        state.withLock { state in
            for (index, reference) in block.references.enumerated() {
                guard reference.raw < UInt64(state.labels.count) else {
                    unknown.append(index)
                    continue
                }
                batch.rows.append(.init(labels: state.labels[Int(reference.raw)], value: block.values[index]))
            }
        }
        return (try await store.append(batch), unknown)
    }
}
