import Diagnostics
import Glibc
import PromQL
import Rules

/// The shipped rules and the user's, as one list of groups.
enum RuleCollection {
    /// - Parameters:
    ///   - further: paths of files beside those of `settings`.
    ///   - folder: what relative paths start from.
    ///   - features: what expressions may use beyond the stable language.
    ///   - place: where a key of the configuration stands, for what is wrong with a name.
    /// - Throws: `InvalidInput` with the faults of all files and names.
    static func load(
        _ settings: RulesSettings, further: [String] = [], features: QueryFeatures = [], folder: String,
        place: (_ path: String) -> SourcePosition? = { _ in nil }
    ) throws -> [RuleGroup] {
        var faults: [Diagnostic] = []
        var own: [RuleGroup] = []
        let named =
            settings.files.enumerated().map { ("rules.files[\($0.offset)]", $0.element) }
            + further.enumerated().map { ("rule_files[\($0.offset)]", $0.element) }
        for (key, pattern) in named {
            let path = pattern.hasPrefix("/") ? pattern : "\(folder)/\(pattern)"
            let files = expanded(path)
            if files.isEmpty {
                faults.append(Diagnostic(at: place(key), path: key, "'\(pattern)' names no file"))
            }
            for file in files {
                do {
                    own += try RuleFile.read(
                        try readText(file), file: file, templates: AnnotationTemplates(), features: features)
                } catch let invalid as InvalidInput {
                    faults += invalid.diagnostics
                } catch {
                    faults.append(Diagnostic(at: place(key), path: key, describe(error)))
                }
            }
        }
        // Reading them takes a tenth of a start: left out where nothing speaks of them.
        let shipped =
            settings.usesShippedPacks || !settings.disabledAlerts.isEmpty
            ? try RulePack.allCases.flatMap { try $0.groups(templates: AnnotationTemplates()) } : []
        faults += faultsOfDisabled(settings, shipped, place)
        guard faults.isEmpty else { throw InvalidInput(faults) }
        guard settings.usesShippedPacks else { return own }
        let replaced = Set(own.flatMap(\.rules).filter { $0.kind == .alerting }.map(\.name))
        let left = Set(settings.disabledAlerts).union(replaced)
        return shipped.compactMap { group in
            let rules = group.rules.filter { $0.kind == .recording || !left.contains($0.name) }
            guard !rules.isEmpty else { return nil }
            return RuleGroup(
                name: group.name, file: group.file, interval: group.interval, limit: group.limit,
                queryOffset: group.queryOffset, rules: rules)
        } + own
    }

    /// Names of shipped alerts that are none.
    private static func faultsOfDisabled(
        _ settings: RulesSettings, _ shipped: [RuleGroup], _ place: (String) -> SourcePosition?
    ) -> [Diagnostic] {
        let known = Set(shipped.flatMap(\.rules).filter { $0.kind == .alerting }.map(\.name))
        return settings.disabledAlerts.enumerated().filter { !known.contains($0.element) }.map { index, name in
            let nearest = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
            let key = "rules.disabled[\(index)]"
            return Diagnostic(at: place(key), path: key, "there is no shipped alert '\(name)'\(nearest)")
        }
    }

    /// The files that a path with `*`, `?` or `[…]` names, sorted (glob(7)).
    static func expanded(_ path: String) -> [String] {
        guard path.contains(where: { "*?[".contains($0) }) else { return access(path, F_OK) == 0 ? [path] : [] }
        var matches = glob_t()
        defer { globfree(&matches) }
        guard glob(path, 0, nil, &matches) == 0 else { return [] }
        return (0..<Int(matches.gl_pathc)).compactMap { matches.gl_pathv[$0].map { String(cString: $0) } }
    }
}
