import Diagnostics

extension SettingsReader {
    /// A mapping below `key`; absent, all its keys take their defaults.
    public func section<Section: SettingsSection>(
        _ key: String, _ type: Section.Type = Section.self, _ documentation: String
    ) -> Section {
        declare(key, "section", default: nil, documentation)
        return enter(mapping(of: key), path: childPath(key), declared: declaredChild(key), type)
            ?? Section(reader(nil, path: childPath(key), declared: declaredChild(key)))
    }

    /// A mapping below `key`, or nil when it is not there.
    public func optionalSection<Section: SettingsSection>(
        _ key: String, _ type: Section.Type = Section.self, _ documentation: String
    ) -> Section? {
        declare(key, "section", default: nil, documentation)
        guard isPresent(key) || context.isSchemaOnly else { return nil }
        return enter(mapping(of: key), path: childPath(key), declared: declaredChild(key), type)
    }

    /// A list of mappings below `key`; a single mapping counts as a list of one.
    public func list<Section: SettingsSection>(
        _ key: String, of type: Section.Type = Section.self, _ documentation: String
    ) -> [Section] {
        declare(key, "list", default: nil, documentation)
        let declared = declaredChild(key) + "[]"
        if context.isSchemaOnly {
            return enter(nil, path: "\(childPath(key))[]", declared: declared, type).map { [$0] } ?? []
        }
        guard let node = value(of: key) else { return [] }
        let items: [SettingsNode]
        switch node.content {
        case .list(let nodes): items = nodes
        case .mapping: items = [node]
        case .scalar:
            fault(key, "is a single value where a list is expected; begin each element with '- '")
            return []
        }
        return items.enumerated().compactMap { index, item in
            element(item, path: "\(childPath(key))[\(index)]", declared: declared, type)
        }
    }

    /// A mapping of names to mappings below `key`, in the order of the file.
    public func map<Section: SettingsSection>(
        _ key: String, of type: Section.Type = Section.self, _ documentation: String
    ) -> [(name: String, value: Section)] {
        declare(key, "mapping", default: nil, documentation)
        let declared = declaredChild(key) + ".<name>"
        if context.isSchemaOnly {
            return enter(nil, path: "\(childPath(key)).<name>", declared: declared, type).map { [("<name>", $0)] } ?? []
        }
        guard let node = value(of: key) else { return [] }
        guard case .mapping(let members) = node.content else {
            fault(key, "is \(node.kindName) where a mapping of names is expected; write 'name:' and its keys below")
            return []
        }
        return members.compactMap { member in
            // `name:` with nothing below it means all defaults, as an empty file does.
            let node =
                member.value.isNull
                ? SettingsNode(content: .mapping([]), position: member.keyPosition) : member.value
            checkName(member, in: key)
            return element(node, path: "\(childPath(key)).\(member.key)", declared: declared, type)
                .map { (member.key, $0) }
        }
    }

    /// Such names become labels, parts of addresses and names of files, and are typed on the command line.
    private func checkName(_ member: SettingsNode.Member, in key: String) {
        let name = member.key
        let isPlain =
            name.utf8.count <= 100 && !name.isEmpty && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                (65...90).contains(byte) || (97...122).contains(byte) || (48...57).contains(byte)
                    || "-_.".utf8.contains(byte)
            }
        guard !isPlain else { return }
        let shown = name.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : String($0) }.joined()
        context.diagnostics.append(
            Diagnostic(
                at: member.keyPosition, path: childPath(key),
                name.isEmpty
                    ? "a name is empty; write letters, digits, '-', '_' and '.'"
                    : "'\(shown)' cannot be a name; it takes up to 100 letters, digits, '-', '_' and '.'"))
    }

    private func element<Section: SettingsSection>(
        _ node: SettingsNode, path: String, declared: String, _ type: Section.Type
    ) -> Section? {
        guard case .mapping = node.content else {
            context.diagnostics.append(
                Diagnostic(at: node.position, path: path, "is \(node.kindName) where a mapping of keys is expected"))
            return nil
        }
        return enter(node, path: path, declared: declared, type)
    }

    private func mapping(of key: String) -> SettingsNode? {
        guard let node = value(of: key) else { return nil }
        guard case .mapping = node.content else {
            fault(key, "is \(node.kindName) where a mapping of keys is expected")
            return nil
        }
        return node
    }

    private func declaredChild(_ key: String) -> String { declaredPath.isEmpty ? key : "\(declaredPath).\(key)" }

    private func reader(_ node: SettingsNode?, path: String, declared: String) -> SettingsReader {
        SettingsReader(context: context, node: node, path: path, declaredPath: declared)
    }

    /// - Returns: nil only for the reference, where a section that contains itself is not entered again.
    private func enter<Section: SettingsSection>(
        _ node: SettingsNode?, path: String, declared: String, _ type: Section.Type
    ) -> Section? {
        let name = ObjectIdentifier(type)
        if context.isSchemaOnly && context.openSections.contains(name) { return nil }
        context.openSections.append(name)
        defer { context.openSections.removeLast() }
        let inner = reader(node, path: path, declared: declared)
        let section = Section(inner)
        inner.finish()
        return section
    }
}
