import Crypto
public import Series

// Relabelling rewrites a set of labels before something is done with it: which targets are scraped and under which labels, which
// samples are kept, what is sent on. A list of rules is applied in order; each sees what the one before left. The meaning of each
// action is that of the reference:
// <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>
//
//     source_labels: [a, b]   values joined by the separator  ──▶ regex (anchored) ──▶ action
//
// A label that is set to the empty text is removed. Rules run once for a new target or series, never for a sample.

/// One step of relabelling.
public struct RelabelRule: Sendable {
    public enum Action: String, Sendable, CaseIterable {
        case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase
    }

    /// Which names labels may have.
    public enum NameScheme: String, Sendable, Hashable, CaseIterable {
        /// Any text of UTF-8 that is not empty.
        case utf8
        /// Letters, digits and underscores, no digit first; in metric names colons too.
        case legacy

        public func allows(label name: String) -> Bool {
            self == .utf8 ? !name.isEmpty : isLegacyName(name, colons: false)
        }

        public func allows(metric name: String) -> Bool {
            self == .utf8 ? !name.isEmpty : isLegacyName(name, colons: true)
        }
    }

    public static let standardPattern = "(.*)"
    public static let standardReplacement = "$1"
    public static let standardSeparator = ";"

    public let action: Action
    public let sourceLabels: [String]
    public let separator: String
    public let targetLabel: String
    public let replacement: String
    /// At least 1 for `hashmod`, else 0.
    public let modulus: UInt64
    public let scheme: NameScheme
    public let pattern: AnchoredPattern
    private let targetTemplate: PatternTemplate
    private let replacementTemplate: PatternTemplate

    /// - Throws: `PatternFault` when `pattern` is none; `RelabelFault` when the parts do not fit the action.
    public init(
        action: Action = .replace, sourceLabels: [String] = [], separator: String = RelabelRule.standardSeparator,
        targetLabel: String = "", pattern: String = RelabelRule.standardPattern,
        replacement: String = RelabelRule.standardReplacement, modulus: UInt64 = 0, scheme: NameScheme = .utf8
    ) throws {
        self.action = action
        self.sourceLabels = sourceLabels
        self.separator = separator
        self.targetLabel = targetLabel
        self.replacement = replacement
        self.modulus = modulus
        self.scheme = scheme
        self.pattern = try AnchoredPattern(pattern)
        targetTemplate = PatternTemplate(targetLabel)
        replacementTemplate = PatternTemplate(replacement)
        if let fault = fault() { throw fault }
    }

    /// Applies the rule.
    /// - Returns: false when the labels, and what carries them, are to be dropped.
    public func apply(to labels: inout Labels) -> Bool {
        let value = sourceLabels.map { labels[$0] ?? "" }.joined(separator: separator)
        switch action {
        case .keep: return pattern.matches(value)
        case .drop: return !pattern.matches(value)
        case .keepequal: return (labels[targetLabel] ?? "") == value
        case .dropequal: return (labels[targetLabel] ?? "") != value
        case .replace: replace(value, in: &labels)
        case .lowercase: labels[targetLabel] = value.lowercased()
        case .uppercase: labels[targetLabel] = value.uppercased()
        case .hashmod: labels[targetLabel] = String(Self.hash(value) % modulus)
        case .labelmap:
            for pair in labels.pairs {
                guard let groups = pattern.captures(pair.name) else { continue }
                labels[replacementTemplate.expanded(with: groups, names: pattern.groupNames)] = pair.value
            }
        case .labeldrop: for pair in labels.pairs where pattern.matches(pair.name) { labels[pair.name] = nil }
        case .labelkeep: for pair in labels.pairs where !pattern.matches(pair.name) { labels[pair.name] = nil }
        }
        return true
    }

    private func replace(_ value: String, in labels: inout Labels) {
        var groups: [String?] = []
        if targetTemplate.isConstant, replacementTemplate.isConstant {
            // Nothing refers to the groups, and the plain comparison has short cuts.
            guard pattern.matches(value) else { return }
        } else {
            guard let found = pattern.captures(value) else { return }
            groups = found
        }
        let target = targetTemplate.expanded(with: groups, names: pattern.groupNames)
        guard scheme.allows(label: target) else { return }
        labels[target] = replacementTemplate.expanded(with: groups, names: pattern.groupNames)
    }

    /// The last eight bytes of the MD5 sum, the first of them the highest.
    static func hash(_ value: String) -> UInt64 {
        Insecure.MD5.hash(data: Array(value.utf8)).suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension RelabelRule: Hashable {
    public static func == (left: RelabelRule, right: RelabelRule) -> Bool {
        left.action == right.action && left.sourceLabels == right.sourceLabels && left.separator == right.separator
            && left.targetLabel == right.targetLabel && left.replacement == right.replacement
            && left.modulus == right.modulus && left.scheme == right.scheme
            && left.pattern.source == right.pattern.source
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(action)
        hasher.combine(sourceLabels)
        hasher.combine(targetLabel)
        hasher.combine(pattern.source)
        hasher.combine(replacement)
    }
}

extension Sequence<RelabelRule> {
    /// Applies all rules in their order.
    /// - Returns: nil when one of them drops the labels.
    public func relabelled(_ labels: Labels) -> Labels? {
        var labels = labels
        for rule in self where !rule.apply(to: &labels) { return nil }
        return labels
    }
}

/// Whether `name` is a word of letters, digits and underscores (and colons) that does not begin with a digit.
func isLegacyName(_ name: String, colons: Bool) -> Bool {
    var isFirst = true
    for byte in name.utf8 {
        let isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
        let isDigit = byte >= 0x30 && byte <= 0x39
        guard isLetter || byte == 0x5F || (isDigit && !isFirst) || (colons && byte == 0x3A) else { return false }
        isFirst = false
    }
    return !isFirst
}
