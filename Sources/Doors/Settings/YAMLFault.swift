import Diagnostics
import Yams

// What is wrong with a text that is no YAML, in words that a person can act on. The library says where its reading came to a halt
// and what its grammar wanted there ("did not find expected key"). Both are often not where the mistake is:
//
//     probes:                       the library stops at line 4, column 4, where it wants a '-'.
//       - url: a                    What is wrong is the indentation: entries that are open there begin in the
//         name: b                   columns 1, 3 and 5, and this line in column 4.
//        interval: 5s
//
//     port 80                       the library stops at line 2, where it sees that line 1 was no key.
//     site: shop                    What is missing is the ':' of line 1.
//
// So each complaint of the library is looked at together with the line it is about, and gets its own sentence and place. What is
// not known here gets a general one; the library's wording never reaches the reader.

/// A fault of the notation, from the library's error.
struct YAMLFault {
    private let lines: [Substring]
    private let file: String
    private let mark: Mark
    private let context: YamlError.Context?
    private let problem: String

    /// - Returns: nil when the error is not about the notation at one place.
    init?(_ error: YamlError, in yaml: String, file: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            self.context = context
            self.problem = problem
            self.mark = mark
        default: return nil
        }
        lines = SettingsNode.lines(of: yaml)
        self.file = file
    }

    /// The library stops at this depth.
    private static let nestingMax = 1000

    var diagnostic: Diagnostic {
        if let tab { return tab }
        if problem.hasPrefix("Maximum nesting level") {
            return at(
                mark,
                "more than \(Self.nestingMax) values lie in each other here; look for brackets that are not closed")
        }
        switch problem {
        case "mapping values are not allowed in this context": return secondColon
        case "could not find expected ':'": return missingColon
        case "did not find expected ',' or ']'": return openBracket("[", "]")
        case "did not find expected ',' or '}'": return openBracket("{", "}")
        case "did not find expected key", "did not find expected '-' indicator": return indentation
        case "block sequence entries are not allowed in this context":
            return at(mark, "a list cannot begin here; begin it on a line of its own, or write it as [a, b]")
        case "mapping keys are not allowed in this context":
            return at(mark, "a key cannot begin here; begin it on a line of its own")
        case "found unexpected end of stream", "found unexpected document indicator":
            return at(
                context?.mark ?? mark, "the quotation mark that opens here is not closed; add it at the text's end")
        case "found unknown escape character", "did not find expected hexdecimal number",
            "found invalid Unicode character escape code":
            return at(mark, "a backslash stands here that begins nothing known; write it twice, or the text in '…'")
        case "did not find expected <document start>":
            return at(mark, "the file goes on after its value has ended; put this line's key into the mapping above it")
        case "did not find expected node content":
            return at(mark, "a value is missing before \(shown(mark)); write one, or remove what has none")
        case "found undefined tag handle":
            return at(mark, "a text cannot begin with \(shown(mark)); put it into quotation marks")
        case "found undefined alias":
            return at(
                context?.mark ?? mark,
                "refers to an anchor that is not defined before it; a text that begins with '*' goes into quotation marks"
            )
        default: return other
        }
    }

    // MARK: Kinds

    /// The first line up to the one where reading stopped that is indented by a tab, which YAML does not allow.
    private var tab: Diagnostic? {
        for (index, line) in lines.prefix(mark.line).enumerated() {
            let indentation = line.prefix { $0 == " " || $0 == "\t" }
            guard let tab = indentation.firstIndex(of: "\t"), indentation.count < line.count else { continue }
            let column = line.distance(from: line.startIndex, to: tab) + 1
            return at(
                line: index + 1, column: column,
                "a tab indents this line; YAML takes only spaces, so write two spaces for it")
        }
        return nil
    }

    /// A ':' where there has been one, or below a key that has its value.
    private var secondColon: Diagnostic {
        let before = line(mark.line).prefix(max(0, mark.column - 1))
        if before.contains(": ") {
            return at(mark, "a second ':' stands on this line; put the value into quotation marks if it belongs to it")
        }
        let indent = indentation(of: line(mark.line))
        if let above = lineAbove(mark.line), !isKey(above.text) {
            let start = above.text.startIndex
            let entry = above.text.drop { $0 == " " || $0 == "-" }
            return missingColon(
                after: entry, line: above.number, column: above.text.distance(from: start, to: entry.startIndex) + 1)
        }
        return at(
            line: mark.line, column: indent + 1,
            "this line is indented below one that has its value already; indent the two alike, or remove that value")
    }

    /// A word that was to be a key. The library notices only at the line after it.
    private var missingColon: Diagnostic {
        let place = context?.mark ?? mark
        return missingColon(
            after: line(place.line).dropFirst(max(0, place.column - 1)), line: place.line, column: place.column)
    }

    private func missingColon(after text: Substring, line: Int, column: Int) -> Diagnostic {
        at(line: line, column: column, "after '\(text.prefix(40))' a ':' is missing; write 'key: value'")
    }

    private func openBracket(_ open: String, _ close: String) -> Diagnostic {
        guard let begin = context?.mark else { return other }
        let isAtEnd = lines.dropFirst(mark.line - 1).allSatisfy { $0.allSatisfy(\.isWhitespace) }
        if isAtEnd { return at(begin, "the '\(open)' that opens here is not closed; add '\(close)' at its end") }
        return at(
            mark,
            "a ',' or '\(close)' is missing before \(shown(mark)), for the '\(open)' at line \(begin.line), "
                + "column \(begin.column)")
    }

    private var indentation: Diagnostic {
        let text = line(mark.line)
        let indent = indentation(of: text)
        let open = openColumns(above: mark.line)
        guard mark.column == indent + 1 else {
            return at(mark, "nothing more is expected on this line before \(shown(mark)); see its quotation marks")
        }
        if !open.contains(mark.column) {
            let columns = open.sorted().map { "\($0)" }
            let list =
                columns.count > 1
                ? "\(columns.dropLast().joined(separator: ", ")) or \(columns.last!)" : columns.first ?? "1"
            return at(
                mark,
                "this line begins in column \(mark.column), and no entry above it does; begin it in column \(list), "
                    + "like the entry that it goes with")
        }
        if text.dropFirst(indent).first == "-" {
            return at(mark, "a list's '-' stands where a key is expected; indent it further than the key of the list")
        }
        return at(mark, "a list's '-' is expected here, or less indentation; begin the line with '- ' or like its key")
    }

    private var other: Diagnostic {
        let begin = context?.mark ?? mark
        let text = context?.text ?? ""
        if text.contains("anchor") || text.contains("alias") || text.contains("tag") {
            return at(begin, "a text cannot begin with \(shown(begin)); put it into quotation marks")
        }
        if text.contains("directive") {
            return at(begin, "a line cannot begin with '%'; put the text into quotation marks")
        }
        if text.contains("block scalar") {
            return at(mark, "nothing may follow '|' or '>' on its line; begin the text on the next one")
        }
        if problem == "found character that cannot start any token" {
            return at(mark, "a text cannot begin with \(shown(mark)); put it into quotation marks")
        }
        return at(mark, "this is no YAML; see the indentation, the quotation marks and the brackets of this line")
    }

    // MARK: Lines

    /// The columns of keys and dashes, counted from 1, that a line after `number - 1` others may begin in: going up, those of
    /// lines that are indented less than all between.
    private func openColumns(above number: Int) -> Set<Int> {
        var columns: Set<Int> = []
        var least = Int.max
        for text in lines.prefix(number - 1).reversed() {
            let indent = indentation(of: text)
            guard indent < text.count, !text.dropFirst(indent).hasPrefix("#"), indent < least else { continue }
            least = indent
            columns.insert(indent + 1)
            // What stands behind a dash begins an entry of its own.
            var column = indent
            while text.dropFirst(column).hasPrefix("- ") {
                column += 1
                column += text.dropFirst(column).prefix { $0 == " " }.count
                let entry = text.dropFirst(column)
                if entry.hasPrefix("- ") || isKey(entry) { columns.insert(column + 1) }
            }
            if indent == 0 { break }
        }
        return columns.isEmpty ? [1] : columns
    }

    /// The last line above that holds more than a comment.
    private func lineAbove(_ number: Int) -> (number: Int, text: Substring)? {
        for (index, text) in lines.prefix(number - 1).enumerated().reversed() {
            let content = text.drop { $0 == " " }
            if !content.isEmpty, !content.hasPrefix("#") { return (index + 1, text) }
        }
        return nil
    }

    /// Whether a key stands in `text`: a ':' with a space or nothing behind it.
    private func isKey(_ text: Substring) -> Bool { text.contains(": ") || text.hasSuffix(":") }

    private func indentation(of line: Substring) -> Int { line.prefix { $0 == " " }.count }

    private func line(_ number: Int) -> Substring { lines.indices.contains(number - 1) ? lines[number - 1] : "" }

    /// The character at a place, in quotation marks.
    private func shown(_ mark: Mark) -> String {
        line(mark.line).dropFirst(max(0, mark.column - 1)).first.map { "'\($0)'" } ?? "the end of the line"
    }

    private func at(_ mark: Mark, _ message: String) -> Diagnostic {
        at(line: mark.line, column: mark.column, message)
    }

    private func at(line: Int, column: Int, _ message: String) -> Diagnostic {
        Diagnostic(at: SourcePosition(file: file, line: line, column: column), message)
    }
}
