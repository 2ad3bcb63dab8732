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
    /// Since when the condition holds, as the hold time counts: a time in which nobody looked moves it.
    public var activeAt: Timestamp
    /// When the condition was first seen to hold, where `activeAt` was moved since then.
    public var beganAt: Timestamp?
    /// When a pending one fires if its condition goes on to hold.
    public var firesAt: Timestamp?
    public var firedAt: Timestamp?
    public var resolvedAt: Timestamp?
    /// Since when the condition is gone while the alert is kept firing.
    public var keepFiringSince: Timestamp?
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
        beganAt: Timestamp? = nil,
        firesAt: Timestamp? = nil,
        firedAt: Timestamp? = nil,
        resolvedAt: Timestamp? = nil,
        keepFiringSince: Timestamp? = nil,
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
        self.beganAt = beganAt
        self.firesAt = firesAt
        self.firedAt = firedAt
        self.resolvedAt = resolvedAt
        self.keepFiringSince = keepFiringSince
        self.expression = expression
        self.fingerprint = fingerprint
    }

    /// What is left of the hold time of a pending one, which need not be what its age seems to say; nil of others.
    public func firesIn(at now: Timestamp) -> Duration? {
        state == .pending ? firesAt.map { max(.zero, $0 - now) } : nil
    }

    /// Since when a person would say that it holds.
    public var since: Timestamp { beganAt ?? activeAt }
}
