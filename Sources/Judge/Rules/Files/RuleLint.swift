public import Diagnostics
public import PromQL

// What is legal in a rule file and yet most likely a mistake. Findings are warnings: the daemon takes the file all the same.

extension RuleFile {
    /// A rule file as `rules check` reports it.
    public struct Report: Sendable {
        public var groups: [RuleGroup]
        /// Warnings, in the order of the file.
        public var findings: [Diagnostic]

        public var alertingCount: Int { groups.reduce(0) { $0 + $1.rules.count { $0.kind == .alerting } } }
        public var recordingCount: Int { groups.reduce(0) { $0 + $1.rules.count { $0.kind == .recording } } }
    }

    /// Reads one file and looks for likely mistakes.
    /// - Throws: every fault, each with line and column.
    public static func check(
        _ yaml: String, file: String, templates: any TemplateExpanding, features: QueryFeatures = []
    ) throws(InvalidInput) -> Report {
        let (groups, places) = try readWithPlaces(yaml, file: file, templates: templates, features: features)
        var findings: [Diagnostic] = []
        var seen: [RuleIdentity: String] = [:]
        for (groupIndex, group) in groups.enumerated() {
            for (ruleIndex, rule) in group.rules.enumerated() {
                let path = "groups[\(groupIndex)].rules[\(ruleIndex)]"
                func find(_ key: String, _ message: String) {
                    let place = places["\(path).\(key)"] ?? places["\(path).expr"]
                    findings.append(Diagnostic(.warning, at: place, path: "\(path).\(key)", message))
                }
                let nameKey = rule.kind == .alerting ? "alert" : "record"
                if let other = seen[RuleIdentity(rule)] {
                    find(nameKey, "duplicate rule: \(rule.name) with the same labels stands at \(other) too")
                } else {
                    seen[RuleIdentity(rule)] = path
                }
                if let known = rule.expression.labelsOfResult {
                    for (key, text) in rule.templates {
                        for label in labelsNamed(in: text) where !known.contains(label) {
                            find(key, "the template names the label '\(label)', which the expression does not keep")
                        }
                    }
                }
                if let interval = group.interval, rule.hold > .zero, rule.hold < interval {
                    find("for", "is shorter than the group's interval, so the alert fires no sooner than after that")
                }
            }
        }
        return Report(groups: groups, findings: findings)
    }

    /// Two rules of one name with the same labels write the same series, or the same alerts.
    private struct RuleIdentity: Hashable {
        let name: String
        let labels: [String: String]
        let kind: Rule.Kind

        init(_ rule: Rule) {
            name = rule.name
            labels = rule.labels
            kind = rule.kind
        }
    }

    /// The names in `$labels.name` and `.Labels.name`.
    static func labelsNamed(in template: String) -> [String] {
        var names: [String] = []
        for mark in ["$labels.", ".Labels."] {
            // `.Labels` outside the first form may be that of a query's sample, which has labels of its own.
            if mark == ".Labels.", template.contains("query") { continue }
            var rest = Substring(template)
            while let range = rest.firstRange(of: mark) {
                rest = rest[range.upperBound...]
                let name = String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
                if !name.isEmpty, !names.contains(name) { names.append(name) }
            }
        }
        return names
    }
}

extension Rule {
    /// Every template with its key.
    fileprivate var templates: [(key: String, text: String)] {
        guard kind == .alerting else { return [] }
        return labels.sorted { $0.key < $1.key }.map { ("labels.\($0.key)", $0.value) }
            + annotations.sorted { $0.key < $1.key }.map { ("annotations.\($0.key)", $0.value) }
    }
}

extension Expression {
    /// The labels that elements of the result can have; nil where that depends on the series.
    var labelsOfResult: Set<String>? {
        switch self {
        case .parenthesised(let inner, _): return inner.labelsOfResult
        case .signed(let signed): return signed.inner.labelsOfResult
        case .number: return []
        case .aggregation(let aggregation):
            if aggregation.op.selectsSeries { return aggregation.inner.labelsOfResult }
            return aggregation.isWithout || aggregation.op == .countValues ? nil : Set(aggregation.labels)
        case .binary(let binary):
            switch (binary.left.type, binary.right.type) {
            case (.instantVector, .scalar): return binary.left.labelsOfResult
            case (.scalar, .instantVector): return binary.right.labelsOfResult
            default: return nil
            }
        default: return nil
        }
    }
}
