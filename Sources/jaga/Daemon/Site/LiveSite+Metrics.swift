import Rules
import Collectors
import Exposition
import Series
import Units

extension LiveSite {
    func selfMetrics() async throws -> String {
        let now = parts.clock.now
        var page = SampleBatch(at: now)
        for plan in ownSources(parts) {
            let batch = try await plan.source.read(at: now)
            page.rows += batch.rows
            page.metadata.merge(batch.metadata) { first, _ in first }
            let up = plan.source.upMetric
            if page.metadata[up] == nil {
                page.metadata[up] = MetricMetadata(up, .gauge, "Whether the last reading of these figures worked.")
            }
        }
        // The rule engine stores these itself, with the evaluation that they speak of.
        let groups = await parts.rules.groupSeries(at: now)
        page.rows += groups.rows
        page.metadata.merge(groups.metadata) { first, _ in first }
        return String(decoding: writeExposition(page, .text), as: UTF8.self)
    }
}
