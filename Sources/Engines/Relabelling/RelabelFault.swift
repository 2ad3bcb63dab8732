import Series
public import Diagnostics

/// Why the parts of a relabelling rule do not fit its action.
public struct RelabelFault: Failure, Hashable {
    /// The key at fault, as in `target_label`.
    public let key: String
    public let reason: String

    public var codeName: String { "invalid-relabelling" }
    public var summary: String { "\(key): \(reason)" }
}

extension RelabelRule {
    /// What the reference refuses, key by key.
    func fault() -> RelabelFault? {
        let name = "'\(action.rawValue)'"
        let needsTarget: Set<Action> = [.replace, .keepequal, .dropequal, .hashmod, .lowercase, .uppercase]
        if action == .hashmod, modulus == 0 {
            return RelabelFault(key: "modulus", reason: "\(name) needs a modulus of at least 1")
        }
        if needsTarget.contains(action), targetLabel.isEmpty {
            return RelabelFault(key: "target_label", reason: "\(name) needs a target label")
        }
        if needsTarget.contains(action), !isTargetAllowed {
            return RelabelFault(
                key: "target_label", reason: "'\(targetLabel)' is not a label's name, which \(name) needs")
        }
        if action == .labelmap, !isAllowedTemplate(replacement) {
            return RelabelFault(
                key: "replacement", reason: "'\(replacement)' is not a label's name, which \(name) needs")
        }
        switch action {
        case .keepequal, .dropequal:
            if let key = changedKeys.subtracting(["source_labels", "target_label"]).min() {
                return RelabelFault(key: key, reason: "\(name) takes only 'source_labels' and 'target_label'")
            }
        case .labeldrop, .labelkeep:
            if let key = changedKeys.subtracting(["regex"]).min() {
                return RelabelFault(key: key, reason: "\(name) takes only 'regex'")
            }
        case .lowercase, .uppercase:
            if changedKeys.contains("replacement") {
                return RelabelFault(key: "replacement", reason: "\(name) takes no replacement")
            }
        case .replace, .keep, .drop, .hashmod, .labelmap: break
        }
        return nil
    }

    private var isTargetAllowed: Bool {
        action == .replace ? isAllowedTemplate(targetLabel) : scheme.allows(label: targetLabel)
    }

    /// A name, or a text that may become one once its groups are filled in.
    private func isAllowedTemplate(_ text: String) -> Bool {
        if PatternTemplate(text).isConstant { return scheme.allows(label: text) }
        guard scheme == .legacy else { return true }
        let filled = PatternTemplate(text).expanded(
            with: Array(repeating: "a", count: pattern.groupNames.count + 1), names: pattern.groupNames)
        return filled.isEmpty || isLegacyName(filled, colons: false)
    }

    /// Keys whose value is not the standard one.
    private var changedKeys: Set<String> {
        var keys: Set<String> = []
        if !sourceLabels.isEmpty { keys.insert("source_labels") }
        if !targetLabel.isEmpty { keys.insert("target_label") }
        if modulus != 0 { keys.insert("modulus") }
        if separator != Self.standardSeparator { keys.insert("separator") }
        if replacement != Self.standardReplacement { keys.insert("replacement") }
        if pattern.source != Self.standardPattern { keys.insert("regex") }
        return keys
    }
}
