import Series
import Units

/// What a scrape says of itself, stored beside the page's samples
/// (<https://prometheus.io/docs/concepts/jobs_instances/#automatically-generated-labels-and-time-series>).
struct ScrapeReport: Sendable {
    var isUp = false
    var duration: Duration = .zero
    /// Samples of the page.
    var sampleCount = 0
    /// Those that metric relabelling left.
    var keptCount = 0
    /// Series that the page before did not have.
    var addedCount = 0
    /// Of the page, unpacked; -1 when it was over the limit.
    var bodyByteCount = 0

    static let standardNames = [
        "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
        "scrape_series_added",
    ]
    static let extraNames = ["scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes"]
    static let names = standardNames + extraNames

    static func names(for job: ScrapeJob) -> [String] { job.hasExtraMetrics ? names : standardNames }

    /// In the order of `names(for:)`.
    func values(for job: ScrapeJob, timeout: Duration) -> [Double] {
        let standard = [
            isUp ? 1 : 0, duration.inSeconds, Double(sampleCount), Double(keptCount), Double(addedCount),
        ]
        guard job.hasExtraMetrics else { return standard }
        let limit = job.limits.samples.map { $0 == .max ? 0 : $0 } ?? 0
        return standard + [timeout.inSeconds, Double(limit), Double(bodyByteCount)]
    }
}
