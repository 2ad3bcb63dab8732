import Series

// Programs write the same bound as `le="1"` or `le="1.0"`, depending on the format they were asked for, and the series would be another one
// after each change. Prometheus 3 therefore writes bounds of classic histograms and quantiles of summaries in one way, that of
// OpenMetrics (`1.0`), whatever the page says. So does this.

/// Knows which type the metric of a line has, and spells its bounds.
struct BoundSpelling {
    /// That of the last `# TYPE` line, as the reference takes it.
    private(set) var type: MetricType?

    init(_ type: MetricType? = nil) { self.type = type }

    /// Takes notice of a comment; the line may begin with blanks.
    mutating func see(_ comment: ArraySlice<UInt8>) {
        var words = comment.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })[...]
        // `#TYPE` without a blank is a type to this format too.
        if words.first?.elementsEqual("#".utf8) == true { words.removeFirst() }
        guard let keyword = words.first, keyword.elementsEqual("TYPE".utf8) || keyword.elementsEqual("#TYPE".utf8),
            words.count > 2, let word = words.last
        else { return }
        type = MetricType(rawValue: String(decoding: word, as: UTF8.self))
    }

    /// 0 for a line that means the same under every type. Otherwise the type counts: the same bytes under another one may be
    /// another series.
    /// - Parameter metric: the bytes of the metric with its labels.
    func code(of metric: ArraySlice<UInt8>) -> UInt8 {
        switch type {
        case .histogram, .gaugeHistogram: metric.contains("le".utf8) ? 1 : 0
        case .summary: metric.contains("quantile".utf8) ? 2 : 0
        default: 0
        }
    }

    func spelled(_ labels: Labels) -> Labels {
        let name: String
        switch type {
        case .histogram, .gaugeHistogram: name = "le"
        case .summary: name = "quantile"
        default: return labels
        }
        guard let value = labels[name], let number = parseNumber(Array(value.utf8)[...]) else { return labels }
        var labels = labels
        labels[name] = openMetricsNumber(number)
        return labels
    }
}

extension ArraySlice<UInt8> {
    fileprivate func contains(_ word: String.UTF8View) -> Bool {
        let word = Array(word)
        return withUnsafeBufferPointer { bytes in
            var at = 0
            while at + word.count <= bytes.count {
                if bytes[at] == word[0], (1..<word.count).allSatisfy({ bytes[at + $0] == word[$0] }) { return true }
                at += 1
            }
            return false
        }
    }
}
