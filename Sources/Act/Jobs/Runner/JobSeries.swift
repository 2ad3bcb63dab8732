public import Series
public import Units

/// The outcome of the jobs as series, so that "it did not run" is an alert like any other.
public struct JobSeries: SampleSource {
    public let name = "jobs"
    public let labels = Labels()
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "jaga_jobs_up"
    private let runner: JobRunner

    public init(_ runner: JobRunner, interval: Duration = .seconds(15)) {
        self.runner = runner
        self.interval = interval
        deadline = min(interval, .seconds(5))
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let states = try await JobRuns.states(in: runner.store)
        let running = runner.running
        var batch = SampleBatch(at: now)
        batch.add(upMetric, 1)
        for job in runner.jobs {
            let state = states[job.name] ?? JobState()
            batch.add("jaga_job_running", ["job": job.name], running[job.name] == nil ? 0 : 1)
            if let succeeded = state.lastSucceeded {
                batch.add("jaga_job_last_run_success", ["job": job.name], succeeded ? 1 : 0)
            }
            if let at = state.lastFinishedAt {
                batch.add("jaga_job_last_run_timestamp_seconds", ["job": job.name], at.secondsSinceEpoch)
            }
            if let at = state.lastSuccessAt {
                batch.add("jaga_job_last_success_timestamp_seconds", ["job": job.name], at.secondsSinceEpoch)
            }
            if let duration = state.lastDurationMs {
                batch.add("jaga_job_last_duration_seconds", ["job": job.name], Double(duration) / 1000)
            }
            if let next = runner.nextRun(of: job.name) {
                batch.add("jaga_job_next_run_timestamp_seconds", ["job": job.name], next.secondsSinceEpoch)
            }
            for outcome in ["succeeded", "failed", "timedOut", "cancelled", "interrupted", "lost"] {
                let count = Double(state.counts[outcome] ?? 0)
                batch.add("jaga_job_runs_total", ["job": job.name, "outcome": outcome], count)
            }
            batch.add("jaga_job_missed_runs_total", ["job": job.name], Double(state.counts["missed"] ?? 0))
        }
        batch.metadata = Self.metadata
        return batch
    }

    private static let metadata = MetricMetadata.byName([
        MetricMetadata("jaga_job_running", .gauge, "Whether the job runs now."),
        MetricMetadata("jaga_job_last_run_success", .gauge, "Whether the newest run that ended succeeded."),
        MetricMetadata("jaga_job_last_run_timestamp_seconds", .gauge, "When the newest run ended."),
        MetricMetadata("jaga_job_last_success_timestamp_seconds", .gauge, "When the newest good run ended."),
        MetricMetadata("jaga_job_last_duration_seconds", .gauge, "How long the newest run took."),
        MetricMetadata("jaga_job_next_run_timestamp_seconds", .gauge, "When the schedule has its next run."),
        MetricMetadata("jaga_job_runs_total", .counter, "Runs that ended, by outcome."),
        MetricMetadata("jaga_job_missed_runs_total", .counter, "Runs that should have begun and did not."),
    ])
}

extension SampleBatch {
    fileprivate mutating func add(_ name: String, _ value: Double) { add(name, [:], value) }
}
