import Series
import Units

// A line of series and values: `name{label="value"} 1 2+3x4 _ stale {{schema:0 sum:1 count:1 buckets:[1]}}x2`.

extension QueryScript {
    /// No series of a test is longer; a line cannot ask for more memory than this many values.
    static let valuesMax = 1_000_000

    static func definition(_ text: Substring, at line: Int) throws(ScriptFault) -> Definition {
        let end = endOfSeries(text)
        let head = String(text[..<end])
        var labels: Labels = [:]
        if head != "{}" {
            do throws(QueryFault) {
                for matcher in try Expression.parseSeries(head) { labels[matcher.name] = matcher.value }
            } catch {
                throw ScriptFault(line: line, message: "not a series: \(head): \(error.summary)")
            }
        }
        return Definition(labels: labels, values: try values(text[end...], at: line))
    }

    /// Blanks inside braces and quotation marks belong to the series.
    private static func endOfSeries(_ text: Substring) -> Substring.Index {
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
        return end
    }

    private static func values(_ text: Substring, at line: Int) throws(ScriptFault) -> [Value] {
        var values: [Value] = []
        var rest = trimmed(text)
        while !rest.isEmpty, !rest.hasPrefix("#") {
            let before = rest
            let more: [Value]?
            if rest.hasPrefix("{{") {
                more = try histograms(&rest, at: line)
            } else {
                let (word, tail) = firstWord(rest)
                rest = tail
                more = sequence(word)
            }
            guard let more, values.count + more.count <= valuesMax else {
                throw ScriptFault(line: line, message: "not a value: \(firstWord(before).0)")
            }
            values += more
            rest = trimmed(rest)
        }
        return values
    }

    /// `1`, `_`, `_x5`, `stale`, `1x3` (four times 1), `1+2x3` (1 3 5 7), `1-2x3`.
    private static func sequence(_ word: Substring) -> [Value]? {
        if word == "_" { return [.missing] }
        if word == "stale" { return [.number(staleMarker)] }
        if word.hasPrefix("_x") { return times(word.dropFirst(2)).map { Array(repeating: .missing, count: $0) } }
        if let value = scriptNumber(word) { return [.number(value)] }
        guard let cross = word.lastIndex(of: "x"), let times = times(word[word.index(after: cross)...]) else {
            return nil
        }
        let body = word[..<cross]
        if body == "stale" { return Array(repeating: .number(staleMarker), count: times + 1) }
        if let value = scriptNumber(body) { return Array(repeating: .number(value), count: times + 1) }
        // The sign between start and step is the last one that does not belong to an exponent.
        for place in body.indices.reversed() where place > body.startIndex && (body[place] == "+" || body[place] == "-")
        {
            let before = body[body.index(before: place)]
            guard before != "e", before != "E", before != "+", before != "-" else { continue }
            guard let start = scriptNumber(body[..<place]), let step = scriptNumber(body[place...]) else { continue }
            var value = start
            return (0...times).map { _ in
                defer { value += step }
                return .number(value)
            }
        }
        return nil
    }

    private static func times(_ text: Substring) -> Int? {
        Int(text).flatMap { (0..<valuesMax).contains($0) ? $0 : nil }
    }

    // MARK: Histograms

    /// `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3`, `{{…}}-{{…}}x3`.
    private static func histograms(_ rest: inout Substring, at line: Int) throws(ScriptFault) -> [Value]? {
        let (first, hasHint) = try histogram(&rest, at: line)
        var step: Histogram?
        var isFalling = false
        if rest.hasPrefix("+{{") || rest.hasPrefix("-{{") {
            isFalling = rest.hasPrefix("-")
            rest = rest.dropFirst()
            step = Histogram(try histogram(&rest, at: line).0)
        }
        guard rest.hasPrefix("x") else {
            return step == nil ? [.histogram(first, hasHint: hasHint)] : nil
        }
        let (word, tail) = firstWord(rest)
        rest = tail
        guard let count = times(word.dropFirst()) else { return nil }
        var values: [Value] = []
        var current = Histogram(first)
        for index in 0...count {
            if index > 0, let step {
                do throws(IncompatibleSchemas) {
                    _ = isFalling ? try current.subtract(step) : try current.add(step)
                } catch {
                    throw ScriptFault(line: line, message: "histograms of different schemas cannot be added")
                }
            }
            values.append(.histogram(current.native, hasHint: hasHint))
        }
        return values
    }

    private static func histogram(_ rest: inout Substring, at line: Int) throws(ScriptFault) -> (NativeHistogram, Bool)
    {
        guard let close = rest.firstRange(of: "}}") else {
            throw ScriptFault(line: line, message: "a histogram without its end: \(rest)")
        }
        var inner = rest[rest.index(rest.startIndex, offsetBy: 2)..<close.lowerBound]
        let whole = rest[..<close.upperBound]
        rest = rest[close.upperBound...]
        var fields = HistogramFields()
        while true {
            inner = trimmed(inner)
            guard !inner.isEmpty else { break }
            guard let colon = inner.firstIndex(of: ":") else {
                throw ScriptFault(line: line, message: "not a histogram: \(whole)")
            }
            let key = trimmed(inner[..<colon])
            inner = inner[inner.index(after: colon)...].drop { $0 == " " }
            let value: Substring
            if inner.hasPrefix("["), let end = inner.firstIndex(of: "]") {
                value = inner[...end]
                inner = inner[inner.index(after: end)...]
            } else {
                (value, inner) = firstWord(inner)
            }
            guard fields.set(key, value) else {
                throw ScriptFault(line: line, message: "not a histogram: \(key):\(value) in \(whole)")
            }
        }
        return (fields.histogram, fields.hasHint)
    }
}

/// What stands between `{{` and `}}`.
private struct HistogramFields {
    private(set) var histogram = NativeHistogram(schema: 0)
    private(set) var hasHint = false
    private var offset: Int32 = 0
    private var negativeOffset: Int32 = 0

    /// - Returns: whether there is such a field and it takes this value.
    mutating func set(_ key: Substring, _ value: Substring) -> Bool {
        func numbers() -> [Double]? {
            guard value.hasPrefix("["), value.hasSuffix("]") else { return nil }
            var list: [Double] = []
            for word in value.dropFirst().dropLast().split(whereSeparator: { $0 == " " || $0 == "\t" }) {
                guard let number = scriptNumber(word) else { return nil }
                list.append(number)
            }
            return list
        }
        func spans(_ offset: Int32, _ counts: [Double]) -> [NativeHistogram.Span] {
            counts.isEmpty ? [] : [NativeHistogram.Span(offset: offset, length: UInt32(counts.count))]
        }
        let number = scriptNumber(value)
        switch key {
        case "schema":
            guard let schema = Int8(value), schema == NativeHistogram.customBucketsSchema || (-4...8).contains(schema)
            else { return false }
            histogram.schema = schema
        case "sum": histogram.sum = number ?? 0
        case "count": histogram.count = number ?? 0
        case "z_bucket": histogram.zeroCount = number ?? 0
        case "z_bucket_w": histogram.zeroThreshold = number ?? 0
        case "custom_values":
            guard let list = numbers() else { return false }
            histogram.customBounds = list
            return true
        case "buckets":
            guard let list = numbers() else { return false }
            histogram.positiveBuckets = list
            histogram.positiveSpans = spans(offset, list)
            return true
        case "n_buckets":
            guard let list = numbers() else { return false }
            histogram.negativeBuckets = list
            histogram.negativeSpans = spans(negativeOffset, list)
            return true
        case "offset":
            guard let value = Int32(value) else { return false }
            offset = value
            histogram.positiveSpans = spans(value, histogram.positiveBuckets)
        case "n_offset":
            guard let value = Int32(value) else { return false }
            negativeOffset = value
            histogram.negativeSpans = spans(value, histogram.negativeBuckets)
        case "counter_reset_hint":
            hasHint = true
            switch value {
            case "unknown": histogram.resetHint = .unknown
            case "reset": histogram.resetHint = .reset
            case "not_reset": histogram.resetHint = .notReset
            case "gauge": histogram.resetHint = .gauge
            default: return false
            }
            return true
        default: return false
        }
        return number != nil
    }
}

extension Substring {
    fileprivate func firstRange(of text: String) -> Range<Index>? {
        var place = startIndex
        while place < endIndex {
            if self[place...].hasPrefix(text) { return place..<index(place, offsetBy: text.count) }
            place = index(after: place)
        }
        return nil
    }
}
