/// Cuts a query into tokens. Words are keywords only outside of braces; their case does not matter.
struct Lexer {
    private let query: String
    private let bytes: [UInt8]
    private var place = 0
    private var insideBraces = false
    private var insideBrackets = false
    private var parenDepth = 0

    /// Far more than the parser takes; a bound here keeps a megabyte of parentheses from becoming a million tokens.
    private static let parenDepthMax = 1000

    init(_ query: String) {
        self.query = query
        bytes = Array(query.utf8)
    }

    /// All words. Where the text stops making sense the last one is `broken`: what is wrong before that place is told first.
    static func tokens(of query: String) -> (tokens: [Token], fault: QueryFault?) {
        var lexer = Lexer(query)
        var tokens: [Token] = []
        repeat {
            do throws(QueryFault) {
                tokens.append(try lexer.next())
            } catch {
                let span = error.span ?? SourceSpan(lexer.place, lexer.place)
                tokens.append(Token(kind: .broken, text: "", span: span))
                return (tokens, error)
            }
        } while tokens.last!.kind != .end
        return (tokens, nil)
    }

    private func peek(_ ahead: Int = 0) -> UInt8? { place + ahead < bytes.count ? bytes[place + ahead] : nil }

    private func fault(_ message: String, at start: Int) -> QueryFault {
        QueryFault(.parse, message, query: query, span: SourceSpan(start, max(start, place)))
    }

    private func token(_ kind: Token.Kind, from start: Int) -> Token {
        Token(
            kind: kind, text: String(decoding: bytes[start..<place], as: UTF8.self), span: SourceSpan(start, place))
    }

    /// The whole character at `index`, for a message. The reference shows the end of the text as the sign for what is no character.
    private func character(at index: Int) -> String {
        guard index < bytes.count else { return "'\u{FFFD}'" }
        let rest = String(decoding: bytes[index...], as: UTF8.self)
        return rest.unicodeScalars.first.map { "'\($0)'" } ?? "''"
    }

    private mutating func skipBlanksAndComments() {
        while let byte = peek() {
            if byte == 0x23 {
                while let next = peek(), next != 0x0A { place += 1 }
            } else if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
                place += 1
            } else {
                return
            }
        }
    }

    private mutating func next() throws(QueryFault) -> Token {
        skipBlanksAndComments()
        let start = place
        guard let byte = peek() else {
            if insideBraces { throw fault("unexpected end of input inside braces", at: start) }
            if parenDepth > 0 { throw fault("unclosed left parenthesis", at: start) }
            if insideBrackets { throw fault("unclosed left bracket", at: start) }
            return token(.end, from: start)
        }
        if byte == 0x22 || byte == 0x27 || byte == 0x60 { return try string(from: start) }
        if insideBraces { return try insideBraces(byte, from: start) }
        if isDigit(byte) || (byte == 0x2E && isDigit(peek(1) ?? 0)) { return try number(from: start) }
        if isLetter(byte) || (byte == 0x3A && !insideBrackets) { return word(from: start) }
        return try symbol(byte, from: start)
    }

    private mutating func symbol(_ byte: UInt8, from start: Int) throws(QueryFault) -> Token {
        let following = peek(1)
        func two(_ second: Character) -> Bool { following == second.asciiValue }
        let kind: Token.Kind
        var length = 1
        switch Character(Unicode.Scalar(byte)) {
        case "(":
            kind = .leftParen
            parenDepth += 1
            guard parenDepth <= Self.parenDepthMax else {
                throw fault("more than \(Self.parenDepthMax) parentheses are open", at: start)
            }
        case ")":
            parenDepth -= 1
            // The reference points behind this one.
            if parenDepth < 0 { throw fault("unexpected right parenthesis ')'", at: start + 1) }
            kind = .rightParen
        case "{":
            kind = .leftBrace
            insideBraces = true
        case "[":
            if insideBrackets { throw fault("unexpected left bracket '['", at: start) }
            kind = .leftBracket
            insideBrackets = true
        case "]":
            if !insideBrackets { throw fault("unexpected right bracket ']'", at: start) }
            kind = .rightBracket
            insideBrackets = false
        case ",": kind = .comma
        case ":": kind = .colon
        case "@": kind = .at
        case "+": kind = .op(.add)
        case "-": kind = .op(.subtract)
        case "*": kind = .op(.multiply)
        case "/": kind = .op(.divide)
        case "%": kind = .op(.modulo)
        case "^": kind = .op(.power)
        case "=" where two("="): (kind, length) = (.op(.equal), 2)
        case "=" where two("~"):
            place += 1
            throw fault("unexpected character after '=': '~'", at: start)
        case "=": kind = .assign
        case "!" where two("="): (kind, length) = (.op(.notEqual), 2)
        case "!":
            throw fault(
                "unexpected character after '!': \(character(at: start + 1))", at: start)
        case "<" where two("/"): (kind, length) = (.op(.trimUpper), 2)
        case ">" where two("/"): (kind, length) = (.op(.trimLower), 2)
        case "<" where two("="): (kind, length) = (.op(.lessOrEqual), 2)
        case "<": kind = .op(.less)
        case ">" where two("="): (kind, length) = (.op(.greaterOrEqual), 2)
        case ">": kind = .op(.greater)
        default: throw fault("unexpected character: \(character(at: start))", at: start)
        }
        place += length
        return token(kind, from: start)
    }

    private mutating func insideBraces(_ byte: UInt8, from start: Int) throws(QueryFault) -> Token {
        let following = peek(1)
        let kind: Token.Kind
        var length = 1
        switch Character(Unicode.Scalar(byte)) {
        case "}":
            kind = .rightBrace
            insideBraces = false
        case "{": throw fault("unexpected left brace '{'", at: start)
        case ",": kind = .comma
        case "=" where following == 0x7E: (kind, length) = (.matches, 2)
        case "=" where following == 0x3D: (kind, length) = (.op(.equal), 2)
        case "=": kind = .assign
        case "!" where following == 0x7E: (kind, length) = (.doesNotMatch, 2)
        case "!" where following == 0x3D: (kind, length) = (.op(.notEqual), 2)
        case "!":
            throw fault("unexpected character after '!' inside braces: \(character(at: start + 1))", at: start)
        case _ where isLetter(byte):
            while let next = peek(), isLetter(next) || isDigit(next) { place += 1 }
            return token(.identifier(isMetric: false), from: start)
        default: throw fault("unexpected character inside braces: \(character(at: start))", at: start)
        }
        place += length
        return token(kind, from: start)
    }

    private mutating func word(from start: Int) -> Token {
        var hasColon = false
        while let byte = peek(), isLetter(byte) || isDigit(byte) || byte == 0x3A {
            if byte == 0x3A {
                if insideBrackets { break }
                hasColon = true
            }
            place += 1
        }
        let lower = String(decoding: bytes[start..<place], as: UTF8.self).lowercased()
        if let keyword = Token.Keyword(rawValue: lower) { return token(.keyword(keyword), from: start) }
        if let aggregator = Aggregator(rawValue: lower) { return token(.aggregator(aggregator), from: start) }
        switch lower {
        case "and": return token(.op(.and), from: start)
        case "or": return token(.op(.or), from: start)
        case "unless": return token(.op(.unless), from: start)
        case "atan2": return token(.op(.atan2), from: start)
        case "inf", "nan": return token(.number, from: start)
        default: return token(.identifier(isMetric: hasColon), from: start)
        }
    }

    /// A number (`1_000`, `0x1F`, `.5`, `1e-6`) or a duration (`1h30m`).
    private mutating func number(from start: Int) throws(QueryFault) -> Token {
        if peek() == 0x30, peek(1) == 0x78 || peek(1) == 0x58 {
            place += 2
            while let byte = peek(), isHexDigit(byte) || byte == 0x5F { place += 1 }
        } else {
            digits()
            if peek() == 0x2E {
                place += 1
                digits()
            }
            if peek() == 0x65 || peek() == 0x45 {
                let sign = peek(1) == 0x2B || peek(1) == 0x2D ? 1 : 0
                place += 1 + sign
                guard isDigit(peek() ?? 0) else {
                    let text = String(decoding: bytes[start..<place], as: UTF8.self)
                    throw fault("bad number or duration syntax: \(goQuoted(text))", at: start)
                }
                digits()
            }
        }
        guard let next = peek(), isLetter(next) || isDigit(next) else { return token(.number, from: start) }
        guard takeUnits() else {
            let text = String(decoding: bytes[start..<min(place, bytes.count)], as: UTF8.self)
            throw fault("bad number or duration syntax: \(goQuoted(text))", at: start)
        }
        return token(.duration, from: start)
    }

    /// The unit behind digits, and further digits with units. Where they are none, the place is where the reference stops reading, as a
    /// message quotes what was read. Units that do not exist, such as `hs`, are found when the duration is computed.
    private mutating func takeUnits() -> Bool {
        func isUnit(_ byte: UInt8?, _ units: StaticString) -> Bool {
            byte.map { byte in units.withUTF8Buffer { $0.contains(byte) } } ?? false
        }
        guard isUnit(peek(), "smhdwy") else { return false }
        place += 1
        if isUnit(peek(), "s") { place += 1 }
        while let byte = peek(), isDigit(byte) {
            while let byte = peek(), isDigit(byte) { place += 1 }
            guard isUnit(peek(), "smhdw") else { return false }
            place += 1
            if isUnit(peek(), "s") { place += 1 }
        }
        guard let next = peek(), isLetter(next) || isDigit(next) else { return true }
        place += 1
        return false
    }

    private mutating func digits() {
        while let byte = peek(), isDigit(byte) || (byte == 0x5F && isDigit(peek(1) ?? 0)) { place += 1 }
    }

    private mutating func string(from start: Int) throws(QueryFault) -> Token {
        let quote = bytes[place]
        place += 1
        while let byte = peek(), byte != quote {
            if quote != 0x60 {
                if byte == 0x0A { break }
                if byte == 0x5C { place += 1 }
            }
            place += 1
        }
        guard peek() == quote else {
            place = min(place, bytes.count)
            throw fault(quote == 0x60 ? "unterminated raw string" : "unterminated quoted string", at: start)
        }
        place += 1
        return token(.string, from: start)
    }
}

func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
}
private func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
}
