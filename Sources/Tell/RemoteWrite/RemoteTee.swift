public import Series
import Synchronization
import Units

/// A store whose samples are also queued for remote write: whoever appends here appends to both. What the store refuses is not queued, so
/// that receivers hold what it holds.
public final class RemoteTee: ColumnAppending {
    private let store: any ColumnAppending
    private let writer: RemoteWriter
    private let state = Mutex(State())

    private struct State {
        var labels: [SeriesReference: Labels] = [:]
        /// Labels were let go to bound their number, so some of a block may be missing.
        var hasGaps = false
    }

    /// Series come and go, and their numbers are not used again; past this all are asked for anew.
    private let labelsMax: Int

    public convenience init(_ store: any ColumnAppending, _ writer: RemoteWriter) {
        self.init(store, writer, labelsMax: 1_000_000)
    }

    init(_ store: any ColumnAppending, _ writer: RemoteWriter, labelsMax: Int) {
        self.store = store
        self.writer = writer
        self.labelsMax = labelsMax
    }

    public func append(_ batch: SampleBatch) async throws -> AppendOutcome {
        let outcome = try await store.append(batch)
        guard !outcome.leftOut.isEmpty else {
            writer.append(batch)
            return outcome
        }
        var stored = batch
        stored.rows = kept(batch.rows.indices, without: outcome.leftOut.map(\.index)).map { batch.rows[$0] }
        if !stored.rows.isEmpty || !stored.exemplars.isEmpty { writer.append(stored) }
        return outcome
    }

    public func references(of labels: [Labels]) async throws -> [SeriesReference?] {
        let references = try await store.references(of: labels)
        state.withLock { state in
            if state.labels.count > labelsMax {
                state.labels = [:]
                state.hasGaps = true
            }
            for (own, reference) in zip(labels, references) {
                if let reference { state.labels[reference] = own }
            }
        }
        return references
    }

    public func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int]) {
        let gaps = state.withLock { state in
            state.hasGaps ? block.references.indices.filter { state.labels[block.references[$0]] == nil } : []
        }
        guard gaps.isEmpty else {
            // As if the store had forgotten them: the caller asks again, and their samples come once more.
            let missing = Set(gaps)
            let kept = block.references.indices.filter { !missing.contains($0) }
            let answer = try await append(
                SampleBlock(
                    timestamp: block.timestamp, references: kept.map { block.references[$0] },
                    values: kept.map { block.values[$0] }, refusedCount: block.refusedCount))
            var outcome = answer.outcome
            for place in outcome.leftOut.indices { outcome.leftOut[place].index = kept[outcome.leftOut[place].index] }
            return (outcome, (gaps + answer.unknown.map { kept[$0] }).sorted())
        }
        let answer = try await store.append(block)
        var queued = block
        let leftOut = answer.outcome.leftOut.map(\.index)
        if !answer.unknown.isEmpty || !leftOut.isEmpty {
            let kept = kept(block.references.indices, without: answer.unknown + leftOut)
            queued = SampleBlock(
                timestamp: block.timestamp, references: kept.map { block.references[$0] },
                values: kept.map { block.values[$0] })
            state.withLock { state in
                for index in answer.unknown { state.labels[block.references[index]] = nil }
            }
        }
        guard !queued.references.isEmpty else { return answer }
        writer.append(queued) { reference in state.withLock { $0.labels[reference] } }
        return answer
    }

    private func kept(_ indices: Range<Int>, without some: [Int]) -> [Int] {
        let some = Set(some)
        return indices.filter { !some.contains($0) }
    }
}
