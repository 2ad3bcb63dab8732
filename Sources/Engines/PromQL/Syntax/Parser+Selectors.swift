import Series

extension Parser {
    /// `name{…}`, `name`, `{…}`; the name was read already.
    mutating func selector(named nameToken: Token?, mayMatchAnything: Bool = false) throws(QueryFault) -> Expression {
        height = 1
        let start = nameToken?.span.start ?? token.span.start
        var name = nameToken?.text
        var matchers: [LabelMatcher] = []
        if take(.leftBrace) {
            while token.kind != .rightBrace {
                try matcher(name: &name, into: &matchers)
                guard take(.comma) else { break }
            }
            try expect(.rightBrace, "label matching", "\",\" or \"}\"")
        }
        let span = SourceSpan(start, previousEnd)
        if let name {
            if let other = matchers.first(where: { $0.name == Labels.metricName && $0.op == .equal }) {
                note("metric name must not be set twice: \(goQuoted(name)) or \(goQuoted(other.value))", span)
            }
            matchers.append(LabelMatcher(Labels.metricName, equals: name))
        }
        if !mayMatchAnything, matchers.allSatisfy({ $0.matches("") }) {
            note("vector selector must contain at least one non-empty matcher", span)
        }
        return .vector(VectorSelector(name: name, matchers: matchers, span: span))
    }

    private mutating func matcher(name: inout String?, into matchers: inout [LabelMatcher]) throws(QueryFault) {
        let label = token
        let labelText: String
        switch token.kind {
        case .identifier: labelText = token.text
        case .string:
            let literal = try StringLiteral.unquote(token, query: query)
            guard literal.isUTF8 else {
                throw fault("invalid UTF-8 in name \(goQuoted(bytes: literal.bytes))", token.span)
            }
            labelText = literal.value
        default: throw unexpected("label matching", expected: "identifier or \"}\"")
        }
        advance()
        if label.kind == .string, token.kind == .comma || token.kind == .rightBrace {
            if let name {
                throw fault(
                    "metric name must not be set twice: \(goQuoted(name)) or \(goQuoted(labelText))", label.span)
            }
            name = labelText
            return
        }
        let op: LabelMatcher.Operator
        switch token.kind {
        case .assign: op = .equal
        case .op(.notEqual): op = .notEqual
        case .matches: op = .matches
        case .doesNotMatch: op = .doesNotMatch
        default: throw unexpected("label matching", expected: "label matching operator")
        }
        advance()
        guard token.kind == .string else { throw unexpected("label matching", expected: "string") }
        let value = try StringLiteral.unquote(token, query: query).value
        do throws(PatternFault) {
            matchers.append(try LabelMatcher(labelText, op, value))
        } catch {
            throw fault(error.referenceText, label.span.through(token.span))
        }
        advance()
    }
}
