import JSONCoding
import Series

// Resources become `job` and `instance` (and all of their attributes the series `target_info`), attributes of data points become labels,
// explicit histograms become classic ones, exponential histograms native ones. What is relative to the sample before ("delta") has no
// place in a store of cumulative counters; it is refused and counted, as OTLP's partial success asks.

/// What came out of a request of OTLP.
public struct OTLPOutcome: Sendable {
    /// The series to store, each with one sample, or more where data points had the same labels.
    public var request = WriteRequest()
    /// Data points that were refused; the others are in `request`.
    public var rejectedCount = 0
    /// Why, each reason once, at most ten.
    public private(set) var reasons: [String] = []

    public init() {}

    /// Notes data points that are not stored, and why.
    public mutating func reject(_ count: Int, _ reason: @autoclosure () -> String) {
        rejectedCount += count
        guard reasons.count < 10 else { return }
        let reason = reason()
        if !reasons.contains(reason) { reasons.append(reason) }
    }
}

struct OTLPTranslator {
    private(set) var outcome = OTLPOutcome()
    private var placeOfLabels: [Labels: Int] = [:]
    private var placeOfMetadata: Set<String> = []

    mutating func translate(_ request: OTLPRequest) {
        for resource in request.resources { translate(resource) }
    }

    private mutating func translate(_ resource: OTLPResource) {
        let target = Self.targetLabels(resource.attributes)
        var newest: Int64?
        for metric in resource.metrics { translate(metric, target, &newest) }
        if let newest { addTargetInfo(resource.attributes, target, at: newest) }
    }

    private static let identifying: Set<String> = ["service.name", "service.namespace", "service.instance.id"]

    /// `job` and `instance`, where the resource says what it is.
    private static func targetLabels(_ attributes: [OTLPAttribute]) -> Labels {
        func value(_ key: String) -> String { attributes.last { $0.key == key }?.value ?? "" }
        var labels = Labels()
        let name = value("service.name")
        if !name.isEmpty {
            let space = value("service.namespace")
            labels["job"] = space.isEmpty ? name : "\(space)/\(name)"
        }
        labels["instance"] = value("service.instance.id")
        return labels
    }

    private mutating func addTargetInfo(_ attributes: [OTLPAttribute], _ target: Labels, at time: Int64) {
        let others = attributes.filter { !Self.identifying.contains($0.key) }
        // With nothing else to say, or of nobody, the series would be of no use.
        guard !others.isEmpty, !target.isEmpty else { return }
        add("target_info", labels(others, target), 1, time, nil)
        note("target_info", .gauge, "Target metadata", "")
    }

    private mutating func translate(_ metric: OTLPMetric, _ target: Labels, _ newest: inout Int64?) {
        guard !metric.name.isEmpty else {
            outcome.reject(count(metric.data), "a metric has no name")
            return
        }
        guard let name = name(of: metric) else {
            outcome.reject(
                count(metric.data),
                "the name of the metric \(Self.quoted(metric.name)) has no letter, digit or colon of ASCII: none is left of it"
            )
            return
        }
        func seen(_ point: OTLPPoint) { newest = max(newest ?? .min, point.milliseconds) }
        switch metric.data {
        case .none: outcome.reject(0, "the metric '\(metric.name)' has no data")
        case .gauge(let points):
            note(name, .gauge, metric.description, metric.unit)
            for point in points {
                add(point, name, target, hasStart: false)
                seen(point.point)
            }
        case .sum(let points, let temporality, let isMonotonic):
            guard isCumulative(temporality, metric, points.count) else { return }
            note(name, isMonotonic ? .counter : .gauge, metric.description, metric.unit)
            for point in points {
                add(point, name, target, hasStart: isMonotonic)
                seen(point.point)
            }
        case .histogram(let points, let temporality):
            guard isCumulative(temporality, metric, points.count) else { return }
            note(name, .histogram, metric.description, metric.unit)
            for point in points {
                add(point, name, target)
                seen(point.point)
            }
        case .exponential(let points, let temporality):
            guard isCumulative(temporality, metric, points.count) else { return }
            note(name, .histogram, metric.description, metric.unit)
            for point in points {
                add(point, name, target)
                seen(point.point)
            }
        case .summary(let points):
            note(name, .summary, metric.description, metric.unit)
            for point in points {
                add(point, name, target)
                seen(point.point)
            }
        }
    }

    /// Nil where nothing is left of it. All such metrics would be one series then, and one without a name.
    private func name(of metric: OTLPMetric) -> String? {
        let name =
            switch metric.data {
            case .gauge: prometheusName(metric.name, unit: metric.unit, isCounter: false, isGauge: true)
            case .sum(_, _, let isMonotonic):
                prometheusName(metric.name, unit: metric.unit, isCounter: isMonotonic, isGauge: false)
            case .none, .histogram, .exponential, .summary:
                prometheusName(metric.name, unit: metric.unit, isCounter: false, isGauge: false)
            }
        return name.isEmpty ? nil : name
    }

    /// A name for a message, which does not grow with what was sent.
    private static func quoted(_ name: String) -> String {
        JSONValue.quoted(name.utf8.count <= 200 ? name : "\(name.prefix(60))…")
    }

    private mutating func isCumulative(
        _ temporality: OTLPMetric.Temporality, _ metric: OTLPMetric, _ pointCount: Int
    ) -> Bool {
        guard temporality != .cumulative else { return true }
        let kind = temporality == .delta ? "delta" : "no"
        outcome.reject(
            pointCount, "the metric '\(metric.name)' has \(kind) temporality; only cumulative values are stored")
        return false
    }

    private func count(_ data: OTLPMetric.Data) -> Int {
        switch data {
        case .none: 0
        case .gauge(let points), .sum(let points, _, _): points.count
        case .histogram(let points, _): points.count
        case .exponential(let points, _): points.count
        case .summary(let points): points.count
        }
    }

    // MARK: Data points

    private mutating func add(_ number: OTLPNumber, _ name: String, _ target: Labels, hasStart: Bool) {
        let point = number.point
        let labels = labels(point.attributes, target)
        let place = add(
            name, labels, point.isGone ? staleMarker : number.value, point.milliseconds, hasStart ? point : nil)
        add(point.exemplars, at: place)
    }

    private mutating func add(_ histogram: OTLPHistogram, _ name: String, _ target: Labels) {
        let point = histogram.point
        guard histogram.bucketCounts.count == histogram.bounds.count + 1 || histogram.bucketCounts.isEmpty,
            zip(histogram.bounds, histogram.bounds.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            outcome.reject(1, "the histogram '\(name)' has buckets that do not fit its bounds")
            return
        }
        let labels = labels(point.attributes, target)
        let time = point.milliseconds
        func value(_ count: UInt64) -> Double { point.isGone ? staleMarker : Double(count) }
        if let sum = histogram.sum { add(name + "_sum", labels, point.isGone ? staleMarker : sum, time, point) }
        add(name + "_count", labels, value(histogram.count), time, point)
        var cumulative: UInt64 = 0
        var exemplars = point.exemplars
        for (index, bound) in (histogram.bounds + [.infinity]).enumerated() {
            if index < histogram.bucketCounts.count { cumulative &+= histogram.bucketCounts[index] }
            var bucket = labels
            bucket["le"] = plainNumber(bound)
            let count = bound == .infinity ? histogram.count : cumulative
            let place = add(name + "_bucket", bucket, value(count), time, point)
            // An exemplar belongs to the first bucket that holds its value.
            add(exemplars.filter { $0.value <= bound }, at: place)
            exemplars.removeAll { $0.value <= bound }
        }
    }

    private mutating func add(_ exponential: OTLPExponential, _ name: String, _ target: Labels) {
        let point = exponential.point
        guard exponential.scale >= -4 else {
            outcome.reject(
                1, "the histogram '\(name)' has scale \(exponential.scale), below the least that is stored, -4")
            return
        }
        guard let histogram = NativeHistogram(exponential) else {
            outcome.reject(1, "the histogram '\(name)' has bucket indices out of range")
            return
        }
        if let fault = histogram.fault, !point.isGone {
            outcome.reject(1, "the histogram '\(name)': \(fault)")
            return
        }
        let labels = labels(point.attributes, target)
        let place = place(of: named(name, labels))
        let index = outcome.request.series[place].columns.times.count
        if point.isGone {
            add(name, labels, staleMarker, point.milliseconds, point)
            return
        }
        outcome.request.series[place].columns.times.append(point.milliseconds)
        outcome.request.series[place].columns.values.append(.nan)
        outcome.request.series[place].columns.histograms.append(.init(index: index, histogram: histogram))
        setStart(point, at: place)
        add(point.exemplars, at: place)
    }

    private mutating func add(_ summary: OTLPSummary, _ name: String, _ target: Labels) {
        let point = summary.point
        let labels = labels(point.attributes, target)
        let time = point.milliseconds
        add(name + "_sum", labels, point.isGone ? staleMarker : summary.sum, time, point)
        add(name + "_count", labels, point.isGone ? staleMarker : Double(summary.count), time, point)
        for quantile in summary.quantiles {
            var labels = labels
            labels["quantile"] = plainNumber(quantile.quantile)
            add(name, labels, point.isGone ? staleMarker : quantile.value, time, nil)
        }
    }

    // MARK: Series

    private func named(_ name: String, _ labels: Labels) -> Labels {
        var labels = labels
        labels[Labels.metricName] = name
        return labels
    }

    /// Labels of a data point. Where two keys become one label, their values stand side by side, in the order of the keys.
    private func labels(_ attributes: [OTLPAttribute], _ target: Labels) -> Labels {
        var labels = Labels()
        for attribute in attributes.sorted(by: { $0.key < $1.key }) {
            let name = prometheusLabel(attribute.key)
            guard !name.isEmpty, name != Labels.metricName else { continue }
            labels[name] = labels[name].map { "\($0);\(attribute.value)" } ?? attribute.value
        }
        return labels.merging(target)
    }

    private mutating func place(of labels: Labels) -> Int {
        if let place = placeOfLabels[labels] { return place }
        placeOfLabels[labels] = outcome.request.series.count
        outcome.request.series.append(WrittenSeries(columns: SeriesColumns(labels: labels, times: [], values: [])))
        return outcome.request.series.count - 1
    }

    @discardableResult
    private mutating func add(
        _ name: String, _ labels: Labels, _ value: Double, _ time: Int64, _ start: OTLPPoint?
    ) -> Int {
        let place = place(of: named(name, labels))
        outcome.request.series[place].columns.times.append(time)
        outcome.request.series[place].columns.values.append(value)
        if let start { setStart(start, at: place) }
        return place
    }

    private mutating func setStart(_ point: OTLPPoint, at place: Int) {
        guard point.startNanoseconds > 0 else { return }
        outcome.request.series[place].createdTime = Int64(clamping: point.startNanoseconds / 1_000_000)
    }

    private mutating func add(_ exemplars: [OTLPExemplar], at place: Int) {
        let series = outcome.request.series[place].columns.labels
        for exemplar in exemplars {
            var ids = Labels()
            ids["trace_id"] = exemplar.traceID
            ids["span_id"] = exemplar.spanID
            let all = labels(exemplar.attributes, ids)
            let length = all.pairs.reduce(0) { $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count }
            // The ids are what an exemplar is for; the rest goes when there is no room.
            outcome.request.series[place].exemplars.append(
                Exemplar(
                    series: series, labels: length <= 128 ? all : ids, value: exemplar.value,
                    timestamp: Int64(clamping: exemplar.nanoseconds / 1_000_000)))
        }
    }

    private mutating func note(_ name: String, _ type: MetricType, _ help: String, _ unit: String) {
        guard placeOfMetadata.insert(name).inserted else { return }
        outcome.request.metadata.append(MetricMetadata(name, type, help, unit: unit))
    }
}
