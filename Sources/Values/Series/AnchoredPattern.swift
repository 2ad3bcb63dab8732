// Regular expressions in the syntax of RE2, as Prometheus takes them in matchers: the pattern must match a whole text, and a
// dot matches a line feed too (the reference wraps a pattern in `^(?s:…)$`).
// <https://github.com/google/re2/wiki/Syntax>
//
// A pattern becomes a program of a Thompson automaton, which is run over the text with the set of all states that it may be
// in: time grows with text × program, whatever the pattern, so that no label matcher can stall the daemon. Most patterns that
// people write never need it: a list of words, `prefix.*`, `.*suffix` and `.*part.*` are compared directly.

/// A regular expression that must match a whole text.
public struct AnchoredPattern: Sendable {
    /// As it was written.
    public let source: String
    /// One name for each capturing group, in order; empty for those without a name.
    public let groupNames: [String]
    private let strategy: Strategy
    /// Nil for a long list of words, which needs none.
    private let program: PatternProgram?

    /// How to decide without running the program, where that is possible.
    private enum Strategy {
        case oneOf(Set<ByteText>)
        case affixes(prefix: String, suffix: String, minimumBetween: Int)
        case contains(String)
        case program
    }

    /// - Throws: `PatternFault`, which names the character where the pattern stops making sense.
    public init(_ source: String) throws(PatternFault) {
        self.source = source
        var parser = PatternParser(source)
        let node = try parser.parse()
        groupNames = parser.groupNames
        if groupNames.isEmpty, case .alternatives(let options) = node, options.count > Self.shortListCountMax,
            let words = node.finiteTexts(atMost: Self.longListCountMax)
        {
            // Hosts that somebody chose one by one, as a dashboard writes them.
            program = nil
            strategy = .oneOf(Set(words.map(ByteText.init)))
            return
        }
        program = try PatternProgram(node, groupCount: parser.groupNames.count, source: source)
        if let words = node.finiteTexts(atMost: Self.shortListCountMax) {
            strategy = .oneOf(Set(words.map(ByteText.init)))
        } else {
            strategy = Self.shortcut(node.pieces)
        }
    }

    private static let shortListCountMax = 256
    private static let longListCountMax = 50_000

    private static func shortcut(_ pieces: [PatternNode]) -> Strategy {
        guard let wild = pieces.firstIndex(where: { $0.anyRunMinimum != nil }) else { return .program }
        func literal(_ part: some Sequence<PatternNode>) -> String? {
            var text = ""
            for piece in part {
                guard let scalar = piece.singleScalar else { return nil }
                text.unicodeScalars.append(scalar)
            }
            return text
        }
        let minimum = pieces[wild].anyRunMinimum!
        if let prefix = literal(pieces[..<wild]), let suffix = literal(pieces[(wild + 1)...]) {
            return .affixes(prefix: prefix, suffix: suffix, minimumBetween: minimum)
        }
        if wild == 0, minimum == 0, pieces.count > 2, pieces.last!.anyRunMinimum == 0,
            let middle = literal(pieces[1..<(pieces.count - 1)])
        {
            return .contains(middle)
        }
        return .program
    }

    /// Whether the whole of `text` matches. Linear in the length of `text`.
    public func matches(_ text: String) -> Bool {
        switch strategy {
        case .oneOf(let words):
            return words.contains(ByteText(text))
        case .affixes(let prefix, let suffix, let minimum):
            let bytes = text.utf8
            return bytes.count >= prefix.utf8.count + suffix.utf8.count + minimum
                && bytes.starts(with: prefix.utf8)
                && bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        case .contains(let part):
            return occurs(Array(part.utf8), in: Array(text.utf8))
        case .program:
            return program?.matches(Array(text.unicodeScalars)) ?? false
        }
    }

    /// The texts of the whole match and of each capturing group, as a leftmost-first search finds them; nil for a group that
    /// took no part.
    /// - Parameter goesOn: asked now and then: a long search ends when it is false.
    /// - Returns: nil when `text` does not match, or the search was given up.
    public func captures(_ text: String, while goesOn: () -> Bool = { !Task.isCancelled }) -> [String?]? {
        guard let program else { return matches(text) ? [text] : nil }
        return program.captures(Array(text.unicodeScalars), while: goesOn)
    }

    /// The only texts that match, where the pattern is a list of words; nil otherwise. A store looks these up in its index
    /// instead of testing every value.
    public var alternatives: Set<ByteText>? {
        if case .oneOf(let words) = strategy { words } else { nil }
    }
}

private func occurs(_ part: [UInt8], in text: [UInt8]) -> Bool {
    guard !part.isEmpty else { return true }
    guard text.count >= part.count else { return false }
    for start in 0...(text.count - part.count) where text[start] == part[0] {
        if text[start..<(start + part.count)].elementsEqual(part) { return true }
    }
    return false
}

/// Why a text is not a regular expression.
public struct PatternFault: Error, Sendable, Hashable {
    public let pattern: String
    /// In the words of the reference, as in "missing closing )".
    public let reason: String
    /// The character of `pattern` at which the fault lies, counted from 0.
    public let offset: Int

    /// The whole message of the reference (Go's `regexp/syntax`), which quotes the part at fault or, where there is none, the pattern.
    public var referenceText: String {
        if reason.hasSuffix("`") { return "error parsing regexp: \(reason)" }
        let quoted = reason == "trailing backslash at end of expression" ? "" : pattern
        return "error parsing regexp: \(reason): `\(quoted)`"
    }

    public init(pattern: String, reason: String, offset: Int = 0) {
        self.pattern = pattern
        self.reason = reason
        self.offset = offset
    }
}

/// `missing closing ) at character 3 of 'a(b'`
extension PatternFault: CustomStringConvertible {
    public var description: String { "\(reason) at character \(offset + 1) of '\(pattern)'" }
}
