/// `fmt.Sprintf` for the values of templates: flags, width, precision and the verbs v s q d x X f F e E g G t %.
enum GoPrintf {
    /// No field of a message is wider; Go itself stops at a million.
    private static let widthMax = 1000

    static func text(_ format: String, _ arguments: [TemplateValue]) throws(CallFault) -> String {
        var output = ""
        var rest = Substring(format).unicodeScalars[...]
        var used = 0
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                output.unicodeScalars.append(scalar)
                continue
            }
            var flags = ""
            while let flag = rest.first, "-+# 0".unicodeScalars.contains(flag) {
                flags.unicodeScalars.append(flag)
                rest.removeFirst()
            }
            let width = try number(&rest) ?? 0
            var precision: Int?
            if rest.first == "." {
                rest.removeFirst()
                precision = try number(&rest) ?? 0
            }
            guard let verb = rest.popFirst() else { return output + "%!(NOVERB)" }
            if verb == "%" {
                output += "%"
                continue
            }
            guard used < arguments.count else {
                output += "%!\(verb)(MISSING)"
                continue
            }
            let piece = formatted(arguments[used], verb, flags: flags, precision: precision)
            output += padded(piece, width: width, flags: flags, isNumber: arguments[used].isNumber)
            used += 1
        }
        if used < arguments.count {
            let extra = arguments[used...].map { "\($0.kindName)=\($0.printed)" }.joined(separator: ", ")
            output += "%!(EXTRA \(extra))"
        }
        return output
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

    private static func formatted(
        _ value: TemplateValue, _ verb: Unicode.Scalar, flags: String, precision: Int?
    ) -> String {
        let sign = flags.contains("+") ? "+" : flags.contains(" ") ? " " : ""
        switch (verb, value) {
        case ("v", .number(let number)) where precision == nil: return signed(GoNumber.shortest(number), sign)
        case ("v", .number), ("g", .number), ("G", .number), ("f", .number), ("F", .number), ("e", .number),
            ("E", .number):
            guard case .number(let number) = value else { return value.printed }
            if precision == nil, verb == "g" || verb == "G" {
                let text = GoNumber.shortest(number)
                return signed(verb == "G" ? text.uppercased() : text, sign)
            }
            // Past 100 digits there is nothing left to show; the buffer holds the largest double with them.
            let places = Int32(min(precision ?? 6, 100))
            let letter = verb == "v" ? "g" : String(verb)
            return signed(GoNumber.formatted("%.*" + letter, number, precision: places), sign)
        case ("v", _): return value.printed
        case ("s", .string(let text)): return precision.map { String(text.prefix($0)) } ?? text
        case ("s", .bool), ("s", .integer), ("s", .number): return mismatch(value, verb)
        case ("s", _): return value.printed
        case ("q", .string(let text)): return quoted(text)
        case ("d", .integer(let number)): return signed(String(number), sign)
        case ("x", .integer(let number)): return signed(String(number, radix: 16), sign)
        case ("X", .integer(let number)): return signed(String(number, radix: 16, uppercase: true), sign)
        case ("t", .bool(let isTrue)): return isTrue ? "true" : "false"
        default: return mismatch(value, verb)
        }
    }

    private static func mismatch(_ value: TemplateValue, _ verb: Unicode.Scalar) -> String {
        "%!\(verb)(\(value.kindName)=\(value.printed))"
    }

    private static func signed(_ text: String, _ sign: String) -> String {
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
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func padded(_ text: String, width: Int, flags: String, isNumber: Bool) -> String {
        let missing = width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        if flags.contains("-") { return text + String(repeating: " ", count: missing) }
        guard flags.contains("0"), isNumber else { return String(repeating: " ", count: missing) + text }
        let hasSign = text.hasPrefix("-") || text.hasPrefix("+")
        return text.prefix(hasSign ? 1 : 0) + String(repeating: "0", count: missing) + text.dropFirst(hasSign ? 1 : 0)
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
