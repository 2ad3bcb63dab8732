import Series
import Synchronization
import Units

/// Turns pages that are not plain columns (native histograms) into batches. Slower than `ColumnIngest`, with the same promises.
final class BatchIngest {
    private let job: ScrapeJob
    private let labelling: SampleLabelling
    private let store: any SeriesAppending
    /// What the labels of a page's series become; nil inside: dropped.
    private var known: [Labels: Labels?] = [:]
    private var live: Set<Labels> = []
    /// The times of the zeros that were handed over, which need not be again.
    private var begun: [Labels: Int64] = [:]
    private let announced = Mutex<MetadataByName>([:])

    init(_ job: ScrapeJob, _ labelling: SampleLabelling, store: any SeriesAppending) {
        self.job = job
        self.labelling = labelling
        self.store = store
    }

    /// - Parameters:
    ///   - zeros: what the page's series begin with.
    ///   - report: gives the scrape's own rows.
    func take(
        _ page: SampleBatch, beginning zeros: CreatedZeros = CreatedZeros(), at now: Timestamp,
        report: (IngestOutcome) -> [SampleBatch.Row]
    ) async throws -> IngestOutcome {
        var outcome = IngestOutcome()
        outcome.sampleCount = page.rows.count
        let batch: SampleBatch
        do {
            batch = try accepted(page, at: now, &outcome)
        } catch {
            outcome.failure = error
            try await end(at: now, report: report(outcome))
            return outcome
        }
        if job.storesCreatedZeros {
            let beginnings = beginnings(page, zeros, at: now)
            // Before the samples: what came after them would be too late.
            if !beginnings.rows.isEmpty { try await store.append(beginnings) }
        }
        var whole = batch
        whole.rows += report(outcome)
        let answer = try await store.append(whole)
        outcome.refusedCount = answer.outOfOrder + answer.duplicate + answer.overLimit
        return outcome
    }

    /// The page as it is stored, with the ends of what vanished.
    private func accepted(
        _ page: SampleBatch, at now: Timestamp, _ outcome: inout IngestOutcome
    ) throws(ScrapingError) -> SampleBatch {
        var batch = try relabelled(page, at: now, &outcome)
        if let most = job.limits.samples, outcome.keptCount > most {
            throw ScrapingError(
                .limitExceeded, "sample limit exceeded: \(outcome.keptCount) samples, the limit is \(most)")
        }
        var current: Set<Labels> = []
        for row in batch.rows where row.timestamp == nil || job.tracksTimestampStaleness { current.insert(row.labels) }
        batch.rows += live.subtracting(current).map { SampleBatch.Row(labels: $0, value: staleMarker) }
        live = current
        return batch
    }

    private func beginnings(_ page: SampleBatch, _ zeros: CreatedZeros, at now: Timestamp) -> SampleBatch {
        var batch = SampleBatch(at: now)
        batch.isOfBeginnings = true
        var seen: [Labels: Int64] = [:]
        for row in page.rows {
            guard let created = zeros.times[row.labels], let final = known[row.labels] ?? nil else { continue }
            seen[final] = created
            let sampled = job.honorsTimestamps ? row.timestamp ?? now : now
            guard begun[final] != created, created < sampled.millisecondsSinceEpoch else { continue }
            var zero = row.beginning(at: Timestamp(millisecondsSinceEpoch: created))
            zero.labels = final
            batch.rows.append(zero)
        }
        begun = seen
        return batch
    }

    func end(at now: Timestamp, report: [SampleBatch.Row] = []) async throws {
        var batch = SampleBatch(at: now)
        batch.rows = live.map { SampleBatch.Row(labels: $0, value: staleMarker) } + report
        live = []
        if !batch.rows.isEmpty { try await store.append(batch) }
    }

    private func relabelled(
        _ page: SampleBatch, at now: Timestamp, _ outcome: inout IngestOutcome
    ) throws(ScrapingError) -> SampleBatch {
        var batch = SampleBatch(at: now)
        var seen: [Labels: Labels?] = [:]
        for row in page.rows {
            let final: Labels?
            if let found = known[row.labels] {
                final = found
            } else {
                final = try labelling.labels(of: row.labels)
                if final != nil { outcome.addedCount += 1 }
            }
            seen[row.labels] = .some(final)
            guard let final else { continue }
            var kept = row
            kept.labels = final
            if !job.honorsTimestamps { kept.timestamp = nil }
            if let histogram = row.histogram {
                kept = .init(labels: final, histogram: try limited(histogram), timestamp: kept.timestamp)
            }
            batch.rows.append(kept)
        }
        outcome.keptCount = batch.rows.count
        known = seen
        batch.exemplars = page.exemplars.compactMap { exemplar in
            guard let series = seen[exemplar.series] ?? nil else { return nil }
            var kept = exemplar
            kept.series = series
            return kept
        }
        batch.metadata = announced.withLock { announced in
            defer { announced = page.metadata }
            return page.metadata.filter { announced[$0.key] != $0.value }
        }
        return batch
    }

    /// The histogram within the job's limits, coarser where it must be.
    private func limited(_ histogram: NativeHistogram) throws(ScrapingError) -> NativeHistogram {
        var histogram = histogram
        if let factor = job.limits.histogramBucketFactor {
            while histogram.schema > -4, histogram.schema <= 8, histogram.growthFactor < factor {
                histogram = histogram.halved()
            }
        }
        guard let most = job.limits.histogramBuckets else { return histogram }
        while histogram.bucketCount > most, histogram.schema > -4, histogram.schema <= 8 {
            histogram = histogram.halved()
        }
        guard histogram.bucketCount <= most else {
            throw ScrapingError(
                .limitExceeded,
                "histogram bucket limit exceeded: \(histogram.bucketCount) buckets, the limit is \(most)")
        }
        return histogram
    }

    func metadata() -> MetadataByName { announced.withLock { $0 } }
}
