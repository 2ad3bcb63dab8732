/// Reads RE2's syntax by recursive descent: alternatives of sequences of repeated atoms.
struct PatternParser {
    private let source: String
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var flags = Flags()
    private var depth = 0
    private(set) var groupNames: [String] = []

    private struct Flags {
        var ignoresCase = false
        var dotMatchesLineFeed = true
        var multipleLines = false
        var ungreedy = false
    }

    init(_ source: String) {
        self.source = source
        scalars = Array(source.unicodeScalars)
    }

    mutating func parse() throws(PatternFault) -> PatternNode {
        let node = try alternatives()
        if peek == ")" { throw fault("unexpected )", at: place) }
        return node
    }

    private var peek: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        place += 1
        return true
    }

    private func fault(_ reason: String, at offset: Int) -> PatternFault {
        PatternFault(pattern: source, reason: reason, offset: offset)
    }

    private func text(_ from: Int, _ to: Int) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[from..<min(to, scalars.count)])
        return text
    }

    private mutating func alternatives() throws(PatternFault) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        // RE2 allows 1000; but here each level takes several frames of what may be a small stack.
        guard depth <= 200 else { throw fault("expression nests too deeply", at: place) }
        var options = [try sequence()]
        while take("|") { options.append(try sequence()) }
        return options.count == 1 ? options[0] : .alternatives(options)
    }

    private mutating func sequence() throws(PatternFault) -> PatternNode {
        var parts: [PatternNode] = []
        while let next = peek, next != "|", next != ")" {
            if let part = try repeated() { parts.append(part) }
        }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    /// An atom with its repetition; nil for a flag group such as `(?i)`, which only changes what follows.
    private mutating func repeated() throws(PatternFault) -> PatternNode? {
        guard var node = try atom() else { return nil }
        let start = place
        var repetitions = 0
        while let (minimum, maximum) = try quantifier() {
            repetitions += 1
            if repetitions > 1 {
                throw fault("invalid nested repetition operator: `\(text(start, place))`", at: place - 1)
            }
            let lazy = take("?")
            node = .repetition(node, minimum: minimum, maximum: maximum, greedy: lazy == flags.ungreedy)
        }
        return node
    }

    private mutating func quantifier() throws(PatternFault) -> (Int, Int?)? {
        switch peek {
        case "*":
            place += 1
            return (0, nil)
        case "+":
            place += 1
            return (1, nil)
        case "?":
            place += 1
            return (0, 1)
        case "{":
            return try countedRepetition()
        default:
            return nil
        }
    }

    /// `{n}`, `{n,}` and `{n,m}`; any other brace stands for itself.
    private mutating func countedRepetition() throws(PatternFault) -> (Int, Int?)? {
        let start = place
        place += 1
        guard let minimum = number() else {
            place = start
            return nil
        }
        var maximum: Int? = minimum
        if take(",") { maximum = number() }
        guard take("}") else {
            place = start
            return nil
        }
        guard minimum <= 1000, (maximum ?? 0) <= 1000, (maximum ?? minimum) >= minimum else {
            throw fault("invalid repeat count: `\(text(start, place))`", at: start)
        }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        let start = place
        while let digit = peek, ("0"..."9").contains(digit) { place += 1 }
        return place == start ? nil : place - start > 6 ? 1_000_000 : Int(text(start, place))
    }

    private mutating func atom() throws(PatternFault) -> PatternNode? {
        let start = place
        let scalar = scalars[place]
        place += 1
        switch scalar {
        case "(": return try group(from: start)
        case "[": return .set(try characterClass(from: start))
        case ".": return .set(flags.dotMatchesLineFeed ? .any : .anyButLineFeed)
        case "^": return .assertion(flags.multipleLines ? .lineStart : .textStart)
        case "$": return .assertion(flags.multipleLines ? .lineEnd : .textEnd)
        case "*", "+", "?": throw fault("missing argument to repetition operator: `\(scalar)`", at: start)
        case "\\": return try escapedAtom(from: start)
        case "{":
            place = start
            if try countedRepetition() != nil {
                throw fault("missing argument to repetition operator: `\(text(start, place))`", at: start)
            }
            place = start + 1
            return literal(scalar)
        default: return literal(scalar)
        }
    }

    private func literal(_ scalar: Unicode.Scalar) -> PatternNode {
        var set = ScalarSet.single(scalar)
        if flags.ignoresCase { set.foldCase() }
        return .set(set)
    }

    // MARK: Groups

    private mutating func group(from start: Int) throws(PatternFault) -> PatternNode? {
        let outer = flags
        var index: Int?
        if take("?") {
            if peek == "P" || peek == "<" {
                _ = take("P")
                groupNames.append(try groupName(from: start))
                index = groupNames.count
            } else if try flagGroup(from: start) {
                return nil
            }
        } else {
            groupNames.append("")
            index = groupNames.count
        }
        let inner = try alternatives()
        guard take(")") else { throw fault("missing closing )", at: start) }
        flags = outer
        guard let index else {
            // Kept apart, so that `(?:a|b)c` is not laid flat into its neighbours.
            return inner
        }
        return .group(inner, index: index)
    }

    private mutating func groupName(from start: Int) throws(PatternFault) -> String {
        guard take("<") else {
            throw fault("invalid or unsupported Perl syntax: `\(text(start, place + 1))`", at: start)
        }
        let first = place
        while let scalar = peek, scalar != ">" { _ = take(scalar) }
        let name = text(first, place)
        guard take(">") else { throw fault("invalid named capture: `\(text(start, place))`", at: start) }
        let isWord = name.unicodeScalars.allSatisfy { wordScalars.contains($0) }
        guard !name.isEmpty, isWord else { throw fault("invalid named capture: `\(text(start, place))`", at: start) }
        guard !groupNames.contains(name) else { throw fault("duplicate capture group name: `\(name)`", at: start) }
        return name
    }

    /// Reads flags after `(?`.
    /// - Returns: whether they stood alone, as in `(?i)`, and so hold until the end of the group around them.
    private mutating func flagGroup(from start: Int) throws(PatternFault) -> Bool {
        var on = true
        while let scalar = peek {
            place += 1
            switch scalar {
            case "i": flags.ignoresCase = on
            case "s": flags.dotMatchesLineFeed = on
            case "m": flags.multipleLines = on
            case "U": flags.ungreedy = on
            case "-" where on: on = false
            case ":": return false
            case ")": return true
            default: throw fault("invalid or unsupported Perl syntax: `\(text(start, place))`", at: start)
            }
        }
        throw fault("missing closing )", at: start)
    }

    // MARK: Escapes and classes

    private mutating func escapedAtom(from start: Int) throws(PatternFault) -> PatternNode {
        guard let scalar = peek else { throw fault("trailing backslash at end of expression", at: start) }
        if let set = try perlClass() { return .set(set) }
        switch scalar {
        case "A":
            place += 1
            return .assertion(.textStart)
        case "z":
            place += 1
            return .assertion(.textEnd)
        case "b":
            place += 1
            return .assertion(.wordBoundary)
        case "B":
            place += 1
            return .assertion(.noWordBoundary)
        case "Q":
            place += 1
            return quotation()
        default: return literal(try escapedScalar(from: start))
        }
    }

    /// `\Q…\E`: everything between stands for itself.
    private mutating func quotation() -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = peek {
            place += 1
            if scalar == "\\", take("E") { break }
            parts.append(literal(scalar))
        }
        return .sequence(parts)
    }

    /// `\d`, `\p{Lu}` and the like, after the backslash; nil when something else follows.
    private mutating func perlClass() throws(PatternFault) -> ScalarSet? {
        guard let scalar = peek else { return nil }
        let start = place - 1
        var set: ScalarSet
        switch scalar {
        case "d", "D": set = ScalarSet(ranges: [48...57])
        case "w", "W": set = wordScalars
        case "s", "S": set = ScalarSet(ranges: [9...10, 12...13, 32...32])
        case "p", "P":
            place += 1
            var name = ""
            var negated = scalar == "P"
            if take("{") {
                if take("^") { negated.toggle() }
                while let next = peek, next != "}" {
                    name.unicodeScalars.append(next)
                    place += 1
                }
                guard take("}") else {
                    throw fault("invalid character class range: `\(text(start, place))`", at: start)
                }
            } else if let next = peek {
                name.unicodeScalars.append(next)
                place += 1
            }
            if name == "Any" { return negated ? ScalarSet(ranges: [], negated: false) : .any }
            guard let named = UnicodeClass(name, foldsCase: flags.ignoresCase) else {
                throw fault("invalid character class range: `\(text(start, place))`", at: start)
            }
            return ScalarSet(classes: [(named, negated)])
        default: return nil
        }
        place += 1
        // First, since what a negated class leaves out is left out in each case.
        if flags.ignoresCase { set.foldCase() }
        if ("A"..."Z").contains(scalar) { set = ScalarSet(ranges: complement(set.ranges)) }
        return set
    }

    /// One scalar written as an escape; `place` is behind the backslash.
    private mutating func escapedScalar(from start: Int) throws(PatternFault) -> Unicode.Scalar {
        guard let scalar = peek else { throw fault("trailing backslash at end of expression", at: start) }
        place += 1
        switch scalar {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "f": return "\u{0C}"
        case "v": return "\u{0B}"
        case "a": return "\u{07}"
        case "0"..."7":
            var value = scalar.value - 48
            if scalar != "0", !(("0"..."7").contains(peek ?? "x")) { break }
            var digits = 1
            while digits < 3, let digit = peek, ("0"..."7").contains(digit) {
                value = value * 8 + digit.value - 48
                place += 1
                digits += 1
            }
            return Unicode.Scalar(value)!
        case "x":
            var hex = ""
            if take("{") {
                while let digit = peek, digit != "}", hex.count < 8 {
                    hex.unicodeScalars.append(digit)
                    place += 1
                }
                guard take("}") else { break }
            } else {
                hex = text(place, place + 2)
                guard hex.unicodeScalars.count == 2 else { break }
                place += 2
            }
            if let value = UInt32(hex, radix: 16), let result = Unicode.Scalar(value) { return result }
        default:
            // Any punctuation may be escaped; letters and digits are kept for later use.
            if scalar.isASCII, !wordScalars.contains(scalar) || scalar == "_" { return scalar }
        }
        throw fault("invalid escape sequence: `\(text(start, place))`", at: start)
    }

    private mutating func characterClass(from start: Int) throws(PatternFault) -> ScalarSet {
        var set = ScalarSet()
        let negated = take("^")
        var first = true
        while true {
            guard let scalar = peek else {
                throw fault("missing closing ]: `\(text(start, scalars.count))`", at: start)
            }
            if scalar == "]", !first { break }
            first = false
            if scalar == "[", place + 1 < scalars.count, scalars[place + 1] == ":" {
                if let named = try posixClass() {
                    set.ranges += named.ranges
                    continue
                }
            }
            if scalar == "\\" {
                place += 1
                if let perl = try perlClass() {
                    set.ranges += perl.ranges
                    set.classes += perl.classes
                    continue
                }
                place -= 1
            }
            try addRange(to: &set)
        }
        place += 1
        set.sortRanges()
        set.negated = negated
        return set
    }

    private mutating func addRange(to set: inout ScalarSet) throws(PatternFault) {
        let start = place
        let low = try classScalar()
        var high = low
        if peek == "-", place + 1 < scalars.count, scalars[place + 1] != "]" {
            place += 1
            high = try classScalar()
        }
        guard low <= high else { throw fault("invalid character class range: `\(text(start, place))`", at: start) }
        var range = ScalarSet(ranges: [low.value...high.value])
        if flags.ignoresCase { range.foldCase() }
        set.ranges += range.ranges
    }

    private mutating func classScalar() throws(PatternFault) -> Unicode.Scalar {
        let start = place
        guard let scalar = peek else { throw fault("missing closing ]: `\(text(start, scalars.count))`", at: start) }
        place += 1
        return scalar == "\\" ? try escapedScalar(from: start) : scalar
    }

    /// `[:alpha:]` and the like; nil when the text only looks like one.
    private mutating func posixClass() throws(PatternFault) -> ScalarSet? {
        var end = place + 2
        while end + 1 < scalars.count, scalars[end] != ":" { end += 1 }
        guard end + 1 < scalars.count, scalars[end + 1] == "]" else { return nil }
        var name = text(place + 2, end)
        let negated = name.hasPrefix("^")
        if negated { name.removeFirst() }
        guard let ranges = posixClasses[name] else {
            throw fault("invalid character class range: `\(text(place, end + 2))`", at: place)
        }
        place = end + 2
        var set = ScalarSet(ranges: ranges)
        if flags.ignoresCase { set.foldCase() }
        return negated ? ScalarSet(ranges: complement(set.ranges)) : set
    }
}

let wordScalars = ScalarSet(ranges: [48...57, 65...90, 95...95, 97...122])

/// All scalars outside `ranges`, which are sorted and apart.
private func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var rest: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
        if range.lowerBound > next { rest.append(next...(range.lowerBound - 1)) }
        next = range.upperBound + 1
    }
    rest.append(next...0x10FFFF)
    return rest
}

private let posixClasses: [String: [ClosedRange<UInt32>]] = [
    "alnum": [48...57, 65...90, 97...122], "alpha": [65...90, 97...122], "ascii": [0...127],
    "blank": [9...9, 32...32], "cntrl": [0...31, 127...127], "digit": [48...57], "graph": [33...126],
    "lower": [97...122], "print": [32...126], "punct": [33...47, 58...64, 91...96, 123...126],
    "space": [9...13, 32...32], "upper": [65...90], "word": [48...57, 65...90, 95...95, 97...122],
    "xdigit": [48...57, 65...70, 97...102],
]
