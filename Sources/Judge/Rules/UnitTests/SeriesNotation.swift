import PromQL
import Series

// The short hand in which tests write the samples of a series, one for each step:
//
//     1 2.5 -3        numbers
//     _  _x3          no sample; three of them
//     stale           the marker that ends a series
//     4x2             4 4 4
//     1+2x3           1 3 5 7
//     10-2x3          10 8 6 4
//     {{schema:0 sum:3 count:2 buckets:[1 1]}}       a native histogram, which sequences take as well
//
// <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series>

/// Reads series as unit tests of rules write them.
enum SeriesNotation {
    enum Value: Sendable, Hashable {
        case missing
        case number(Double)
        case histogram(NativeHistogram)
    }

    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    /// No series of a test is longer: a year of minutes. A slip like `0x100000000` shall not take the memory.
    static let lengthMax = 600_000

    /// `name{label="value"}`, every matcher an equality.
    static func labels(_ text: String) throws -> Labels {
        let text = trimmed(text)
        if text == "{}" { return [:] }
        var labels: Labels = [:]
        do {
            for matcher in try Expression.parseSelector(text) {
                guard matcher.op == .equal else { throw Fault(description: "'\(matcher)' is no label with a value") }
                labels[matcher.name] = matcher.value
            }
        } catch let fault as QueryFault {
            throw Fault(description: fault.summary)
        }
        return labels
    }

    static func values(_ text: String) throws -> [Value] {
        var values: [Value] = []
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard !rest.isEmpty else { return values }
            let word: Substring
            if rest.hasPrefix("{{") {
                word = histogramWord(rest)
                values += try HistogramNotation.sequence(word)
            } else {
                word = rest.prefix { !$0.isWhitespace }
                values += try sequence(word)
            }
            rest = rest[word.endIndex...]
            guard values.count <= lengthMax else { throw Fault(description: "more than \(lengthMax) samples") }
        }
    }

    /// `{{…}}x3`, `{{…}}+{{…}}x3`
    private static func histogramWord(_ text: Substring) -> Substring {
        var end = text.startIndex
        var depth = 0
        while end < text.endIndex {
            let character = text[end]
            if character == "{" { depth += 1 }
            if character == "}" { depth -= 1 }
            if depth == 0, character.isWhitespace { break }
            end = text.index(after: end)
        }
        return text[..<end]
    }

    private static func sequence(_ word: Substring) throws -> [Value] {
        if word == "_" { return [.missing] }
        if word == "stale" { return [.number(staleMarker)] }
        if let value = number(word) { return [.number(value)] }
        guard let cross = word.lastIndex(of: "x"), let count = Int(word[word.index(after: cross)...]), count >= 0 else {
            throw Fault(description: "'\(word)' is no value")
        }
        guard count <= lengthMax else { throw Fault(description: "more than \(lengthMax) samples") }
        let body = word[..<cross]
        // `_x3` is three times nothing; `1x3` is four times one: the first, and three more.
        if body == "_" { return Array(repeating: .missing, count: count) }
        if let value = number(body) { return Array(repeating: .number(value), count: count + 1) }
        // The sign between start and step is the last one that belongs to no exponent.
        for place in body.indices.reversed() where place > body.startIndex && (body[place] == "+" || body[place] == "-")
        {
            guard let start = number(body[..<place]), let step = number(body[place...]) else { continue }
            var value = start
            return (0...count).map { _ in
                defer { value += step }
                return .number(value)
            }
        }
        throw Fault(description: "'\(word)' is no value")
    }

    static func number(_ text: Substring) -> Double? {
        switch text.lowercased() {
        case "nan": .nan
        case "inf", "+inf": .infinity
        case "-inf": -.infinity
        // `0x10` is eleven times nothing here, not sixteen.
        default: text.allSatisfy { "0123456789.eE+-".contains($0) } ? Double(text) : nil
        }
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text).drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
