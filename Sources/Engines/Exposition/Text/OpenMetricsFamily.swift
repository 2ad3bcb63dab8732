import Series

/// A metric family of an OpenMetrics page while it is read.
struct Family {
    enum Kind: String {
        case counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown

        /// What may follow the family's name in the names of its samples.
        var suffixes: [String] {
            switch self {
            case .counter: ["_total", "_created"]
            case .histogram: ["_count", "_sum", "_bucket", "_created"]
            case .gaugehistogram: ["_gcount", "_gsum", "_bucket"]
            case .summary: ["", "_count", "_sum", "_created"]
            case .info: ["_info"]
            case .gauge, .stateset, .unknown: [""]
            }
        }

        var metricType: MetricType {
            switch self {
            case .counter: .counter
            case .histogram: .histogram
            case .gaugehistogram: .gaugeHistogram
            case .summary: .summary
            case .gauge: .gauge
            case .info: .info
            case .stateset: .stateSet
            case .unknown: .untyped
            }
        }
    }

    let name: String
    var type: Kind?
    private var help: String?
    private var unit: String?
    private var sampleCount = 0

    /// The label set whose samples are being read, without the labels that tell its samples apart.
    private var group: Labels?
    private var groupSeconds: Double?
    private var groupSeries: Set<Labels> = []
    private var groupsSeen: Set<Labels> = []
    private var histogram: HistogramCheck?
    /// The last sample admitted was the first of its histogram.
    private(set) var beginsHistogram = false

    init(name: String) {
        self.name = name
    }

    func takes(_ sampleName: String) -> Bool {
        guard sampleName.hasPrefix(name) else { return false }
        let suffix = sampleName.dropFirst(name.count)
        return (type ?? .unknown).suffixes.contains { $0 == suffix }
    }

    var isHistogram: Bool { type == .histogram || type == .gaugehistogram }

    func suffix(of sample: OpenMetricsSample) -> Substring { sample.name.dropFirst(name.count) }

    func bound(of sample: OpenMetricsSample) -> Double? {
        sample.labels["le"].flatMap { parseNumber(Array($0.utf8)[...]) }
    }

    func mayHaveExemplar(_ sample: OpenMetricsSample) -> Bool {
        let suffix = suffix(of: sample)
        return (isHistogram && suffix == "_bucket") || (type == .counter && suffix == "_total")
    }

    /// What `checkValue` asks of a sample's value, for later pages with the same line.
    func rule(of sample: OpenMetricsSample) -> ValueRule {
        switch suffix(of: sample) {
        case "_total", "_sum": .total
        case "_count", "_gcount", "_bucket": .count
        case "_gsum": .number
        default:
            switch type {
            case .stateset: .state
            case .info: .info
            case .summary where sample.name == name: .quantile
            default: .any
            }
        }
    }

    /// Reads the rest of a metadata line.
    mutating func read(_ keyword: String, _ cursor: inout LineCursor) throws(ExpositionError) {
        guard sampleCount == 0 else { throw cursor.wrong("\(keyword) of '\(name)' comes after its samples") }
        let isRepeated =
            switch keyword {
            case "HELP": help != nil
            case "TYPE": type != nil
            default: unit != nil
            }
        guard !isRepeated else { throw cursor.wrong("'\(name)' has more than one \(keyword)") }
        let rest = cursor.rest
        switch keyword {
        case "HELP": help = try cursor.help(rest, quotes: true)
        case "TYPE":
            let word = String(decoding: rest, as: UTF8.self)
            guard let kind = Kind(rawValue: word) else { throw cursor.fail("'\(word)' is no type of OpenMetrics") }
            type = kind
        default: unit = try cursor.text(cursor.place..<cursor.lineEnd)
        }
    }

    /// Judges a sample by itself and in its place among the others.
    /// - Returns: false for one that repeats a series at the same time: the first one counts.
    mutating func admit(_ sample: OpenMetricsSample, _ cursor: LineCursor) throws(ExpositionError) -> Bool {
        let kind = type ?? .unknown
        let suffix = String(sample.name.dropFirst(name.count))
        try checkLabels(sample, kind, suffix, cursor)
        try checkValue(sample, kind, suffix, cursor)

        let newGroup = groupLabels(of: sample, kind, suffix)
        var isNew = true
        if newGroup == group {
            guard (sample.seconds == nil) == (groupSeconds == nil) else {
                throw cursor.wrong("of the samples of one label set some have a time and some have none")
            }
            if let before = groupSeconds, let now = sample.seconds, before > now, kind != .info {
                throw cursor.wrong("times go back within a label set")
            }
            // At another time all series of the label set come once more.
            if sample.seconds != groupSeconds { groupSeries = [] }
            isNew = !groupSeries.contains(sample.labels)
        } else {
            guard !groupsSeen.contains(newGroup) else {
                throw cursor.wrong("the samples of one label set do not stand together")
            }
            groupSeries = []
        }
        if kind == .histogram || kind == .gaugehistogram {
            try checkHistogram(sample, suffix, isOther: newGroup != group || sample.seconds != groupSeconds, cursor)
        }
        group = newGroup
        groupSeconds = sample.seconds
        groupSeries.insert(sample.labels)
        groupsSeen.insert(newGroup)
        sampleCount += 1
        return isNew
    }

    /// Judges the family as a whole.
    func finish(
        _ cursor: LineCursor, _ namesTaken: inout Set<String>, _ batch: inout SampleBatch
    ) throws(ExpositionError) {
        let kind = type ?? .unknown
        // In a fixed order, so that the same page has the same error.
        for suffix in [""] + kind.suffixes.filter({ !$0.isEmpty }) where !namesTaken.insert(name + suffix).inserted {
            throw cursor.wrong("the name '\(name)\(suffix)' is used by two metrics")
        }
        if let unit, !unit.isEmpty {
            guard name.hasSuffix("_" + unit) else {
                throw cursor.wrong("'\(name)' does not end in its unit '_\(unit)'")
            }
            guard kind != .info, kind != .stateset else { throw cursor.wrong("a metric of type \(kind) has no unit") }
        }
        if let fault = histogram?.fault { throw cursor.wrong("'\(name)': \(fault)") }
        if type != nil || help != nil || unit != nil {
            if sampleCount == 0 || kind != .unknown || help != nil || unit != nil {
                batch.metadata[name] = MetricMetadata(name, kind.metricType, help ?? "", unit: unit ?? "")
            }
        }
    }

    private func checkLabels(
        _ sample: OpenMetricsSample, _ kind: Kind, _ suffix: String, _ cursor: LineCursor
    ) throws(ExpositionError) {
        if kind == .stateset, sample.labels[name] == nil {
            throw cursor.wrong("a state set's sample needs the label '\(name)'")
        }
        if suffix == "_bucket", kind == .histogram || kind == .gaugehistogram {
            guard let le = sample.labels["le"], isCanonical(le) else {
                throw cursor.wrong("a bucket needs the label 'le' with a number; the last one is +Inf")
            }
        }
        if kind == .summary, suffix.isEmpty {
            guard let quantile = sample.labels["quantile"].flatMap({ parseNumber(Array($0.utf8)[...]) }),
                (0...1).contains(quantile)
            else { throw cursor.wrong("a quantile needs the label 'quantile' with a number from 0 to 1") }
        }
        if sample.exemplar != nil {
            guard mayHaveExemplar(sample) else {
                throw cursor.wrong("only buckets and counters may have an exemplar")
            }
        }
    }

    private func checkValue(
        _ sample: OpenMetricsSample, _ kind: Kind, _ suffix: String, _ cursor: LineCursor
    ) throws(ExpositionError) {
        let value = sample.value
        switch kind {
        case .stateset where value != 0 && value != 1: throw cursor.wrong("a state is 0 or 1")
        case .info where value != 1: throw cursor.wrong("the value of an info metric is 1")
        case .summary where suffix.isEmpty && value < 0: throw cursor.wrong("a quantile's value is not negative")
        default: break
        }
        if ["_bucket", "_count", "_gcount"].contains(suffix), value != value.rounded(), !value.isNaN {
            throw cursor.wrong("a count is a whole number")
        }
        if ["_total", "_sum", "_count", "_bucket", "_gcount", "_gsum"].contains(suffix) {
            guard !value.isNaN else { throw cursor.wrong("a counter's value is a number") }
            guard value >= 0 || suffix == "_gsum" else { throw cursor.wrong("a counter's value is not negative") }
        }
    }

    /// Infinity has one spelling here, so that the last bucket of all histograms is the same series.
    private func isCanonical(_ le: String) -> Bool {
        guard let bound = parseNumber(Array(le.utf8)[...]), !bound.isNaN else { return false }
        return bound != .infinity || le == "+Inf"
    }

    private func groupLabels(of sample: OpenMetricsSample, _ kind: Kind, _ suffix: String) -> Labels {
        var labels = sample.labels
        labels[Labels.metricName] = nil
        switch kind {
        case .info: return Labels()
        case .summary where suffix.isEmpty: labels["quantile"] = nil
        case .stateset: labels[name] = nil
        case .histogram where suffix == "_bucket", .gaugehistogram where suffix == "_bucket": labels["le"] = nil
        default: break
        }
        return labels
    }

    private mutating func checkHistogram(
        _ sample: OpenMetricsSample, _ suffix: String, isOther: Bool, _ cursor: LineCursor
    ) throws(ExpositionError) {
        if isOther || histogram == nil {
            if let fault = histogram?.fault { throw cursor.wrong("'\(name)': \(fault)") }
            histogram = HistogramCheck()
            beginsHistogram = true
        } else {
            beginsHistogram = false
        }
        let bound = sample.labels["le"].flatMap { parseNumber(Array($0.utf8)[...]) }
        if let fault = histogram!.add(suffix, bound, sample.value) { throw cursor.wrong("'\(name)': \(fault)") }
    }
}

/// The samples of one histogram at one time.
private struct HistogramCheck {
    private var bound: Double?
    private var value = 0.0
    private var count: Double?
    private var hasSum = false
    private var hasGaugeSum = false
    private var hasNegativeBound = false
    private var hasNegativeGaugeSum = false

    /// - Returns: what is wrong with this sample after those before it.
    mutating func add(_ suffix: String, _ newBound: Double?, _ newValue: Double) -> String? {
        switch suffix {
        case "_bucket":
            let newBound = newBound ?? .nan
            if newBound < 0 { hasNegativeBound = true }
            if let bound, newBound <= bound { return "buckets are not in rising order" }
            if newValue < value { return "a bucket counts less than the one before" }
            bound = newBound
            value = newValue
        case "_count", "_gcount": count = newValue
        case "_sum": hasSum = true
        case "_gsum":
            hasGaugeSum = true
            hasNegativeGaugeSum = newValue < 0
        default: break
        }
        return nil
    }

    /// What is wrong with the whole.
    var fault: String? {
        if bound != .infinity { return "the bucket +Inf is missing" }
        if let count, count != value { return "the count differs from the bucket +Inf" }
        if hasSum || hasGaugeSum, count == nil { return "there is a sum and no count" }
        if !hasSum, !hasGaugeSum, count != nil { return "there is a count and no sum" }
        if hasNegativeBound, hasSum { return "a sum makes no sense beside negative buckets" }
        if !hasNegativeBound, hasNegativeGaugeSum { return "the sum is negative and no bucket is" }
        return nil
    }
}
