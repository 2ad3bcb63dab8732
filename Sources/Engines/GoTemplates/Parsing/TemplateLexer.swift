import Diagnostics

/// A word of a template.
struct TemplateToken: Sendable {
    enum Kind: Sendable, Hashable {
        case text(String)
        case open, close
        case word(String)
        case variable(String)
        /// `.name`; `spaced` when white space stands before it, which makes it an operand of its own.
        case field(String, spaced: Bool)
        case dot
        case literal(TemplateValue)
        case pipe, comma, define, assign, leftParenthesis, rightParenthesis
        case end
    }

    let kind: Kind
    let position: SourcePosition
}

/// Cuts a template into words: text between actions, and the words inside `{{ }}`. Trim markers are applied here.
struct TemplateLexer {
    private let scalars: [Unicode.Scalar]
    private let name: String
    private var index = 0
    private var line = 1
    private var column = 1
    private(set) var tokens: [TemplateToken] = []

    static func tokens(of source: String, name: String) throws(TemplateFault) -> [TemplateToken] {
        var lexer = TemplateLexer(scalars: Array(source.unicodeScalars), name: name)
        try lexer.run()
        return lexer.tokens
    }

    private init(scalars: [Unicode.Scalar], name: String) {
        self.scalars = scalars
        self.name = name
    }

    private var position: SourcePosition { SourcePosition(file: name, line: line, column: column) }
    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private func fault(_ reason: String, at place: SourcePosition? = nil) -> TemplateFault {
        TemplateFault(.parsing, at: place ?? position, reason)
    }

    private func peek(_ text: String) -> Bool { scalars[index...].starts(with: text.unicodeScalars) }

    @discardableResult
    private mutating func advance() -> Unicode.Scalar {
        let scalar = scalars[index]
        index += 1
        if scalar == "\n" {
            line += 1
            column = 1
        } else {
            column += 1
        }
        return scalar
    }

    private mutating func advance(_ count: Int) { for _ in 0..<count { advance() } }

    private mutating func add(_ kind: TemplateToken.Kind, at place: SourcePosition) {
        tokens.append(TemplateToken(kind: kind, position: place))
    }

    private mutating func run() throws(TemplateFault) {
        var trimsNext = false
        while index < scalars.count {
            let start = position
            var text = String.UnicodeScalarView()
            while index < scalars.count, !peek("{{") { text.append(advance()) }
            if trimsNext { text = String.UnicodeScalarView(text.drop(while: isSpace)) }
            trimsNext = false
            if peek("{{-"), index + 3 < scalars.count, isSpace(scalars[index + 3]) {
                while let last = text.last, isSpace(last) { text.removeLast() }
            }
            if !text.isEmpty { add(.text(String(text)), at: start) }
            if index < scalars.count { trimsNext = try action() }
        }
        add(.end, at: position)
    }

    /// - Returns: whether the text that follows loses its leading space.
    private mutating func action() throws(TemplateFault) -> Bool {
        let start = position
        advance(2)
        if peek("-"), index + 1 < scalars.count, isSpace(scalars[index + 1]) { advance() }
        let afterMark = index
        skipSpace()
        if peek("/*") {
            while index < scalars.count, !peek("*/") { advance() }
            guard index < scalars.count else { throw fault("unclosed comment", at: start) }
            advance(2)
            let trims = skipSpace() && peek("-}}")
            if trims { advance() }
            guard peek("}}") else { throw fault("comment ends before closing delimiter", at: start) }
            advance(2)
            return trims
        }
        add(.open, at: start)
        var spaced = index > afterMark
        while true {
            spaced = skipSpace() || spaced
            let place = position
            guard let scalar = next else { throw fault("unclosed action", at: start) }
            if spaced, peek("-}}") {
                advance(3)
                add(.close, at: place)
                return true
            }
            if peek("}}") {
                advance(2)
                add(.close, at: place)
                return false
            }
            try word(scalar, spaced: spaced, at: place)
            spaced = false
        }
    }

    private mutating func word(_ scalar: Unicode.Scalar, spaced: Bool, at place: SourcePosition) throws(TemplateFault) {
        switch scalar {
        case "|": single(.pipe)
        case ",": single(.comma)
        case "(": single(.leftParenthesis)
        case ")": single(.rightParenthesis)
        case "=": single(.assign)
        case ":":
            guard peek(":=") else { throw fault("expected :=") }
            advance(2)
            add(.define, at: place)
        case "\"": try quoted(at: place)
        case "'": try character(at: place)
        case "`":
            advance()
            var text = ""
            while let scalar = next, scalar != "`" { text.unicodeScalars.append(advance()) }
            guard next != nil else { throw fault("unterminated raw quoted string", at: place) }
            advance()
            add(.literal(.string(text)), at: place)
        case "$":
            advance()
            add(.variable("$" + identifier()), at: place)
        case "." where index + 1 < scalars.count && isNameStart(scalars[index + 1]):
            advance()
            add(.field(identifier(), spaced: spaced), at: place)
        case "." where !(index + 1 < scalars.count && isDigit(scalars[index + 1])): single(.dot)
        case _ where isDigit(scalar) || scalar == "-" || scalar == "+" || scalar == ".": try number(at: place)
        case _ where isNameStart(scalar):
            let word = identifier()
            switch word {
            case "true": add(.literal(.bool(true)), at: place)
            case "false": add(.literal(.bool(false)), at: place)
            case "nil": add(.literal(.nothing), at: place)
            default: add(.word(word), at: place)
            }
        default: throw fault("unrecognized character in action: '\(scalar)'")
        }
    }

    private mutating func single(_ kind: TemplateToken.Kind) {
        let place = position
        advance()
        add(kind, at: place)
    }

    private mutating func identifier() -> String {
        var text = ""
        while let scalar = next, isNameStart(scalar) || isDigit(scalar) { text.unicodeScalars.append(advance()) }
        return text
    }

    private mutating func number(at place: SourcePosition) throws(TemplateFault) {
        var text = ""
        while let scalar = next {
            let afterExponent = (text.last == "e" || text.last == "E") && !text.hasPrefix("0x")
            let isSign = (scalar == "-" || scalar == "+") && (text.isEmpty || afterExponent)
            guard isSign || isDigit(scalar) || isNameStart(scalar) || scalar == "." else { break }
            text.unicodeScalars.append(advance())
        }
        let plain = text.filter { $0 != "_" }
        if let value = Self.integer(plain) {
            add(.literal(.integer(value)), at: place)
        } else if let value = Double(plain), value.isFinite, !plain.hasPrefix("+") || plain.count > 1 {
            add(.literal(.number(value)), at: place)
        } else {
            throw fault("bad number syntax: \"\(text)\"", at: place)
        }
    }

    /// Go's integers: `0x1f`, `0b101`, `0o17`, and `017`, which is octal too.
    private static func integer(_ text: String) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
        let prefix = digits.prefix(2).lowercased()
        let radix = ["0x": 16, "0b": 2, "0o": 8][prefix]
        let isOctal = radix == nil && digits.count > 1 && digits.first == "0"
        let body = radix == nil ? digits : digits.dropFirst(2)
        guard let first = body.first, first.isHexDigit else { return nil }
        return Int64((isNegative ? "-" : "") + body, radix: radix ?? (isOctal ? 8 : 10))
    }

    /// `'x'` is the number of the character.
    private mutating func character(at place: SourcePosition) throws(TemplateFault) {
        advance()
        guard let scalar = next, scalar != "'", scalar != "\n" else {
            throw fault("unterminated character constant", at: place)
        }
        advance()
        let value = scalar == "\\" ? try escape(at: place) : scalar
        guard next == "'" else { throw fault("unterminated character constant", at: place) }
        advance()
        add(.literal(.integer(Int64(value.value))), at: place)
    }

    private mutating func quoted(at place: SourcePosition) throws(TemplateFault) {
        advance()
        var text = ""
        while true {
            guard let scalar = next, scalar != "\n" else { throw fault("unterminated quoted string", at: place) }
            advance()
            if scalar == "\"" { break }
            guard scalar == "\\" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            text.unicodeScalars.append(try escape(at: place))
        }
        add(.literal(.string(text)), at: place)
    }

    /// What stands after a backslash.
    private mutating func escape(at place: SourcePosition) throws(TemplateFault) -> Unicode.Scalar {
        guard let escape = next else { throw fault("unterminated quoted string", at: place) }
        advance()
        switch escape {
        case "a": return "\u{07}"
        case "b": return "\u{08}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "\\", "\"", "'": return escape
        case "x": return try number(of: 2, radix: 16, at: place)
        case "u": return try number(of: 4, radix: 16, at: place)
        case "U": return try number(of: 8, radix: 16, at: place)
        case "0"..."7":
            index -= 1
            column -= 1
            return try number(of: 3, radix: 8, at: place)
        default: throw fault("unknown escape \\\(escape)", at: place)
        }
    }

    private mutating func number(
        of count: Int, radix: Int, at place: SourcePosition
    ) throws(TemplateFault) -> Unicode.Scalar {
        guard index + count <= scalars.count else { throw fault("unterminated quoted string", at: place) }
        let digits = String(String.UnicodeScalarView(scalars[index..<index + count]))
        guard let value = UInt32(digits, radix: radix), let scalar = Unicode.Scalar(value) else {
            throw fault("'\(digits)' is not a character's number", at: place)
        }
        advance(count)
        return scalar
    }

    @discardableResult
    private mutating func skipSpace() -> Bool {
        let start = index
        while let scalar = next, isSpace(scalar) { advance() }
        return index > start
    }
}

private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n"
}

private func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

private func isNameStart(_ scalar: Unicode.Scalar) -> Bool { scalar == "_" || scalar.properties.isAlphabetic }
