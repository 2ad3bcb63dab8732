public import Series
public import Units

/// The state of the backups as series.
public struct BackupSeries: SampleSource {
    public let name = "backups"
    public let labels = Labels()
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "jaga_backups_up"
    private let backups: Backups

    public init(_ backups: Backups, interval: Duration = .seconds(15)) {
        self.backups = backups
        self.interval = interval
        deadline = min(interval, .seconds(5))
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let all = try await BackupCatalogue.backups(in: backups.store)
        let failed = Set(try await BackupCatalogue.troubles(in: backups.store).map(\.target))
        var batch = SampleBatch(at: now)
        batch.add(upMetric, [:], 1)
        for target in backups.targets {
            let label: KeyValuePairs = ["target": target.name]
            let own = all.filter { $0.target == target.name }
            batch.add("jaga_backup_count", label, Double(own.count))
            batch.add("jaga_backup_max_age_seconds", label, target.maxAge.inSeconds)
            batch.add("jaga_backup_last_run_failed", label, failed.contains(target.name) ? 1 : 0)
            // Without any good backup the time is 0, so that "older than allowed" holds from the first moment on.
            let good = own.first { $0.verification == .good }
            batch.add("jaga_backup_last_success_timestamp_seconds", label, good?.finishedAt.secondsSinceEpoch ?? 0)
            if let newest = own.first {
                batch.add("jaga_backup_size_bytes", label, Double(newest.bytes))
                batch.add("jaga_backup_duration_seconds", label, Double(newest.durationMs) / 1000)
                batch.add("jaga_backup_verified", label, newest.verification == .good ? 1 : 0)
            }
            let drills = try await BackupCatalogue.drills(of: target.name, in: backups.store)
            if let newest = drills.first { batch.add("jaga_drill_success", label, newest.passed ? 1 : 0) }
            if let passed = drills.first(where: \.passed) {
                batch.add("jaga_drill_last_success_timestamp_seconds", label, passed.finishedAt.secondsSinceEpoch)
                batch.add("jaga_drill_restore_seconds", label, Double(passed.restoreMs ?? 0) / 1000)
            }
        }
        batch.metadata = Self.metadata
        return batch
    }

    private static let metadata = MetricMetadata.byName([
        MetricMetadata("jaga_backup_count", .gauge, "Backups in the repository."),
        MetricMetadata("jaga_backup_max_age_seconds", .gauge, "How old the newest good backup may get."),
        MetricMetadata("jaga_backup_last_run_failed", .gauge, "Whether the newest attempt failed."),
        MetricMetadata(
            "jaga_backup_last_success_timestamp_seconds", .gauge, "When the newest good backup was taken; 0: never."
        ),
        MetricMetadata("jaga_backup_size_bytes", .gauge, "Size of the newest backup on disk."),
        MetricMetadata("jaga_backup_duration_seconds", .gauge, "How long the newest backup took."),
        MetricMetadata("jaga_backup_verified", .gauge, "Whether the newest backup was verified and found good."),
        MetricMetadata("jaga_drill_success", .gauge, "Whether the newest drill passed."),
        MetricMetadata("jaga_drill_last_success_timestamp_seconds", .gauge, "When a drill passed last."),
        MetricMetadata("jaga_drill_restore_seconds", .gauge, "How long the restore of the last good drill took."),
    ])
}
