import Diagnostics
import Yams

/// A YAML document as it was written: every value with its place.
struct SettingsNode: Sendable {
    enum Content: Sendable {
        /// `isPlain`: written without quotation marks, so that `null`, `true` and `5` mean more than their letters.
        case scalar(String, isPlain: Bool)
        case list([SettingsNode])
        case mapping([Member])
    }

    struct Member: Sendable {
        var key: String
        var keyPosition: SourcePosition
        var value: SettingsNode
    }

    var content: Content
    var position: SourcePosition

    /// Nothing was written: an empty value, `~` or `null`.
    var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content {
            ["", "~", "null", "Null", "NULL"].contains(text)
        } else {
            false
        }
    }

    /// `a text`, `a list`, `a mapping`, for messages.
    var kindName: String {
        switch content {
        case .scalar: "a single value"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }
}

extension SettingsNode {
    /// Reads one YAML 1.1 document, keeping every value as text.
    /// - Parameter faults: gets keys that stand twice; the first of them counts, so that the rest can still be read.
    /// - Throws: `InvalidInput` with the place of a fault that leaves nothing to read.
    static func parse(
        _ written: String, file: String, faults: inout [Diagnostic]
    ) throws(InvalidInput) -> SettingsNode {
        let start = SourcePosition(file: file, line: 1, column: 1)
        // Editors of other systems begin a file with a byte order mark, which is no part of the text.
        var yaml = written.unicodeScalars.first == "\u{FEFF}" ? String(written.unicodeScalars.dropFirst()) : written
        var duplicateCount = 0
        while true {
            do {
                // The basic resolver leaves all scalars as text. The default one would compile a set of regular expressions
                // that cost several megabytes for as long as the process lives.
                guard let node = try Yams.compose(yaml: yaml, .basic) else {
                    return SettingsNode(content: .mapping([]), position: start)
                }
                var nodeCount = 0
                return try convert(node, file: file, count: &nodeCount)
            } catch let error as InvalidInput {
                throw error
            } catch let error as YamlError {
                // Each round takes one key out, so this ends.
                guard let rest = DuplicateKey(error, in: yaml, number: duplicateCount) else {
                    throw InvalidInput([diagnostic(for: error, in: yaml, file: file, start: start)])
                }
                faults.append(rest.diagnostic(file: file))
                yaml = rest.textWithout
                duplicateCount += 1
            } catch {
                throw InvalidInput([Diagnostic(at: start, "cannot be read as YAML: \(describe(error))")])
            }
        }
    }

    /// A few lines of aliases can stand for billions of values. A thousand probes are some ten thousand.
    private static let nodeCountMax = 200_000

    private static func convert(_ node: Node, file: String, count: inout Int) throws(InvalidInput) -> SettingsNode {
        count += 1
        guard count <= nodeCountMax else {
            throw InvalidInput([
                Diagnostic(
                    at: SourcePosition(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1),
                    "the file holds more than \(nodeCountMax) values, its aliases written out; write fewer")
            ])
        }
        func place(_ mark: Mark?) -> SourcePosition {
            SourcePosition(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            return SettingsNode(content: .scalar(scalar.string, isPlain: isPlain), position: place(scalar.mark))
        case .sequence(let sequence):
            var items: [SettingsNode] = []
            for item in sequence { items.append(try convert(item, file: file, count: &count)) }
            return SettingsNode(content: .list(items), position: place(sequence.mark))
        case .mapping(let mapping):
            var members: [Member] = []
            for (key, value) in mapping {
                guard let name = key.string else {
                    throw InvalidInput([Diagnostic(at: place(key.mark), "a key must be a single word or text")])
                }
                guard !DuplicateKey.isMark(name) else { continue }
                members.append(
                    Member(
                        key: name, keyPosition: place(key.mark), value: try convert(value, file: file, count: &count)))
            }
            return SettingsNode(content: .mapping(members), position: place(mapping.mark))
        case .alias:
            throw InvalidInput([Diagnostic(at: place(node.mark), "refers to an anchor that is not defined before it")])
        }
    }

    private static func diagnostic(
        for error: YamlError, in yaml: String, file: String, start: SourcePosition
    ) -> Diagnostic {
        if let fault = YAMLFault(error, in: yaml, file: file) { return fault.diagnostic }
        switch error {
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            let place = SourcePosition(file: file, line: context.mark.line, column: context.mark.column)
            return Diagnostic(at: place, "\(names) stands more than once in this mapping; keep one")
        case .reader: return unreadable(yaml, file: file)
        default: return Diagnostic(at: start, "cannot be read as YAML, for want of memory or by a fault of the reader")
        }
    }

    /// The first character that no YAML text holds.
    private static func unreadable(_ yaml: String, file: String) -> Diagnostic {
        for (number, line) in lines(of: yaml).enumerated() {
            for (column, character) in line.enumerated() where character != "\t" {
                guard let code = controlCharacter(in: String(character)) else { continue }
                return Diagnostic(
                    at: SourcePosition(file: file, line: number + 1, column: column + 1),
                    "holds the control character \(code), so it is no text; remove it")
            }
        }
        return Diagnostic(
            at: SourcePosition(file: file, line: 1, column: 1),
            "holds what is no text; the file must be UTF-8 without control characters")
    }

    static func lines(of text: String) -> [Substring] {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    }
}
