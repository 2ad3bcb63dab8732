import Diagnostics

/// Builds the tree of a template from its words, by recursive descent.
///
/// <https://pkg.go.dev/text/template> has the grammar. Left out: complex numbers, and methods other than those of a time.
struct TemplateParser {
    /// How deep actions and parentheses may nest: the parser and the renderer recurse.
    static let depthMax = 50

    private let tokens: [TemplateToken]
    private let functions: Set<String>
    private var index = 0
    private var depth = 0
    private var loopDepth = 0
    /// Names in scope, checked while parsing as Go does, so that a misspelt one is found without rendering.
    private var variables: [String]
    private(set) var definitions: [String: [TemplateNode]] = [:]

    init(tokens: [TemplateToken], functions: Set<String>, variables: [String]) {
        self.tokens = tokens
        self.functions = functions
        self.variables = variables
    }

    private var token: TemplateToken { tokens[index] }

    private func fault(_ reason: String, at position: SourcePosition? = nil) -> TemplateFault {
        TemplateFault(.parsing, at: position ?? token.position, reason)
    }

    private mutating func take(_ kind: TemplateToken.Kind) -> Bool {
        guard token.kind == kind else { return false }
        index += 1
        return true
    }

    private mutating func expectClose(_ context: String) throws(TemplateFault) {
        guard take(.close) else { throw fault("unexpected \(describe(token.kind)) in \(context)") }
    }

    mutating func document() throws(TemplateFault) -> [TemplateNode] {
        let (nodes, ending) = try list()
        if let ending { throw fault("unexpected {{\(ending.word)}}", at: ending.position) }
        return nodes
    }

    private typealias Ending = (word: String, position: SourcePosition)

    /// Reads up to the end, or past the word of an `{{end}}` or `{{else`.
    private mutating func list() throws(TemplateFault) -> ([TemplateNode], Ending?) {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("nested deeper than \(Self.depthMax) levels") }
        var nodes: [TemplateNode] = []
        while true {
            let start = token.position
            switch token.kind {
            case .end: return (nodes, nil)
            case .text(let text):
                index += 1
                nodes.append(.text(text))
            case .open:
                index += 1
                if case .word(let word) = token.kind {
                    if word == "end" || word == "else" {
                        index += 1
                        return (nodes, (word, start))
                    }
                    if let node = try keyword(word, at: start) {
                        if let node = node.value { nodes.append(node) }
                        continue
                    }
                }
                let pipeline = try pipeline("command")
                try expectClose("command")
                nodes.append(.output(pipeline))
            default: throw fault("unexpected \(describe(token.kind))")
            }
        }
    }

    private struct Parsed {
        let value: TemplateNode?
    }

    private mutating func keyword(_ word: String, at start: SourcePosition) throws(TemplateFault) -> Parsed? {
        switch word {
        case "if", "with", "range":
            index += 1
            return Parsed(value: try control(word, at: start))
        case "template":
            index += 1
            guard case .literal(.string(let name)) = token.kind else {
                throw fault("expected a name in quotation marks")
            }
            index += 1
            let argument = token.kind == .close ? nil : try pipeline("template clause")
            try expectClose("template clause")
            return Parsed(value: .call(name: name, argument, start))
        case "define":
            index += 1
            _ = try definition("define", at: start)
            return Parsed(value: nil)
        case "block":
            index += 1
            return Parsed(value: try definition("block", at: start))
        case "break", "continue":
            index += 1
            guard loopDepth > 0 else { throw fault("{{\(word)}} outside {{range}}", at: start) }
            try expectClose(word)
            return Parsed(value: word == "break" ? .breakLoop : .continueLoop)
        default: return nil
        }
    }

    /// `{{define "name"}}`, and `{{block "name" pipeline}}`, which defines a template and calls it where it stands.
    private mutating func definition(_ word: String, at start: SourcePosition) throws(TemplateFault) -> TemplateNode {
        guard case .literal(.string(let name)) = token.kind else { throw fault("expected a name in quotation marks") }
        index += 1
        let argument = word == "block" ? try pipeline("block clause") : nil
        try expectClose("\(word) clause")
        let (outerVariables, outerLoops) = (variables, loopDepth)
        variables = ["$"]
        loopDepth = 0
        let (body, ending) = try list()
        (variables, loopDepth) = (outerVariables, outerLoops)
        guard ending?.word == "end" else { throw fault("'\(word)' has no {{end}}", at: start) }
        try expectClose("end")
        // A `define` elsewhere in the text wins over what a `block` brings along.
        if word == "define" || definitions[name] == nil { definitions[name] = body }
        return .call(name: name, argument, start)
    }

    private mutating func control(_ word: String, at start: SourcePosition) throws(TemplateFault) -> TemplateNode {
        let outer = variables
        defer { variables = outer }
        let head = try pipeline(word)
        try expectClose(word)
        if word == "range" { loopDepth += 1 }
        let (body, ending) = try list()
        if word == "range" { loopDepth -= 1 }
        guard let ending else { throw fault("'\(word)' has no {{end}}", at: start) }
        var otherwise: [TemplateNode] = []
        if ending.word == "else" {
            if case .word(let chained) = token.kind, chained == word, word != "range" {
                // `{{else if}}` is an `if` inside the else, and shares the one `{{end}}`.
                index += 1
                depth += 1
                defer { depth -= 1 }
                guard depth <= Self.depthMax else { throw fault("nested deeper than \(Self.depthMax) levels") }
                return node(word, head, body, [try control(word, at: ending.position)])
            }
            try expectClose("else")
            let (nodes, second) = try list()
            guard let second, second.word == "end" else {
                throw fault(second == nil ? "'\(word)' has no {{end}}" : "expected end; found {{else}}", at: start)
            }
            otherwise = nodes
        }
        try expectClose("end")
        return node(word, head, body, otherwise)
    }

    private func node(
        _ word: String, _ head: Pipeline, _ body: [TemplateNode], _ otherwise: [TemplateNode]
    ) -> TemplateNode {
        switch word {
        case "if": .condition(head, body, otherwise: otherwise)
        case "with": .with(head, body, otherwise: otherwise)
        default: .range(head, body, otherwise: otherwise)
        }
    }

    private mutating func pipeline(_ context: String) throws(TemplateFault) -> Pipeline {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("nested deeper than \(Self.depthMax) levels") }
        var pipeline = Pipeline(position: token.position)
        var declared: [String] = []
        if case .variable(let first) = token.kind {
            let start = index
            index += 1
            var names = [first]
            if context == "range", take(.comma), case .variable(let second) = token.kind {
                index += 1
                names.append(second)
            }
            if take(.define) {
                (pipeline.variables, declared) = (names, names)
            } else if take(.assign) {
                for name in names where !variables.contains(name) {
                    throw fault("undefined variable \"\(name)\"", at: pipeline.position)
                }
                (pipeline.variables, pipeline.assigns) = (names, true)
            } else {
                index = start
            }
        }
        repeat {
            pipeline.commands.append(try command(context, isFirst: pipeline.commands.isEmpty))
        } while take(.pipe)
        variables += declared
        return pipeline
    }

    private mutating func command(_ context: String, isFirst: Bool) throws(TemplateFault) -> Command {
        var command = Command(position: token.position)
        while let operand = try operand() { command.operands.append(operand) }
        guard let first = command.operands.first else {
            throw fault(
                token.kind == .close
                    ? "missing value for \(context)" : "unexpected \(describe(token.kind)) in \(context)")
        }
        // What ends in a field may be a method.
        var isFunction = !first.fields.isEmpty
        if case .function = first.base { isFunction = true }
        if !isFunction, !isFirst { throw fault("non executable command in pipeline", at: first.position) }
        if !isFunction, command.operands.count > 1 {
            throw fault("can't give argument to a value that is no function", at: first.position)
        }
        return command
    }

    private mutating func operand() throws(TemplateFault) -> Operand? {
        let position = token.position
        var operand: Operand
        switch token.kind {
        case .dot: operand = Operand(position: position, base: .dot)
        case .field(let name, _): operand = Operand(position: position, base: .dot, fields: [name])
        case .variable(let name):
            guard variables.contains(name) else { throw fault("undefined variable \"\(name)\"") }
            operand = Operand(position: position, base: .variable(name))
        case .literal(let value): operand = Operand(position: position, base: .literal(value))
        case .word(let name):
            guard functions.contains(name) else { throw fault("function \"\(name)\" not defined") }
            operand = Operand(position: position, base: .function(name))
        case .leftParenthesis:
            index += 1
            let inner = try pipeline("parenthesized pipeline")
            guard token.kind == .rightParenthesis else { throw fault("unclosed left paren", at: position) }
            operand = Operand(position: position, base: .pipeline(inner))
        default: return nil
        }
        index += 1
        while case .field(let name, spaced: false) = token.kind {
            if case .literal = operand.base { throw fault("a constant has no field .\(name)") }
            operand.fields.append(name)
            index += 1
        }
        return operand
    }
}

private func describe(_ kind: TemplateToken.Kind) -> String {
    switch kind {
    case .text: "text"
    case .open: "{{"
    case .close: "}}"
    case .word(let word): "<\(word)>"
    case .variable(let name): "<\(name)>"
    case .field(let name, _): "<.\(name)>"
    case .dot: "<.>"
    case .literal(let value): "<\(value.printed)>"
    case .pipe: "|"
    case .comma: ","
    case .define: ":="
    case .assign: "="
    case .leftParenthesis: "("
    case .rightParenthesis: ")"
    case .end: "end of template"
    }
}
