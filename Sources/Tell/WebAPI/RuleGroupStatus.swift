public import Units

/// A group of rules that are evaluated together.
public struct RuleGroupStatus: Sendable, Codable, Hashable {
    public var name: String
    /// The file it comes from; `pack/postgres.yml` for the packs inside the program.
    public var file: String
    public var intervalMs: Int64
    public var lastEvaluationAt: Timestamp?
    public var lastDurationMs: Double?
    /// More elements than this fail a rule; nil where there is no limit.
    public var limit: Int?
    /// How far into the past the rules look.
    public var queryOffsetMs: Int64?
    /// Evaluations left out since the one before had not ended.
    public var missedEvaluations: Int?
    /// Why evaluations are held back at present.
    public var note: String?
    public var rules: [RuleStatus]

    public init(
        name: String,
        file: String,
        intervalMs: Int64,
        lastEvaluationAt: Timestamp? = nil,
        lastDurationMs: Double? = nil,
        limit: Int? = nil,
        queryOffsetMs: Int64? = nil,
        missedEvaluations: Int? = nil,
        note: String? = nil,
        rules: [RuleStatus]
    ) {
        self.name = name
        self.file = file
        self.intervalMs = intervalMs
        self.lastEvaluationAt = lastEvaluationAt
        self.lastDurationMs = lastDurationMs
        self.limit = limit
        self.queryOffsetMs = queryOffsetMs
        self.missedEvaluations = missedEvaluations
        self.note = note
        self.rules = rules
    }
}

extension RuleGroupStatus {
    /// Whether the group comes with the program.
    public var isShipped: Bool { file.hasPrefix("pack/") }
}

/// One rule and how its last evaluation went.
public struct RuleStatus: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable {
        case alerting, recording
    }

    public enum Health: String, Sendable, Codable {
        case ok, err, unknown
    }

    public var name: String
    public var kind: Kind
    /// As it stands in the file.
    public var expression: String
    /// As the query language prints it; nil where that is the same.
    public var printedExpression: String?
    public var holdMs: Int64
    public var keepFiringMs: Int64?
    public var labels: [String: String]
    public var annotations: [String: String]
    public var health: Health
    public var lastError: String?
    public var lastEvaluationAt: Timestamp?
    public var lastDurationMs: Double?
    /// How many elements the expression gave at the last evaluation.
    public var lastResultCount: Int?
    /// `inactive`, `pending` or `firing`; nil for recording rules.
    public var state: String?
    public var alerts: [AlertStatus] = []
    /// Selectors of the expression that match no series at all; nil where nobody looked.
    public var unmatched: [UnmatchedSelector]?

    public init(
        name: String,
        kind: Kind,
        expression: String,
        printedExpression: String? = nil,
        holdMs: Int64,
        keepFiringMs: Int64? = nil,
        labels: [String: String],
        annotations: [String: String],
        health: Health,
        lastError: String? = nil,
        lastEvaluationAt: Timestamp? = nil,
        lastDurationMs: Double? = nil,
        lastResultCount: Int? = nil,
        state: String? = nil,
        alerts: [AlertStatus] = [],
        unmatched: [UnmatchedSelector]? = nil
    ) {
        self.name = name
        self.kind = kind
        self.expression = expression
        self.printedExpression = printedExpression
        self.holdMs = holdMs
        self.keepFiringMs = keepFiringMs
        self.labels = labels
        self.annotations = annotations
        self.health = health
        self.lastError = lastError
        self.lastEvaluationAt = lastEvaluationAt
        self.lastDurationMs = lastDurationMs
        self.lastResultCount = lastResultCount
        self.state = state
        self.alerts = alerts
        self.unmatched = unmatched
    }
}

/// A selector of a rule that finds nothing.
public struct UnmatchedSelector: Sendable, Codable, Hashable {
    /// As it stands in the expression.
    public var selector: String
    /// Whether no series has the metric's name; otherwise its labels fit none.
    public var isNameUnknown: Bool
    /// The known metric whose name is most like it.
    public var nearestName: String?

    public init(selector: String, isNameUnknown: Bool, nearestName: String? = nil) {
        self.selector = selector
        self.isNameUnknown = isNameUnknown
        self.nearestName = nearestName
    }
}
