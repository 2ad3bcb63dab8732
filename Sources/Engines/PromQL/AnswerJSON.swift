import JSONCoding
public import Series
import Units

// The answers to queries as the JSON of the Prometheus HTTP API
// (<https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats>), written straight into bytes: an answer may
// hold a million points, and a tree of values in between would cost more than the query.

/// JSON that is being written.
public struct AnswerJSON {
    /// What follows `parts`.
    fileprivate var tail: [UInt8] = []
    /// Full parts: a long answer is never in memory a second time, as it would be whenever one array has to grow.
    private var parts: [[UInt8]] = []
    private let memory: MemoryShare?
    /// Why the rest was left out.
    private var refusal: MemoryRefusal?

    private static let partByteCount = 1 << 20

    /// - Parameter memory: where parts are taken from; those that there is none for are left out, and `finish` says so.
    public init(memory: MemoryShare? = nil) { self.memory = memory }

    /// All that was written, as one.
    public var bytes: [UInt8] { parts.isEmpty ? tail : Array(parts.joined()) + tail }

    /// All that was written, in its order.
    public mutating func finish() throws(MemoryRefusal) -> [[UInt8]] {
        endPart(isLast: true)
        if let refusal { throw refusal }
        return parts
    }

    /// Ends a part when it is full.
    fileprivate mutating func endPart(isLast: Bool = false) {
        guard isLast || tail.count >= Self.partByteCount else { return }
        if refusal == nil {
            do throws(MemoryRefusal) {
                try memory?.take(tail.count)
                parts.append(tail)
            } catch {
                refusal = error
                parts = []
            }
        }
        tail = []
        if !isLast, refusal == nil { tail.reserveCapacity(Self.partByteCount + Self.partByteCount / 8) }
    }

    public mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { tail.append(contentsOf: $0) }
    }

    fileprivate mutating func append(_ text: ArraySlice<UInt8>) { tail.append(contentsOf: text) }

    /// Makes room for some bytes more, which may come or not.
    fileprivate mutating func reserve(_ more: Int) {
        endPart()
        // In steps that grow, as without this: each series asks.
        let needed = tail.count + more
        if needed > tail.capacity { tail.reserveCapacity(max(needed, tail.capacity * 2)) }
    }

    /// Takes the last byte back, to go on inside of an object.
    public mutating func removeLast() { tail.removeLast() }

    public mutating func text(_ text: String) { tail.append(contentsOf: text.utf8) }

    public mutating func quoted(_ text: String) {
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C && $0 < 0x7F }
        if isPlain {
            tail.append(0x22)
            tail.append(contentsOf: text.utf8)
            tail.append(0x22)
        } else {
            tail.append(contentsOf: JSONValue.quoted(text).utf8)
        }
    }

    /// `[a,b]`: `write` puts down one element.
    public mutating func list<Elements: Sequence>(
        _ elements: Elements, _ write: (inout AnswerJSON, Elements.Element) -> Void
    ) {
        tail.append(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if !isFirst { tail.append(UInt8(ascii: ",")) }
            isFirst = false
            write(&self, element)
        }
        tail.append(UInt8(ascii: "]"))
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
        if number < 0 { tail.append(UInt8(ascii: "-")) }
        digits(number.magnitude)
    }

    private mutating func digits(_ number: UInt64) {
        if number < 10 {
            tail.append(UInt8(ascii: "0") + UInt8(number))
            return
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { room in
            var rest = number
            var start = 20
            while rest > 0 {
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                room[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder)
                rest = quotient
            }
            tail.append(contentsOf: room[start...])
        }
    }

    /// Milliseconds as seconds, with three decimals where there is a fraction: `1435781451.781`.
    public mutating func seconds(_ milliseconds: Int64) {
        if milliseconds < 0 { tail.append(UInt8(ascii: "-")) }
        let (whole, fraction) = milliseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
        digits(whole)
        guard fraction != 0 else { return }
        tail.append(UInt8(ascii: "."))
        for divisor: UInt64 in [100, 10, 1] { tail.append(UInt8(ascii: "0") + UInt8(fraction / divisor % 10)) }
    }

    /// A span of time as a number of seconds.
    public mutating func number(inSeconds duration: Duration) { number(duration.inSeconds) }

    /// A value between quotation marks: the fewest digits that give it back, an exponent below 1e-6 and from 1e21 on.
    public mutating func value(_ value: Double) {
        tail.append(UInt8(ascii: "\""))
        number(value)
        tail.append(UInt8(ascii: "\""))
    }

    fileprivate mutating func number(_ value: Double) {
        guard value.isFinite else { return text(value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf") }
        if value.magnitude < 1e15, let whole = Int64(exactly: value), whole != 0 || value.sign == .plus {
            return self.whole(whole)
        }
        let magnitude = value.magnitude
        if shortDecimal(value) { return }
        // Between these Swift and the reference write the same.
        if magnitude >= 1e-4, magnitude < 1e15 { return text(value.description) }
        if value.sign == .minus { tail.append(UInt8(ascii: "-")) }
        if magnitude == 0 { return text("0") }
        let (digits, exponent) = decimal(magnitude)
        if magnitude < 1e-6 || magnitude >= 1e21 {
            tail.append(digits[0])
            if digits.count > 1 {
                tail.append(UInt8(ascii: "."))
                tail.append(contentsOf: digits[1...])
            }
            text(exponent < 0 ? "e-" : "e+")
            if exponent.magnitude < 10 { tail.append(UInt8(ascii: "0")) }
            self.digits(UInt64(exponent.magnitude))
        } else if exponent < 0 {
            text("0.")
            tail.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -exponent - 1))
            tail.append(contentsOf: digits)
        } else {
            tail.append(contentsOf: digits.prefix(exponent + 1))
            if digits.count > exponent + 1 {
                tail.append(UInt8(ascii: "."))
                tail.append(contentsOf: digits[(exponent + 1)...])
            } else {
                tail.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: exponent + 1 - digits.count))
            }
        }
    }

    /// Writes a number with at most six decimals and fifteen digits in all: a double holds each of those apart from the others, so that
    /// the shortest text is the decimal itself.
    /// - Returns: false, with nothing written, where it is none.
    private mutating func shortDecimal(_ value: Double) -> Bool {
        let magnitude = value.magnitude
        guard magnitude >= 1e-4, magnitude < 1e9 else { return false }
        var power = 10.0
        for decimals in 1...6 {
            let product = (magnitude * power).rounded(.toNearestOrEven)
            if product / power == magnitude {
                if value < 0 { tail.append(UInt8(ascii: "-")) }
                let (whole, fraction) = UInt64(product).quotientAndRemainder(dividingBy: UInt64(power))
                digits(whole)
                tail.append(UInt8(ascii: "."))
                var rest = fraction
                var divisor = UInt64(power) / 10
                for _ in 0..<decimals {
                    let (digit, remainder) = rest.quotientAndRemainder(dividingBy: divisor)
                    tail.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
                    rest = remainder
                    divisor = max(1, divisor / 10)
                }
                return true
            }
            power *= 10
        }
        return false
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
                json.endPart()
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
            var times = PointTimes()
            json.list(series.prefix(limit ?? .max)) { json, columns in json.series(columns, &times) }
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

/// The texts of the times of points: the series of an answer mostly have the same ones.
private struct PointTimes {
    /// As many as the steps of a range query may be. Texts of more would take more than the answer.
    private static let countMax = 1 << 14

    private var times: [Int64] = []
    /// `[1435781451.781,"` for each.
    private var texts: [UInt8] = []
    /// Where each text ends.
    private var ends: [Int32] = []

    /// Writes `[time,"number"]` for each of `times`, with commas.
    mutating func write(_ times: [Int64], to json: inout AnswerJSON, _ number: (inout AnswerJSON, Int) -> Void) {
        guard times.count <= Self.countMax else { return writeEach(times, to: &json, number) }
        if times != self.times { find(times) }
        json.reserve(texts.count + times.count * 12)
        var start = 0
        for row in times.indices {
            let end = Int(ends[row])
            if row > 0 { json.raw(",") }
            json.append(texts[start..<end])
            number(&json, row)
            json.raw("\"]")
            start = end
        }
    }

    private func writeEach(_ times: [Int64], to json: inout AnswerJSON, _ number: (inout AnswerJSON, Int) -> Void) {
        for row in times.indices {
            json.endPart()
            json.raw(row > 0 ? ",[" : "[")
            json.seconds(times[row])
            json.raw(",\"")
            number(&json, row)
            json.raw("\"]")
        }
    }

    private mutating func find(_ times: [Int64]) {
        self.times = times
        ends.removeAll(keepingCapacity: true)
        var json = AnswerJSON()
        for time in times {
            json.raw("[")
            json.seconds(time)
            json.raw(",\"")
            ends.append(Int32(json.tail.count))
        }
        texts = json.tail
    }
}

extension AnswerJSON {
    fileprivate mutating func series(_ columns: SeriesColumns, _ texts: inout PointTimes) {
        raw("{\"metric\":")
        labels(columns.labels)
        if columns.times.count > columns.histograms.count {
            raw(",\"values\":[")
            if columns.histograms.isEmpty {
                texts.write(columns.times, to: &self) { json, row in json.number(columns.values[row]) }
            } else {
                points(columns)
            }
            raw("]")
        }
        if !columns.histograms.isEmpty {
            raw(",\"histograms\":")
            list(columns.histograms) { json, sample in
                json.endPart()
                json.point(columns.times[sample.index], sample.histogram)
            }
        }
        raw("}")
    }

    /// The numbers among numbers and histograms.
    private mutating func points(_ columns: SeriesColumns) {
        var histograms = columns.histograms[...]
        var isFirst = true
        for row in columns.times.indices {
            if histograms.first?.index == row {
                histograms.removeFirst()
                continue
            }
            if !isFirst { raw(",") }
            isFirst = false
            endPart()
            point(columns.times[row], columns.values[row])
        }
    }
}
