import Diagnostics
import Yams

// The YAML library gives up a whole document for one key that stands twice, and names only the first place. Here the second
// place is looked for in the text and the key there is put out of the way by a word of the same length that nobody writes, so
// that the document can be read again, all places stay as they were, and the other faults are found in the same run.
//
//     port: 80                     port: 80
//     hots: a            →         hots: a
//     port: 81                     ????: 81        (four characters of the private use area)
//
// Keys of one block mapping begin in the same column, and a line that begins left of it ends the mapping. In a mapping between
// braces the next such word before a colon is taken. Where nothing is found, the caller reports what the library said.

/// A key that stands a second time in its mapping.
struct DuplicateKey {
    let name: String
    let firstLine: Int
    let line: Int
    let column: Int
    /// The document with the second key out of the way.
    let textWithout: String

    /// Keys put out of the way get a character each of the private use area (Unicode, chapter 23.5), so that they do not stand
    /// twice in turn.
    private static let fillers: ClosedRange<UInt32> = 0xE000...0xF8FF

    static func isMark(_ key: String) -> Bool {
        !key.isEmpty && key.unicodeScalars.allSatisfy { fillers.contains($0.value) }
    }

    func diagnostic(file: String) -> Diagnostic {
        Diagnostic(
            at: SourcePosition(file: file, line: line, column: column),
            "'\(name)' stands already at line \(firstLine); keep one of the two")
    }

    /// - Parameter number: how many keys were put out of the way before.
    /// - Returns: nil when the error is another one, when the second place cannot be told, or when there were too many.
    init?(_ error: YamlError, in yaml: String, number: Int) {
        guard Self.fillers.count > number, let filler = Unicode.Scalar(Self.fillers.lowerBound + UInt32(number)) else {
            return nil
        }
        guard case .duplicatedKeysInMapping(let names, let context) = error, let name = names.first, !name.isEmpty,
            !Self.isMark(name)
        else { return nil }
        self.name = name
        firstLine = context.mark.line
        var lines = SettingsNode.lines(of: yaml).map { Array($0) }
        guard let place = Self.second(name, after: context.mark, in: lines) else { return nil }
        line = place.line + 1
        column = place.column + 1
        for offset in 0..<name.count { lines[place.line][place.column + offset] = Character(filler) }
        textWithout = lines.map { String($0) }.joined(separator: "\n")
    }

    /// Where the key stands again; line and column count from 0, and the column is that of the name inside its quotation marks.
    private static func second(
        _ name: String, after first: Mark, in lines: [[Character]]
    ) -> (line: Int, column: Int)? {
        let (line, column) = (first.line - 1, first.column - 1)
        guard lines.indices.contains(line), column >= 0, column < lines[line].count else { return nil }
        // In a block the key is the first word of its line, or of its list element.
        let isBlock = lines[line][..<column].allSatisfy { $0 == " " || $0 == "-" }
        if isBlock {
            for next in lines.indices.dropFirst(line + 1) {
                let text = lines[next]
                guard let start = text.firstIndex(where: { $0 != " " }), text[start] != "#" else { continue }
                guard start >= column else { return nil }
                if start == column, let found = key(name, at: column, in: text) { return (next, found) }
            }
            return nil
        }
        for next in lines.indices.dropFirst(line) {
            for start in lines[next].indices where next > line || start > column {
                guard start == 0 || "{, ".contains(lines[next][start - 1]) else { continue }
                if let found = key(name, at: start, in: lines[next]) { return (next, found) }
            }
        }
        return nil
    }

    /// The column of `name` when it stands at `start` as a key, in quotation marks or without.
    private static func key(_ name: String, at start: Int, in line: [Character]) -> Int? {
        guard start < line.count else { return nil }
        let quote = line[start] == "\"" || line[start] == "'" ? line[start] : nil
        let column = quote == nil ? start : start + 1
        var end = column + name.count
        guard end <= line.count, line[column..<end].elementsEqual(name) else { return nil }
        if let quote {
            guard end < line.count, line[end] == quote else { return nil }
            end += 1
        }
        while end < line.count, line[end] == " " { end += 1 }
        return end < line.count && line[end] == ":" ? column : nil
    }
}
