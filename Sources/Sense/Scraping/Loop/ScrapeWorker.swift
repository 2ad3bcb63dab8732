import Logging
import Diagnostics
import Exposition
import Series
import Units

/// What came of one scrape.
struct ScrapeResult: Sendable {
    var sampleCount = 0
    var refusedCount = 0
    var duration: Duration = .zero
    var failure: (any Error)?
}

/// Does the scrapes of one target, one after the other, and remembers its page between them.
actor ScrapeWorker {
    private let job: ScrapeJob
    private let target: Target
    private let around: ScrapeSurroundings
    private let fetch: TargetFetch
    private let columns: ColumnIngest
    private let batches: BatchIngest
    private var reportReferences: [SeriesReference] = []

    init(_ job: ScrapeJob, _ target: Target, _ around: ScrapeSurroundings) {
        self.job = job
        self.target = target
        self.around = around
        fetch = TargetFetch(job, target, userAgent: around.userAgent)
        let labelling = SampleLabelling(job, target: target.labels)
        columns = ColumnIngest(job, labelling, store: around.store)
        batches = BatchIngest(job, labelling, store: around.store)
    }

    /// What the last page said of its metrics.
    func metadata() -> [String: MetricMetadata] { columns.metadata().merging(batches.metadata()) { first, _ in first } }

    /// - Parameter refusal: why the scrape fails without being tried.
    func scrape(at now: Timestamp, refusal: String?) async -> ScrapeResult {
        var result = ScrapeResult()
        let start = ContinuousClock.now
        do {
            if let refusal { throw ScrapingError(.limitExceeded, refusal) }
            let (body, format) = try await fetch.page()
            try Task.checkCancellation()
            let outcome = try await take(body, format, at: now, start)
            result.sampleCount = outcome.sampleCount
            result.refusedCount = outcome.refusedCount
            result.failure = outcome.failure
        } catch is CancellationError where Task.isCancelled {
            // The target went away or the program ends; what was not read is no failure.
            return result
        } catch {
            result.failure = error
            do { try await fail(at: now, start) } catch { result.failure = error }
        }
        result.duration = start.duration(to: .now)
        return result
    }

    private func take(
        _ body: [UInt8], _ format: ScrapeProtocol, at now: Timestamp, _ start: ContinuousClock.Instant
    ) async throws -> IngestOutcome {
        let references = try await references()
        func report(_ outcome: IngestOutcome) -> ScrapeReport {
            ScrapeReport(
                isUp: outcome.failure == nil, duration: start.duration(to: .now), sampleCount: outcome.sampleCount,
                keptCount: outcome.keptCount, addedCount: outcome.addedCount, bodyByteCount: body.count)
        }
        let timeout = target.timeout
        let outcome = try await columns.take(body, format.textFormat, at: now) { outcome in
            (references, report(outcome).values(for: job, timeout: timeout))
        }
        if outcome.isReportLost { reportReferences = [] }
        return outcome
    }

    /// Nothing could be read: `up 0`, and what lived has ended.
    private func fail(at now: Timestamp, _ start: ContinuousClock.Instant) async throws {
        let report = ScrapeReport(duration: start.duration(to: .now))
        let references = try await references()
        try await batches.end(at: now)
        let isLost = try await columns.end(
            at: now, report: (references, report.values(for: job, timeout: target.timeout)))
        if isLost { reportReferences = [] }
    }

    /// The store's numbers for the scrape's own series.
    private func references() async throws -> [SeriesReference] {
        if !reportReferences.isEmpty { return reportReferences }
        let labels = ScrapeReport.names(for: job).map { name in
            var labels = target.labels
            labels[Labels.metricName] = name
            return labels
        }
        let answers = try await around.store.references(of: labels)
        // Without room for `up` nothing can be said of the target at all.
        guard answers.allSatisfy({ $0 != nil }) else {
            throw ScrapingError(
                .limitExceeded, "the store takes no more series",
                hint: "Raise the limit on series, or drop some with 'metric_relabel_configs'.")
        }
        reportReferences = answers.compactMap { $0 }
        return reportReferences
    }

    /// The target was taken out: its series end now instead of fading after five minutes.
    func endSeries(at now: Timestamp) async {
        do {
            try await batches.end(at: now)
            let report = reportReferences
            try await columns.end(
                at: now, report: (report, [Double](repeating: staleMarker, count: report.count)))
        } catch {
            around.logger.error("the end of a target could not be stored", metadata: ["error": "\(describe(error))"])
        }
    }
}
