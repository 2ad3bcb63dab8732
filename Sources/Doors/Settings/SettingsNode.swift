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
    /// - Throws: `InvalidInput` with the place of the fault.
    static func parse(_ yaml: String, file: String) throws(InvalidInput) -> SettingsNode {
        let start = SourcePosition(file: file, line: 1, column: 1)
        do {
            // The basic resolver leaves all scalars as text. The default one would compile a set of regular expressions that
            // cost several megabytes for as long as the process lives.
            guard let node = try Yams.compose(yaml: yaml, .basic) else {
                return SettingsNode(content: .mapping([]), position: start)
            }
            var nodeCount = 0
            return try convert(node, file: file, count: &nodeCount)
        } catch let error as InvalidInput {
            throw error
        } catch let error as YamlError {
            throw InvalidInput([diagnostic(for: error, file: file, start: start)])
        } catch {
            throw InvalidInput([Diagnostic(at: start, "cannot be read as YAML: \(describe(error))")])
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
                members.append(
                    Member(
                        key: name, keyPosition: place(key.mark), value: try convert(value, file: file, count: &count)))
            }
            return SettingsNode(content: .mapping(members), position: place(mapping.mark))
        case .alias:
            throw InvalidInput([Diagnostic(at: place(node.mark), "refers to an anchor that is not defined before it")])
        }
    }

    private static func diagnostic(for error: YamlError, file: String, start: SourcePosition) -> Diagnostic {
        func at(_ mark: Mark) -> SourcePosition { SourcePosition(file: file, line: mark.line, column: mark.column) }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let within = context.map { " (\($0.text), which began at line \($0.mark.line))" } ?? ""
            return Diagnostic(at: at(mark), "not YAML: \(problem)\(within)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            return Diagnostic(at: at(context.mark), "\(names) stands more than once in this mapping; keep one")
        case .reader(let problem, _, _, _):
            return Diagnostic(at: start, "not YAML: \(problem); the file must be UTF-8 text")
        default:
            return Diagnostic(at: start, "not YAML: \(error)")
        }
    }
}
