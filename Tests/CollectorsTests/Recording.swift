import Series
import Synchronization
import Units

/// Keeps what a runner appends.
final class RecordingStore: SeriesAppending {
    private let state = Mutex<(batches: [SampleBatch], failure: (any Error)?)>(([], nil))

    var batches: [SampleBatch] { state.withLock { $0.batches } }
    func fail(with error: (any Error)?) { state.withLock { $0.failure = error } }

    func append(_ batch: SampleBatch) async throws -> AppendOutcome {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            state.batches.append(batch)
        }
        return AppendOutcome(stored: batch.rows.count)
    }
}

extension SampleBatch {
    /// The value of the one series with this name and, among others, these labels.
    func value(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double? {
        rows.first { row in row.labels.name == name && labels.allSatisfy { row.labels[$0.key] == $0.value } }?.value
    }

    func rows(_ name: String) -> [Row] { rows.filter { $0.labels.name == name } }
}

let testNow = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)
