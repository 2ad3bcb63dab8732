import Units

extension Parser {
    /// A number's value; a duration is its seconds.
    func numberValue(of token: Token) throws(QueryFault) -> Double {
        let digits = token.text.lowercased().filter { $0 != "_" }
        if token.kind == .duration {
            guard let span = Duration(prometheusText: token.text) else {
                throw fault("not a valid duration string: \(goQuoted(token.text))", token.span)
            }
            return Double(span.wholeMilliseconds) / 1000
        }
        if digits == "inf" { return .infinity }
        if digits == "nan" { return .nan }
        if digits.hasPrefix("0x") {
            // 64 bits with a sign, as in the reference.
            if let value = Int64(digits.dropFirst(2), radix: 16) { return Double(value) }
        } else if digits.utf8.count > 1, digits.utf8.first == 0x30, let octal = Int64(digits, radix: 8) {
            return Double(octal)
        } else if let value = Double(digits.hasSuffix(".") ? digits + "0" : digits) {
            guard value.isInfinite else { return value }
            throw fault(
                "error parsing number: strconv.ParseFloat: parsing \(goQuoted(token.text)): value out of range",
                token.span)
        }
        throw fault(
            "error parsing number: strconv.ParseFloat: parsing \(goQuoted(token.text)): invalid syntax", token.span)
    }

    /// The inside of `[…]`: a span that must be longer than nothing, as far as that can be known here.
    mutating func positiveDuration(_ context: String) throws(QueryFault) -> DurationExpression {
        let start = token.span.start
        let duration = try durationExpression()
        if case .literal(let span) = duration, span <= .zero {
            throw fault("duration must be greater than 0", SourceSpan(start, previousEnd))
        }
        return duration
    }

    /// After `offset`: one span with its sign; a computation stands in parentheses.
    mutating func offsetDuration() throws(QueryFault) -> DurationExpression {
        try durationSigned()
    }

    private mutating func durationExpression(atLeast precedence: Int = 4) throws(QueryFault) -> DurationExpression {
        var left = try durationSigned()
        while case .op(let op) = token.kind, op.precedence >= max(precedence, 4), op != .atan2 {
            try requireComputedDurations()
            advance()
            let right = try durationExpression(atLeast: op == .power ? op.precedence : op.precedence + 1)
            left = .binary(op, left, right)
        }
        return left
    }

    private func requireComputedDurations() throws(QueryFault) {
        try require(.durationExpressions, "experimental duration expression is not enabled", token.span)
    }

    private mutating func durationSigned() throws(QueryFault) -> DurationExpression {
        durationDepth += 1
        defer { durationDepth -= 1 }
        guard durationDepth <= 100 else { throw fault("duration expression nests too deeply", token.span) }
        if take(.op(.add)) { return try durationPrimary() }
        guard take(.op(.subtract)) else { return try durationPrimary() }
        let inner = try durationPrimary()
        if case .literal(let span) = inner { return .literal(.zero - span) }
        return .negated(inner)
    }

    private mutating func durationPrimary() throws(QueryFault) -> DurationExpression {
        switch token.kind {
        case .number, .duration:
            let seconds = try numberValue(of: token)
            guard seconds.isFinite, seconds.magnitude <= QueryScope.secondsMax else {
                throw fault("duration out of range", token.span)
            }
            advance()
            return .literal(.milliseconds(Int64((seconds * 1000).rounded())))
        case .leftParen:
            try requireComputedDurations()
            advance()
            let inner = try durationExpression()
            try expect(.rightParen, "duration", "\")\"")
            return .parenthesised(inner)
        case .keyword(.step), .keyword(.range):
            try requireComputedDurations()
            let isStep = advance().kind == .keyword(.step)
            try expect(.leftParen, "duration", "\"(\"")
            try expect(.rightParen, "duration", "\")\"")
            return isStep ? .step : .range
        case .aggregator(.min), .aggregator(.max):
            try requireComputedDurations()
            let isLeast = advance().kind == .aggregator(.min)
            try expect(.leftParen, "duration", "\"(\"")
            let first = try durationExpression()
            try expect(.comma, "duration", "\",\"")
            let second = try durationExpression()
            try expect(.rightParen, "duration", "\")\"")
            return isLeast ? .least(first, second) : .greatest(first, second)
        default:
            throw unexpected("", expected: "number, duration, step(), or range()")
        }
    }
}
