/// A regular expression that is looked for anywhere in a text, as Go's `regexp` does it: a dot stops at a line feed.
///
/// The syntax is RE2's, and time grows with text × program, as for `AnchoredPattern`.
public struct SearchPattern: Sendable {
    private let program: PatternProgram
    private let groupNames: [String]

    /// - Throws: `PatternFault`, which names the character where the pattern stops making sense.
    public init(_ source: String) throws(PatternFault) {
        // Matchers of labels let a dot match everything; here it is off until the pattern asks for it.
        let prefix = "(?-s)"
        do {
            var parser = PatternParser(prefix + source)
            let node = try parser.parse()
            groupNames = parser.groupNames
            program = try PatternProgram(node, groupCount: parser.groupNames.count, source: source)
        } catch {
            throw PatternFault(
                pattern: source, reason: error.reason, offset: max(0, error.offset - prefix.unicodeScalars.count))
        }
    }

    /// Whether any part of `text` matches.
    public func isFound(in text: String) -> Bool { program.search(Array(text.unicodeScalars), from: 0) != nil }

    /// `text` with every match replaced. In `replacement`, `$1`, `${1}`, `$name` and `${name}` stand for what a group matched,
    /// and `$$` for a dollar sign. A name is as long as letters, digits and underscores go: `$1x` is the group `1x`.
    public func replacingAll(in text: String, with replacement: String) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var copied = 0
        var place = 0
        while place <= scalars.count, let slots = program.search(scalars, from: place) {
            let (start, end) = (slots[0], slots[1])
            result.append(contentsOf: scalars[copied..<start])
            // An empty match right behind another one is none.
            if end > copied || start == 0 { append(replacement, scalars, slots, to: &result) }
            copied = end
            place = max(end, place + 1)
        }
        if copied < scalars.count { result.append(contentsOf: scalars[copied...]) }
        return String(result)
    }

    private func append(
        _ replacement: String, _ scalars: [Unicode.Scalar], _ slots: [Int], to result: inout String.UnicodeScalarView
    ) {
        var rest = replacement.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "$" else {
                result.append(scalar)
                continue
            }
            if rest.first == "$" {
                rest.removeFirst()
                result.append("$")
                continue
            }
            var name = rest.prefix(while: isNamePart)
            var after = rest.dropFirst(name.count)
            if rest.first == "{" {
                name = rest.dropFirst().prefix(while: isNamePart)
                after = rest.dropFirst(name.count + 1)
                guard after.popFirst() == "}" else {
                    result.append("$")
                    continue
                }
            }
            guard !name.isEmpty else {
                result.append("$")
                continue
            }
            rest = after
            let label = String(name)
            let group = Int(label) ?? groupNames.firstIndex(of: label).map { $0 + 1 } ?? -1
            guard group >= 0, 2 * group + 1 < slots.count, slots[2 * group] >= 0 else { continue }
            result.append(contentsOf: scalars[slots[2 * group]..<slots[2 * group + 1]])
        }
    }
}

private func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
}
