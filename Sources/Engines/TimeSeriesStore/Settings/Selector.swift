public import Series

/// Why a text is no selector.
public struct SelectorFault: Error, Sendable, Hashable, CustomStringConvertible {
    public let text: String
    public let reason: String

    public var description: String { "is no selector: \(reason)" }
}

/// Reads a selector as the query language writes them: `name`, `{job="shop", code=~"5.."}`, `name{job!="shop"}`.
public func selector(_ text: String) throws(SelectorFault) -> [LabelMatcher] {
    var reader = SelectorReader(text)
    return try reader.read()
}

private struct SelectorReader {
    private let text: String
    private let characters: [Unicode.Scalar]
    private var place = 0

    init(_ text: String) {
        self.text = text
        characters = Array(text.unicodeScalars)
    }

    private func fault(_ reason: String) -> SelectorFault { SelectorFault(text: text, reason: reason) }

    mutating func read() throws(SelectorFault) -> [LabelMatcher] {
        var matchers: [LabelMatcher] = []
        skipBlanks()
        if let name = word() { matchers.append(LabelMatcher(Labels.metricName, equals: name)) }
        skipBlanks()
        if take("{") {
            skipBlanks()
            while !take("}") {
                matchers.append(try matcher())
                skipBlanks()
                if take(",") {
                    skipBlanks()
                } else if peek != "}" {
                    throw fault("a comma or a closing brace is missing at character \(place + 1)")
                }
            }
        }
        skipBlanks()
        guard place == characters.count else { throw fault("nothing may follow at character \(place + 1)") }
        guard matchers.contains(where: { !$0.matches("") }) else {
            throw fault("at least one matcher must demand a value")
        }
        return matchers
    }

    private mutating func matcher() throws(SelectorFault) -> LabelMatcher {
        let isQuoted = peek == "\"" || peek == "'"
        guard let name = isQuoted ? try quoted() : word() else {
            throw fault("a label's name is missing at character \(place + 1)")
        }
        skipBlanks()
        // A quoted text alone is the metric's name.
        if isQuoted, peek == "," || peek == "}" { return LabelMatcher(Labels.metricName, equals: name) }
        guard let op = self.op() else { throw fault("one of =, !=, =~, !~ is missing at character \(place + 1)") }
        skipBlanks()
        let value = try quoted()
        do throws(PatternFault) {
            return try LabelMatcher(name, op, value)
        } catch {
            throw fault(error.description)
        }
    }

    private mutating func op() -> LabelMatcher.Operator? {
        if take("=") { return take("~") ? .matches : .equal }
        guard take("!") else { return nil }
        if take("=") { return .notEqual }
        return take("~") ? .doesNotMatch : nil
    }

    private mutating func quoted() throws(SelectorFault) -> String {
        guard let mark = peek, mark == "\"" || mark == "'" || mark == "`" else {
            throw fault("a quoted value is missing at character \(place + 1)")
        }
        place += 1
        var value = String.UnicodeScalarView()
        while let next = peek, next != mark {
            place += 1
            guard next == "\\", mark != "`" else {
                value.append(next)
                continue
            }
            guard let escaped = peek else { break }
            place += 1
            switch escaped {
            case "n": value.append("\n")
            case "t": value.append("\t")
            default: value.append(escaped)
            }
        }
        guard take(mark) else { throw fault("a quotation mark is missing at the end") }
        return String(value)
    }

    private mutating func word() -> String? {
        let start = place
        while let next = peek, isWordCharacter(next, isFirst: place == start) { place += 1 }
        return place > start ? String(String.UnicodeScalarView(characters[start..<place])) : nil
    }

    private func isWordCharacter(_ next: Unicode.Scalar, isFirst: Bool) -> Bool {
        switch next {
        case "a"..."z", "A"..."Z", "_", ":": true
        case "0"..."9": !isFirst
        default: false
        }
    }

    private var peek: Unicode.Scalar? { place < characters.count ? characters[place] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == character else { return false }
        place += 1
        return true
    }

    private mutating func skipBlanks() {
        while let next = peek, next == " " || next == "\t" || next == "\n" { place += 1 }
    }
}
