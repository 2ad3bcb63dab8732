/// The string literals of a Swift source, each with the calls that it stands in.
///
/// A scanner, not a parser: it knows comments, literals (raw and of several lines too), interpolations and parentheses, which is
/// enough to tell `Problem(.invalid, "…")` from `page.line("…")`.
struct SwiftLiterals {
    struct Literal: Hashable {
        var line: Int
        /// Without its interpolations; each leaves a `\u{1}`.
        var text: String
        /// The names before the open parentheses around it, the innermost last: `Problem`, `page.line`, `@Option`; `[]` for
        /// brackets.
        var calls: [String]
        /// The argument's label, where it has one.
        var label: String?
    }

    private(set) var literals: [Literal] = []
    private let source: [Character]
    private var index = 0
    private var line = 1

    init(_ text: String) {
        source = Array(text)
        scanCode(calls: [], until: nil)
    }

    private var current: Character? { index < source.count ? source[index] : nil }

    private func at(_ offset: Int) -> Character? {
        source.indices.contains(index + offset) ? source[index + offset] : nil
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where index < source.count {
            if source[index].isNewline { line += 1 }
            index += 1
        }
    }

    /// - Parameter end: what closes the piece of code, `)` or nothing.
    private mutating func scanCode(calls: [String], until end: Character?) {
        var word = ""
        var label: String?
        while let character = current {
            if let end, character == end {
                advance()
                return
            }
            switch character {
            case "/" where at(1) == "/":
                while let next = current, !next.isNewline { _ = next; advance() }
            case "/" where at(1) == "*":
                while current != nil, !(current == "*" && at(1) == "/") { advance() }
                advance(2)
            case "\"": scanLiteral(calls: calls, label: label, hashes: 0)
            case "#" where at(1) == "\"":
                advance()
                scanLiteral(calls: calls, label: label, hashes: 1)
            case "(":
                advance()
                scanCode(calls: calls + [word], until: ")")
                word = ""
            case "[":
                advance()
                scanCode(calls: calls + ["[]"], until: "]")
                word = ""
            case ":":
                label = word
                word = ""
                advance()
            case ",":
                label = nil
                word = ""
                advance()
            default:
                if character.isLetter || character.isNumber || "_.@".contains(character) {
                    word.append(character)
                } else if character != " " || end == nil {
                    word = ""
                }
                if character == " " { word = "" }
                advance()
            }
        }
    }

    private mutating func scanLiteral(calls: [String], label: String?, hashes: Int) {
        let start = line
        let isLong = at(1) == "\"" && at(2) == "\""
        advance(isLong ? 3 : 1)
        var text = ""
        while let character = current {
            if character == "\\", hashes == 0 || at(1) == "#" {
                advance(1 + hashes)
                if current == "(" {
                    advance()
                    text.append("\u{1}")
                    scanCode(calls: calls, until: ")")
                } else {
                    // Of the other escapes only the quotation mark matters for the shape of a text.
                    text.append(current == "\"" ? "\"" : " ")
                    advance()
                }
                continue
            }
            if character == "\"", !isLong || (at(1) == "\"" && at(2) == "\"") {
                advance(isLong ? 3 : 1)
                advance(hashes)
                break
            }
            text.append(character)
            advance()
        }
        literals.append(Literal(line: start, text: text, calls: calls, label: label))
    }
}
