// What belongs to a binary operator beside its two sides: matching, grouping and filling, and whether the types fit.

extension Parser {
    mutating func matchingClause(_ binary: inout BinaryExpression) throws(QueryFault) -> VectorMatching? {
        var matching: VectorMatching?
        if take(.keyword(.bool)) { binary.returnsBool = true }
        if token.kind == .keyword(.on) || token.kind == .keyword(.ignoring) {
            let isOn = advance().kind == .keyword(.on)
            matching = VectorMatching(isOn: isOn, labels: try labelList())
            if token.kind == .keyword(.groupLeft) || token.kind == .keyword(.groupRight) {
                matching!.cardinality = advance().kind == .keyword(.groupLeft) ? .manyToOne : .oneToMany
                if token.kind == .leftParen { matching!.included = try labelList() }
            }
        }
        try fillClauses(&matching)
        return matching
    }

    /// `fill(0)`, `fill_left(0) fill_right(1)`, after all other modifiers.
    private mutating func fillClauses(_ matching: inout VectorMatching?) throws(QueryFault) {
        while case .keyword(let keyword) = token.kind, following.kind == .leftParen,
            keyword == .fill || keyword == .fillLeft || keyword == .fillRight
        {
            try require(.fillModifiers, "binop fill modifiers are experimental and not enabled", token.span)
            let start = advance()
            try expect(.leftParen, "fill", "\"(\"")
            let value = try signedNumber("fill")
            try expect(.rightParen, "fill", "\")\"")
            var clause = matching ?? VectorMatching()
            let (fillsLeft, fillsRight) = (keyword != .fillRight, keyword != .fillLeft)
            if fillsLeft && clause.leftFill != nil || fillsRight && clause.rightFill != nil {
                throw fault("fill modifier may not be set multiple times", start.span)
            }
            if fillsLeft { clause.leftFill = value }
            if fillsRight { clause.rightFill = value }
            matching = clause
        }
    }

    private mutating func signedNumber(_ context: String) throws(QueryFault) -> Double {
        var sign = 1.0
        if take(.op(.subtract)) { sign = -1 } else { _ = take(.op(.add)) }
        guard token.kind == .number || token.kind == .duration else {
            throw unexpected(context, expected: "number")
        }
        let value = sign * (try numberValue(of: token))
        advance()
        return value
    }

    /// `(a, b, "c d")`
    mutating func labelList() throws(QueryFault) -> [String] {
        try expect(.leftParen, "grouping opts", "\"(\"")
        var names: [String] = []
        while token.kind != .rightParen {
            if token.kind == .string {
                let literal = try StringLiteral.unquote(token, query: query)
                guard literal.isUTF8, !literal.bytes.isEmpty else {
                    throw fault("invalid label name for grouping: \(goQuoted(bytes: literal.bytes))", token.span)
                }
                names.append(literal.value)
            } else if token.isWord, !token.text.utf8.contains(0x3A) {
                names.append(token.text)
            } else {
                throw unexpected("grouping opts", expected: "label")
            }
            advance()
            guard take(.comma) else { break }
        }
        try expect(.rightParen, "grouping opts", "\",\" or \")\"")
        return names
    }

    mutating func checked(
        _ draft: BinaryExpression, _ clause: VectorMatching?, _ opSpan: SourceSpan
    ) -> Expression {
        var binary = draft
        let op = binary.op
        if binary.returnsBool && !op.isComparison {
            note("bool modifier can only be used on comparison operators", opSpan)
        }
        let (left, right) = (binary.left.type, binary.right.type)
        if op.isComparison && !binary.returnsBool && left == .scalar && right == .scalar {
            note("comparisons between scalars must use BOOL modifier", opSpan)
        }
        if let clause, clause.isOn, let both = clause.labels.first(where: clause.included.contains) {
            note("label \(goQuoted(both)) must not occur in ON and GROUP clause at once", opSpan)
        }
        for (side, type) in [(binary.left, left), (binary.right, right)]
        where type != .scalar && type != .instantVector {
            note("binary expression must contain only scalar and instant vector types", side.span)
        }
        if left != .instantVector || right != .instantVector {
            if let clause, !clause.labels.isEmpty || clause.cardinality != .oneToOne {
                note("vector matching only allowed between instant vectors", binary.span)
            }
            if let clause, clause.leftFill != nil || clause.rightFill != nil {
                note("filling in missing series only allowed between instant vectors", binary.span)
            }
            if op.isSetOperator, left == .scalar || right == .scalar {
                note("set operator \(goQuoted(op.rawValue)) not allowed in binary scalar expression", binary.span)
            }
        } else {
            var matching = clause ?? VectorMatching()
            if op.isSetOperator {
                if matching.cardinality != .oneToOne {
                    note("no grouping allowed for \(goQuoted(op.rawValue)) operation", binary.span)
                }
                if matching.leftFill != nil || matching.rightFill != nil {
                    note("filling in missing series not allowed for set operators", binary.span)
                }
                matching.cardinality = .manyToMany
            }
            binary.matching = matching
        }
        return .binary(binary)
    }
}
