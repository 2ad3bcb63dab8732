import Series

// `{{schema:1 sum:-0.3 count:3.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10 7] offset:-3 n_buckets:[4.1 5] n_offset:-5}}`
// <https://github.com/prometheus/prometheus/blob/main/promql/promqltest/README.md#native-histograms>

/// Reads native histograms of test series.
enum HistogramNotation {
    /// `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3`, `{{…}}-{{…}}x3`
    static func sequence(_ word: Substring) throws -> [SeriesNotation.Value] {
        guard let (first, afterFirst) = braced(word) else { throw fault(word) }
        var start = try histogram(first)
        var rest = afterFirst
        var step: NativeHistogram?
        if let sign = rest.first, sign == "+" || sign == "-" {
            guard let (text, after) = braced(rest.dropFirst()) else { throw fault(word) }
            step = try histogram(text)
            if sign == "-" { step = step.map { scaled($0, by: -1) } }
            rest = after
        }
        if rest.isEmpty, step == nil { return [.histogram(start)] }
        guard rest.first == "x", let count = Int(rest.dropFirst()), count >= 0, count <= SeriesNotation.lengthMax else {
            throw fault(word)
        }
        guard let step else { return Array(repeating: .histogram(start), count: count + 1) }
        guard sameShape(start, step) else {
            throw SeriesNotation.Fault(description: "the histograms of '\(word)' have different buckets")
        }
        return (0...count).map { _ in
            defer { start = sum(start, step) }
            return .histogram(start)
        }
    }

    private static func fault(_ word: Substring) -> SeriesNotation.Fault {
        SeriesNotation.Fault(description: "'\(word)' is no histogram")
    }

    /// What stands in the first pair of braces, and what follows.
    private static func braced(_ text: Substring) -> (Substring, rest: Substring)? {
        guard text.hasPrefix("{{"), let end = text.firstRange(of: "}}") else { return nil }
        return (text[text.index(text.startIndex, offsetBy: 2)..<end.lowerBound], text[end.upperBound...])
    }

    private static func histogram(_ text: Substring) throws -> NativeHistogram {
        var histogram = NativeHistogram(schema: 0)
        var offsets: [String: Int32] = [:]
        var rest = text
        func fail(_ what: Substring) -> SeriesNotation.Fault {
            SeriesNotation.Fault(description: "'\(what)' makes no sense in the histogram '{{\(text)}}'")
        }
        while true {
            rest = rest.drop { $0.isWhitespace }
            guard !rest.isEmpty else { break }
            guard let colon = rest.firstIndex(of: ":") else { throw fail(rest) }
            let key = String(rest[..<colon])
            rest = rest[rest.index(after: colon)...]
            let value: Substring
            if rest.first == "[" {
                guard let end = rest.firstIndex(of: "]") else { throw fail(rest) }
                value = rest[rest.index(after: rest.startIndex)..<end]
                rest = rest[rest.index(after: end)...]
            } else {
                value = rest.prefix { !$0.isWhitespace }
                rest = rest[value.endIndex...]
            }
            let numbers = value.split(whereSeparator: \.isWhitespace).map { SeriesNotation.number($0) }
            func number() throws -> Double {
                guard numbers.count == 1, let number = numbers[0] else { throw fail(value) }
                return number
            }
            func list() throws -> [Double] {
                try numbers.map { number in
                    guard let number else { throw fail(value) }
                    return number
                }
            }
            switch key {
            case "schema":
                guard let schema = Int8(value) else { throw fail(value) }
                histogram.schema = schema
            case "sum": histogram.sum = try number()
            case "count": histogram.count = try number()
            case "z_bucket": histogram.zeroCount = try number()
            case "z_bucket_w": histogram.zeroThreshold = try number()
            case "buckets": histogram.positiveBuckets = try list()
            case "n_buckets": histogram.negativeBuckets = try list()
            case "custom_values": histogram.customBounds = try list()
            case "offset", "n_offset":
                guard let offset = Int32(value) else { throw fail(value) }
                offsets[key] = offset
            case "counter_reset_hint":
                switch value {
                case "unknown": histogram.resetHint = .unknown
                case "reset": histogram.resetHint = .reset
                case "not_reset": histogram.resetHint = .notReset
                case "gauge": histogram.resetHint = .gauge
                default: throw fail(value)
                }
            default: throw fail(Substring(key))
            }
        }
        func spans(_ buckets: [Double], _ key: String) -> [NativeHistogram.Span] {
            buckets.isEmpty ? [] : [.init(offset: offsets[key] ?? 0, length: UInt32(buckets.count))]
        }
        histogram.positiveSpans = spans(histogram.positiveBuckets, "offset")
        histogram.negativeSpans = spans(histogram.negativeBuckets, "n_offset")
        return histogram
    }

    private static func sameShape(_ left: NativeHistogram, _ right: NativeHistogram) -> Bool {
        func fits(_ left: [NativeHistogram.Span], _ right: [NativeHistogram.Span]) -> Bool {
            left == right || left.isEmpty || right.isEmpty
        }
        return left.schema == right.schema && left.customBounds == right.customBounds
            && fits(left.positiveSpans, right.positiveSpans) && fits(left.negativeSpans, right.negativeSpans)
    }

    private static func scaled(_ histogram: NativeHistogram, by factor: Double) -> NativeHistogram {
        var scaled = histogram
        scaled.sum *= factor
        scaled.count *= factor
        scaled.zeroCount *= factor
        scaled.positiveBuckets = histogram.positiveBuckets.map { $0 * factor }
        scaled.negativeBuckets = histogram.negativeBuckets.map { $0 * factor }
        return scaled
    }

    private static func sum(_ left: NativeHistogram, _ right: NativeHistogram) -> NativeHistogram {
        func added(_ left: [Double], _ right: [Double]) -> [Double] {
            left.isEmpty ? right : right.isEmpty ? left : zip(left, right).map { $0 + $1 }
        }
        var sum = left
        sum.sum += right.sum
        sum.count += right.count
        sum.zeroCount += right.zeroCount
        sum.positiveBuckets = added(left.positiveBuckets, right.positiveBuckets)
        sum.negativeBuckets = added(left.negativeBuckets, right.negativeBuckets)
        if sum.positiveSpans.isEmpty { sum.positiveSpans = right.positiveSpans }
        if sum.negativeSpans.isEmpty { sum.negativeSpans = right.negativeSpans }
        return sum
    }
}
