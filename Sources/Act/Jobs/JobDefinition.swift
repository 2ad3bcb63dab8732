public import Schedule

/// What to do about runs that should have begun while nothing could run: the program was off, the machine was asleep.
public enum MissedRunPolicy: String, Sendable, CaseIterable {
    /// The newest missed run is made up for once; older ones are only recorded.
    case runOnce = "run_once"
    /// They are recorded.
    case skip
}

/// A job as the runner sees it.
public struct JobDefinition: Sendable {
    public var name: String
    public var kind: any JobKind
    public var description: String
    /// Nil: it runs on demand only.
    public var recurrence: Recurrence?
    /// As configured, for display.
    public var scheduleText: String
    public var isEnabled: Bool
    /// A run that takes longer is cancelled and counts as timed out.
    public var deadline: Duration
    /// Further attempts after one that failed.
    public var retries: Int
    /// Before the first retry; it doubles with each one, up to an hour.
    public var retryWait: Duration
    public var missed: MissedRunPolicy
    /// Names that at most one run may hold at a time, beside the job's own.
    public var locks: [String]

    public init(
        name: String, kind: any JobKind, description: String = "", recurrence: Recurrence? = nil,
        scheduleText: String = "", isEnabled: Bool = true, deadline: Duration = .seconds(3600), retries: Int = 0,
        retryWait: Duration = .seconds(60), missed: MissedRunPolicy = .skip, locks: [String] = []
    ) {
        self.name = name
        self.kind = kind
        self.description = description
        self.recurrence = recurrence
        self.scheduleText = scheduleText
        self.isEnabled = isEnabled
        self.deadline = deadline
        self.retries = retries
        self.retryWait = retryWait
        self.missed = missed
        self.locks = locks
    }
}
