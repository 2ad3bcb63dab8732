public import Diagnostics
public import PromQL
import Settings
import Units

/// Prometheus rule files as they are.
/// <https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/>
public enum RuleFile {
    /// Reads one file.
    /// - Parameters:
    ///   - file: the name that messages and groups carry.
    ///   - templates: checks the syntax of annotations and labels.
    ///   - features: what expressions may use beyond the stable language, as queries may.
    /// - Throws: every fault at once, each with line and column.
    public static func read(
        _ yaml: String, file: String, templates: any TemplateExpanding, features: QueryFeatures = []
    ) throws(InvalidInput) -> [RuleGroup] {
        try readWithPlaces(yaml, file: file, templates: templates, features: features).groups
    }

    /// Reads one file, and gives the place of each of its keys by path, as in `groups[0].rules[2].expr`.
    static func readWithPlaces(
        _ yaml: String, file: String, templates: any TemplateExpanding, features: QueryFeatures
    ) throws(InvalidInput) -> (groups: [RuleGroup], places: [String: SourcePosition]) {
        // What is wrong elsewhere in the file does not hide a template that is wrong too.
        let (reading, found) = try SettingsDocument.examine(
            yaml, file: file, sources: .verbatim, as: RuleFileSection.self)
        let document = reading.section
        var places: [String: SourcePosition] = [:]
        for value in reading.values {
            if case .file(let position) = value.origin { places[value.path] = position }
        }
        var faults = found
        for (groupIndex, group) in document.groups.enumerated() {
            for (ruleIndex, rule) in group.rules.enumerated() {
                func fault(_ key: String, _ message: String) {
                    let path = "groups[\(groupIndex)].rules[\(ruleIndex)].\(key)"
                    let position = places[path] ?? SourcePosition(file: file, line: 1, column: 1)
                    faults.append(Diagnostic(at: position, path: path, message))
                }
                if let message = rule.expressionFault(features) { fault("expr", message) }
                for (key, template) in rule.templates {
                    do {
                        try templates.check(template)
                    } catch {
                        fault(key, "is no valid template: \(describe(error))")
                    }
                }
            }
        }
        guard faults.isEmpty else {
            throw InvalidInput(
                faults.sorted { left, right in
                    guard let a = left.position, let b = right.position else { return right.position != nil }
                    return a < b
                })
        }
        return (document.groups.map { $0.group(file: file, features) }, places)
    }
}

private struct RuleFileSection: SettingsSection {
    let groups: [RuleGroupSection]

    init(_ reader: SettingsReader) {
        groups = reader.list("groups", of: RuleGroupSection.self, "Groups of rules that are evaluated together.")
        var seen: Set<String> = []
        for group in groups where !seen.insert(group.name).inserted {
            reader.fault("groups", "the group name '\(group.name)' is repeated in the same file")
        }
    }
}

private struct RuleGroupSection: SettingsSection {
    let name: String
    let interval: Duration?
    let limit: Int
    let queryOffset: Duration
    let labels: [String: String]
    let rules: [RuleSection]

    init(_ reader: SettingsReader) {
        name = reader.requiredText("name", "The group's name, unique in its file.")
        interval = reader.optionalDuration(
            "interval", atLeast: .milliseconds(1), "How often the rules are evaluated; the site's interval by default.")
        limit = reader.integer(
            "limit", default: 0, in: 0...1_000_000, "The most alerts or series that a rule may give; 0 is no limit.")
        queryOffset = reader.duration(
            "query_offset", default: .zero, "How far into the past the rules look, for series that arrive late.")
        labels = reader.textMap("labels", "Labels added to what every rule of the group gives.")
        rules = reader.list("rules", of: RuleSection.self, "The rules, in the order they are evaluated.")
    }

    func group(file: String, _ features: QueryFeatures) -> RuleGroup {
        RuleGroup(
            name: name, file: file, interval: interval, limit: limit, queryOffset: queryOffset,
            rules: rules.compactMap { $0.rule(groupLabels: labels, features) })
    }
}

private struct RuleSection: SettingsSection {
    let record: String?
    let alert: String?
    let expr: String?
    let hold: Duration
    let keepFiring: Duration
    let labels: [String: String]
    let annotations: [String: String]

    init(_ reader: SettingsReader) {
        record = reader.optionalText("record", "The name of the series to store the result in.")
        alert = reader.optionalText("alert", "The alert's name.")
        expr = reader.optionalText("expr", "The PromQL expression.")
        hold = reader.duration("for", default: .zero, "How long the expression must hold before the alert fires.")
        keepFiring = reader.duration(
            "keep_firing_for", default: .zero, "How long the alert goes on firing after the expression stopped holding."
        )
        labels = reader.textMap("labels", "Labels to add; templates in an alert.")
        annotations = reader.textMap("annotations", "Texts that describe the alert; templates.")
        check(reader)
    }

    private func check(_ reader: SettingsReader) {
        switch (record, alert) {
        case (nil, nil): reader.fault(nil, "one of 'record' or 'alert' must be set")
        case (_?, _?): reader.fault("alert", "only one of 'record' and 'alert' must be set")
        default: break
        }
        if let expr {
            do throws(QueryFault) {
                // Whether what is experimental is allowed is looked at later: the settings say so, and this is the file alone.
                let tree = try Expression.parse(expr, features: .allSyntax)
                if tree.type != .instantVector && tree.type != .scalar {
                    reader.fault("expr", "gives a \(tree.type.rawValue); a rule needs an instant vector or a scalar")
                }
            } catch {
                reader.fault("expr", "could not parse expression: \(error.summary)")
            }
        } else {
            reader.fault(reader.isPresent("expr") ? "expr" : nil, "field 'expr' must be set in rule")
        }
        if let record {
            if reader.isPresent("for") { reader.fault("for", "invalid field 'for' in recording rule") }
            if reader.isPresent("keep_firing_for") {
                reader.fault("keep_firing_for", "invalid field 'keep_firing_for' in recording rule")
            }
            if reader.isPresent("annotations") {
                reader.fault("annotations", "invalid field 'annotations' in recording rule")
            }
            if record.contains("{") || record.contains("}") {
                reader.fault("record", "braces present in the recording rule name; should it be in expr?: \(record)")
            } else if record.isEmpty {
                reader.fault("record", "invalid recording rule name: \(record)")
            }
        }
        if alert?.isEmpty == true { reader.fault("alert", "the alert has no name") }
        for name in labels.keys.sorted() where name.isEmpty || name == "__name__" {
            reader.fault("labels", "invalid label name: '\(name)'")
        }
        for name in annotations.keys.sorted() where name.isEmpty {
            reader.fault("annotations", "invalid annotation name: '\(name)'")
        }
    }

    /// Every template with its key.
    var templates: [(key: String, text: String)] {
        guard alert != nil else { return [] }
        return labels.sorted { $0.key < $1.key }.map { ("labels.\($0.key)", $0.value) }
            + annotations.sorted { $0.key < $1.key }.map { ("annotations.\($0.key)", $0.value) }
    }

    /// What of the expression is not allowed; nil where all is.
    func expressionFault(_ features: QueryFeatures) -> String? {
        // What is no expression at all has its fault already.
        guard let expr, (try? Expression.parse(expr, features: .allSyntax)) != nil else { return nil }
        do throws(QueryFault) {
            _ = try Expression.parse(expr, features: features)
            return nil
        } catch {
            let missing = QueryOptions.flags.first { flag in
                // It parses with all of the syntax, so that what fails with this flag alone needs another.
                QueryFeatures(flag: flag).map { (try? Expression.parse(expr, features: features.union($0))) != nil }
                    == true
            }
            let remedy = missing.map {
                "; the feature '\($0)' switches it on, by 'queries.features' or --enable-feature"
            }
            return "could not parse expression: \(error.summary)\(remedy ?? "")"
        }
    }

    func rule(groupLabels: [String: String], _ features: QueryFeatures) -> Rule? {
        guard let name = alert ?? record, let expr else { return nil }
        // `check` has parsed the expression and noted its fault; a document with faults gives no groups.
        return try? Rule(
            alert != nil ? .alerting : .recording, name, expr, hold: hold, keepFiring: keepFiring,
            labels: groupLabels.merging(labels) { _, own in own }, annotations: annotations,
            features: features)
    }
}
