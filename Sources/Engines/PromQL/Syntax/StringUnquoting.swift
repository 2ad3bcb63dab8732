extension StringLiteral {
    /// What a quoted text means, by Go's rules: `"…"` and `'…'` with escapes, `` `…` `` without.
    static func unquote(_ token: Token, query: String) throws(QueryFault) -> StringLiteral {
        let bytes = Array(token.text.utf8)
        let inner = bytes[1..<(bytes.count - 1)]
        if bytes[0] == 0x60 || !inner.contains(0x5C) { return StringLiteral(bytes: Array(inner), span: token.span) }
        var result: [UInt8] = []
        var place = inner.startIndex
        func fault(_ message: String) -> QueryFault { QueryFault(.parse, message, query: query, span: token.span) }
        func number(_ digits: Int, radix: Int) throws(QueryFault) -> UInt32 {
            var value: UInt32 = 0
            for _ in 0..<digits {
                // Behind the last byte stands the quotation mark.
                let rest = String(decoding: bytes[place...], as: UTF8.self)
                let scalar = rest.unicodeScalars.first ?? "\u{FFFD}"
                guard place < inner.endIndex, scalar.isASCII, let digit = Character(scalar).hexDigitValue, digit < radix
                else { throw fault("illegal character \(numbered(scalar)) in escape sequence") }
                value = value &* UInt32(radix) &+ UInt32(digit)
                place += 1
            }
            return value
        }
        while place < inner.endIndex {
            let byte = inner[place]
            place += 1
            guard byte == 0x5C else {
                result.append(byte)
                continue
            }
            let escape = inner[place]
            place += 1
            switch Character(Unicode.Scalar(escape)) {
            case "a": result.append(7)
            case "b": result.append(8)
            case "f": result.append(12)
            case "n": result.append(10)
            case "r": result.append(13)
            case "t": result.append(9)
            case "v": result.append(11)
            case "\\": result.append(escape)
            case "\"", "'":
                guard escape == bytes[0] else { throw fault(unknownEscape(escape)) }
                result.append(escape)
            case "x": result.append(UInt8(try number(2, radix: 16)))
            case "u", "U":
                guard let scalar = Unicode.Scalar(try number(escape == 0x75 ? 4 : 8, radix: 16)) else {
                    throw fault("escape sequence is an invalid Unicode code point")
                }
                result.append(contentsOf: String(Character(scalar)).utf8)
            case "0"..."7":
                place -= 1
                let value = try number(3, radix: 8)
                guard value < 256 else { throw fault("escape sequence is an invalid Unicode code point") }
                result.append(UInt8(value))
            default: throw fault(unknownEscape(escape))
            }
        }
        return StringLiteral(bytes: result, span: token.span)
    }
}

/// `U+007A 'z'`
private func numbered(_ scalar: Unicode.Scalar) -> String {
    let hex = String(scalar.value, radix: 16, uppercase: true)
    return "U+\(String(repeating: "0", count: max(0, 4 - hex.utf8.count)))\(hex) '\(Character(scalar))'"
}

private func unknownEscape(_ byte: UInt8) -> String {
    let hex = String(byte, radix: 16, uppercase: true)
    return "unknown escape sequence U+00\(hex.utf8.count == 1 ? "0" : "")\(hex) '\(Character(Unicode.Scalar(byte)))'"
}
