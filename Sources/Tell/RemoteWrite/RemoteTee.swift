public import Series
import Synchronization
import Units

/// A store whose samples are also queued for remote write: whoever appends here appends to both.
public final class RemoteTee: ColumnAppending {
    private let store: any ColumnAppending
    private let writer: RemoteWriter
    private let state = Mutex(State())

    private struct State {
        var labels: [SeriesReference: Labels] = [:]
    }

    public init(_ store: any ColumnAppending, _ writer: RemoteWriter) {
        self.store = store
        self.writer = writer
    }

    public func append(_ batch: SampleBatch) async throws -> AppendOutcome {
        let outcome = try await store.append(batch)
        writer.append(batch)
        return outcome
    }

    public func references(of labels: [Labels]) async throws -> [SeriesReference?] {
        let references = try await store.references(of: labels)
        state.withLock { state in
            for (own, reference) in zip(labels, references) {
                if let reference { state.labels[reference] = own }
            }
        }
        return references
    }

    public func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int]) {
        let answer = try await store.append(block)
        var queued = block
        if !answer.unknown.isEmpty {
            let unknown = Set(answer.unknown)
            let kept = block.references.indices.filter { !unknown.contains($0) }
            queued = SampleBlock(
                timestamp: block.timestamp, references: kept.map { block.references[$0] },
                values: kept.map { block.values[$0] })
            state.withLock { state in
                for index in answer.unknown { state.labels[block.references[index]] = nil }
            }
        }
        writer.append(queued) { reference in state.withLock { $0.labels[reference] } }
        return answer
    }
}
