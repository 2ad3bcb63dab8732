public import PromQL
import Units

/// One rule of a rule file: an alert, or a series that is computed and stored.
public struct Rule: Sendable {
    public enum Kind: String, Sendable {
        case alerting, recording
    }

    public let kind: Kind
    /// The alert's name, or that of the recorded series.
    public let name: String
    /// As it stands in the file.
    public let expressionText: String
    public let expression: Expression
    /// How long the condition must hold before the alert fires (`for`).
    public private(set) var hold: Duration
    /// How long an alert goes on firing after its condition went away (`keep_firing_for`).
    public private(set) var keepFiring: Duration
    /// Added to the labels of every element; templates in an alert's, plain in a recording rule's.
    public let labels: [String: String]
    /// Templates.
    public let annotations: [String: String]

    /// - Parameter features: what the expression may use beyond the stable language.
    public init(
        _ kind: Kind, _ name: String, _ expressionText: String, hold: Duration = .zero, keepFiring: Duration = .zero,
        labels: [String: String] = [:], annotations: [String: String] = [:], features: QueryFeatures = []
    ) throws(QueryFault) {
        self.kind = kind
        self.name = name
        self.expressionText = expressionText
        expression = try Expression.parse(expressionText, features: features)
        self.hold = hold
        self.keepFiring = keepFiring
        self.labels = labels
        self.annotations = annotations
    }

    /// The same rule with hold times of at most `most`.
    public func holding(atMost most: Duration) -> Rule {
        var rule = self
        rule.hold = min(hold, most)
        rule.keepFiring = min(keepFiring, most)
        return rule
    }
}

/// Rules that are evaluated together, one after another, at one time.
public struct RuleGroup: Sendable, Identifiable {
    public let name: String
    /// The file it came from; the name of a shipped pack is `pack/<name>`.
    public let file: String
    /// Nil: the site's.
    public let interval: Duration?
    /// More alerts or series than this fail the rule; 0 is no limit.
    public let limit: Int
    /// Rules look this far into the past, for series that arrive late.
    public let queryOffset: Duration
    public let rules: [Rule]

    public init(
        name: String, file: String, interval: Duration? = nil, limit: Int = 0, queryOffset: Duration = .zero,
        rules: [Rule]
    ) {
        self.name = name
        self.file = file
        self.interval = interval
        self.limit = limit
        self.queryOffset = queryOffset
        self.rules = rules
    }

    /// `file;name`, as the reference labels the series about a group.
    public var id: String { "\(file);\(name)" }
}
