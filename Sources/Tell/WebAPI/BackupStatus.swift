public import Units

/// Everything about backups that a page or a terminal shows.
public struct BackupOverview: Sendable, Codable, Hashable {
    public var targets: [BackupTargetStatus]
    /// The newest first.
    public var backups: [BackupStatus]
    /// The newest first.
    public var drills: [DrillStatus]
    public var repositoryPath: String
    public var repositoryBytes: Int64?
    public var repositoryFreeBytes: Int64?

    public init(
        targets: [BackupTargetStatus],
        backups: [BackupStatus],
        drills: [DrillStatus],
        repositoryPath: String,
        repositoryBytes: Int64? = nil,
        repositoryFreeBytes: Int64? = nil
    ) {
        self.targets = targets
        self.backups = backups
        self.drills = drills
        self.repositoryPath = repositoryPath
        self.repositoryBytes = repositoryBytes
        self.repositoryFreeBytes = repositoryFreeBytes
    }
}

/// What is backed up, and whether its copies can be relied on.
public struct BackupTargetStatus: Sendable, Codable, Hashable {
    public var name: String
    public var database: String
    /// For people: `every day at 02:00`; empty when it runs by hand only.
    public var scheduleText: String
    public var nextRunAt: Timestamp?
    public var verdict: Verdict
    /// Why, in one sentence.
    public var reason: String
    public var lastGoodAt: Timestamp?
    public var lastDrillAt: Timestamp?
    public var lastDrillPassed: Bool?
    /// How long the last drill's restore took: what a real restore would take.
    public var restoreDurationMs: Int64?
    public var copies: Int

    public init(
        name: String,
        database: String,
        scheduleText: String,
        nextRunAt: Timestamp? = nil,
        verdict: Verdict,
        reason: String,
        lastGoodAt: Timestamp? = nil,
        lastDrillAt: Timestamp? = nil,
        lastDrillPassed: Bool? = nil,
        restoreDurationMs: Int64? = nil,
        copies: Int
    ) {
        self.name = name
        self.database = database
        self.scheduleText = scheduleText
        self.nextRunAt = nextRunAt
        self.verdict = verdict
        self.reason = reason
        self.lastGoodAt = lastGoodAt
        self.lastDrillAt = lastDrillAt
        self.lastDrillPassed = lastDrillPassed
        self.restoreDurationMs = restoreDurationMs
        self.copies = copies
    }
}

public struct BackupStatus: Sendable, Codable, Hashable {
    public enum Verification: String, Sendable, Codable, CaseIterable {
        /// Never checked since it was taken.
        case unverified
        case good
        case damaged
    }

    public var id: String
    public var target: String
    public var database: String
    public var startedAt: Timestamp
    public var finishedAt: Timestamp
    /// On disk, compressed.
    public var storedBytes: Int64
    /// What came out of the dump.
    public var sourceBytes: Int64?
    public var sha256: String
    public var path: String
    public var tables: Int?
    public var rows: Int64?
    public var verification: Verification
    public var verifiedAt: Timestamp?
    /// What was wrong, when damaged.
    public var verificationMessage: String?
    /// Whether the newest drill of this copy passed; nil when there was none.
    public var drillPassed: Bool?

    public init(
        id: String,
        target: String,
        database: String,
        startedAt: Timestamp,
        finishedAt: Timestamp,
        storedBytes: Int64,
        sourceBytes: Int64? = nil,
        sha256: String,
        path: String,
        tables: Int? = nil,
        rows: Int64? = nil,
        verification: Verification,
        verifiedAt: Timestamp? = nil,
        verificationMessage: String? = nil,
        drillPassed: Bool? = nil
    ) {
        self.id = id
        self.target = target
        self.database = database
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.storedBytes = storedBytes
        self.sourceBytes = sourceBytes
        self.sha256 = sha256
        self.path = path
        self.tables = tables
        self.rows = rows
        self.verification = verification
        self.verifiedAt = verifiedAt
        self.verificationMessage = verificationMessage
        self.drillPassed = drillPassed
    }
}

/// A restore into a scratch database, checked and dropped again.
public struct DrillStatus: Sendable, Codable, Hashable {
    public struct Check: Sendable, Codable, Hashable {
        public var name: String
        public var passed: Bool
        public var message: String

        public init(
            name: String,
            passed: Bool,
            message: String
        ) {
            self.name = name
            self.passed = passed
            self.message = message
        }
    }

    public var backup: String
    public var target: String
    public var startedAt: Timestamp
    public var durationMs: Int64
    public var restoreDurationMs: Int64?
    public var passed: Bool
    public var message: String
    public var checks: [Check]

    public init(
        backup: String,
        target: String,
        startedAt: Timestamp,
        durationMs: Int64,
        restoreDurationMs: Int64? = nil,
        passed: Bool,
        message: String,
        checks: [Check]
    ) {
        self.backup = backup
        self.target = target
        self.startedAt = startedAt
        self.durationMs = durationMs
        self.restoreDurationMs = restoreDurationMs
        self.passed = passed
        self.message = message
        self.checks = checks
    }
}
