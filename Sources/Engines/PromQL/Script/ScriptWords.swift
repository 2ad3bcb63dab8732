import Series
import Units

/// Words of a line, one after the other.
struct ScriptWords {
    private(set) var rest: Substring
    let line: Int

    init(_ text: Substring, line: Int) {
        rest = text
        self.line = line
    }

    var peek: Substring { firstWord(rest).0 }

    mutating func next() -> Substring {
        let (word, tail) = firstWord(rest)
        rest = tail
        return word
    }

    mutating func expect(_ wanted: String) throws(ScriptFault) {
        let word = next()
        guard word == wanted else { throw ScriptFault(line: line, message: "\(wanted) is missing before: \(word)") }
    }

    mutating func duration() throws(ScriptFault) -> Duration {
        let word = next()
        guard let span = scriptDuration(word) else { throw ScriptFault(line: line, message: "not a time: \(word)") }
        return span
    }

    mutating func time() throws(ScriptFault) -> Timestamp {
        Timestamp(millisecondsSinceEpoch: 0) + (try duration())
    }
}

func scriptNumber(_ text: Substring) -> Double? {
    switch text.lowercased() {
    case "nan": return .nan
    case "inf", "+inf": return .infinity
    case "-inf": return -.infinity
    default: break
    }
    // `0x3` is four zeros, no number of base 16.
    guard let last = text.last, last.isNumber || last == ".", !text.contains("x") else { return nil }
    if let value = Double(text) { return value }
    // `.5` and `5.`
    let isNegative = text.hasPrefix("-")
    let digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text
    return Double("0" + digits + (digits.hasSuffix(".") ? "0" : "")).map { isNegative ? -$0 : $0 }
}

func scriptDuration(_ text: Substring) -> Duration? {
    if let span = Duration(prometheusText: text) { return span }
    if text.hasPrefix("-"), let span = Duration(prometheusText: text.dropFirst()) { return .zero - span }
    guard let seconds = Double(text), seconds.magnitude < 1e15 else { return nil }
    return .milliseconds(Int64((seconds * 1000).rounded()))
}

/// A text in any of the three kinds of quotation marks, escapes resolved.
func scriptString(_ text: Substring) -> String? {
    guard let expression = try? Expression.parse(String(text)), case .string(let literal) = expression else {
        return nil
    }
    return literal.value
}

private func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\r" }

func trimmed(_ text: Substring) -> Substring {
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text = text.dropLast() }
    return text
}

func firstWord(_ text: Substring) -> (Substring, Substring) {
    let text = text.drop(while: isBlank)
    let word = text.prefix { !isBlank($0) }
    return (word, text[word.endIndex...])
}
