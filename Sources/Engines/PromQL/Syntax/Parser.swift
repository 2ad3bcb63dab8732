public import Series

// A hand-written parser: binary operators by precedence climbing, everything else by recursive descent. The chapters stand beside this
// file: what belongs to binary operators, what stands before and after an expression, calls, selectors and durations. Types are checked
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
    /// Levels of calls that are open.
    var depth = 0
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
    mutating func grow(_ span: SourceSpan) throws(QueryFault) {
        height += 1
        guard height <= Self.heightMax else { throw fault("expression nests too deeply", span) }
    }

    func require(_ feature: QueryFeatures, _ message: String, _ span: SourceSpan) throws(QueryFault) {
        if !features.contains(feature) { throw fault(message, span) }
    }
}
