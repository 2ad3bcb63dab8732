public import Units

/// What is known of the health of something.
public enum Verdict: String, Sendable, Codable, CaseIterable {
    case ok, warning, critical
    /// It could not be measured. Never shown as healthy.
    case unknown

    /// How much it asks for attention: ok, unknown, warning, critical.
    public var weight: Int {
        switch self {
        case .ok: 0
        case .unknown: 1
        case .warning: 2
        case .critical: 3
        }
    }
}

extension Verdict: Comparable {
    public static func < (left: Verdict, right: Verdict) -> Bool { left.weight < right.weight }
}

extension Sequence where Element == Verdict {
    /// The one that asks most for attention; `unknown` when there is none, since nothing was looked at.
    public var worst: Verdict { self.max() ?? .unknown }
}

/// "Is everything all right?" in one answer. `jaga status` and the overview page show it.
public struct StatusSummary: Sendable, Codable, Hashable {
    public var verdict: Verdict
    /// When it was put together.
    public var at: Timestamp
    public var host: String
    public var version: String
    public var startedAt: Timestamp
    public var firingCritical: Int
    public var firingWarning: Int
    public var pending: Int
    /// One line for each thing that is watched, in the order in which a person wants to read them.
    public var areas: [AreaStatus]

    public init(
        verdict: Verdict,
        at: Timestamp,
        host: String,
        version: String,
        startedAt: Timestamp,
        firingCritical: Int,
        firingWarning: Int,
        pending: Int,
        areas: [AreaStatus]
    ) {
        self.verdict = verdict
        self.at = at
        self.host = host
        self.version = version
        self.startedAt = startedAt
        self.firingCritical = firingCritical
        self.firingWarning = firingWarning
        self.pending = pending
        self.areas = areas
    }
}

/// One line of the summary.
public struct AreaStatus: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case host, postgres, redis, nginx, application, probes, alerts, backups, jobs, notifications, jaga
    }

    public var kind: Kind
    /// Which one where there may be several (`shop`, for a database); empty otherwise.
    public var name: String
    public var verdict: Verdict
    /// Why, in one sentence for a person: `connections at 91 % of 100`, `not read for 3m`.
    public var reason: String
    /// Since when the verdict has held, where that is known.
    public var since: Timestamp?
    /// The figures worth a look beside the verdict, at most four.
    public var figures: [Figure] = []

    public init(
        kind: Kind,
        name: String,
        verdict: Verdict,
        reason: String,
        since: Timestamp? = nil,
        figures: [Figure] = []
    ) {
        self.kind = kind
        self.name = name
        self.verdict = verdict
        self.reason = reason
        self.since = since
        self.figures = figures
    }
}

/// A number with its unit and what measured it.
public struct Figure: Sendable, Codable, Hashable {
    /// What a number counts, so that a page can write it well.
    public enum Unit: String, Sendable, Codable, CaseIterable {
        case none, bytes, seconds, perSecond, bytesPerSecond
        /// 0…1, shown as percent.
        case ratio
        /// 0…100.
        case percent
        /// Milliseconds since the epoch, shown as a time and an age.
        case instant
    }

    public var label: String
    /// Left out where it is not known.
    public var value: Double?
    public var unit: Unit
    /// The PromQL expression that gives this number, where one does.
    public var query: String?

    public init(
        label: String,
        value: Double? = nil,
        unit: Unit,
        query: String? = nil
    ) {
        self.label = label
        self.value = value
        self.unit = unit
        self.query = query
    }
}
