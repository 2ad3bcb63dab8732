public import Diagnostics
import Units

// One object reads, checks, documents and explains a section. A capability's section is a struct whose initialiser asks the
// reader for each of its keys, once, with type, default and a sentence of documentation. The same initialiser then serves
// four purposes:
//
//   a file           → values; every fault with its place; unknown keys with the nearest known one
//   no file          → the defaults (an empty file works)
//   `config show`    → the effective value of each key and where it came from
//   the reference    → the list of all keys (lists and maps are entered once, with a made-up element)
//
// Reading never throws. A fault is noted and the default stands in, so that one run finds all of them; the values are used
// only when there was none.

/// A section of the settings: reads itself from a reader.
public protocol SettingsSection {
    init(_ reader: SettingsReader)
}

/// Reads the keys of one mapping. Not shared between tasks: a section reads itself in one go.
public final class SettingsReader {
    let context: ReadingContext
    /// Nil where the mapping is absent: everything takes its default.
    let node: SettingsNode?
    /// `probes[2].expect`; empty at the top.
    public let path: String
    /// The same with `[]` and `<name>` for elements, as the reference prints it.
    let declaredPath: String
    private var knownKeys: [String] = []
    /// The sentence of each declared key, for `config show`.
    private(set) var documentation: [String: String] = [:]

    init(context: ReadingContext, node: SettingsNode?, path: String, declaredPath: String) {
        self.context = context
        self.node = node
        self.path = path
        self.declaredPath = declaredPath
    }

    /// Whether something was written for `key`.
    public func isPresent(_ key: String) -> Bool { value(of: key) != nil }

    /// Whether the value of `key` is a list, for keys that take one value or many.
    public func isList(_ key: String) -> Bool {
        if case .list = value(of: key)?.content { true } else { false }
    }

    /// Adds a fault at `key`, or at the section when the key is absent or nil.
    public func fault(_ key: String?, _ message: String) {
        note(.error, key, message)
    }

    /// Adds a warning: the settings are used all the same.
    public func warning(_ key: String?, _ message: String) {
        note(.warning, key, message)
    }

    private func note(_ severity: Diagnostic.Severity, _ key: String?, _ message: String) {
        guard !context.isSchemaOnly else { return }
        let position = key.flatMap { value(of: $0)?.position } ?? node?.position
        context.diagnostics.append(
            Diagnostic(
                severity, at: position ?? SourcePosition(file: context.file, line: 1, column: 1),
                path: key.map(childPath) ?? path, message))
    }

    func value(of key: String) -> SettingsNode? {
        guard case .mapping(let members) = node?.content, let member = members.first(where: { $0.key == key }),
            !member.value.isNull
        else { return nil }
        return member.value
    }

    func childPath(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Notes that `key` exists, for the reference and the search for unknown keys.
    func declare(_ key: String, _ type: String, default text: String?, _ documentation: String, isSecret: Bool = false)
    {
        knownKeys.append(key)
        self.documentation[key] = documentation
        guard context.isSchemaOnly else { return }
        let place = declaredPath.isEmpty ? key : "\(declaredPath).\(key)"
        guard !context.declarations.contains(where: { $0.path == place }) else { return }
        context.declarations.append(
            SettingsDeclaration(
                path: place, type: type, defaultText: text, documentation: documentation, isSecret: isSecret))
    }

    /// Notes that `key` exists without making it part of the reference.
    func know(_ key: String) { knownKeys.append(key) }

    /// Notes the effective value of `key`, or of the part of it at `place`.
    func show(_ key: String, _ text: String, origin: SettingsValue.Origin, at place: String? = nil) {
        guard !context.isSchemaOnly else { return }
        context.values.append(
            SettingsValue(
                path: place ?? childPath(key), text: text, origin: origin, documentation: documentation[key] ?? ""))
    }

    /// Reports keys that nobody asked for. Called once the section has read itself.
    func finish() {
        guard case .mapping(let members) = node?.content else { return }
        for member in members where !knownKeys.contains(member.key) {
            var message = "unknown key"
            if let nearest = nearestName(to: member.key, among: knownKeys) {
                message += "; did you mean '\(nearest)'?"
            } else if knownKeys.isEmpty {
                message += "; nothing can be set here"
            } else {
                message += "; known here are \(knownKeys.sorted().joined(separator: ", "))"
            }
            context.diagnostics.append(Diagnostic(at: member.keyPosition, path: childPath(member.key), message))
        }
    }
}

/// A key that can be set.
public struct SettingsDeclaration: Sendable, Hashable {
    /// `probes[].expect.status`, `receivers.<name>.email[].to`.
    public let path: String
    /// `duration`, `text`, `list`, …
    public let type: String
    /// As it would be written; nil when the key must be set or has no value by itself.
    public let defaultText: String?
    public let documentation: String
    public let isSecret: Bool
}

/// The effective value of a key and where it came from.
public struct SettingsValue: Sendable, Hashable {
    public enum Origin: Sendable, Hashable {
        case standard
        case file(SourcePosition)
        /// From `${NAME}` in the file.
        case environment(String, SourcePosition)
        /// From `file:` in the file.
        case secretFile(String, SourcePosition)
        /// From an option of the command line, as in `--listen`, which takes the place of what the file says.
        case option(String)
    }

    public let path: String
    /// `<redacted>` for secrets.
    public let text: String
    public let origin: Origin
    /// What the key is for, in a sentence.
    public let documentation: String

    /// The same key with a value from somewhere else.
    public func with(_ text: String, from origin: Origin) -> SettingsValue {
        SettingsValue(path: path, text: text, origin: origin, documentation: documentation)
    }
}

extension SettingsValue.Origin {
    /// The place in the file; nil for what comes from elsewhere.
    public var position: SourcePosition? {
        switch self {
        case .standard, .option: nil
        case .file(let position), .environment(_, let position), .secretFile(_, let position): position
        }
    }
}

extension SettingsValue.Origin: CustomStringConvertible {
    public var description: String {
        switch self {
        case .standard: "default"
        case .file(let position): "\(position)"
        case .environment(let name, let position): "${\(name)} at \(position)"
        case .secretFile(let path, let position): "file:\(path) at \(position)"
        case .option(let name): "option \(name)"
        }
    }
}

/// What one reading collects, shared by the readers of its sections.
final class ReadingContext {
    let file: String
    let sources: SettingsSources
    let isSchemaOnly: Bool
    var diagnostics: [Diagnostic] = []
    var declarations: [SettingsDeclaration] = []
    var values: [SettingsValue] = []
    /// Where the elements of lists of texts stand, by path.
    var textPlaces: [String: SourcePosition] = [:]
    /// Hashes of secrets by path, seeded anew in each process: they tell a change, and nothing else.
    var secretHashes: [String: Int] = [:]
    /// Sections being entered for the reference, to stop at one that contains itself.
    var openSections: [ObjectIdentifier] = []

    init(file: String, sources: SettingsSources, isSchemaOnly: Bool) {
        self.file = file
        self.sources = sources
        self.isSchemaOnly = isSchemaOnly
    }
}
