public import Units

/// What is known of a group, for pages and the API.
public struct RuleGroupStatus: Sendable, Identifiable {
    public var id: String
    public var name: String
    public var file: String
    public var interval: Duration
    public var lastEvaluation: Timestamp?
    public var lastDuration: Duration?
    /// More elements than this fail a rule; 0 is no limit.
    public var limit = 0
    public var queryOffset = Duration.zero
    /// Evaluations that were left out since the one before had not ended.
    public var missedEvaluations = 0
    /// Why evaluations are held back at present; nil when they are not.
    public var note: String?
    public var rules: [RuleStatus]
}

public struct RuleStatus: Sendable {
    public enum Health: String, Sendable {
        /// Not evaluated yet.
        case unknown
        case ok
        /// The last evaluation failed: whether the condition holds is unknown, and its alerts stay as they were.
        case failed = "err"
    }

    public var kind: Rule.Kind
    public var name: String
    public var expression: String
    /// As the query language prints it.
    public var printedExpression: String
    public var hold: Duration
    public var keepFiring: Duration
    public var labels: [String: String]
    public var annotations: [String: String]
    public var health = Health.unknown
    /// One line.
    public var lastError: String?
    public var lastEvaluation: Timestamp?
    public var lastDuration: Duration?
    /// How many elements the expression gave. 0 for a rule whose series do not exist, and for one whose condition is false.
    public var lastElementCount = 0
    public var alerts: [ActiveAlert] = []

    /// As the API of the reference calls it: inactive, pending or firing.
    public var state: String {
        if alerts.contains(where: { $0.state == .firing }) { return "firing" }
        return alerts.isEmpty ? "inactive" : "pending"
    }
}

/// What one evaluation of a group did.
public struct GroupEvaluation: Sendable {
    public var fired = 0
    public var resolved = 0
    public var failedRules = 0
    /// Nothing was evaluated: the clock stands before the last evaluation, or the last one has not ended.
    public var wasSkipped = false
}
