extension JSONValue {
    /// The canonical text: keys sorted by their UTF-8 bytes, no white space, the shortest escapes, integers plain and
    /// fractions in Swift's shortest round-trip form. In the spirit of RFC 8785, with UTF-8 order for keys.
    public var canonicalText: String {
        var text = ""
        write(to: &text, indent: nil, depth: 0)
        return text
    }

    /// For people: two spaces a level, keys sorted.
    public var prettyText: String {
        var text = ""
        write(to: &text, indent: "  ", depth: 0)
        return text
    }

    private func write(to text: inout String, indent: String?, depth: Int) {
        func lineBreak(_ depth: Int) {
            guard let indent else { return }
            text += "\n" + String(repeating: indent, count: depth)
        }
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value):
            precondition(value.isFinite, "JSON has no notation for \(value); encode it as a string")
            text += "\(value)"
        case .string(let value): JSONValue.writeQuoted(value, to: &text)
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                lineBreak(depth + 1)
                item.write(to: &text, indent: indent, depth: depth + 1)
            }
            if !items.isEmpty { lineBreak(depth) }
            text += "]"
        case .object(let members):
            text += "{"
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { text += "," }
                lineBreak(depth + 1)
                JSONValue.writeQuoted(member.key, to: &text)
                text += indent == nil ? ":" : ": "
                member.value.write(to: &text, indent: indent, depth: depth + 1)
            }
            if !members.isEmpty { lineBreak(depth) }
            text += "}"
        }
    }

    /// `value` in quotation marks, as JSON writes it.
    public static func quoted(_ value: String) -> String {
        var text = ""
        writeQuoted(value, to: &text)
        return text
    }

    private static func writeQuoted(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{c}": text += "\\f"
            case ..<" ":
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
