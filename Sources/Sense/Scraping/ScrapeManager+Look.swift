import BlockingCalls
public import Logging
import Series
public import Units

extension ScrapeManager {
    /// Finds the targets of all jobs and scrapes each once, beside each other; nothing is stored. For looking at a configuration.
    public static func look(
        at jobs: [ScrapeJob], wallClock: any WallClock, logger: Logger, userAgent: String
    ) async -> TargetsReport {
        let around = ScrapeSurroundings(
            store: BatchColumns(Nowhere()), clock: ContinuousClock(), wallClock: wallClock, logger: logger,
            userAgent: userAgent, seed: "")
        return await withTaskGroup(of: (Int, TargetsReport).self) { group in
            for (index, job) in jobs.enumerated() {
                group.addTask { (index, await look(at: job, around)) }
            }
            var reports: [(Int, TargetsReport)] = []
            for await report in group { reports.append(report) }
            var whole = TargetsReport()
            for (_, report) in reports.sorted(by: { $0.0 < $1.0 }) {
                whole.active += report.active
                whole.dropped += report.dropped
                whole.discoveries += report.discoveries
            }
            return whole
        }
    }

    private static func look(at job: ScrapeJob, _ around: ScrapeSurroundings) async -> TargetsReport {
        let pool = ScrapePool(job, around)
        let loops = await pool.findOnce()
        await withTaskGroup(of: Void.self) { group in
            // A discovery may find thousands; what a look can use is bounded.
            for (index, loop) in loops.enumerated() {
                if index >= 16 { await group.next() }
                group.addTask { await loop.scrapeOnce() }
            }
        }
        var report = TargetsReport()
        pool.report(into: &report)
        return report
    }
}

/// Takes everything and keeps nothing.
private struct Nowhere: SeriesAppending {
    func append(_ batch: SampleBatch) async throws -> AppendOutcome { AppendOutcome(stored: batch.rows.count) }
}
