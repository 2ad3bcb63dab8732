import PromQL
import Series
import Units

// The script language of Prometheus's own query tests:
//
//     load 5m
//       requests{code="200"} 0+10x10      # 0 10 20 … 100
//       requests{code="500"} 1 _ stale 4x2
//
//     eval instant at 50m sum(requests)
//       expect no_warn
//       {} 104
//
//     eval range from 0 to 10m step 5m requests{code="200"}
//       requests{code="200"} 0 10 20
//
// Blank and comment lines end a block.
// <https://github.com/prometheus/prometheus/blob/main/promql/promqltest/README.md>

/// A script, read but not run.
struct QueryScript: Sendable {
    enum Command: Sendable {
        case load(gap: Duration, [Definition])
        case clear
        case evaluate(Evaluation)
    }

    /// One line of `load` or of an expectation: a series and its values, one for each step.
    struct Definition: Sendable {
        var labels: Labels
        var values: [Value]
    }

    enum Value: Sendable {
        case number(Double)
        case missing
        /// A native histogram, which is not read.
        case histogram
    }

    struct Evaluation: Sendable {
        enum Span: Sendable {
            case instant(Timestamp)
            case range(Timestamp, Timestamp, Duration)
        }

        enum Text: Sendable {
            case any
            case exactly(String)
            case pattern(String)
        }

        var line: Int
        var span: Span
        var query: String
        var fails: Text?
        var warns: Text?
        var informs: Text?
        var isFreeOfWarnings = false
        var isFreeOfInfos = false
        var isOrdered = false
        var string: String?
        var scalar: Value?
        var series: [Definition] = []
    }

    var commands: [Command] = []
}

struct ScriptFault: Error, CustomStringConvertible {
    var line: Int
    var message: String
    var description: String { "line \(line): \(message)" }
}

extension QueryScript {
    init(_ text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { raw -> Substring in
            let line = trimmed(raw)
            return line.hasPrefix("#") ? "" : line
        }
        var number = 0
        while number < lines.count {
            let line = lines[number]
            number += 1
            guard !line.isEmpty else { continue }
            let first = number
            var block: [(line: Int, text: Substring)] = []
            if line != "clear" {
                while number < lines.count, !lines[number].isEmpty {
                    block.append((number + 1, lines[number]))
                    number += 1
                }
            }
            commands.append(try Self.command(line, at: first, block))
        }
    }

    private static func command(_ line: Substring, at number: Int, _ block: [(line: Int, text: Substring)]) throws
        -> Command
    {
        if line == "clear" { return .clear }
        let (word, rest) = firstWord(line)
        switch word {
        case "load", "load_with_nhcb":
            guard let gap = duration(trimmed(rest)) else { throw ScriptFault(line: number, message: "no gap: \(line)") }
            return .load(gap: gap, try block.map { try definition($0.text, at: $0.line) })
        case "eval", "eval_fail", "eval_warn", "eval_info", "eval_ordered":
            return .evaluate(try evaluation(word, rest, at: number, block))
        default:
            throw ScriptFault(line: number, message: "unknown command: \(line)")
        }
    }

    private static func evaluation(
        _ word: Substring, _ head: Substring, at number: Int, _ block: [(line: Int, text: Substring)]
    ) throws -> Evaluation {
        func time(_ text: Substring) throws -> Duration {
            guard let span = duration(text) else { throw ScriptFault(line: number, message: "not a time: \(text)") }
            return span
        }
        let zero = Timestamp(millisecondsSinceEpoch: 0)
        var (kind, rest) = firstWord(head)
        func next() -> Substring {
            let (word, tail) = firstWord(rest)
            rest = tail
            return word
        }
        let span: Evaluation.Span
        if kind == "instant", next() == "at" {
            span = .instant(zero + (try time(next())))
        } else if kind == "range", next() == "from" {
            let start = zero + (try time(next()))
            guard next() == "to" else { throw ScriptFault(line: number, message: "no end: \(head)") }
            let end = zero + (try time(next()))
            guard next() == "step" else { throw ScriptFault(line: number, message: "no step: \(head)") }
            span = .range(start, end, try time(next()))
        } else {
            throw ScriptFault(line: number, message: "neither instant nor range: \(head)")
        }
        var evaluation = Evaluation(line: number, span: span, query: String(trimmed(rest)))
        switch word {
        case "eval_fail": evaluation.fails = .any
        case "eval_warn": evaluation.warns = .any
        case "eval_info": evaluation.informs = .any
        case "eval_ordered": evaluation.isOrdered = true
        default: break
        }
        for (line, text) in block { try evaluation.read(text, at: line) }
        return evaluation
    }
}

extension QueryScript.Evaluation {
    fileprivate mutating func read(_ text: Substring, at line: Int) throws {
        let (word, rest) = firstWord(text)
        switch word {
        case "expect": try readExpectation(rest, at: line)
        case "expected_fail_message": fails = .exactly(String(trimmed(rest)))
        case "expected_fail_regexp": fails = .pattern(String(trimmed(rest)))
        default:
            if !text.contains("{"), let value = number(text) {
                scalar = .number(value)
            } else {
                series.append(try QueryScript.definition(text, at: line))
            }
        }
    }

    private mutating func readExpectation(_ text: Substring, at line: Int) throws {
        let (word, tail) = firstWord(text)
        let rest = trimmed(tail)
        var wanted = Text.any
        if rest.hasPrefix("msg:") { wanted = .exactly(String(trimmed(rest.dropFirst(4)))) }
        if rest.hasPrefix("regex:") { wanted = .pattern(String(trimmed(rest.dropFirst(6)))) }
        switch word {
        case "fail": fails = wanted
        case "warn": warns = wanted
        case "info": informs = wanted
        case "no_warn": isFreeOfWarnings = true
        case "no_info": isFreeOfInfos = true
        case "ordered": isOrdered = true
        case "string": string = String(rest.dropFirst().dropLast())
        default: throw ScriptFault(line: line, message: "unknown expectation: \(text)")
        }
    }
}

extension QueryScript {
    /// `name{label="value"} 1 2+3x4 _ stale`
    static func definition(_ text: Substring, at line: Int) throws -> Definition {
        var inQuotes: Character?
        var depth = 0
        var end = text.startIndex
        var isEscaped = false
        while end < text.endIndex {
            let character = text[end]
            if let quote = inQuotes {
                if !isEscaped && character == quote { inQuotes = nil }
                isEscaped = !isEscaped && character == "\\"
            } else if character == "\"" || character == "'" || character == "`" {
                inQuotes = character
            } else if character == "{" {
                depth += 1
            } else if character == "}" {
                depth -= 1
            } else if depth == 0, character == " " || character == "\t" {
                break
            }
            end = text.index(after: end)
        }
        let head = String(text[..<end])
        var labels: Labels = [:]
        if head != "{}" {
            do {
                for matcher in try Expression.parseSelector(head) { labels[matcher.name] = matcher.value }
            } catch {
                throw ScriptFault(line: line, message: "not a series: \(head): \(error)")
            }
        }
        return Definition(labels: labels, values: try values(text[end...], at: line))
    }

    private static func values(_ text: Substring, at line: Int) throws -> [Value] {
        var values: [Value] = []
        var rest = trimmed(text)
        while !rest.isEmpty {
            if rest.hasPrefix("{{") {
                var close = rest.firstRange(ofPair: "}}") ?? rest.endIndex
                while rest[close...].hasPrefix("+{{") || rest[close...].hasPrefix("-{{") {
                    close = rest[close...].firstRange(ofPair: "}}") ?? rest.endIndex
                }
                let suffix = rest[close...].prefix { !isBlank($0) }
                let tail = rest[suffix.endIndex...]
                let times = suffix.split(separator: "x").last.flatMap { Int($0) } ?? 0
                values += [Value](repeating: .histogram, count: suffix.contains("x") ? times + 1 : 1)
                rest = trimmed(tail)
                continue
            }
            let (word, tail) = firstWord(rest)
            guard let more = sequence(word) else { throw ScriptFault(line: line, message: "not a value: \(word)") }
            values += more
            rest = trimmed(tail)
        }
        return values
    }

    /// `1`, `_`, `_x5`, `stale`, `1x3` (four times 1), `1+2x3` (1 3 5 7), `1-2x3`.
    private static func sequence(_ word: Substring) -> [Value]? {
        if word == "_" { return [.missing] }
        if word == "stale" { return [.number(staleMarker)] }
        if word.hasPrefix("_x") { return Int(word.dropFirst(2)).map { [Value](repeating: .missing, count: $0) } }
        if let value = number(word) { return [.number(value)] }
        guard let cross = word.lastIndex(of: "x"), let times = Int(word[word.index(after: cross)...]) else {
            return nil
        }
        let body = word[..<cross]
        if let value = number(body) { return [Value](repeating: .number(value), count: times + 1) }
        // The sign between start and step is the last one that does not belong to an exponent.
        for place in body.indices.reversed() where place > body.startIndex && (body[place] == "+" || body[place] == "-")
        {
            let before = body[body.index(before: place)]
            guard before != "e", before != "E", before != "+", before != "-" else { continue }
            guard let start = number(body[..<place]), let step = number(body[place...]) else { continue }
            var value = start
            return (0...times).map { _ in
                defer { value += step }
                return .number(value)
            }
        }
        return nil
    }
}

private func number(_ text: Substring) -> Double? {
    switch text.lowercased() {
    case "nan": .nan
    case "inf", "+inf": .infinity
    case "-inf": -.infinity
    default: Double(text)
    }
}

private func duration(_ text: Substring) -> Duration? {
    if let span = Duration(prometheusText: text) { return span }
    if text.hasPrefix("-"), let span = Duration(prometheusText: text.dropFirst()) { return .zero - span }
    return Double(text).map { .milliseconds(Int64(($0 * 1000).rounded())) }
}

private func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" || character == "\r" }

private func trimmed(_ text: Substring) -> Substring {
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text = text.dropLast() }
    return text
}

private func firstWord(_ text: Substring) -> (Substring, Substring) {
    let text = text.drop(while: isBlank)
    let word = text.prefix { !isBlank($0) }
    return (word, text[word.endIndex...])
}

extension Substring {
    /// The place behind the first `pair`.
    fileprivate func firstRange(ofPair pair: String) -> Index? {
        var place = startIndex
        while place < endIndex {
            if self[place...].hasPrefix(pair) { return index(place, offsetBy: pair.count) }
            place = index(after: place)
        }
        return nil
    }
}
