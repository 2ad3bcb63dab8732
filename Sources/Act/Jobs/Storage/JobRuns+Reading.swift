import GRDB
public import StateStore
public import Units

/// A run as the history keeps it.
public struct JobRunRecord: Sendable, Hashable {
    public var run: String
    public var job: String
    /// `schedule`, `manual` or `retry`.
    public var trigger: String
    /// As in `person:ani`.
    public var actor: String
    /// 0 for a run that was missed.
    public var attempt: Int
    public var scheduledFor: Timestamp?
    public var startedAt: Timestamp
    public var finishedAt: Timestamp?
    public var durationMs: Int64?
    /// running, succeeded, failed, timedOut, cancelled, interrupted, lost or missed.
    public var outcome: String
    public var exitCode: Int?
    public var message: String
    public var output: String
}

/// What is known of a job from all its runs.
public struct JobState: Sendable, Hashable {
    /// The newest scheduled time that is done with.
    public var handledFor: Timestamp?
    public var lastSuccessAt: Timestamp?
    public var lastFinishedAt: Timestamp?
    public var lastSucceeded: Bool?
    public var lastDurationMs: Int64?
    /// Runs by outcome, `missed` among them.
    public var counts: [String: Int64] = [:]
}

extension JobRuns {
    /// The newest runs first.
    /// - Parameter job: nil for all jobs.
    public static func history(of job: String? = nil, limit: Int = 50, in store: StateStore) async throws
        -> [JobRunRecord]
    {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM job_run WHERE ?1 IS NULL OR job = ?1 ORDER BY sequence DESC LIMIT ?2",
                arguments: [job, limit]
            ).map(JobRunRecord.init)
        }
    }

    public static func find(run: String, in store: StateStore) async throws -> JobRunRecord? {
        try await store.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM job_run WHERE run = ?", arguments: [run]).map(JobRunRecord.init)
        }
    }

    /// Runs without an end, oldest first.
    public static func unfinished(in store: StateStore) async throws -> [JobRunRecord] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM job_run WHERE outcome = 'running' ORDER BY sequence")
                .map(JobRunRecord.init)
        }
    }

    /// By job. Jobs that never ran are left out.
    public static func states(in store: StateStore) async throws -> [String: JobState] {
        try await store.read { db in
            var states: [String: JobState] = [:]
            func time(_ row: Row, _ column: String) -> Timestamp? {
                (row[column] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) }
            }
            for row in try Row.fetchAll(db, sql: "SELECT * FROM job_state") {
                states[row["job"]] = JobState(
                    handledFor: time(row, "handled_ms"), lastSuccessAt: time(row, "last_success_ms"),
                    lastFinishedAt: time(row, "last_finished_ms"),
                    lastSucceeded: (row["last_succeeded"] as Int?).map { $0 == 1 },
                    lastDurationMs: row["last_duration_ms"])
            }
            for row in try Row.fetchAll(db, sql: "SELECT * FROM job_count") {
                states[row["job"], default: JobState()].counts[row["outcome"]] = row["count"]
            }
            return states
        }
    }
}

extension JobRunRecord {
    init(_ row: Row) {
        func time(_ column: String) -> Timestamp? {
            (row[column] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) }
        }
        self.init(
            run: row["run"], job: row["job"], trigger: row["trigger"], actor: row["actor"], attempt: row["attempt"],
            scheduledFor: time("scheduled_ms"), startedAt: time("started_ms") ?? .distantPast,
            finishedAt: time("finished_ms"), durationMs: row["duration_ms"], outcome: row["outcome"],
            exitCode: row["exit_code"], message: row["message"], output: row["output"])
    }
}
