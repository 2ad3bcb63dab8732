import Units

// Signs before an expression; ranges, offsets and instants after it.

extension Parser {
    mutating func signed() throws(QueryFault) -> Expression {
        guard token.kind == .op(.subtract) || token.kind == .op(.add) else { return try suffixed() }
        depth += 1
        defer { depth -= 1 }
        guard depth <= 200 else { throw fault("expression nests too deeply", token.span) }
        let sign = advance()
        let inner = try expression(atLeast: BinaryOperator.signPrecedence + 1)
        try grow(sign.span)
        let isNegative = sign.kind == .op(.subtract)
        let span = sign.span.through(inner.span)
        if case .number(var literal) = inner, !literal.isDuration {
            if isNegative { literal.value = -literal.value }
            literal.span = span
            return .number(literal)
        }
        if inner.type != .scalar && inner.type != .instantVector {
            note(
                "unary expression only allowed on expressions of type scalar or instant vector, got \(goQuoted(inner.type.rawValue))",
                span)
        }
        return .signed(SignedExpression(isNegative: isNegative, inner: inner, span: span))
    }

    private mutating func suffixed() throws(QueryFault) -> Expression {
        var expression = try primary()
        while true {
            switch token.kind {
            case .leftBracket: expression = try ranged(expression)
            case .keyword(.offset): expression = try offset(expression)
            case .at: expression = try fixed(expression)
            case .keyword(.anchored): expression = try extended(expression, .anchored)
            case .keyword(.smoothed): expression = try extended(expression, .smoothed)
            default: return expression
            }
        }
    }

    private mutating func ranged(_ inner: Expression) throws(QueryFault) -> Expression {
        let bracket = advance().span
        let rangeStart = token.span.start
        let range = try positiveDuration("range")
        let rangeSpan = SourceSpan(rangeStart, previousEnd)
        if take(.colon) {
            let stepStart = token.span.start
            let step: DurationExpression? = token.kind == .rightBracket ? nil : try positiveDuration("subquery")
            let stepSpan = SourceSpan(stepStart, previousEnd)
            try expect(.rightBracket, "subquery selector", "\"]\"")
            let span = SourceSpan(inner.span.start, previousEnd)
            if inner.type != .instantVector {
                note("subquery is only allowed on instant vector, got \(inner.type.shortName) instead", span)
            }
            return .subquery(
                Subquery(
                    inner: inner, range: range, step: step, rangeSpan: rangeSpan, stepSpan: stepSpan, span: span))
        }
        try expect(.rightBracket, "subquery or range selector", "\"]\"")
        let span = SourceSpan(inner.span.start, previousEnd)
        let brackets = SourceSpan(bracket.start, previousEnd)
        guard case .vector(let selector) = inner else {
            throw fault("ranges only allowed for vector selectors", brackets)
        }
        if selector.offset != nil { throw fault("no offset modifiers allowed before range", brackets) }
        if selector.at != nil { throw fault("no @ modifiers allowed before range", brackets) }
        return .matrix(MatrixSelector(selector: selector, range: range, rangeSpan: rangeSpan, span: span))
    }

    private mutating func offset(_ inner: Expression) throws(QueryFault) -> Expression {
        advance()
        let span = try offsetDuration()
        func set(_ old: inout DurationExpression?) throws(QueryFault) {
            if old != nil { throw fault("offset may not be set multiple times", inner.span) }
            old = span
        }
        switch inner {
        case .vector(var selector):
            try set(&selector.offset)
            selector.span.end = previousEnd
            return .vector(selector)
        case .matrix(var matrix):
            try set(&matrix.selector.offset)
            matrix.span.end = previousEnd
            return .matrix(matrix)
        case .subquery(var subquery):
            try set(&subquery.offset)
            subquery.span.end = previousEnd
            return .subquery(subquery)
        default:
            throw fault(
                "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
                inner.span)
        }
    }

    private mutating func extended(_ inner: Expression, _ edges: RangeExtension) throws(QueryFault) -> Expression {
        let keyword = advance()
        try require(
            .extendedRangeSelectors, "\(edges.rawValue) modifier is experimental and not enabled", keyword.span)
        func set(_ selector: inout VectorSelector) throws(QueryFault) {
            if let old = selector.edges {
                throw old == edges
                    ? fault("\(edges.rawValue) may not be set multiple times", keyword.span)
                    : fault("anchored and smoothed modifiers cannot be used together", keyword.span)
            }
            selector.edges = edges
        }
        switch inner {
        case .vector(var selector):
            guard edges == .smoothed else {
                throw fault("anchored modifier is not supported for instant vector selectors", keyword.span)
            }
            try set(&selector)
            selector.span.end = previousEnd
            return .vector(selector)
        case .matrix(var matrix):
            try set(&matrix.selector)
            matrix.span.end = previousEnd
            return .matrix(matrix)
        case .subquery:
            throw fault("\(edges.rawValue) modifier is not supported for subqueries", keyword.span)
        default:
            throw fault("\(edges.rawValue) modifier must be preceded by an instant or range selector", inner.span)
        }
    }

    private mutating func fixed(_ inner: Expression) throws(QueryFault) -> Expression {
        advance()
        let time = try fixedTime(of: inner)
        func set(_ old: inout FixedTime?) throws(QueryFault) {
            if old != nil { throw fault("@ <timestamp> may not be set multiple times", inner.span) }
            old = time
        }
        switch inner {
        case .vector(var selector):
            try set(&selector.at)
            selector.span.end = previousEnd
            return .vector(selector)
        case .matrix(var matrix):
            try set(&matrix.selector.at)
            matrix.span.end = previousEnd
            return .matrix(matrix)
        case .subquery(var subquery):
            try set(&subquery.at)
            subquery.span.end = previousEnd
            return .subquery(subquery)
        default:
            throw fault(
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
                inner.span)
        }
    }

    private mutating func fixedTime(of inner: Expression) throws(QueryFault) -> FixedTime {
        if token.kind == .keyword(.start) || token.kind == .keyword(.end) {
            let time: FixedTime = advance().kind == .keyword(.start) ? .start : .end
            try expect(.leftParen, "@", "timestamp")
            try expect(.rightParen, "@", "timestamp")
            return time
        }
        var sign = 1.0
        if take(.op(.subtract)) { sign = -1 } else { _ = take(.op(.add)) }
        guard token.kind == .number || token.kind == .duration else { throw unexpected("@", expected: "timestamp") }
        let seconds = sign * (try numberValue(of: token))
        guard seconds.isFinite, seconds.magnitude <= QueryScope.secondsMax else {
            throw fault("timestamp out of bounds for @ modifier: \(goNumber(seconds))", inner.span)
        }
        advance()
        return .at(Timestamp(secondsSinceEpoch: seconds))
    }
}
