public import Series
public import Units

// The script language of Prometheus's own query tests:
//
//     load 5m
//       requests{code="200"} 0+10x10      # 0 10 20 … 100
//       requests{code="500"} 1 _ stale 4x2
//       latency {{schema:0 sum:3 count:2 buckets:[1 1]}}x3
//
//     eval instant at 50m sum(requests)
//       expect no_warn
//       {} 104
//
//     eval range from 0 to 10m step 5m requests{code="200"}
//       requests{code="200"} 0 10 20
//
// Blank and comment lines end a block; one that is missing before the next command is a fault. What cannot be read becomes a fault with its line, and reading goes on behind the block.
// <https://github.com/prometheus/prometheus/blob/main/promql/promqltest/README.md>

/// A script, read but not run.
public struct QueryScript: Sendable {
    public enum Command: Sendable {
        /// - Parameter convertsClassic: `load_with_nhcb`: classic histograms are loaded as native ones, too.
        case load(gap: Duration, [Definition], convertsClassic: Bool)
        case clear
        case evaluate(Evaluation)
        /// Something that is not of the language.
        case fault(ScriptFault)
    }

    /// One line of `load` or of an expectation: a series and its values, one for each step.
    public struct Definition: Sendable {
        public var labels: Labels
        public var values: [Value]
    }

    public enum Value: Sendable {
        case number(Double)
        case missing
        /// - Parameter hasHint: whether `counter_reset_hint` was written, so that an expectation looks at it.
        case histogram(NativeHistogram, hasHint: Bool)
    }

    public struct Evaluation: Sendable {
        public enum Span: Sendable {
            case instant(Timestamp)
            case range(Timestamp, Timestamp, Duration)
        }

        public enum Text: Sendable, Hashable {
            case any
            case exactly(String)
            case pattern(String)
        }

        /// The times of the raw samples that an instant query of a range selector should give.
        public struct RawSamples: Sendable {
            public var start: Timestamp
            public var end: Timestamp
            public var step: Duration
        }

        public var line: Int
        public var span: Span
        public var query: String
        public var fails: [Text] = []
        public var warns: [Text] = []
        public var informs: [Text] = []
        public var isFreeOfWarnings = false
        public var isFreeOfInfos = false
        public var isOrdered = false
        public var string: String?
        public var scalar: Double?
        public var rawSamples: RawSamples?
        public var series: [Definition] = []
    }

    public var commands: [Command] = []
}

/// What in a script could not be read.
public struct ScriptFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// From 1.
    public var line: Int
    public var message: String

    public var description: String { "line \(line): \(message)" }
}

extension QueryScript {
    /// Never fails: what is wrong is a command of its own.
    public init(_ text: String) {
        // An end of a line as Windows has it is one character here.
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        let lines = parts.map { raw -> Substring in
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
            var missing: Command?
            if line != "clear" {
                while number < lines.count, !lines[number].isEmpty {
                    if Self.isCommand(lines[number]) {
                        // What stands there is run all the same: of a script of a hundred cases ninety would be missing without a word.
                        let message = "a blank line is missing before: \(lines[number])"
                        missing = .fault(ScriptFault(line: number + 1, message: message))
                        break
                    }
                    block.append((number + 1, lines[number]))
                    number += 1
                }
            }
            do throws(ScriptFault) {
                commands += try Self.command(line, at: first, block)
            } catch {
                commands.append(.fault(error))
            }
            if let missing { commands.append(missing) }
        }
    }

    /// Whether the line cannot be one of a block: `load` and `eval` are names of metrics as well.
    private static func isCommand(_ line: Substring) -> Bool {
        if line == "clear" { return true }
        let (word, rest) = firstWord(line)
        let next = firstWord(trimmed(rest)).0
        if ["load", "load_with_nhcb"].contains(word) {
            return scriptNumber(next) == nil && scriptDuration(trimmed(rest)) != nil
        }
        return ["eval", "eval_fail", "eval_warn", "eval_info", "eval_ordered"].contains(word)
            && (next == "instant" || next == "range")
    }

    private static func command(_ line: Substring, at number: Int, _ block: [(line: Int, text: Substring)])
        throws(ScriptFault) -> [Command]
    {
        if line == "clear" { return [.clear] }
        let (word, rest) = firstWord(line)
        switch word {
        case "load", "load_with_nhcb":
            guard let gap = scriptDuration(trimmed(rest)), gap > .zero else {
                throw ScriptFault(line: number, message: "not an interval: \(trimmed(rest))")
            }
            var definitions: [Definition] = []
            var faults: [Command] = []
            for (line, text) in block {
                do throws(ScriptFault) {
                    definitions.append(try definition(text, at: line))
                } catch {
                    faults.append(.fault(error))
                }
            }
            return [.load(gap: gap, definitions, convertsClassic: word != "load")] + faults
        case "eval", "eval_fail", "eval_warn", "eval_info", "eval_ordered":
            return [.evaluate(try evaluation(word, rest, at: number, block))]
        default:
            throw ScriptFault(line: number, message: "unknown command: \(line)")
        }
    }

    private static func evaluation(
        _ word: Substring, _ head: Substring, at number: Int, _ block: [(line: Int, text: Substring)]
    ) throws(ScriptFault) -> Evaluation {
        var words = ScriptWords(head, line: number)
        let span: Evaluation.Span
        switch words.next() {
        case "instant":
            var time = Timestamp(millisecondsSinceEpoch: 0)
            if words.peek == "at" {
                _ = words.next()
                time = try words.time()
            }
            span = .instant(time)
        case "range":
            try words.expect("from")
            let start = try words.time()
            try words.expect("to")
            let end = try words.time()
            try words.expect("step")
            span = .range(start, end, try words.duration())
        default: throw ScriptFault(line: number, message: "neither instant nor range: \(head)")
        }
        var evaluation = Evaluation(line: number, span: span, query: String(trimmed(words.rest)))
        guard !evaluation.query.isEmpty else { throw ScriptFault(line: number, message: "no query: \(head)") }
        switch word {
        case "eval_fail": evaluation.fails = [.any]
        case "eval_warn": evaluation.warns = [.any]
        case "eval_info": evaluation.informs = [.any]
        case "eval_ordered": evaluation.isOrdered = true
        default: break
        }
        for (line, text) in block { try evaluation.read(text, at: line) }
        return evaluation
    }
}

extension QueryScript.Evaluation {
    fileprivate mutating func read(_ text: Substring, at line: Int) throws(ScriptFault) {
        let (word, rest) = firstWord(text)
        switch word {
        case "expect": try readExpectation(rest, at: line)
        case "expected_fail_message": fails = [.exactly(String(trimmed(rest)))]
        case "expected_fail_regexp": fails = [.pattern(String(trimmed(rest)))]
        default:
            if !text.contains("{"), let value = scriptNumber(text) {
                scalar = value
            } else {
                series.append(try QueryScript.definition(text, at: line))
            }
        }
    }

    private mutating func readExpectation(_ text: Substring, at line: Int) throws(ScriptFault) {
        let (word, tail) = firstWord(text)
        let rest = trimmed(tail)
        var wanted = Text.any
        if rest.hasPrefix("msg:") {
            wanted = .exactly(Self.unquoted(rest.dropFirst(4)))
        } else if rest.hasPrefix("regex:") {
            wanted = .pattern(Self.unquoted(rest.dropFirst(6)))
        } else if !rest.isEmpty, !["string", "range"].contains(word) {
            throw ScriptFault(line: line, message: "neither msg: nor regex: in the expectation: \(text)")
        }
        switch word {
        case "fail": fails.append(wanted)
        case "warn": warns.append(wanted)
        case "info": informs.append(wanted)
        case "no_warn": isFreeOfWarnings = true
        case "no_info": isFreeOfInfos = true
        case "ordered": isOrdered = true
        case "string":
            guard let value = scriptString(rest) else {
                throw ScriptFault(line: line, message: "not a string: \(rest)")
            }
            string = value
        case "range":
            var words = ScriptWords(rest, line: line)
            try words.expect("vector")
            try words.expect("from")
            let start = try words.time()
            try words.expect("to")
            let end = try words.time()
            try words.expect("step")
            rawSamples = RawSamples(start: start, end: end, step: try words.duration())
        default: throw ScriptFault(line: line, message: "unknown expectation: \(text)")
        }
    }

    /// A message may stand in quotation marks.
    private static func unquoted(_ text: Substring) -> String {
        let text = trimmed(text)
        guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return String(text) }
        return scriptString(text) ?? String(text)
    }
}
