public import Units

/// A job as it is configured, with its last run.
public struct JobStatus: Sendable, Codable, Hashable {
    public var name: String
    /// `command`, `backup`, `drill` …
    public var kind: String
    public var description: String
    /// As configured: `0 2 * * *`; empty when it runs by hand only.
    public var schedule: String
    /// For people: `every day at 02:00`.
    public var scheduleText: String
    public var timeZone: String
    public var enabled: Bool
    public var nextRunAt: Timestamp?
    public var timeLimitMs: Int64
    public var attemptsMax: Int
    public var running: Bool
    public var lastRun: JobRun?
    public var lastSuccessAt: Timestamp?

    public init(
        name: String,
        kind: String,
        description: String,
        schedule: String,
        scheduleText: String,
        timeZone: String,
        enabled: Bool,
        nextRunAt: Timestamp? = nil,
        timeLimitMs: Int64,
        attemptsMax: Int,
        running: Bool,
        lastRun: JobRun? = nil,
        lastSuccessAt: Timestamp? = nil
    ) {
        self.name = name
        self.kind = kind
        self.description = description
        self.schedule = schedule
        self.scheduleText = scheduleText
        self.timeZone = timeZone
        self.enabled = enabled
        self.nextRunAt = nextRunAt
        self.timeLimitMs = timeLimitMs
        self.attemptsMax = attemptsMax
        self.running = running
        self.lastRun = lastRun
        self.lastSuccessAt = lastSuccessAt
    }
}

public struct JobRun: Sendable, Codable, Hashable {
    public enum Outcome: String, Sendable, Codable, CaseIterable {
        case running, succeeded, failed, timedOut, cancelled
        /// The daemon ended while it ran, so nobody knows how it went.
        case lost
        /// The daemon was killed while it ran, and what it still ran was ended at the next start.
        case interrupted
        /// It should have started while the daemon was off.
        case missed
    }

    /// Unique among all runs.
    public var id: String
    public var job: String
    /// `schedule`, `manual` or `retry`.
    public var trigger: String
    /// Who asked for it, for `manual`.
    public var actor: String
    public var attempt: Int
    public var scheduledFor: Timestamp?
    public var startedAt: Timestamp
    public var finishedAt: Timestamp?
    public var outcome: Outcome
    public var exitCode: Int?
    /// One sentence on how it ended.
    public var message: String
    /// The end of what it printed, both streams, at most 16 KiB.
    public var outputTail: String

    public init(
        id: String,
        job: String,
        trigger: String,
        actor: String,
        attempt: Int,
        scheduledFor: Timestamp? = nil,
        startedAt: Timestamp,
        finishedAt: Timestamp? = nil,
        outcome: Outcome,
        exitCode: Int? = nil,
        message: String,
        outputTail: String
    ) {
        self.id = id
        self.job = job
        self.trigger = trigger
        self.actor = actor
        self.attempt = attempt
        self.scheduledFor = scheduledFor
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.outcome = outcome
        self.exitCode = exitCode
        self.message = message
        self.outputTail = outputTail
    }
}

/// A job with its newest runs, the newest first.
public struct JobDetail: Sendable, Codable, Hashable {
    public var job: JobStatus
    public var runs: [JobRun]

    public init(
        job: JobStatus,
        runs: [JobRun]
    ) {
        self.job = job
        self.runs = runs
    }
}
