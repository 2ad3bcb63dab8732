import JSONCoding
public import Series
import Units

// The answers to queries as the JSON of the Prometheus HTTP API
// (<https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats>), written straight into bytes: an answer may
// hold a million points, and a tree of values in between would cost more than the query.

/// JSON that is being written.
public struct AnswerJSON {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Takes the last byte back, to go on inside of an object.
    public mutating func removeLast() { bytes.removeLast() }

    public mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

    public mutating func quoted(_ text: String) {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C && $0 < 0x7F }
        if isPlain {
            bytes.append(0x22)
            bytes.append(contentsOf: text.utf8)
            bytes.append(0x22)
        } else {
            bytes.append(contentsOf: JSONValue.quoted(text).utf8)
        }
    }

    /// `[a,b]`: `write` puts down one element.
    public mutating func list<Elements: Sequence>(
        _ elements: Elements, _ write: (inout AnswerJSON, Elements.Element) -> Void
    ) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            write(&self, element)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    public mutating func labels(_ labels: Labels) {
        raw("{")
        for (index, pair) in labels.pairs.enumerated() {
            if index > 0 { raw(",") }
            quoted(pair.name)
            raw(":")
            quoted(pair.value)
        }
        raw("}")
    }

    public mutating func whole(_ number: Int64) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        digits(number.magnitude)
    }

    private mutating func digits(_ number: UInt64) {
        if number < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(number))
            return
        }
        var rest = number
        let start = bytes.count
        while rest > 0 {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") + UInt8(remainder))
            rest = quotient
        }
        bytes[start...].reverse()
    }

    /// Milliseconds as seconds, with three decimals where there is a fraction: `1435781451.781`.
    public mutating func seconds(_ milliseconds: Int64) {
        if milliseconds < 0 { bytes.append(UInt8(ascii: "-")) }
        let (whole, fraction) = milliseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
        digits(whole)
        guard fraction != 0 else { return }
        bytes.append(UInt8(ascii: "."))
        for divisor: UInt64 in [100, 10, 1] { bytes.append(UInt8(ascii: "0") + UInt8(fraction / divisor % 10)) }
    }

    /// A value between quotation marks: the fewest digits that give it back, an exponent below 1e-6 and from 1e21 on.
    public mutating func value(_ value: Double) {
        bytes.append(UInt8(ascii: "\""))
        number(value)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func number(_ value: Double) {
        guard value.isFinite else { return text(value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf") }
        if value.magnitude < 1e15, let whole = Int64(exactly: value), whole != 0 || value.sign == .plus {
            return self.whole(whole)
        }
        let magnitude = value.magnitude
        // Between these Swift and the reference write the same.
        if magnitude >= 1e-4, magnitude < 1e15 { return text(value.description) }
        if value.sign == .minus { bytes.append(UInt8(ascii: "-")) }
        if magnitude == 0 { return text("0") }
        let (digits, exponent) = decimal(magnitude)
        if magnitude < 1e-6 || magnitude >= 1e21 {
            bytes.append(digits[0])
            if digits.count > 1 {
                bytes.append(UInt8(ascii: "."))
                bytes.append(contentsOf: digits[1...])
            }
            text(exponent < 0 ? "e-" : "e+")
            if exponent.magnitude < 10 { bytes.append(UInt8(ascii: "0")) }
            self.digits(UInt64(exponent.magnitude))
        } else if exponent < 0 {
            text("0.")
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -exponent - 1))
            bytes.append(contentsOf: digits)
        } else {
            bytes.append(contentsOf: digits.prefix(exponent + 1))
            if digits.count > exponent + 1 {
                bytes.append(UInt8(ascii: "."))
                bytes.append(contentsOf: digits[(exponent + 1)...])
            } else {
                bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: exponent + 1 - digits.count))
            }
        }
    }

    /// The significant digits and the power of ten of the first, of a positive finite number.
    private func decimal(_ value: Double) -> (digits: [UInt8], exponent: Int) {
        let parts = value.description.split(separator: "e")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let halves = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var digits = Array(halves[0].utf8) + (halves.count > 1 ? Array(halves[1].utf8) : [])
        exponent += halves[0].utf8.count - 1
        while digits.count > 1, digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (digits, exponent)
    }

    public mutating func point(_ milliseconds: Int64, _ value: Double) {
        raw("[")
        seconds(milliseconds)
        raw(",")
        self.value(value)
        raw("]")
    }

    /// `[seconds, {"count": …, "sum": …, "buckets": [[boundaries, lower, upper, count], …]}]`; empty buckets are left out.
    public mutating func point(_ milliseconds: Int64, _ histogram: NativeHistogram) {
        raw("[")
        seconds(milliseconds)
        raw(",{\"count\":")
        value(histogram.count)
        raw(",\"sum\":")
        value(histogram.sum)
        let buckets = histogram.buckets.filter { $0.count != 0 }
        if !buckets.isEmpty {
            raw(",\"buckets\":")
            list(buckets) { json, bucket in
                json.raw("[")
                json.whole(Int64(bucket.boundaryCode))
                for number in [bucket.lower, bucket.upper, bucket.count] {
                    json.raw(",")
                    json.value(number)
                }
                json.raw("]")
            }
        }
        raw("}]")
    }
}

extension QueryResult.Value {
    /// Appends `{"resultType":…,"result":…}`.
    public func write(to json: inout AnswerJSON, limit: Int?) {
        switch self {
        case .scalar(let value, let time):
            json.raw("{\"resultType\":\"scalar\",\"result\":")
            // The reference writes a lone number without an exponent, however long it gets.
            json.raw("[")
            json.seconds(time.millisecondsSinceEpoch)
            json.raw(",\"")
            json.text(goNumber(value))
            json.raw("\"]")
        case .string(let text, let time):
            json.raw("{\"resultType\":\"string\",\"result\":[")
            json.seconds(time.millisecondsSinceEpoch)
            json.raw(",")
            json.quoted(text)
            json.raw("]")
        case .vector(let samples):
            json.raw("{\"resultType\":\"vector\",\"result\":")
            json.list(samples.prefix(limit ?? .max)) { json, sample in
                json.raw("{\"metric\":")
                json.labels(sample.labels)
                if let histogram = sample.histogram {
                    json.raw(",\"histogram\":")
                    json.point(sample.timestamp.millisecondsSinceEpoch, histogram)
                } else {
                    json.raw(",\"value\":")
                    json.point(sample.timestamp.millisecondsSinceEpoch, sample.value)
                }
                json.raw("}")
            }
        case .matrix(let series):
            json.raw("{\"resultType\":\"matrix\",\"result\":")
            json.list(series.prefix(limit ?? .max)) { json, columns in json.series(columns) }
        }
        json.raw("}")
    }

    /// Whether `limit` leaves something out.
    public func exceeds(_ limit: Int?) -> Bool {
        guard let limit else { return false }
        switch self {
        case .vector(let samples): return samples.count > limit
        case .matrix(let series): return series.count > limit
        case .scalar, .string: return false
        }
    }
}

extension AnswerJSON {
    fileprivate mutating func series(_ columns: SeriesColumns) {
        raw("{\"metric\":")
        labels(columns.labels)
        if columns.times.count > columns.histograms.count {
            raw(",\"values\":[")
            var histograms = columns.histograms[...]
            var isFirst = true
            for row in columns.times.indices {
                if histograms.first?.index == row {
                    histograms.removeFirst()
                    continue
                }
                if !isFirst { raw(",") }
                isFirst = false
                point(columns.times[row], columns.values[row])
            }
            raw("]")
        }
        if !columns.histograms.isEmpty {
            raw(",\"histograms\":")
            list(columns.histograms) { json, sample in json.point(columns.times[sample.index], sample.histogram) }
        }
        raw("}")
    }
}
