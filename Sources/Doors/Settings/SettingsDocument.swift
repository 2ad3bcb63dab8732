public import Diagnostics
public import JSONCoding

/// Where `${NAME}` and `file:` find their values. A parameter, so that a test plants them.
public struct SettingsSources: Sendable {
    public var environment: @Sendable (_ name: String) -> String?
    public var readFile: @Sendable (_ path: String) throws -> String
    /// Whether `${NAME}` in a text is a reference. Off for files in somebody else's format, where a dollar sign is a dollar
    /// sign.
    public var expandsReferences = true

    public init(
        environment: @escaping @Sendable (String) -> String?, readFile: @escaping @Sendable (String) throws -> String
    ) {
        self.environment = environment
        self.readFile = readFile
    }

    /// No variable is set and no file can be read.
    public static let none = SettingsSources(
        environment: { _ in nil },
        readFile: { throw PlainFailure("no-file", "'\($0)' cannot be read here") })
}

extension SettingsSources {
    /// Every text as it was written.
    public static let verbatim: SettingsSources = {
        var sources = SettingsSources.none
        sources.expandsReferences = false
        return sources
    }()
}

/// What a reading gave.
public struct SettingsReading<Section: SettingsSection> {
    public let section: Section
    /// Every key with its effective value, in the order of declaration.
    public let values: [SettingsValue]
    public let warnings: [Diagnostic]
    let secretHashes: [String: Int]
    let textPlaces: [String: SourcePosition]

    /// Where the value at `path` stands, which may be an element of a list of texts (`rules.files[1]`).
    /// - Returns: nil for a default, and for what is not there.
    public func place(of path: String) -> SourcePosition? {
        textPlaces[path] ?? values.first { $0.path == path }?.origin.position
    }

    /// The fingerprints of a list's elements, in one pass.
    public func fingerprints(ofList path: String, count: Int) -> [Int] {
        var hashers = Array(repeating: Hasher(), count: count)
        func element(_ candidate: String) -> (index: Int, rest: Substring)? {
            guard candidate.hasPrefix(path + "[") else { return nil }
            let after = candidate.dropFirst(path.count + 1)
            guard let index = Int(after.prefix { $0 != "]" }), hashers.indices.contains(index) else { return nil }
            return (index, after.drop { $0 != "]" })
        }
        for value in values {
            guard let (index, rest) = element(value.path) else { continue }
            hashers[index].combine(rest)
            hashers[index].combine(value.text)
        }
        for (place, hash) in secretHashes.sorted(by: { $0.key < $1.key }) {
            if let (index, _) = element(place) { hashers[index].combine(hash) }
        }
        return hashers.map { $0.finalize() }
    }

    /// Whether two readings of the same process gave the same values below `path` (`probes[2]`): the numbers are then equal.
    /// Secrets count, though only by hash.
    public func fingerprint(of path: String) -> Int {
        func isBelow(_ candidate: String) -> Bool {
            candidate == path || candidate.hasPrefix(path + ".") || candidate.hasPrefix(path + "[")
        }
        var hasher = Hasher()
        for value in values where isBelow(value.path) {
            hasher.combine(value.path.dropFirst(path.count))
            hasher.combine(value.text)
        }
        for (place, hash) in secretHashes.sorted(by: { $0.key < $1.key }) where isBelow(place) { hasher.combine(hash) }
        return hasher.finalize()
    }
}

public enum SettingsDocument {
    /// Reads `yaml` as the section `type`.
    /// - Parameter file: the name that messages carry.
    /// - Throws: `InvalidInput` with every fault, sorted by place.
    public static func read<Section: SettingsSection>(
        _ yaml: String, file: String, sources: SettingsSources, as type: Section.Type = Section.self
    ) throws(InvalidInput) -> SettingsReading<Section> {
        let outcome = try examine(yaml, file: file, sources: sources, as: type)
        guard outcome.faults.isEmpty else { throw InvalidInput(outcome.faults) }
        return outcome.reading
    }

    /// Reads `yaml` as far as it goes, so that a caller can look for further faults in what the file names.
    /// - Returns: the reading, to be used only when there are no faults; where there is one, the default stands in.
    /// - Throws: `InvalidInput` when the text is no YAML mapping at all.
    public static func examine<Section: SettingsSection>(
        _ yaml: String, file: String, sources: SettingsSources, as type: Section.Type = Section.self
    ) throws(InvalidInput) -> (reading: SettingsReading<Section>, faults: [Diagnostic]) {
        let context = ReadingContext(file: file, sources: sources, isSchemaOnly: false)
        let node = try SettingsNode.parse(yaml, file: file, faults: &context.diagnostics)
        let isUsable: Bool
        switch node.content {
        case .mapping: isUsable = true
        case .scalar, .list: isUsable = node.isNull
        }
        guard isUsable else {
            throw InvalidInput([
                Diagnostic(at: node.position, "the file holds \(node.kindName) where a mapping of keys is expected")
            ])
        }
        let reader = SettingsReader(context: context, node: node.isNull ? nil : node, path: "", declaredPath: "")
        let section = Section(reader)
        reader.finish()
        let faults = sorted(context.diagnostics.filter { $0.severity == .error })
        let warnings = sorted(context.diagnostics.filter { $0.severity == .warning })
        let reading = SettingsReading(
            section: section, values: context.values, warnings: warnings, secretHashes: context.secretHashes,
            textPlaces: context.textPlaces)
        return (reading, faults)
    }

    /// The section with all defaults, as an empty file gives it.
    public static func defaults<Section: SettingsSection>(of type: Section.Type = Section.self) -> Section {
        let context = ReadingContext(file: "", sources: .none, isSchemaOnly: false)
        return Section(SettingsReader(context: context, node: nil, path: "", declaredPath: ""))
    }

    /// All keys that `type` knows, with types, defaults and documentation: the configuration reference.
    public static func declarations<Section: SettingsSection>(of type: Section.Type) -> [SettingsDeclaration] {
        let context = ReadingContext(file: "", sources: .none, isSchemaOnly: true)
        context.openSections = [ObjectIdentifier(type)]
        _ = Section(SettingsReader(context: context, node: nil, path: "", declaredPath: ""))
        return context.declarations
    }

    private static func sorted(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        diagnostics.sorted { left, right in
            guard let a = left.position, let b = right.position else { return right.position != nil }
            return a < b
        }
    }
}

extension SettingsDocument {
    /// A YAML document of somebody else's making as plain values: mappings, lists, texts (numbers too are texts) and null.
    /// - Throws: `InvalidInput` with the place of the fault.
    public static func plainValue(_ yaml: String, file: String) throws(InvalidInput) -> JSONValue {
        func value(_ node: SettingsNode) -> JSONValue {
            switch node.content {
            case .scalar(let text, _): node.isNull ? .null : .string(text)
            case .list(let items): .array(items.map(value))
            case .mapping(let members):
                .object(Dictionary(members.map { ($0.key, value($0.value)) }, uniquingKeysWith: { _, last in last }))
            }
        }
        var faults: [Diagnostic] = []
        let node = try SettingsNode.parse(yaml, file: file, faults: &faults)
        guard faults.isEmpty else { throw InvalidInput(faults) }
        return value(node)
    }
}
