import Series
import Units

/// A source whose samples carry further labels. Every series names its host, also those of sources that know no host.
struct LabelledSource: SampleSource {
    let base: any SampleSource
    let labels: Labels

    init(_ base: any SampleSource, _ further: Labels) {
        self.base = base
        labels = further.merging(base.labels)
    }

    var name: String { base.name }
    var interval: Duration { base.interval }
    var deadline: Duration { base.deadline }
    var upMetric: String { base.upMetric }

    func read(at now: Timestamp) async throws -> SampleBatch {
        var batch = try await base.read(at: now)
        batch.label(with: labels)
        return batch
    }
}
