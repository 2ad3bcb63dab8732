// The replacement texts of RE2 and Go: `$1`, `${1}`, `$name`, `${name}`; `$$` is a dollar sign. A name without braces takes all letters,
// digits and underscores that follow, so `$1x` is the group "1x", which does not exist and gives nothing.
// <https://pkg.go.dev/regexp#Regexp.Expand>

/// A text with references to the groups of a pattern.
struct PatternTemplate: Sendable, Hashable {
    private enum Piece: Sendable, Hashable {
        case text(String)
        case number(Int)
        case name(String)
    }

    private var pieces: [Piece] = []

    init(_ source: String) {
        var text = ""
        var rest = source.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "$" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            if rest.first == "$" {
                rest.removeFirst()
                text += "$"
            } else if let reference = Self.reference(in: &rest) {
                if !text.isEmpty { pieces.append(.text(text)) }
                text = ""
                pieces.append(reference)
            } else {
                // What is no reference stays as it is written.
                text += "$"
            }
        }
        if !text.isEmpty { pieces.append(.text(text)) }
    }

    /// Reads a reference; `rest` stands behind its dollar sign and stays there when it is none.
    private static func reference(in rest: inout Substring.UnicodeScalarView) -> Piece? {
        var ahead = rest
        let hasBrace = ahead.first == "{"
        if hasBrace { ahead.removeFirst() }
        let name = ahead.prefix { $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType == .decimal }
        ahead = ahead[name.endIndex...]
        guard !name.isEmpty else { return nil }
        if hasBrace {
            guard ahead.popFirst() == "}" else { return nil }
        }
        rest = ahead
        let text = String(name)
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return .name(text) }
        return Int(text).map { .number($0) } ?? .name(text)
    }

    /// Whether the text is the same whatever the groups hold.
    var isConstant: Bool { pieces.allSatisfy { if case .text = $0 { true } else { false } } }

    /// - Parameters:
    ///   - groups: the whole match and each group.
    ///   - names: of the groups, without the whole match.
    func expanded(with groups: [String?], names: [String]) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .number(let index): if groups.indices.contains(index) { text += groups[index] ?? "" }
            case .name(let name):
                // Of groups with the same name the first one that took part counts.
                for (index, candidate) in names.enumerated() where candidate == name {
                    guard let part = groups[index + 1] else { continue }
                    text += part
                    break
                }
            }
        }
        return text
    }
}
