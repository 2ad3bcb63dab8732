// `fmt.Sprintf` for the values of templates: flags, width, precision, argument indexes (`%[2]d`) and stars, and the verbs
// v T t d b o O x X U c q s f F e E g G %. What does not fit is said in the text itself, as Go does: `%!d(string=x)`.
// <https://pkg.go.dev/fmt>

/// Formats a text with its arguments.
struct GoPrintf {
    /// No field of a message is wider; Go itself stops at a million.
    private static let widthMax = 1000

    private let arguments: [TemplateValue]
    private var output = ""
    private var next = 0
    /// Explicit indexes switch off the complaint about arguments that nobody used.
    private var isReordered = false

    private init(arguments: [TemplateValue]) {
        self.arguments = arguments
    }

    static func text(_ format: String, _ arguments: [TemplateValue]) throws(CallFault) -> String {
        var printer = GoPrintf(arguments: arguments)
        try printer.run(format)
        return printer.output
    }

    private mutating func run(_ format: String) throws(CallFault) {
        var rest = Substring(format).unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                output.unicodeScalars.append(scalar)
                continue
            }
            guard try directive(&rest) else { break }
        }
        if next < arguments.count, !isReordered {
            let extra = arguments[next...].map { "\($0.kindName)=\($0.printed)" }.joined(separator: ", ")
            output += "%!(EXTRA \(extra))"
        }
    }

    /// - Returns: false at the end of the format.
    private mutating func directive(_ rest: inout Substring.UnicodeScalarView) throws(CallFault) -> Bool {
        var field = Field()
        while let flag = rest.first, "-+# 0".unicodeScalars.contains(flag) {
            field.flags.unicodeScalars.append(flag)
            rest.removeFirst()
        }
        try index(&rest)
        if let width = try size(&rest) {
            field.width = width.magnitude > Self.widthMax ? 0 : Int(width.magnitude)
            if width < 0 { field.flags += "-" }
        }
        if rest.first == "." {
            rest.removeFirst()
            try index(&rest)
            field.precision = max(0, try size(&rest) ?? 0)
        }
        try index(&rest)
        guard let verb = rest.popFirst() else {
            output += "%!(NOVERB)"
            return false
        }
        if verb == "%" {
            output += "%"
            return true
        }
        // `%+v` asks for the names of fields, not for a sign.
        if verb == "v" { field.flags.removeAll { $0 == "+" } }
        guard arguments.indices.contains(next) else {
            output += isReordered ? "%!\(verb)(BADINDEX)" : "%!\(verb)(MISSING)"
            return true
        }
        output += field.text(of: arguments[next], verb)
        next += 1
        return true
    }

    /// `[2]`
    private mutating func index(_ rest: inout Substring.UnicodeScalarView) throws(CallFault) {
        guard rest.first == "[" else { return }
        rest.removeFirst()
        let number = try Self.number(&rest)
        guard rest.first == "]", let number, number > 0 else { throw CallFault(reason: "bad argument index") }
        rest.removeFirst()
        next = number - 1
        isReordered = true
    }

    /// A width or a precision: digits, or a star for the next argument.
    private mutating func size(_ rest: inout Substring.UnicodeScalarView) throws(CallFault) -> Int? {
        guard rest.first == "*" else { return try Self.number(&rest) }
        rest.removeFirst()
        guard arguments.indices.contains(next), case .integer(let value) = arguments[next],
            value.magnitude <= Self.widthMax
        else {
            next += 1
            output += "%!(BADWIDTH)"
            return nil
        }
        next += 1
        return Int(value)
    }

    private static func number(_ rest: inout Substring.UnicodeScalarView) throws(CallFault) -> Int? {
        var digits = ""
        while let digit = rest.first, ("0"..."9").contains(digit) {
            digits.unicodeScalars.append(digit)
            rest.removeFirst()
        }
        guard !digits.isEmpty else { return nil }
        guard let value = Int(digits), value <= widthMax else {
            throw CallFault(reason: "width \(digits) is too large")
        }
        return value
    }
}

extension GoPrintf {
    /// One directive: `%-8.3f`.
    private struct Field {
        var flags = ""
        var width = 0
        var precision: Int?

        private var sign: String { flags.contains("+") ? "+" : flags.contains(" ") ? " " : "" }
        private var isAlternate: Bool { flags.contains("#") }

        func text(of value: TemplateValue, _ verb: Unicode.Scalar) -> String {
            guard let text = formatted(value, verb) else { return "%!\(verb)(\(value.kindName)=\(value.printed))" }
            return padded(text, isNumber: value.isNumber && verb != "c" && verb != "q" && verb != "T")
        }

        private func formatted(_ value: TemplateValue, _ verb: Unicode.Scalar) -> String? {
            switch (verb, value) {
            case ("T", _): value.kindName
            case ("v", .number(let number)), ("g", .number(let number)), ("G", .number(let number)),
                ("f", .number(let number)), ("F", .number(let number)), ("e", .number(let number)),
                ("E", .number(let number)):
                real(number, verb)
            case ("v", .integer(let number)), ("d", .integer(let number)): signed(String(number))
            case ("v", .string(let text)) where isAlternate: Self.quoted(text)
            case ("v", _): value.printed
            case ("t", .bool(let isTrue)): isTrue ? "true" : "false"
            case (_, .integer(let number)): integer(number, verb)
            case (_, .string(let text)): string(text, verb)
            case ("s", .map), ("s", .list), ("s", .record), ("s", .sample), ("s", .time): value.printed
            default: nil
            }
        }

        private func real(_ number: Double, _ verb: Unicode.Scalar) -> String {
            if precision == nil, verb == "v" || verb == "g" || verb == "G" {
                let text = GoNumber.shortest(number)
                return signed(verb == "G" ? text.uppercased() : text)
            }
            // Past 100 digits there is nothing left to show; the buffer holds the largest double with them.
            let places = Int32(min(precision ?? 6, 100))
            return signed(GoNumber.formatted("%.*" + (verb == "v" ? "g" : String(verb)), number, precision: places))
        }

        private func integer(_ number: Int64, _ verb: Unicode.Scalar) -> String? {
            func based(_ radix: Int, _ prefix: String, uppercase: Bool = false) -> String {
                let digits = String(number.magnitude, radix: radix, uppercase: uppercase)
                return (number < 0 ? "-" : sign) + prefix + digits
            }
            switch verb {
            case "b": return based(2, isAlternate ? "0b" : "")
            case "o": return based(8, isAlternate ? "0" : "")
            case "O": return based(8, "0o")
            case "x": return based(16, isAlternate ? "0x" : "")
            case "X": return based(16, isAlternate ? "0X" : "", uppercase: true)
            case "c", "q", "U":
                let scalar = Unicode.Scalar(UInt32(truncatingIfNeeded: number)) ?? "\u{FFFD}"
                if verb == "c" { return String(scalar) }
                if verb == "q" { return "'\(scalar == "'" ? "\\'" : String(scalar))'" }
                let digits = String(number, radix: 16, uppercase: true)
                return "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
            default: return nil
            }
        }

        private func string(_ text: String, _ verb: Unicode.Scalar) -> String? {
            switch verb {
            case "s": precision.map { String(text.unicodeScalars.prefix($0)) } ?? text
            case "q": Self.quoted(text)
            case "x", "X":
                text.utf8.map { byte in
                    let digits = String(byte, radix: 16, uppercase: verb == "X")
                    return digits.utf8.count == 1 ? "0" + digits : digits
                }.joined()
            default: nil
            }
        }

        private func signed(_ text: String) -> String {
            text.hasPrefix("-") || text.hasPrefix("+") ? text : sign + text
        }

        private static func quoted(_ text: String) -> String {
            var quoted = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"": quoted += "\\\""
                case "\\": quoted += "\\\\"
                case "\n": quoted += "\\n"
                case "\t": quoted += "\\t"
                case "\r": quoted += "\\r"
                case "\u{00}"..<"\u{20}", "\u{7F}":
                    let digits = String(scalar.value, radix: 16)
                    quoted += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
                default: quoted.unicodeScalars.append(scalar)
                }
            }
            return quoted + "\""
        }

        private func padded(_ text: String, isNumber: Bool) -> String {
            let missing = width - text.unicodeScalars.count
            guard missing > 0 else { return text }
            if flags.contains("-") { return text + String(repeating: " ", count: missing) }
            // Infinities and NaN get no zeros, nor do texts.
            guard flags.contains("0"), isNumber, text.last?.isHexDigit == true else {
                return String(repeating: " ", count: missing) + text
            }
            let hasSign = text.hasPrefix("-") || text.hasPrefix("+") || text.hasPrefix(" ")
            return text.prefix(hasSign ? 1 : 0) + String(repeating: "0", count: missing)
                + text.dropFirst(hasSign ? 1 : 0)
        }
    }
}

extension TemplateValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .integer, .number: true
        default: false
        }
    }
}
