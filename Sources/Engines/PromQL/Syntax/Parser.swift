public import Series
import Units

// A hand-written parser: binary operators by precedence climbing, everything else by recursive descent. Types are checked
// where a node is made, so that a fault points at the innermost expression that is wrong. As in the reference, such a fault is told only
// when the whole text is an expression: until then it is noted.
//
//   or  <  and unless  <  == != < <= > >=  <  + -  <  * / % atan2  <  ^ (to the right)  <  offset @ [range]

extension Expression {
    /// Reads a query of Prometheus 3. <https://prometheus.io/docs/prometheus/latest/querying/basics/>
    /// - Parameter features: what is allowed beyond the stable language.
    /// - Throws: `QueryFault` with `code` `.parse`, the place, and the reference's wording where it has one.
    public static func parse(_ query: String, features: QueryFeatures = []) throws(QueryFault) -> Expression {
        let length = query.utf8.count
        guard length <= Parser.bytesMax else {
            throw QueryFault(.parse, "query is \(length) bytes long, at most \(Parser.bytesMax) are allowed")
        }
        var parser = Parser(query: query, features: features)
        return try parser.parseAll()
    }

    /// Reads a selector such as `up{job="x"}` and gives its conditions, as the `match[]` of the HTTP API has them. One that every series
    /// satisfies is none, unless it is allowed to be.
    public static func parseSelector(
        _ text: String, mayMatchAnything: Bool = false
    ) throws(QueryFault) -> [LabelMatcher] {
        let length = text.utf8.count
        guard length <= Parser.bytesMax else {
            throw QueryFault(.parse, "selector is \(length) bytes long, at most \(Parser.bytesMax) are allowed")
        }
        var parser = Parser(query: text, features: [])
        let name: Token? = parser.token.kind == .leftBrace ? nil : parser.advance()
        if let name, !name.isWord {
            parser.index -= parser.index > 0 ? 1 : 0
            throw parser.unexpected("")
        }
        let expression = try parser.selector(named: name, mayMatchAnything: mayMatchAnything)
        guard case .vector(let selector) = expression, parser.token.kind == .end else { throw parser.unexpected("") }
        if let fault = parser.typeFaults.first { throw fault }
        return selector.matchers
    }

    /// Reads the name and labels of one series, which may be without any.
    static func parseSeries(_ text: String) throws(QueryFault) -> [LabelMatcher] {
        var parser = Parser(query: text, features: [])
        let isNamed = parser.token.kind != .leftBrace
        let name = isNamed ? parser.advance() : nil
        if let name, !name.isWord, name.kind != .number, name.kind != .op(.or) { throw parser.unexpected("series") }
        guard case .vector(let selector) = try parser.selector(named: name, mayMatchAnything: true),
            parser.token.kind == .end, selector.matchers.allSatisfy({ $0.op == .equal })
        else { throw parser.unexpected("series") }
        if let fault = parser.typeFaults.first { throw fault }
        return selector.matchers
    }
}

struct Parser {
    let query: String
    let tokens: [Token]
    var index = 0
    let features: QueryFeatures
    /// Types that do not fit, in the order in which the reference looks for them.
    var typeFaults: [QueryFault] = []
    /// What is wrong with the `broken` token.
    private let lexicalFault: QueryFault?
    private var depth = 0
    /// Levels of the tree that was read last.
    var height = 0
    var durationDepth = 0

    /// No one writes more; a dashboard's longest are some kilobytes.
    static let bytesMax = 1 << 20
    /// What walks the tree, and what frees it, calls itself once for each level.
    private static let heightMax = 600
    /// Every operator of a chain deepens the tree by one; what walks the tree must not exhaust the stack.
    private static let chainLengthMax = 500

    init(query: String, features: QueryFeatures) {
        self.query = query
        (tokens, lexicalFault) = Lexer.tokens(of: query)
        self.features = features
    }

    mutating func parseAll() throws(QueryFault) -> Expression {
        if token.kind == .end { throw fault("no expression found in input", SourceSpan(0, 0)) }
        let expression = try self.expression()
        guard token.kind == .end else { throw unexpected("") }
        if let fault = typeFaults.first { throw fault }
        return expression
    }

    // MARK: Tokens

    var token: Token { tokens[index] }
    var following: Token { tokens[min(index + 1, tokens.count - 1)] }
    var previousEnd: Int { index == 0 ? 0 : tokens[index - 1].span.end }

    @discardableResult
    mutating func advance() -> Token {
        let current = token
        if index < tokens.count - 1 { index += 1 }
        return current
    }

    mutating func take(_ kind: Token.Kind) -> Bool {
        guard token.kind == kind else { return false }
        advance()
        return true
    }

    mutating func expect(_ kind: Token.Kind, _ context: String, _ wanted: String) throws(QueryFault) {
        guard take(kind) else { throw unexpected(context, expected: wanted) }
    }

    func fault(_ message: String, _ span: SourceSpan) -> QueryFault {
        QueryFault(.parse, message, query: query, span: span)
    }

    mutating func note(_ message: String, _ span: SourceSpan) { typeFaults.append(fault(message, span)) }

    func unexpected(_ context: String, expected: String = "") -> QueryFault {
        if token.kind == .broken, let lexicalFault { return lexicalFault }
        var message = "unexpected \(token.described)"
        if !context.isEmpty { message += " in \(context)" }
        if !expected.isEmpty { message += ", expected \(expected)" }
        return fault(message, token.span)
    }

    // MARK: Binary operators

    mutating func expression(atLeast precedence: Int = 1) throws(QueryFault) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 200 else { throw fault("expression nests too deeply", token.span) }
        var left = try signed()
        var leftHeight = height
        var chainLength = 0
        while case .op(let op) = token.kind, op.precedence >= precedence {
            chainLength += 1
            guard chainLength <= Self.chainLengthMax else {
                throw fault("more than \(Self.chainLengthMax) operators in a row", token.span)
            }
            let opSpan = advance().span
            var binary = BinaryExpression(op: op, left: left, right: left)
            let matching = try matchingClause(&binary)
            binary.right = try expression(atLeast: op == .power ? op.precedence : op.precedence + 1)
            left = checked(binary, matching, opSpan)
            height = max(leftHeight, height)
            try grow(token.span)
            leftHeight = height
        }
        height = leftHeight
        return left
    }

    /// Counts one more level of the tree.
    private mutating func grow(_ span: SourceSpan) throws(QueryFault) {
        height += 1
        guard height <= Self.heightMax else { throw fault("expression nests too deeply", span) }
    }

    func require(_ feature: QueryFeatures, _ message: String, _ span: SourceSpan) throws(QueryFault) {
        if !features.contains(feature) { throw fault(message, span) }
    }

    private mutating func matchingClause(_ binary: inout BinaryExpression) throws(QueryFault) -> VectorMatching? {
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

    private mutating func checked(
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

    // MARK: Signs and what follows an expression

    private mutating func signed() throws(QueryFault) -> Expression {
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

    // MARK: Primary expressions

    private mutating func primary() throws(QueryFault) -> Expression {
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
    private mutating func argumentList(of function: Function? = nil) throws(QueryFault) -> [Expression] {
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

    private mutating func noteUnless(_ expression: Expression, _ type: ValueType, _ context: String) {
        guard expression.type != type else { return }
        note("expected type \(type.rawValue) in \(context), got \(expression.type.rawValue)", expression.span)
    }

    private mutating func aggregation(_ op: Aggregator) throws(QueryFault) -> Expression {
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
