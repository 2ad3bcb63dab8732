import Diagnostics
import Events
public import GRDB
import JSONCoding
public import Ledger
public import StateStore
import Units

// The runs as the entries `job.started`, `job.finished` and `job.missed` tell them. Counts are kept apart from the history,
// which holds the newest 500 runs of each job, so that the counters never fall.

/// The projection of job runs.
public struct JobRuns: Projection {
    public let name = "job_runs"

    /// Runs of each job that stay in the history.
    public static let historyCountMax = 500

    public init() {}

    public var migrations: [Migration] {
        [
            Migration("job_runs.1") { db in
                try db.execute(
                    sql: """
                        CREATE TABLE job_run (
                            sequence INTEGER PRIMARY KEY NOT NULL, run TEXT NOT NULL UNIQUE, job TEXT NOT NULL,
                            trigger TEXT NOT NULL, actor TEXT NOT NULL, attempt INTEGER NOT NULL, scheduled_ms INTEGER,
                            started_ms INTEGER NOT NULL, finished_ms INTEGER, duration_ms INTEGER, outcome TEXT NOT NULL,
                            exit_code INTEGER, message TEXT NOT NULL, output TEXT NOT NULL
                        ) STRICT;
                        CREATE INDEX job_run_by_job ON job_run (job, sequence);
                        CREATE TABLE job_state (
                            job TEXT PRIMARY KEY NOT NULL, handled_ms INTEGER, last_success_ms INTEGER,
                            last_finished_ms INTEGER, last_succeeded INTEGER, last_duration_ms INTEGER
                        ) STRICT;
                        CREATE TABLE job_count (
                            job TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL,
                            PRIMARY KEY (job, outcome)
                        ) WITHOUT ROWID, STRICT;
                        """)
            }
        ]
    }

    public func reset(in db: Database) throws {
        for table in ["job_run", "job_state", "job_count"] { try db.execute(sql: "DELETE FROM \(table)") }
    }

    public func apply(_ entry: Entry, in db: Database) throws {
        let event = entry.event
        switch event.kind {
        case .jobStarted: try applyStarted(entry, in: db)
        case .jobFinished: try applyFinished(event, in: db)
        case .jobMissed: try applyMissed(entry, in: db)
        default: return
        }
    }

    private func applyStarted(_ entry: Entry, in db: Database) throws {
        let payload = entry.event.payload
        let job = payload["job"]?.stringValue ?? ""
        let scheduled = payload["scheduledFor"]?.intValue
        try db.execute(
            sql: """
                INSERT INTO job_run (sequence, run, job, trigger, actor, attempt, scheduled_ms, started_ms, outcome, message,
                    output) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running', '', '')
                """,
            arguments: [
                entry.sequence, payload["run"]?.stringValue ?? "", job, payload["trigger"]?.stringValue ?? "",
                entry.event.actor.description, payload["attempt"]?.intValue ?? 1, scheduled,
                entry.event.time.millisecondsSinceEpoch,
            ])
        try handle(job, scheduled, in: db)
        try prune(job, in: db)
    }

    private func applyFinished(_ event: Event, in db: Database) throws {
        let payload = event.payload
        let job = payload["job"]?.stringValue ?? ""
        let outcome = payload["outcome"]?.stringValue ?? "failed"
        let time = event.time.millisecondsSinceEpoch
        let duration = payload["durationMs"]?.intValue
        try db.execute(
            sql: """
                UPDATE job_run SET finished_ms = ?, duration_ms = ?, outcome = ?, exit_code = ?, message = ?, output = ?
                WHERE run = ?
                """,
            arguments: [
                time, duration, outcome, payload["exitCode"]?.intValue, payload["message"]?.stringValue ?? "",
                payload["outputTail"]?.stringValue ?? "", payload["run"]?.stringValue ?? "",
            ])
        let succeeded = outcome == "succeeded"
        try db.execute(
            sql: """
                INSERT INTO job_state (job, last_success_ms, last_finished_ms, last_succeeded, last_duration_ms)
                VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (job) DO UPDATE SET
                    last_success_ms = coalesce(?2, last_success_ms), last_finished_ms = ?3, last_succeeded = ?4,
                    last_duration_ms = coalesce(?5, last_duration_ms)
                """, arguments: [job, succeeded ? time : nil, time, succeeded ? 1 : 0, duration])
        try count(job, outcome, 1, in: db)
    }

    private func applyMissed(_ entry: Entry, in db: Database) throws {
        let payload = entry.event.payload
        let job = payload["job"]?.stringValue ?? ""
        let scheduled = payload["scheduledFor"]?.intValue
        let time = entry.event.time.millisecondsSinceEpoch
        try db.execute(
            sql: """
                INSERT INTO job_run (sequence, run, job, trigger, actor, attempt, scheduled_ms, started_ms, finished_ms,
                    outcome, message, output) VALUES (?, ?, ?, 'schedule', ?, 0, ?, ?, ?, 'missed', ?, '')
                """,
            arguments: [
                entry.sequence, "missed-\(entry.sequence)", job, entry.event.actor.description, scheduled, time, time,
                payload["reason"]?.stringValue ?? "",
            ])
        try handle(job, scheduled, in: db)
        try count(job, "missed", payload["count"]?.intValue ?? 1, in: db)
        try prune(job, in: db)
    }

    /// Remembers the newest scheduled time that is done with, whatever came of it.
    private func handle(_ job: String, _ scheduled: Int64?, in db: Database) throws {
        guard let scheduled else { return }
        try db.execute(
            sql: """
                INSERT INTO job_state (job, handled_ms) VALUES (?1, ?2)
                ON CONFLICT (job) DO UPDATE SET handled_ms = ?2
                """, arguments: [job, scheduled])
    }

    private func count(_ job: String, _ outcome: String, _ amount: Int64, in db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO job_count (job, outcome, count) VALUES (?1, ?2, ?3)
                ON CONFLICT (job, outcome) DO UPDATE SET count = count + ?3
                """, arguments: [job, outcome, amount])
    }

    private func prune(_ job: String, in db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM job_run WHERE job = ?1 AND outcome <> 'running' AND sequence < (
                    SELECT sequence FROM job_run WHERE job = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)
                """, arguments: [job, Self.historyCountMax - 1])
    }
}
