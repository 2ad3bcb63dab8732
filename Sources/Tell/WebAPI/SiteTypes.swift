public import JSONCoding
public import Units

/// How the notifications fare.
public struct NotificationOverview: Sendable, Codable, Hashable {
    public var pending: Int
    public var deliveredLastDay: Int
    public var failedLastDay: Int
    public var receivers: [ReceiverStatus]

    public init(
        pending: Int,
        deliveredLastDay: Int,
        failedLastDay: Int,
        receivers: [ReceiverStatus]
    ) {
        self.pending = pending
        self.deliveredLastDay = deliveredLastDay
        self.failedLastDay = failedLastDay
        self.receivers = receivers
    }
}

public struct ReceiverStatus: Sendable, Codable, Hashable {
    public var name: String
    /// `webhook`, `email` …
    public var channel: String
    /// Messages not yet taken by the other side.
    public var pending: Int
    public var lastDeliveredAt: Timestamp?
    public var lastFailureAt: Timestamp?
    public var lastFailure: String?
    public var nextAttemptAt: Timestamp?

    public init(
        name: String,
        channel: String,
        pending: Int,
        lastDeliveredAt: Timestamp? = nil,
        lastFailureAt: Timestamp? = nil,
        lastFailure: String? = nil,
        nextAttemptAt: Timestamp? = nil
    ) {
        self.name = name
        self.channel = channel
        self.pending = pending
        self.lastDeliveredAt = lastDeliveredAt
        self.lastFailureAt = lastFailureAt
        self.lastFailure = lastFailure
        self.nextAttemptAt = nextAttemptAt
    }
}

/// What the daemon runs with, and where each value came from.
public struct EffectiveConfiguration: Sendable, Codable, Hashable {
    public struct Value: Sendable, Codable, Hashable {
        /// As in `probes[0].interval`.
        public var path: String
        /// As the file would write it; `<redacted>` for secrets.
        public var value: String
        /// `default`, `option --listen`, or the place in the file: `/etc/jaga/jaga.yaml:12:3`.
        public var origin: String
        public var documentation: String = ""
        /// What the file says by now and only a restart brings into force; empty where the key was removed. Left out where
        /// `value` is what the file says.
        public var afterRestart: String?

        public init(
            path: String,
            value: String,
            origin: String,
            documentation: String = "",
            afterRestart: String? = nil
        ) {
            self.path = path
            self.value = value
            self.origin = origin
            self.documentation = documentation
            self.afterRestart = afterRestart
        }
    }

    /// Nil when there is no file.
    public var file: String?
    public var loadedAt: Timestamp
    public var sha256: String
    public var values: [Value]

    public init(
        file: String? = nil,
        loadedAt: Timestamp,
        sha256: String,
        values: [Value]
    ) {
        self.file = file
        self.loadedAt = loadedAt
        self.sha256 = sha256
        self.values = values
    }
}

public struct VersionInfo: Sendable, Codable, Hashable {
    public var version: String
    /// The commit it was built from, where that is known.
    public var revision: String
    public var swiftVersion: String
    public var startedAt: Timestamp
    public var processID: Int
    public var dataFolder: String
    public var residentBytes: Int64?
    /// Where people reach the pages, without a slash at the end; nil while the server does not listen yet.
    public var pagesURL: String?

    public init(
        version: String,
        revision: String,
        swiftVersion: String,
        startedAt: Timestamp,
        processID: Int,
        dataFolder: String,
        residentBytes: Int64? = nil,
        pagesURL: String? = nil
    ) {
        self.version = version
        self.revision = revision
        self.swiftVersion = swiftVersion
        self.startedAt = startedAt
        self.processID = processID
        self.dataFolder = dataFolder
        self.residentBytes = residentBytes
        self.pagesURL = pagesURL
    }
}

/// Something a person or a program asks the daemon to do.
public enum SiteAction: Sendable, Codable, Hashable {
    case runJob(name: String)
    case runBackup(target: String)
    /// Reads the copy again and compares it with its manifest.
    case verifyBackup(id: String)
    /// Restores into a scratch database and checks it. Nil: the newest copy of the target.
    case drill(target: String, backup: String?)
    /// Restores into a database that does not exist yet. Nil: the newest copy of the target.
    case restore(target: String, backup: String?, into: String)
    case reload

    /// `run-job`, `run-backup`, `verify-backup`, `drill`, `restore`, `reload`.
    public var name: String {
        switch self {
        case .runJob: "run-job"
        case .runBackup: "run-backup"
        case .verifyBackup: "verify-backup"
        case .drill: "drill"
        case .restore: "restore"
        case .reload: "reload"
        }
    }

    /// What it is done to; empty for `reload`.
    public var subject: String {
        switch self {
        case .runJob(let name): name
        case .runBackup(let target): target
        case .verifyBackup(let id): id
        case .drill(let target, let backup), .restore(let target, let backup, _): backup ?? target
        case .reload: ""
        }
    }
}

/// An action under way or done. The daemon remembers the newest of them.
public struct ActionStatus: Sendable, Codable, Hashable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case running, succeeded, failed
    }

    public var id: String
    public var action: SiteAction
    /// As `person:ani`.
    public var actor: String
    public var state: State
    public var startedAt: Timestamp
    public var finishedAt: Timestamp?
    /// One sentence: what is being done, or how it ended.
    public var message: String
    /// What to do, after a failure.
    public var hint: String?
    /// The failure's name for programs: `invalid-input`, `locked`, `not-found` …
    public var code: String?
    /// Facts for programs: `backup`, `durationMs`, `run` …
    public var result: JSONValue = [:]

    public init(
        id: String,
        action: SiteAction,
        actor: String,
        state: State,
        startedAt: Timestamp,
        finishedAt: Timestamp? = nil,
        message: String,
        hint: String? = nil,
        code: String? = nil,
        result: JSONValue = [:]
    ) {
        self.id = id
        self.action = action
        self.actor = actor
        self.state = state
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.message = message
        self.hint = hint
        self.code = code
        self.result = result
    }
}

/// Something changed that a page may show. A page that shows it reads it again.
public enum SiteChange: String, Sendable, Codable, CaseIterable {
    /// New samples, at most once for each tick of the collectors.
    case samples
    case status, sources, probes, alerts, jobs, backups, ledger, notifications, actions, configuration
}
