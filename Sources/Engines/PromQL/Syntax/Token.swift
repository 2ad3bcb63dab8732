/// A word of the query language.
struct Token: Sendable {
    enum Kind: Sendable, Equatable {
        case end
        /// Where the text is no word of the language; the lexer's fault says why.
        case broken
        case leftParen, rightParen, leftBrace, rightBrace, leftBracket, rightBracket
        case comma, assign, colon, at
        /// `=~`
        case matches
        /// `!~`
        case doesNotMatch
        case op(BinaryOperator)
        case string, number, duration
        /// A name; the value says whether it holds a colon, which only metrics may.
        case identifier(isMetric: Bool)
        case keyword(Keyword)
        case aggregator(Aggregator)
    }

    enum Keyword: String, Sendable, CaseIterable {
        case offset, by, without, on, ignoring, bool, start, end, step, range, anchored, smoothed, fill
        case groupLeft = "group_left"
        case groupRight = "group_right"
        case fillLeft = "fill_left"
        case fillRight = "fill_right"
    }

    var kind: Kind
    /// As written, quotation marks included.
    var text: String
    var span: SourceSpan
}

extension Token {
    /// As the reference names a token in its messages.
    var described: String {
        switch kind {
        case .end: return "end of input"
        case .op: return "<op:\(text)>"
        case .keyword: return "<\(text)>"
        case .aggregator: return "<aggr:\(text)>"
        case .string: return "string \(quotedStart)"
        case .number: return "number \(quotedStart)"
        case .duration: return "duration \(quotedStart)"
        case .identifier: return "identifier \(goQuoted(text))"
        default: return goQuoted(text)
        }
    }

    private var quotedStart: String {
        text.unicodeScalars.count > 10 ? goQuoted(String(text.prefix(10))) + "..." : goQuoted(text)
    }

    var isWord: Bool {
        switch kind {
        case .identifier, .keyword, .aggregator: true
        case .op(let op): op.isSetOperator || op == .atan2
        default: false
        }
    }
}

/// `text` in quotation marks, escaped as Go's `%q` does for the characters that matter here.
func goQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\n": quoted += "\\n"
        case "\r": quoted += "\\r"
        case "\t": quoted += "\\t"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F: quoted += "\\x" + hexByte(UInt8(scalar.value))
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

/// The same for bytes that may not be UTF-8: stray ones become `\xc5`.
func goQuoted(bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return goQuoted(text) }
    var quoted = "\""
    for byte in bytes {
        switch byte {
        case 0x22, 0x5C: quoted += "\\" + String(Character(Unicode.Scalar(byte)))
        case 0x20..<0x7F: quoted.unicodeScalars.append(Unicode.Scalar(byte))
        default: quoted += "\\x" + hexByte(byte)
        }
    }
    return quoted + "\""
}

private func hexByte(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return digits.utf8.count == 1 ? "0" + digits : digits
}
