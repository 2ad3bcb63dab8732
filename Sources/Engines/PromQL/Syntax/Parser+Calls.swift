// What an expression begins with: literals, parentheses, selectors, calls of functions and aggregations.

extension Parser {
    mutating func primary() throws(QueryFault) -> Expression {
        switch token.kind {
        case .number, .duration:
            height = 1
            let literal = NumberLiteral(
                value: try numberValue(of: token), isDuration: token.kind == .duration, span: token.span)
            advance()
            return .number(literal)
        case .string:
            height = 1
            return .string(try StringLiteral.unquote(advance(), query: query))
        case .leftParen:
            let start = advance().span.start
            let inner = try expression()
            try expect(.rightParen, "parentheses", "\")\"")
            try grow(SourceSpan(start, previousEnd))
            return .parenthesised(inner, SourceSpan(start, previousEnd))
        case .leftBrace:
            return try selector(named: nil)
        case .aggregator(let op):
            switch following.kind {
            case .leftParen, .keyword(.by), .keyword(.without): return try aggregation(op)
            default: return try selector(named: advance())
            }
        case .identifier(let isMetric):
            if !isMetric, following.kind == .leftParen { return try call() }
            return try selector(named: advance())
        case .keyword(let keyword):
            switch keyword {
            case .bool, .on, .ignoring, .groupLeft, .groupRight: throw unexpected("")
            case .start where following.kind == .leftParen, .end where following.kind == .leftParen,
                .step where following.kind == .leftParen, .range where following.kind == .leftParen:
                return try call()
            default: return try selector(named: advance())
            }
        case .op(let op) where op.isSetOperator:
            return try selector(named: advance())
        default:
            throw unexpected("")
        }
    }

    private mutating func call() throws(QueryFault) -> Expression {
        let name = advance()
        let function = Function(rawValue: name.text)
        let firstFault = typeFaults.count
        let arguments = try argumentList(of: function)
        guard let function else { throw fault("unknown function with name \(goQuoted(name.text))", name.span) }
        if function.isExperimental {
            try require(.experimentalFunctions, "function \(goQuoted(name.text)) is not enabled", name.span)
        }
        let span = SourceSpan(name.span.start, previousEnd)
        let call = FunctionCall(function: function, arguments: arguments, span: span)
        // How many there are is looked at before what they are.
        if let wrong = countFault(of: call) { typeFaults.insert(fault(wrong, span), at: firstFault) }
        return .call(call)
    }

    /// Arguments in parentheses.
    /// - Parameter function: whose parameters' types they must have.
    mutating func argumentList(of function: Function? = nil) throws(QueryFault) -> [Expression] {
        let signature = function?.signature
        try expect(.leftParen, "function call", "\"(\"")
        var arguments: [Expression] = []
        var highest = 0
        while token.kind != .rightParen {
            let argument =
                function == .info && arguments.count == 1 ? try labelSelector() : try expression()
            if let function, let signature, let last = signature.parameters.last,
                arguments.count < signature.parameters.count || signature.optional > 0
            {
                let type = arguments.count < signature.parameters.count ? signature.parameters[arguments.count] : last
                noteUnless(argument, type, "call to function \(goQuoted(function.rawValue))")
            }
            arguments.append(argument)
            highest = max(highest, height)
            let comma = token.span
            guard take(.comma) else { break }
            if token.kind == .rightParen { throw fault("trailing commas not allowed in function call args", comma) }
        }
        try expect(.rightParen, "function call", "\",\" or \")\"")
        height = highest
        try grow(token.span)
        return arguments
    }

    /// The second argument of `info`: braces alone, which may match anything.
    private mutating func labelSelector() throws(QueryFault) -> Expression {
        guard token.kind == .leftBrace else {
            throw fault("expected label selectors only, got vector selector instead", token.span)
        }
        return try selector(named: nil, mayMatchAnything: true)
    }

    private func countFault(of call: FunctionCall) -> String? {
        let signature = call.function.signature
        let name = goQuoted(call.function.rawValue)
        let count = call.arguments.count
        let wanted = signature.parameters.count
        let isVariadic = signature.optional == .max
        let least =
            isVariadic ? call.function == .histogramQuantiles ? wanted : wanted - 1 : wanted - signature.optional
        if signature.optional == 0, count != wanted {
            return "expected \(wanted) argument(s) in call to \(name), got \(count)"
        }
        if count < least { return "expected at least \(least) argument(s) in call to \(name), got \(count)" }
        if !isVariadic, count > wanted {
            return "expected at most \(wanted) argument(s) in call to \(name), got \(count)"
        }
        return nil
    }

    mutating func noteUnless(_ expression: Expression, _ type: ValueType, _ context: String) {
        guard expression.type != type else { return }
        note("expected type \(type.rawValue) in \(context), got \(expression.type.rawValue)", expression.span)
    }

    mutating func aggregation(_ op: Aggregator) throws(QueryFault) -> Expression {
        if op.isExperimental {
            try require(
                .experimentalFunctions,
                "\(op.rawValue)() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                token.span)
        }
        let start = advance().span.start
        var grouping = try groupingClause()
        let firstFault = typeFaults.count
        guard token.kind == .leftParen else { throw unexpected("aggregation") }
        var arguments = try argumentList()
        if grouping == nil { grouping = try groupingClause() }
        let span = SourceSpan(start, previousEnd)
        guard !arguments.isEmpty else { throw fault("no arguments for aggregate expression provided", span) }
        let wanted = op.takesParameter ? 2 : 1
        guard arguments.count == wanted else {
            throw fault(
                "wrong number of arguments for aggregate expression provided, expected \(wanted), got \(arguments.count)",
                span)
        }
        let inner = arguments.removeLast()
        let ofArguments = typeFaults[firstFault...].map(\.self)
        typeFaults.removeSubrange(firstFault...)
        // The reference looks at the expression before the parameter.
        typeFaults += ofArguments.filter { $0.span!.start >= inner.span.start }
        noteUnless(inner, .instantVector, "aggregation expression")
        typeFaults += ofArguments.filter { $0.span!.start < inner.span.start }
        if let parameter = arguments.first {
            noteUnless(parameter, op == .countValues ? .string : .scalar, "aggregation parameter")
        }
        return .aggregation(
            Aggregation(
                op: op, parameter: arguments.first, inner: inner, labels: grouping?.labels ?? [],
                isWithout: grouping?.isWithout ?? false, span: span))
    }

    private mutating func groupingClause() throws(QueryFault) -> (labels: [String], isWithout: Bool)? {
        guard token.kind == .keyword(.by) || token.kind == .keyword(.without) else { return nil }
        let isWithout = advance().kind == .keyword(.without)
        return (try labelList(), isWithout)
    }
}
