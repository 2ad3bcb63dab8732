import Diagnostics
import Series
public import Settings

/// An element of `relabel_configs`, `metric_relabel_configs` or `write_relabel_configs`.
public struct RelabelSettings: SettingsSection, Sendable {
    /// Nil where there was a fault.
    public var rule: RelabelRule?

    public init(_ s: SettingsReader) {
        let sources = s.texts("source_labels", "Labels whose values are joined and held against the pattern.")
        let separator = s.verbatimText(
            "separator", default: RelabelRule.standardSeparator, "What stands between the joined values.")
        let target = s.verbatimText(
            "target_label", default: "", "The label that gets the result; $1 or ${1} stands for a group of the pattern."
        )
        let pattern = s.verbatimText(
            "regex", default: RelabelRule.standardPattern, "A pattern (RE2) that the whole text must match.")
        let modulus = s.integer("modulus", default: 0, in: 0...Int.max, "For 'hashmod': the number of parts.")
        let replacement = s.verbatimText(
            "replacement", default: RelabelRule.standardReplacement,
            "The new value; $1 or ${1} stands for a group of the pattern, $$ for a dollar sign.")
        let names = RelabelRule.Action.allCases.map(\.rawValue)
        let word = s.text("action", default: "replace", "What is done: \(names.joined(separator: ", ")).")
        guard let action = RelabelRule.Action(rawValue: word.lowercased()) else {
            let nearest = nearestName(to: word, among: names).map { "; did you mean '\($0)'?" } ?? ""
            s.fault("action", "'\(word)' is not one of \(names.joined(separator: ", "))\(nearest)")
            return
        }
        do {
            rule = try RelabelRule(
                action: action, sourceLabels: sources, separator: separator, targetLabel: target, pattern: pattern,
                replacement: replacement, modulus: UInt64(modulus))
        } catch let fault as PatternFault {
            s.fault("regex", "is not a pattern: \(fault)")
        } catch let fault as RelabelFault {
            s.fault(s.isPresent(fault.key) ? fault.key : nil, fault.reason)
        } catch {
            s.fault(nil, describe(error))
        }
    }
}
