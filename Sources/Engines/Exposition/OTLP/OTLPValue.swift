import JSONCoding

/// A value of an attribute, on its way to text: labels are text, and OpenTelemetry says how the other kinds are written.
enum OTLPValue {
    case empty
    case text(String)
    case number(Double)
    case bytes([UInt8])
    /// A whole number, true or false, a list, a map.
    case other(JSONValue)

    /// Text stands for itself, all else as JSON, bytes in Base64.
    var text: String {
        switch self {
        case .empty: ""
        case .text(let text): text
        case .number(let number): shortestNumber(number)
        case .bytes(let bytes): base64(bytes)
        case .other(let value): value.canonicalText
        }
    }

    var json: JSONValue {
        switch self {
        case .empty: .null
        case .text(let text): .string(text)
        case .number(let number): number.isFinite ? .number(number) : .string(shortestNumber(number))
        case .bytes(let bytes): .string(base64(bytes))
        case .other(let value): value
        }
    }
}

/// RFC 4648, section 4.
func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
        for index in 0..<4 {
            text.append(index <= group.count ? alphabet[Int(word >> UInt32(18 - 6 * index) & 63)] : UInt8(ascii: "="))
        }
    }
    return String(decoding: text, as: UTF8.self)
}
