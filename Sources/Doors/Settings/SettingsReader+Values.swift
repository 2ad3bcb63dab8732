public import Diagnostics
public import Units

// One function a type. Each declares its key, reads it, checks it, and shows the effective value.

extension SettingsReader {
    public func text(_ key: String, default standard: String, _ documentation: String) -> String {
        declare(key, "text", default: standard, documentation)
        return scalar(key, or: standard, shown: { $0 }) { $0 }
    }

    /// A text in which a dollar sign is a dollar sign: a pattern, or a replacement with `${1}`.
    public func verbatimText(_ key: String, default standard: String, _ documentation: String) -> String {
        declare(key, "text", default: standard, documentation)
        return scalar(key, or: standard, shown: { $0 }, isVerbatim: true) { $0 }
    }

    public func optionalText(_ key: String, _ documentation: String) -> String? {
        declare(key, "text", default: nil, documentation)
        return scalar(key, or: nil, shown: { $0 ?? "" }) { .some($0) }
    }

    /// A web address. User and password in it are not shown; a password that stands there as it is gets a warning.
    public func address(_ key: String, _ documentation: String) -> String? {
        declare(key, "text", default: nil, documentation)
        let address: String? = scalar(key, or: nil, shown: { withoutUser($0 ?? "") }) { .some($0) }
        if let address, withoutUser(address) != address { context.secretHashes[childPath(key)] = address.hashValue }
        if case .scalar(let written, _) = value(of: key)?.content, let password = password(inAddress: written),
            !context.sources.expandsReferences || !password.contains("${")
        {
            warning(key, "the secret stands in the file itself; write ${NAME} for the password instead")
        }
        return address
    }

    /// A name that people read in messages and on pages: a text on one line.
    public func optionalTitle(_ key: String, _ documentation: String) -> String? {
        declare(key, "text", default: nil, documentation)
        return scalar(key, or: nil, shown: { $0 ?? "" }) {
            .some($0)
        } check: { text in
            guard let text else { return nil }
            if text.contains(where: \.isNewline) { return "goes over several lines; write it on one" }
            return text.allSatisfy(\.isWhitespace) ? "is empty; write a name, or leave the key out" : nil
        }
    }

    /// A text that must be there; "" stands in when it is not, beside the fault.
    public func requiredText(_ key: String, _ documentation: String) -> String {
        declare(key, "text, required", default: nil, documentation)
        return require(key, scalar(key, or: "", shown: { $0 }) { $0.isEmpty ? nil : $0 })
    }

    public func integer(
        _ key: String, default standard: Int, in range: ClosedRange<Int> = .min ... .max, _ documentation: String
    ) -> Int {
        declare(key, "whole number", default: String(standard), documentation)
        return scalar(
            key, or: standard, shown: { String($0) },
            expected: range.lowerBound == .min || range.upperBound == .max
                ? "a whole number" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        ) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    public func optionalInteger(_ key: String, in range: ClosedRange<Int>, _ documentation: String) -> Int? {
        declare(key, "whole number", default: nil, documentation)
        return scalar(
            key, or: nil, shown: { $0.map { String($0) } ?? "" },
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)"
        ) { text in Int(text).flatMap { range.contains($0) ? .some(.some($0)) : nil } }
    }

    /// A number that has no default: nil when the key is absent.
    public func optionalNumber(_ key: String, _ documentation: String) -> Double? {
        declare(key, "number", default: nil, documentation)
        return scalar(
            key, or: nil, shown: { $0.map { $0.shortText(significantDigits: 15) } ?? "" }, expected: "a number"
        ) { text in Double(text).flatMap { $0.isFinite ? .some(.some($0)) : nil } }
    }

    public func number(
        _ key: String, default standard: Double, in range: ClosedRange<Double> = -.infinity ... .infinity,
        _ documentation: String
    ) -> Double {
        declare(key, "number", default: standard.shortText(significantDigits: 15), documentation)
        let bounded = range.lowerBound.isFinite && range.upperBound.isFinite
        return scalar(
            key, or: standard, shown: { $0.shortText(significantDigits: 15) },
            expected: bounded ? "a number from \(range.lowerBound) to \(range.upperBound)" : "a number"
        ) { text in Double(text).flatMap { $0.isFinite && range.contains($0) ? $0 : nil } }
    }

    public func boolean(_ key: String, default standard: Bool, _ documentation: String) -> Bool {
        declare(key, "true or false", default: String(standard), documentation)
        return scalar(key, or: standard, shown: { String($0) }, expected: "true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on": true
            case "false", "no", "off": false
            default: nil
            }
        }
    }

    public func duration(
        _ key: String, default standard: Duration, atLeast least: Duration = .zero, atMost most: Duration? = nil,
        _ documentation: String
    ) -> Duration {
        declare(key, "duration", default: standard.prometheusText, documentation)
        return scalar(
            key, or: standard, shown: { $0.prometheusText }, expected: "a duration; write it like 5m or 1h30m"
        ) {
            Duration(prometheusText: $0)
        } check: { duration in
            if duration < least { return "is shorter than \(least.prometheusText), the least that works" }
            if let most, duration > most { return "is longer than \(most.prometheusText), the most that works" }
            return nil
        }
    }

    public func optionalDuration(
        _ key: String, atLeast least: Duration = .zero, _ documentation: String
    ) -> Duration? {
        declare(key, "duration", default: nil, documentation)
        guard isPresent(key) else { return nil }
        return scalar(
            key, or: nil, shown: { $0?.prometheusText ?? "" }, expected: "a duration; write it like 5m or 1h30m"
        ) { text in
            Duration(prometheusText: text).map { .some($0) }
        } check: { duration in
            guard let duration, duration < least else { return nil }
            return "is shorter than \(least.prometheusText), the least that works"
        }
    }

    public func bytes(_ key: String, default standard: ByteCount, _ documentation: String) -> ByteCount {
        declare(key, "size", default: standard.text, documentation)
        return scalar(key, or: standard, shown: { $0.text }, expected: "a size; write it like 512MB or 2GB") {
            ByteCount(text: $0)
        }
    }

    public func choice<Choice>(_ key: String, default standard: Choice, _ documentation: String) -> Choice
    where Choice: RawRepresentable<String> & CaseIterable {
        let names = Choice.allCases.map(\.rawValue)
        declare(key, names.joined(separator: ", "), default: standard.rawValue, documentation)
        var expected = "one of \(names.joined(separator: ", "))"
        if case .scalar(let text, _) = value(of: key)?.content, let nearest = nearestName(to: text, among: names) {
            expected += "; did you mean '\(nearest)'?"
        }
        return scalar(key, or: standard, shown: \.rawValue, expected: expected) { Choice(rawValue: $0) }
    }

    /// A list of texts; a single text counts as a list of one.
    public func texts(_ key: String, default standard: [String] = [], _ documentation: String) -> [String] {
        declare(
            key, "list of texts", default: standard.isEmpty ? nil : "[\(standard.joined(separator: ", "))]",
            documentation)
        guard let node = value(of: key) else {
            show(key, "[\(standard.joined(separator: ", "))]", origin: .standard)
            return standard
        }
        let items: [SettingsNode]
        switch node.content {
        case .scalar: items = [node]
        case .list(let nodes): items = nodes
        case .mapping:
            fault(key, "is a mapping where a list of texts is expected")
            return standard
        }
        var texts: [String] = []
        for (index, item) in items.enumerated() {
            guard case .scalar(let written, _) = item.content else {
                context.diagnostics.append(
                    Diagnostic(
                        at: item.position, path: "\(childPath(key))[\(index)]",
                        "is \(item.kindName) where a text is expected"))
                continue
            }
            context.textPlaces["\(childPath(key))[\(texts.count)]"] = item.position
            texts.append(expand(written, at: item.position, path: childPath(key))?.text ?? written)
        }
        show(key, "[\(texts.joined(separator: ", "))]", origin: .file(node.position))
        return texts
    }

    /// A mapping of names to texts.
    public func textMap(_ key: String, _ documentation: String) -> [String: String] {
        declare(key, "mapping of texts", default: nil, documentation)
        guard let node = value(of: key) else { return [:] }
        guard case .mapping(let members) = node.content else {
            fault(key, "is \(node.kindName) where a mapping of names to texts is expected")
            return [:]
        }
        var map: [String: String] = [:]
        for member in members {
            let place = "\(childPath(key)).\(member.key)"
            guard case .scalar(let written, _) = member.value.content else {
                context.diagnostics.append(
                    Diagnostic(
                        at: member.value.position, path: place, "is \(member.value.kindName) where a text is expected"))
                continue
            }
            let text = expand(written, at: member.value.position, path: place)?.text ?? written
            map[member.key] = text
            show(key, text, origin: .file(member.value.position), at: place)
        }
        return map
    }

    /// A mapping of names to secrets, each as `secret` reads one, for header fields and the like. Some of them are no secrets
    /// (`X-Scope-OrgID`), so that only those whose name says so get the warning of what stands in the file itself.
    public func secretMap(_ key: String, _ documentation: String) -> [String: Secret] {
        declare(key, "mapping of secrets", default: nil, documentation, isSecret: true)
        guard let node = value(of: key) else { return [:] }
        guard case .mapping(let members) = node.content else {
            fault(key, "is \(node.kindName) where a mapping of names to texts is expected")
            return [:]
        }
        var map: [String: Secret] = [:]
        for member in members {
            map[member.key] = revealed(
                member.value, key: key, place: "\(childPath(key)).\(member.key)",
                isCertainlySecret: suggestsSecret(member.key))
        }
        return map
    }

    /// A mapping of names to lists of texts; a single text counts as a list of one.
    public func textListMap(_ key: String, _ documentation: String) -> [String: [String]] {
        declare(key, "mapping of lists of texts", default: nil, documentation)
        return listMap(key, of: "texts") { item, place in
            guard case .scalar(let written, _) = item.content else {
                context.diagnostics.append(
                    Diagnostic(at: item.position, path: place, "is \(item.kindName) where a text is expected"))
                return nil
            }
            return expand(written, at: item.position, path: place)?.text ?? written
        } shown: {
            "[\($0.joined(separator: ", "))]"
        }
    }

    /// The same of secrets.
    public func secretListMap(_ key: String, _ documentation: String) -> [String: [Secret]] {
        declare(key, "mapping of lists of secrets", default: nil, documentation, isSecret: true)
        return listMap(key, of: "secrets") { item, place in
            revealed(
                item, key: key, place: place,
                isCertainlySecret: suggestsSecret(String(place.dropFirst(childPath(key).count + 1))))
        } shown: { _ in
            nil
        }
    }

    /// - Parameter shown: what `config show` says of the values of a name; nil where reading them has said it.
    private func listMap<Value>(
        _ key: String, of kind: String, _ read: (SettingsNode, String) -> Value?, shown: ([Value]) -> String?
    ) -> [String: [Value]] {
        guard let node = value(of: key) else { return [:] }
        guard case .mapping(let members) = node.content else {
            fault(key, "is \(node.kindName) where a mapping of names to lists of \(kind) is expected")
            return [:]
        }
        var map: [String: [Value]] = [:]
        for member in members {
            let place = "\(childPath(key)).\(member.key)"
            let items: [SettingsNode] =
                if case .list(let nodes) = member.value.content { nodes } else { [member.value] }
            let values = items.enumerated().compactMap { index, item in
                read(item, items.count == 1 || shown([]) != nil ? place : "\(place)[\(index)]")
            }
            map[member.key] = values
            if let text = shown(values) { show(key, text, origin: .file(member.value.position), at: place) }
        }
        return map
    }

    /// A list of secrets, each as `secret` reads one.
    public func secrets(_ key: String, _ documentation: String) -> [Secret] {
        declare(key, "list of secrets", default: nil, documentation, isSecret: true)
        guard let node = value(of: key) else { return [] }
        let items: [SettingsNode] = if case .list(let nodes) = node.content { nodes } else { [node] }
        return items.enumerated().compactMap { index, item in
            revealed(item, key: key, place: items.count == 1 ? childPath(key) : "\(childPath(key))[\(index)]")
        }
    }

    /// Keys that a file written for another program may have and that mean something which is not done here: a fault that
    /// says so, instead of "unknown key". They are not part of the reference.
    public func unsupported(_ keys: [String], _ message: String) {
        for key in keys {
            know(key)
            if isPresent(key) { fault(key, message) }
        }
    }

    /// A value that is never shown again: `${NAME}` from the environment, `file:/path` for the first line of a file, or the
    /// text itself (with a warning, since the file is likely to be copied).
    public func secret(_ key: String, _ documentation: String) -> Secret? {
        declare(key, "secret", default: nil, documentation, isSecret: true)
        guard let node = value(of: key) else { return nil }
        return revealed(node, key: key, place: childPath(key))
    }

    /// - Parameter isCertainlySecret: otherwise what stands in the file itself gets no warning.
    private func revealed(
        _ node: SettingsNode, key: String, place: String, isCertainlySecret: Bool = true
    ) -> Secret? {
        func note(_ origin: SettingsValue.Origin, _ text: String) {
            guard !context.isSchemaOnly else { return }
            show(key, Secret.redacted, origin: origin, at: place)
            context.secretHashes[place] = text.hashValue
        }
        func tell(_ severity: Diagnostic.Severity, _ message: String) {
            guard !context.isSchemaOnly else { return }
            context.diagnostics.append(Diagnostic(severity, at: node.position, path: place, message))
        }
        guard case .scalar(let written, _) = node.content else {
            tell(.error, "is \(node.kindName) where a secret is expected; write ${NAME} or file:/path")
            return nil
        }
        if written.hasPrefix("file:") {
            let path = String(written.dropFirst("file:".count))
            do {
                let content = try context.sources.readFile(path)
                let line = content.prefix { !$0.isNewline }
                guard !line.isEmpty else {
                    tell(.error, "the first line of \(path) is empty; put the secret there")
                    return nil
                }
                note(.secretFile(path, node.position), String(line))
                return Secret(String(line))
            } catch {
                tell(.error, "cannot read the secret from \(path): \(describe(error))")
                return nil
            }
        }
        guard let expanded = expand(written, at: node.position, path: place) else { return nil }
        note(expanded.origin, expanded.text)
        if isCertainlySecret, case .file = expanded.origin {
            tell(.warning, "the secret stands in the file itself; write ${NAME} or file:/path instead")
        }
        return Secret(expanded.text)
    }
}

/// Whether a value of this name is one that lets somebody in, as far as names tell.
private func suggestsSecret(_ name: String) -> Bool {
    let name = name.lowercased()
    return ["auth", "cookie", "credential", "key", "password", "secret", "signature", "token"].contains {
        name.contains($0)
    }
}

/// The place of `user:password` in an address, whose scheme may be missing.
private func userInformation(_ address: String) -> Range<String.Index>? {
    let start = address.firstRange(of: "://")?.upperBound ?? address.startIndex
    let authority = address[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    return authority.lastIndex(of: "@").map { start..<$0 }
}

/// `address` for messages: what stands before an `@` in front of the host, a user and perhaps a password, is covered. The scheme may be missing.
public func withoutUser(_ address: String) -> String {
    guard let user = userInformation(address) else { return address }
    return "\(address[..<user.lowerBound])\(Secret.redacted)\(address[user.upperBound...])"
}

/// - Returns: nil where there is none, or an empty one.
private func password(inAddress address: String) -> Substring? {
    guard let user = userInformation(address), let colon = address[user].firstIndex(of: ":") else { return nil }
    let password = address[address.index(after: colon)..<user.upperBound]
    return password.isEmpty ? nil : password
}

extension SettingsReader {
    private func require(_ key: String, _ text: String) -> String {
        if text.isEmpty && !isPresent(key) { fault(nil, "'\(key)' is missing") }
        return text
    }

    /// Reads one value of `key`.
    /// - Parameters:
    ///   - expected: ends the sentence "'…' is not …" when `parse` gives nil.
    ///   - check: ends the sentence "'…' …" for a value of the right type that does not do.
    private func scalar<Value>(
        _ key: String, or standard: Value, shown: (Value) -> String, expected: String = "a text",
        isVerbatim: Bool = false, _ parse: (String) -> Value?, check: (Value) -> String? = { _ in nil }
    ) -> Value {
        guard let node = value(of: key) else {
            let text = shown(standard)
            if !text.isEmpty { show(key, text, origin: .standard) }
            return standard
        }
        guard case .scalar(let written, _) = node.content else {
            fault(key, "is \(node.kindName) where \(expected.prefix { $0 != ";" }) is expected")
            return standard
        }
        let expanded =
            isVerbatim
            ? (written, .file(node.position)) : expand(written, at: node.position, path: childPath(key))
        guard let (text, origin) = expanded else { return standard }
        guard let value = parse(text) else {
            fault(key, "'\(text)' is not \(expected)")
            return standard
        }
        if let complaint = check(value) {
            fault(key, "'\(text)' \(complaint)")
            return standard
        }
        show(key, shown(value), origin: origin)
        return value
    }

    /// The text with its references replaced.
    /// - Returns: nil, with a fault noted, when a variable is not set or when the text holds what no setting may.
    private func expand(
        _ written: String, at position: SourcePosition, path: String
    ) -> (text: String, origin: SettingsValue.Origin)? {
        guard let expanded = expandReferences(written, at: position, path: path) else { return nil }
        guard let code = controlCharacter(in: expanded.text) else { return expanded }
        context.diagnostics.append(
            Diagnostic(at: position, path: path, "holds the control character \(code); remove it"))
        return nil
    }

    /// Replaces `${NAME}` and `${NAME:-default}` by the environment's value; `$$` is a dollar sign.
    /// - Returns: nil, with a fault noted, when a variable is not set.
    private func expandReferences(
        _ written: String, at position: SourcePosition, path: String
    ) -> (text: String, origin: SettingsValue.Origin)? {
        guard context.sources.expandsReferences, written.contains("$") else { return (written, .file(position)) }
        var text = ""
        var origin = SettingsValue.Origin.file(position)
        var rest = Substring(written)
        while let dollar = rest.firstIndex(of: "$") {
            text += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                text += "$"
                rest = rest.dropFirst()
                continue
            }
            guard rest.first == "{", let end = rest.firstIndex(of: "}") else {
                text += "$"
                continue
            }
            let inside = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            let parts = inside.split(separator: ":-", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if let value = context.sources.environment(name) {
                text += value
                origin = .environment(name, position)
            } else if parts.count == 2 {
                text += parts[1]
            } else if !context.isSchemaOnly {
                context.diagnostics.append(
                    Diagnostic(
                        at: position, path: path,
                        "the environment variable \(name) is not set; set it for the daemon or write ${\(name):-default}"
                    ))
                return nil
            }
        }
        return (text + rest, origin)
    }
}

/// The first character of `text` that no setting holds, as `U+0007`. Tabs and line ends may stand in scripts and bodies.
func controlCharacter(in text: String) -> String? {
    let found = text.unicodeScalars.first { scalar in
        (scalar.value < 0x20 && scalar.value != 0x09 && scalar.value != 0x0A && scalar.value != 0x0D)
            || (0x7F...0x9F).contains(scalar.value)
    }
    return found.map { scalar in
        let hex = String(scalar.value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
    }
}
