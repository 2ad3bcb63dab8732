public import Units

/// One alert: a rule that holds for one set of labels.
public struct AlertStatus: Sendable, Codable, Hashable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case pending, firing, resolved
    }

    public var name: String
    public var state: State
    public var severity: String
    public var labels: [String: String]
    /// Expanded: `summary`, `description`, `runbook_url` …
    public var annotations: [String: String]
    public var value: Double?
    /// Since when the condition holds.
    public var activeAt: Timestamp
    public var firedAt: Timestamp?
    public var resolvedAt: Timestamp?
    /// The rule's expression.
    public var expression: String
    /// The hash of the labels in hexadecimal, stable over restarts.
    public var fingerprint: String

    public init(
        name: String,
        state: State,
        severity: String,
        labels: [String: String],
        annotations: [String: String],
        value: Double? = nil,
        activeAt: Timestamp,
        firedAt: Timestamp? = nil,
        resolvedAt: Timestamp? = nil,
        expression: String,
        fingerprint: String
    ) {
        self.name = name
        self.state = state
        self.severity = severity
        self.labels = labels
        self.annotations = annotations
        self.value = value
        self.activeAt = activeAt
        self.firedAt = firedAt
        self.resolvedAt = resolvedAt
        self.expression = expression
        self.fingerprint = fingerprint
    }
}

/// A group of rules that are evaluated together.
public struct RuleGroupStatus: Sendable, Codable, Hashable {
    public var name: String
    /// The file it comes from; `shipped:postgres` for the packs inside the program.
    public var file: String
    public var intervalMs: Int64
    public var lastEvaluationAt: Timestamp?
    public var lastDurationMs: Double?
    public var rules: [RuleStatus]

    public init(
        name: String,
        file: String,
        intervalMs: Int64,
        lastEvaluationAt: Timestamp? = nil,
        lastDurationMs: Double? = nil,
        rules: [RuleStatus]
    ) {
        self.name = name
        self.file = file
        self.intervalMs = intervalMs
        self.lastEvaluationAt = lastEvaluationAt
        self.lastDurationMs = lastDurationMs
        self.rules = rules
    }
}

public struct RuleStatus: Sendable, Codable, Hashable {
    public enum Kind: String, Sendable, Codable {
        case alerting, recording
    }

    public enum Health: String, Sendable, Codable {
        case ok, err, unknown
    }

    public var name: String
    public var kind: Kind
    public var expression: String
    public var holdMs: Int64
    public var labels: [String: String]
    public var annotations: [String: String]
    public var health: Health
    public var lastError: String?
    public var lastEvaluationAt: Timestamp?
    public var lastDurationMs: Double?
    /// `inactive`, `pending` or `firing`; nil for recording rules.
    public var state: String?
    public var alerts: [AlertStatus] = []

    public init(
        name: String,
        kind: Kind,
        expression: String,
        holdMs: Int64,
        labels: [String: String],
        annotations: [String: String],
        health: Health,
        lastError: String? = nil,
        lastEvaluationAt: Timestamp? = nil,
        lastDurationMs: Double? = nil,
        state: String? = nil,
        alerts: [AlertStatus] = []
    ) {
        self.name = name
        self.kind = kind
        self.expression = expression
        self.holdMs = holdMs
        self.labels = labels
        self.annotations = annotations
        self.health = health
        self.lastError = lastError
        self.lastEvaluationAt = lastEvaluationAt
        self.lastDurationMs = lastDurationMs
        self.state = state
        self.alerts = alerts
    }
}
