// The functions that Go's text/template brings: <https://pkg.go.dev/text/template#hdr-Functions>.

extension TemplateFunctions {
    static let basic: [String: Body] = [
        "not": { (arguments) throws(CallFault) in .bool(!(try argument(arguments, 0, of: 1)).isTrue) },
        "eq": { (arguments) throws(CallFault) in
            guard arguments.count >= 2 else { throw CallFault(reason: "missing argument for comparison") }
            for other in arguments.dropFirst() where try equal(arguments[0], other) { return .bool(true) }
            return .bool(false)
        },
        "ne": { (arguments) throws(CallFault) in
            .bool(!(try equal(try argument(arguments, 0, of: 2), try argument(arguments, 1, of: 2))))
        },
        "lt": { (arguments) throws(CallFault) in
            .bool(
                try compare(arguments) {
                    $0 < $1
                } texts: {
                    $0 < $1
                })
        },
        "le": { (arguments) throws(CallFault) in
            .bool(
                try compare(arguments) {
                    $0 <= $1
                } texts: {
                    $0 <= $1
                })
        },
        "gt": { (arguments) throws(CallFault) in
            .bool(
                try compare(arguments) {
                    $0 > $1
                } texts: {
                    $0 > $1
                })
        },
        "ge": { (arguments) throws(CallFault) in
            .bool(
                try compare(arguments) {
                    $0 >= $1
                } texts: {
                    $0 >= $1
                })
        },
        "len": { (arguments) throws(CallFault) in
            switch try argument(arguments, 0, of: 1) {
            case .string(let text): .integer(Int64(text.utf8.count))
            case .list(let items): .integer(Int64(items.count))
            case .map(let members): .integer(Int64(members.count))
            case let other: throw CallFault(reason: "len of type \(other.kindName)")
            }
        },
        "index": { (arguments) throws(CallFault) in
            guard var value = arguments.first else {
                throw CallFault(reason: "wrong number of args: want at least 1 got 0")
            }
            for key in arguments.dropFirst() { value = try element(of: value, at: key) }
            return value
        },
        "print": { (arguments) throws(CallFault) in .string(printed(arguments)) },
        "println": { (arguments) throws(CallFault) in
            .string(arguments.map(\.printed).joined(separator: " ") + "\n")
        },
        "printf": { (arguments) throws(CallFault) in
            guard case .string(let format)? = arguments.first else { throw CallFault(reason: "expected a format") }
            return .string(try GoPrintf.text(format, Array(arguments.dropFirst())))
        },
        "slice": { (arguments) throws(CallFault) in try slice(arguments) },
        "call": { (arguments) throws(CallFault) in
            guard let first = arguments.first else {
                throw CallFault(reason: "wrong number of args: want at least 1 got 0")
            }
            throw CallFault(reason: "non-function of type \(first.kindName)")
        },
        "js": { (arguments) throws(CallFault) in .string(escapedForScript(printed(arguments))) },
        "html": { (arguments) throws(CallFault) in .string(escapedForHTML(printed(arguments))) },
        "urlquery": { (arguments) throws(CallFault) in .string(escapedForQuery(printed(arguments))) },
    ]

    /// As `fmt.Sprint`: a space between neighbours that are both no text.
    private static func printed(_ values: [TemplateValue]) -> String {
        var text = ""
        var lastIsText = true
        for (index, value) in values.enumerated() {
            var isText = false
            if case .string = value { isText = true }
            if index > 0, !lastIsText, !isText { text += " " }
            text += value.printed
            lastIsText = isText
        }
        return text
    }

    private static func equal(_ left: TemplateValue, _ right: TemplateValue) throws(CallFault) -> Bool {
        switch (left, right) {
        case (.integer(let left), .number(let right)): return Double(left) == right
        case (.number(let left), .integer(let right)): return left == Double(right)
        case (.number(let left), .number(let right)): return left == right
        case (.integer, .integer), (.string, .string), (.bool, .bool), (.nothing, _), (_, .nothing):
            return left == right
        default: throw CallFault(reason: "incompatible types for comparison")
        }
    }

    private static func compare(
        _ arguments: [TemplateValue], _ numbers: (Double, Double) -> Bool, texts: (String, String) -> Bool
    ) throws(CallFault) -> Bool {
        switch (try argument(arguments, 0, of: 2), try argument(arguments, 1, of: 2)) {
        case (.integer(let left), .integer(let right)): return numbers(Double(left), Double(right))
        case (.integer(let left), .number(let right)): return numbers(Double(left), right)
        case (.number(let left), .integer(let right)): return numbers(left, Double(right))
        case (.number(let left), .number(let right)): return numbers(left, right)
        case (.string(let left), .string(let right)): return texts(left, right)
        default: throw CallFault(reason: "incompatible types for comparison")
        }
    }

    private static func element(of value: TemplateValue, at key: TemplateValue) throws(CallFault) -> TemplateValue {
        switch (value, key) {
        case (.map(let members), .string(let name)): return members[name] ?? .string("")
        case (.list(let items), .integer(let index)):
            guard index >= 0, index < items.count else { throw CallFault(reason: "index out of range: \(index)") }
            return items[Int(index)]
        case (.string(let text), .integer(let index)):
            let bytes = text.utf8
            guard index >= 0, index < bytes.count else { throw CallFault(reason: "index out of range: \(index)") }
            return .integer(Int64(bytes[bytes.index(bytes.startIndex, offsetBy: Int(index))]))
        default: throw CallFault(reason: "can't index item of type \(value.kindName) with \(key.kindName)")
        }
    }

    /// `slice x 1 3` is Go's `x[1:3]`.
    private static func slice(_ arguments: [TemplateValue]) throws(CallFault) -> TemplateValue {
        guard let value = arguments.first else {
            throw CallFault(reason: "wrong number of args: want at least 1 got 0")
        }
        guard arguments.count <= 3 else {
            throw CallFault(reason: "too many slice indexes: \(arguments.count - 1)")
        }
        let count: Int
        switch value {
        case .string(let text): count = text.utf8.count
        case .list(let items): count = items.count
        default: throw CallFault(reason: "can't slice item of type \(value.kindName)")
        }
        var bounds = [0, count]
        for (place, argument) in arguments.dropFirst().enumerated() {
            guard case .integer(let bound) = argument else {
                throw CallFault(reason: "cannot index slice/array with type \(argument.kindName)")
            }
            guard bound >= 0, bound <= count else { throw CallFault(reason: "index out of range: \(bound)") }
            bounds[place] = Int(bound)
        }
        guard bounds[0] <= bounds[1] else {
            throw CallFault(reason: "invalid slice index: \(bounds[0]) > \(bounds[1])")
        }
        if case .list(let items) = value { return .list(Array(items[bounds[0]..<bounds[1]])) }
        guard case .string(let text) = value else { return value }
        return .string(String(decoding: Array(text.utf8)[bounds[0]..<bounds[1]], as: UTF8.self))
    }

    private static func escapedForScript(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "'": escaped += "\\'"
            case "\"": escaped += "\\\""
            case "<", ">", "&", "=", "\u{00}"..<"\u{20}", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{2029}":
                let digits = String(scalar.value, radix: 16, uppercase: true)
                escaped += "\\u" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func escapedForHTML(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&#34;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    static func escapedForQuery(_ text: String) -> String {
        let hexadecimal = Array("0123456789ABCDEF")
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: " "): escaped += "+"
            default:
                escaped += "%"
                escaped.append(hexadecimal[Int(byte >> 4)])
                escaped.append(hexadecimal[Int(byte & 15)])
            }
        }
        return escaped
    }
}
