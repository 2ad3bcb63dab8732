import Synchronization
import Backup
import Collectors
import Jobs
import Ledger
import Notifications
import RemoteWrite
import Rules
import Scraping
import Series
import TimeSeriesStore
import Units

/// What Jaga says of itself, under the exporters' names where there are any: memory, CPU, the store and the ledger.
struct OwnSource: SampleSource {
    let name = "jaga/process"
    let labels: Labels
    let interval = Duration.seconds(15)
    let deadline = Duration.seconds(5)
    let upMetric = "up"
    let series: TimeSeriesStore
    let ledger: Ledger
    let startedAt: Timestamp
    let remote: RemoteWriter?
    let rules: RuleEngine
    let scrapes: ScrapeManager
    /// Told the store's figures at each reading.
    let noteStats: @Sendable (StoreStats) -> Void

    func read(at now: Timestamp) async throws -> SampleBatch {
        noteStats(series.stats)
        var batch = SampleBatch(at: now)
        batch.add("up", [:], 1)
        batch.add("jaga_build_info", ["version": JagaVersion.number, "revision": JagaVersion.revision], 1)
        batch.add("process_start_time_seconds", [:], startedAt.secondsSinceEpoch)
        if let bytes = residentBytes() { batch.add("process_resident_memory_bytes", [:], Double(bytes)) }
        batch.add("process_cpu_seconds_total", [:], processorSeconds())
        batch.add("jaga_ledger_entries_total", [:], Double(ledger.head.size))
        batch.metadata = Self.metadata
        series.report(into: &batch)
        remote?.report(into: &batch)
        let durations = await rules.durations(at: now)
        batch.rows += durations.rows
        batch.metadata.merge(durations.metadata) { own, _ in own }
        reportTargets(into: &batch)
        scrapes.reportIntervals(into: &batch)
        batch.label(with: labels)
        return batch
    }

    /// How many targets each job has, and how many were found for it before relabelling dropped some.
    private func reportTargets(into batch: inout SampleBatch) {
        let report = scrapes.report
        let active = Dictionary(grouping: report.active, by: \.pool).mapValues(\.count)
        let jobs = Set(active.keys).union(report.droppedCounts.keys).sorted()
        for job in jobs {
            batch.add("prometheus_target_scrape_pool_targets", ["scrape_job": job], Double(active[job] ?? 0))
        }
        for job in jobs {
            batch.add(
                "prometheus_sd_discovered_targets", ["name": "scrape", "config": job],
                Double((active[job] ?? 0) + (report.droppedCounts[job] ?? 0)))
        }
    }

    private static let metadata = MetricMetadata.byName([
        MetricMetadata("jaga_build_info", .gauge, "The version that runs."),
        MetricMetadata("process_start_time_seconds", .gauge, "When the process started, in Unix seconds."),
        MetricMetadata("process_resident_memory_bytes", .gauge, "Resident memory."),
        MetricMetadata("process_cpu_seconds_total", .counter, "Processor time, user and system."),
        MetricMetadata("jaga_ledger_entries_total", .counter, "Entries in the ledger."),
        MetricMetadata("prometheus_target_scrape_pool_targets", .gauge, "Targets that are scraped."),
        MetricMetadata(
            "prometheus_sd_discovered_targets", .gauge, "Targets that were found, those that were dropped included."),
    ])
}

/// The sources that do not depend on the settings: Jaga itself and what its parts count.
func ownSources(_ parts: SiteParts) -> [SourcePlan] {
    let host: Labels = ["host": parts.hostName]
    let own: Labels = ["job": "jaga", "instance": parts.hostName, "host": parts.hostName]
    let backups = parts.backups.withLock { $0 }
    let sources: [(any SampleSource, any Hashable & Sendable)] = [
        (
            OwnSource(
                labels: own, series: parts.series, ledger: parts.ledger, startedAt: parts.startedAt,
                remote: parts.remote, rules: parts.rules, scrapes: parts.scrapes,
                noteStats: { [weak parts] in parts?.note($0) }),
            "own"
        ),
        (LabelledSource(JobSeries(parts.jobs), own), "jobs"),
        (LabelledSource(BackupSeries(backups), own), ObjectIdentity(backups)),
        (LabelledSource(NotificationMetrics(parts.outbox), host), "notifications"),
    ]
    return sources.map { SourcePlan($0.0, identity: $0.1) }
}
