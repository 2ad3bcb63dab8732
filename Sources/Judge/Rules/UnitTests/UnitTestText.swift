import PromQL
import Series
import Units

// How expectations and findings of unit tests are shown: as promtool shows them, so that people and editors that read its
// output can read this one.

/// An alert as a failure shows it.
struct ShownAlert: Comparable {
    let labels: Labels
    let annotations: Labels

    static func < (left: ShownAlert, right: ShownAlert) -> Bool {
        left.labels != right.labels ? left.labels < right.labels : left.annotations < right.annotations
    }

    static func list(_ alerts: [ShownAlert], _ indent: String) -> String {
        guard !alerts.isEmpty else { return "[]" }
        var text = "["
        for (index, alert) in alerts.enumerated() {
            text += "\n\(indent)\(index):"
            text += "\n\(indent)  Labels:\(braced(alert.labels))"
            text += "\n\(indent)  Annotations:\(braced(alert.annotations))"
            if index < alerts.count - 1 { text += "," }
        }
        return text + "\n\(indent)]"
    }
}

/// An element of an answer as a failure shows it.
struct ShownSample {
    let labels: Labels
    let value: Double
    let histogram: NativeHistogram?

    init(_ sample: QueryResult.Sample) {
        labels = sample.labels
        value = sample.value
        histogram = sample.histogram
    }

    init(_ expected: ExpressionCaseSection.Expected) throws {
        labels = try SeriesNotation.labels(expected.labels)
        value = expected.value ?? 0
        guard !expected.histogram.isEmpty else {
            histogram = nil
            return
        }
        guard case .histogram(let read, _)? = try SeriesNotation.values(expected.histogram).first else {
            throw SeriesNotation.Fault(description: "'\(expected.histogram)' is no histogram")
        }
        histogram = read
    }

    func isEqual(_ other: ShownSample, fuzzily: Bool) -> Bool {
        // Whether a counter was reset says nothing of what it counts.
        func plain(_ histogram: NativeHistogram?) -> NativeHistogram? {
            var plain = histogram
            plain?.resetHint = .unknown
            return plain
        }
        guard labels == other.labels, plain(histogram) == plain(other.histogram) else { return false }
        if histogram != nil || value == other.value || value.isNaN && other.value.isNaN { return true }
        // A millionth of the larger one, as the reference allows it.
        return fuzzily && (value - other.value).magnitude <= 1e-6 * max(value.magnitude, other.value.magnitude)
    }

    private var shownValue: String {
        guard let histogram else { return goUpper(value) }
        let buckets = (histogram.negativeBuckets + histogram.positiveBuckets).map(goNumber).joined(separator: " ")
        return "{count:\(goNumber(histogram.count)), sum:\(goNumber(histogram.sum)), buckets:[\(buckets)]}"
    }

    static func list(_ samples: [ShownSample]) -> String {
        guard !samples.isEmpty else { return "nil" }
        return samples.map { "\(braced($0.labels)) \($0.shownValue)" }.joined(separator: ", ")
    }
}

/// `{job="shop", severity="critical"}`
private func braced(_ labels: Labels) -> String {
    "{" + labels.pairs.map { "\($0.name)=\(quoted($0.value))" }.joined(separator: ", ") + "}"
}

/// A text as Go quotes it.
func quoted(_ text: String) -> String { "\"\(Labels.escaped(text))\"" }

/// A number as Go's `%E` writes it with the fewest digits: `1.5E+00`.
private func goUpper(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
    guard value != 0 else { return "0E+00" }
    var exponent = 0
    var text = "\(value.magnitude)"
    if let mark = text.firstIndex(of: "e") {
        exponent = Int(text[text.index(after: mark)...]) ?? 0
        text = String(text[..<mark])
    }
    let parts = text.split(separator: ".")
    var digits = Substring(parts.joined())
    exponent += parts[0].count - 1
    while digits.first == "0", digits.count > 1 {
        digits.removeFirst()
        exponent -= 1
    }
    while digits.last == "0", digits.count > 1 { digits.removeLast() }
    let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
    let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
    return "\(value < 0 ? "-" : "")\(digits.prefix(1))\(fraction)E\(exponent < 0 ? "-" : "+")\(size)"
}

extension Duration {
    /// As Go prints a `time.Duration`: `1m30s`, `1h0m0s`.
    var goText: String {
        let ms = wholeMilliseconds
        guard ms >= 1000 else { return ms == 0 ? "0s" : "\(ms)ms" }
        let seconds = ms / 1000
        let rest = ms % 1000
        var last = "\(seconds % 60)"
        if rest > 0 {
            let digits = "00\(rest)".suffix(3)
            last += "." + digits.reversed().drop { $0 == "0" }.reversed()
        }
        let minutes = seconds / 60
        return (minutes >= 60 ? "\(minutes / 60)h" : "") + (minutes > 0 ? "\(minutes % 60)m" : "") + "\(last)s"
    }
}
