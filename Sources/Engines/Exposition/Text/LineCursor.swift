import Series

/// Walks over the bytes of a page, a line at a time, and knows where it stands.
struct LineCursor {
    let bytes: [UInt8]
    let limits: ExpositionLimits
    private(set) var line = 0
    private var lineStart = 0
    /// Of the current line, without its line feed.
    private(set) var lineEnd = -1
    private(set) var place = 0

    init(_ bytes: [UInt8], limits: ExpositionLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Goes to the next line.
    /// - Returns: false at the end. A last line without line feed is a line; what follows the last line feed, if empty, is none.
    mutating func nextLine() -> Bool {
        guard lineEnd + 1 < bytes.count else { return false }
        lineStart = lineEnd + 1
        place = lineStart
        lineEnd = lineStart
        bytes.withUnsafeBufferPointer { bytes in
            while lineEnd < bytes.count, bytes[lineEnd] != UInt8(ascii: "\n") { lineEnd += 1 }
        }
        line += 1
        return true
    }

    var isAtLineEnd: Bool { place >= lineEnd }
    var rest: ArraySlice<UInt8> { bytes[place..<lineEnd] }
    var wholeLine: ArraySlice<UInt8> { bytes[lineStart..<lineEnd] }

    /// 0 at the end of the line; no byte of a valid page is 0 outside of texts.
    var next: UInt8 { place < lineEnd ? bytes[place] : 0 }

    /// Goes to a place of the current line.
    mutating func jump(to place: Int) { self.place = min(lineEnd, place) }

    mutating func advance(_ count: Int = 1) { place = min(lineEnd, place + count) }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    mutating func skipBlanks() {
        while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { place += 1 }
    }

    /// Up to the next space or tab, or to the end of the line.
    mutating func word() -> ArraySlice<UInt8> {
        let start = place
        while place < lineEnd, bytes[place] != UInt8(ascii: " "), bytes[place] != UInt8(ascii: "\t") { place += 1 }
        return bytes[start..<place]
    }

    /// The name of a metric (`colons`) or of a label.
    mutating func name(colons: Bool) throws(ExpositionError) -> String {
        let start = place
        while isNameByte(next, first: place == start, colons: colons) { place += 1 }
        guard place > start else {
            throw fail(colons ? "a metric's name must stand here" : "a label's name must stand here")
        }
        return try text(start..<place)
    }

    /// A text in quotation marks; the cursor stands on the first of them.
    mutating func quoted() throws(ExpositionError) -> String {
        guard take("\"") else { throw fail("a text in quotation marks must stand here") }
        let start = place
        while place < lineEnd, bytes[place] != UInt8(ascii: "\""), bytes[place] != UInt8(ascii: "\\") { place += 1 }
        if next == UInt8(ascii: "\"") {
            place += 1
            return try text(start..<place - 1)
        }
        var unescaped = Array(bytes[start..<place])
        while !isAtLineEnd {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard unescaped.count <= limits.textByteCountMax else { throw fail(.tooMuch, tooLong, at: start) }
                guard let text = String(validating: unescaped, as: UTF8.self) else {
                    throw fail("the text is not UTF-8", at: start)
                }
                return text
            case UInt8(ascii: "\\"): unescaped += takeEscape()
            default: unescaped.append(byte)
            }
        }
        throw fail("the text that begins here has no closing quotation mark", at: start - 1)
    }

    /// What stands after a backslash. Unknown escapes stay as they are written.
    private mutating func takeEscape() -> [UInt8] {
        let byte = next
        guard !isAtLineEnd else { return [UInt8(ascii: "\\")] }
        place += 1
        switch byte {
        case UInt8(ascii: "n"): return [UInt8(ascii: "\n")]
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): return [byte]
        default: return [UInt8(ascii: "\\"), byte]
        }
    }

    /// The bytes of a range as text.
    func text(_ range: Range<Int>) throws(ExpositionError) -> String {
        guard range.count <= limits.textByteCountMax else { throw fail(.tooMuch, tooLong, at: range.lowerBound) }
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw fail("the text is not UTF-8", at: range.lowerBound)
        }
        return text
    }

    private var tooLong: String { "the text has more than \(limits.textByteCountMax) bytes" }

    func fail(_ message: String) -> ExpositionError { fail(.syntax, message, at: place) }
    func fail(_ message: String, at place: Int) -> ExpositionError { fail(.syntax, message, at: place) }

    /// An error of the whole line.
    func wrong(_ message: String) -> ExpositionError { fail(.meaning, message, at: lineStart) }

    func fail(_ code: ExpositionError.Code, _ message: String, at place: Int) -> ExpositionError {
        // Columns count characters: every byte that does not continue one.
        let characters = bytes[min(lineStart, place)..<place].count { $0 & 0xC0 != 0x80 }
        return ExpositionError(code, line: max(1, line), column: characters + 1, message)
    }
}

@inline(__always)
func isNameByte(_ byte: UInt8, first: Bool, colons: Bool) -> Bool {
    let isLetter = byte | 0x20 &- 97 < 26 && byte >= 65
    return isLetter || byte == UInt8(ascii: "_") || (!first && byte &- 48 < 10) || (colons && byte == UInt8(ascii: ":"))
}

extension LineCursor {
    /// A metric with its labels: `name{a="b"}`, or `{"any name", a="b"}`.
    /// - Parameter strict: as OpenMetrics has it: no blanks and no comma after the last label.
    mutating func metric(strict: Bool) throws(ExpositionError) -> (name: String, labels: Labels) {
        let start = place
        var name = ""
        if next != UInt8(ascii: "{") { name = try self.name(colons: true) }
        if !strict { skipBlanks() }
        guard take("{") else { return (name, Labels([(Labels.metricName, name)])) }
        let pairs = try labels(strict: strict, name: &name)
        guard !name.isEmpty else { throw fail("the metric has no name", at: start) }
        return (name, Labels(pairs + [(Labels.metricName, name)]))
    }

    /// Labels up to the closing brace; the cursor stands behind the opening one.
    /// - Parameter name: where a text stands without a value, the metric's name.
    mutating func labels(strict: Bool, name: inout String) throws(ExpositionError) -> [(String, String)] {
        var pairs: [(String, String)] = []
        while true {
            if !strict { skipBlanks() }
            if take("}") { return pairs }
            let start = place
            let isQuoted = next == UInt8(ascii: "\"")
            let label = isQuoted ? try quoted() : try self.name(colons: false)
            guard !label.isEmpty else { throw fail("a name may not be empty", at: start) }
            if !strict { skipBlanks() }
            if isQuoted, name.isEmpty, next == UInt8(ascii: ",") || next == UInt8(ascii: "}") {
                name = label
            } else {
                guard take("=") else { throw fail("'=' must follow the label's name") }
                if !strict { skipBlanks() }
                let value = try quoted()
                guard label != Labels.metricName else {
                    throw fail("the metric's name stands before the braces, or in quotation marks alone", at: start)
                }
                guard !pairs.contains(where: { $0.0.hasSameBytes(as: label) }) else {
                    throw fail("the label '\(label)' stands twice", at: start)
                }
                guard pairs.count < limits.labelCountMax else {
                    throw fail(.tooMuch, "the sample has more than \(limits.labelCountMax) labels", at: start)
                }
                pairs.append((label, value))
            }
            if !strict { skipBlanks() }
            if take(",") {
                if strict, next == UInt8(ascii: "}") { throw fail("a label must follow the comma") }
            } else if next != UInt8(ascii: "}") {
                throw fail("',' or '}' must follow the label")
            }
        }
    }

    /// A help text with its escapes resolved.
    func help(_ bytes: ArraySlice<UInt8>, quotes: Bool) throws(ExpositionError) -> String {
        guard let raw = String(validating: bytes, as: UTF8.self) else { throw fail("the help text is not UTF-8") }
        guard raw.utf8.contains(UInt8(ascii: "\\")) else { return raw }
        var text = ""
        var scalars = raw.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "\\" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            switch scalars.next() {
            case "n": text += "\n"
            case "\\": text += "\\"
            case "\"" where quotes: text += "\""
            case let other?:
                text += "\\"
                text.unicodeScalars.append(other)
            case nil: text += "\\"
            }
        }
        return text
    }
}
