import Logging
import Diagnostics
import Exposition
import Series
import Synchronization
import Units

/// What came of one scrape.
struct ScrapeResult: Sendable {
    var sampleCount = 0
    var refusedCount = 0
    var duration: Duration = .zero
    var failure: (any Error)?
}

/// Does the scrapes of one target, one after the other, and remembers its page between them.
///
/// `@unchecked Sendable`: `scrape` and `endSeries` follow each other, which `ScrapeLoop` sees to, and a second one at the same time would
/// end the program. `metadata` may be asked for at any time; it reads what stands behind locks of its own. (An actor would do the
/// same, but whoever prefers an executor changes threads on the way into one and on the way out.)
final class ScrapeWorker: @unchecked Sendable {
    private let job: ScrapeJob
    private let target: Target
    private let around: ScrapeSurroundings
    private let fetch: TargetFetch
    private let columns: ColumnIngest
    private let batches: BatchIngest
    private var reportReferences: [SeriesReference] = []
    /// Whether the last scrape went well and took no longer than `quickMax`.
    private var wasQuick = false
    private static let quickMax = Duration.milliseconds(250)
    private let isBusy = Atomic(false)

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
    func metadata() -> MetadataByName { columns.metadata().merging(batches.metadata()) { first, _ in first } }

    /// - Parameter refusal: why the scrape fails without being tried.
    func scrape(at now: Timestamp, refusal: String?) async -> ScrapeResult {
        claim()
        defer { isBusy.store(false, ordering: .releasing) }
        var result = ScrapeResult()
        let start = ContinuousClock.now
        do {
            if let refusal { throw ScrapingError(.limitExceeded, refusal) }
            let (body, format) = try await fetch.page(isQuick: wasQuick)
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
        wasQuick = result.failure == nil && result.duration < Self.quickMax
        return result
    }

    private func claim() {
        let wasBusy = isBusy.exchange(true, ordering: .acquiringAndReleasing)
        precondition(!wasBusy, "two scrapes of one target at once")
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
        let mayHaveZeros = job.storesCreatedZeros && format.textFormat == .openMetrics
        if format == .protobuf || job.convertsClassicHistograms || mayHaveZeros {
            var zeros = CreatedZeros()
            let page = try samples(of: body, format, at: now, &zeros)
            return try await batches.take(page, beginning: zeros, at: now) { outcome in
                zip(reportLabels, report(outcome).values(for: job, timeout: timeout)).map {
                    SampleBatch.Row(labels: $0, value: $1)
                }
            }
        }
        let outcome = try await columns.take(body, format.textFormat, at: now) { outcome in
            (references, report(outcome).values(for: job, timeout: timeout))
        }
        if outcome.isReportLost { reportReferences = [] }
        return outcome
    }

    /// A page that is not plain columns.
    private func samples(
        of body: [UInt8], _ format: ScrapeProtocol, at now: Timestamp, _ zeros: inout CreatedZeros
    ) throws -> SampleBatch {
        let limits = ExpositionLimits(
            byteCountMax: .max, sampleCountMax: .max, labelCountMax: .max, textByteCountMax: .max)
        guard format == .protobuf else {
            var page = try parseExposition(body, format.textFormat, at: now, limits: limits)
            if job.storesCreatedZeros, format.textFormat == .openMetrics { zeros = CreatedZeros(takingFrom: &page) }
            guard job.convertsClassicHistograms else { return page }
            return page.convertingClassicHistograms(keepsClassic: job.scrapesClassicHistograms)
        }
        let families = try parseMetricFamilies(body, limits: limits)
        if job.storesCreatedZeros { zeros = CreatedZeros(families, at: now) }
        var page = SampleBatch(families, at: now)
        if job.scrapesClassicHistograms {
            // Where a histogram has both kinds of buckets, the native one stands for it; the classic ones come beside.
            page.rows += SampleBatch(families.compactMap(\.classicBesideNative), at: now).rows
        }
        guard job.convertsClassicHistograms else { return page }
        return page.convertingClassicHistograms(keepsClassic: job.scrapesClassicHistograms)
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
        let answers = try await around.store.references(of: reportLabels)
        // Without room for `up` nothing can be said of the target at all.
        guard answers.allSatisfy({ $0 != nil }) else {
            throw ScrapingError(
                .limitExceeded, "the store takes no more series",
                hint: "Raise the limit on series, or drop some with 'metric_relabel_configs'.")
        }
        reportReferences = answers.compactMap { $0 }
        return reportReferences
    }

    private var reportLabels: [Labels] {
        ScrapeReport.names(for: job).map { name in
            var labels = target.labels
            labels[Labels.metricName] = name
            return labels
        }
    }

    /// The target was taken out: its series end now instead of fading after five minutes.
    func endSeries(at now: Timestamp) async {
        claim()
        defer { isBusy.store(false, ordering: .releasing) }
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

extension MetricFamily {
    /// The histograms that have both kinds of buckets, with the classic ones alone; nil when there is none.
    fileprivate var classicBesideNative: MetricFamily? {
        var classic = self
        classic.metrics = metrics.compactMap { metric in
            guard case .histogram(let count, let sum, let buckets, _?) = metric.value, !buckets.isEmpty else {
                return nil
            }
            var metric = metric
            metric.value = .histogram(count: count, sum: sum, buckets: buckets, native: nil)
            metric.exemplars = []
            return metric
        }
        return classic.metrics.isEmpty ? nil : classic
    }
}
