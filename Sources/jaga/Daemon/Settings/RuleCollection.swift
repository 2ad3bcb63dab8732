import Diagnostics
import Glibc
import PromQL
import Rules

/// The shipped rules and the user's, as one list of groups.
enum RuleCollection {
    /// - Parameters:
    ///   - further: paths of files beside those of `settings`.
    ///   - folder: what relative paths start from.
    ///   - place: where the configuration names the files, for what is wrong with a name.
    ///   - features: what expressions may use beyond the stable language.
    ///   - disabledAt: where it names the shipped alerts that are off.
    /// - Throws: `InvalidInput` with the faults of all files.
    static func load(
        _ settings: RulesSettings, further: [String] = [], features: QueryFeatures = [], folder: String,
        namedAt place: SourcePosition? = nil,
        disabledAt: SourcePosition? = nil
    ) throws -> [RuleGroup] {
        var faults: [Diagnostic] = []
        var own: [RuleGroup] = []
        for pattern in settings.files + further {
            let path = pattern.hasPrefix("/") ? pattern : "\(folder)/\(pattern)"
            let files = expanded(path)
            if files.isEmpty {
                faults.append(Diagnostic(at: place, path: "rules.files", "'\(pattern)' names no file"))
            }
            for file in files {
                do {
                    own += try RuleFile.read(
                        try readText(file), file: file, templates: AnnotationTemplates(), features: features)
                } catch let invalid as InvalidInput {
                    faults += invalid.diagnostics
                } catch {
                    faults.append(Diagnostic(at: place, path: "rules.files", describe(error)))
                }
            }
        }
        guard faults.isEmpty else { throw InvalidInput(faults) }
        guard settings.usesShippedPacks else { return own }
        let replaced = Set(own.flatMap(\.rules).filter { $0.kind == .alerting }.map(\.name))
        let left = Set(settings.disabledAlerts).union(replaced)
        let shipped = try RulePack.allCases.flatMap { try $0.groups(templates: AnnotationTemplates()) }
        let known = Set(shipped.flatMap(\.rules).map(\.name))
        for name in settings.disabledAlerts where !known.contains(name) {
            let nearest = nearestName(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
            faults.append(
                Diagnostic(at: disabledAt, path: "rules.disabled", "there is no shipped alert '\(name)'\(nearest)"))
        }
        guard faults.isEmpty else { throw InvalidInput(faults) }
        return shipped.compactMap { group in
            let rules = group.rules.filter { $0.kind == .recording || !left.contains($0.name) }
            guard !rules.isEmpty else { return nil }
            return RuleGroup(
                name: group.name, file: group.file, interval: group.interval, limit: group.limit,
                queryOffset: group.queryOffset, rules: rules)
        } + own
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
