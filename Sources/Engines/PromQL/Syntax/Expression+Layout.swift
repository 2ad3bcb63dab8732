// An expression laid out for reading: what fits into a line stays on it, what does not is taken apart at its outermost operator,
// function or aggregation, each part indented by two spaces.

extension Expression {
    /// The layout that `/api/v1/format_query` gives. Reading it again gives the same tree.
    public var prettyText: String { pretty(0) }

    /// Bytes of a part that needs no taking apart, without its indentation.
    static let lineLength = 100

    private func pretty(_ level: Int) -> String {
        let indent = String(repeating: "  ", count: level)
        let plain = description
        if plain.utf8.count <= Self.lineLength { return indent + plain }
        switch self {
        case .number, .string, .vector, .matrix: return indent + plain
        case .parenthesised(let inner, _):
            return "\(indent)(\n\(inner.pretty(level + 1))\n\(indent))"
        case .signed(let signed):
            let text = signed.inner.pretty(level)
            return indent + (signed.isNegative ? "-" : "+") + text.dropFirst(indent.utf8.count)
        case .binary(let binary):
            return
                "\(binary.left.pretty(level + 1))\n\(indent)\(binary.operatorText)\n\(binary.right.pretty(level + 1))"
        case .aggregation(let aggregation):
            let parts = ([aggregation.parameter].compactMap { $0 } + [aggregation.inner]).map { $0.pretty(level + 1) }
            return "\(indent)\(aggregation.head)(\n\(parts.joined(separator: ",\n"))\n\(indent))"
        case .call(let call):
            let parts = call.arguments.map { $0.pretty(level + 1) }
            return "\(indent)\(call.function.rawValue)(\n\(parts.joined(separator: ",\n"))\n\(indent))"
        case .subquery(let subquery):
            return subquery.inner.pretty(level) + subquery.suffix
        }
    }
}
