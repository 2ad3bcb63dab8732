import QueryComparison
import TestSupport
import Testing

/// Goal: a query has the answer that the reference gives, to the digit and with the same refusals. Method: Debian's Prometheus and our engine
/// hold the same samples, counters with resets, gauges with NaN, infinities and stale markers, classic histograms, and are asked generated
/// queries; their JSON is compared. `scripts/compare-queries` is the long form.
@Suite struct DifferentialTests {
    @Test(.enabled(if: QueryComparison.isPossible, "Prometheus is not installed; scripts/test installs it"))
    func `generated queries have the reference's answers`() async throws {
        let seed = SeededGenerator.forTest().seed
        let comparison = try await QueryComparison(seed: seed)
        let report = try await comparison.run(300)
        print(report.summary + "; " + report.details)
        #expect(report.differences.isEmpty, "\(report.differences.joined(separator: "\n"))")
        // A comparison of nothing with nothing would find no difference either.
        #expect(report.empty < 150 && report.refused < 100 && report.exact > 100)
    }
}
