public import Units

/// What kind of number a metric is, as the exposition formats name it.
public enum MetricType: String, Sendable, Codable {
    case counter, gauge, histogram, summary, untyped, info
    case gaugeHistogram = "gaugehistogram"
    case stateSet = "stateset"
}

/// What a metric says of itself beside its samples.
public struct MetricMetadata: Sendable, Hashable {
    public var name: String
    public var type: MetricType
    public var help: String
    /// The unit as OpenMetrics declares it (`seconds`), or empty.
    public var unit = ""

    public init(_ name: String, _ type: MetricType, _ help: String, unit: String = "") {
        self.name = name
        self.type = type
        self.help = help
        self.unit = unit
    }
}

/// The samples of one reading, all of one instant.
public struct SampleBatch: Sendable {
    public struct Row: Sendable, Hashable {
        public var labels: Labels
        public var value: Double
        /// Where the source gave a time of its own; otherwise the batch's.
        public var timestamp: Timestamp?
        /// Rare, hence behind a reference: a row of a plain number stays small.
        private var box: HistogramBox?

        /// The native histogram that this sample is; then `value` is a NaN without meaning.
        public var histogram: NativeHistogram? { box?.histogram }

        public init(labels: Labels, value: Double, timestamp: Timestamp? = nil) {
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
        }

        public init(labels: Labels, histogram: NativeHistogram, timestamp: Timestamp? = nil) {
            self.init(labels: labels, value: .nan, timestamp: timestamp)
            box = HistogramBox(histogram)
        }
    }

    private final class HistogramBox: Sendable, Hashable {
        let histogram: NativeHistogram

        init(_ histogram: NativeHistogram) { self.histogram = histogram }

        static func == (left: HistogramBox, right: HistogramBox) -> Bool { left.histogram == right.histogram }
        func hash(into hasher: inout Hasher) { hasher.combine(histogram) }
    }

    public var timestamp: Timestamp
    public var rows: [Row] = []
    /// By metric name. Empty where the source says nothing.
    public var metadata: MetadataByName = [:]
    public var exemplars: [Exemplar] = []
    /// Rows that are not newer than all samples of their series are passed over, and are no fault: the batch says how series began.
    public var isOfBeginnings = false

    public init(at timestamp: Timestamp) {
        self.timestamp = timestamp
    }

    public mutating func add(_ name: String, _ labels: KeyValuePairs<String, String> = [:], _ value: Double) {
        rows.append(Row(labels: Labels(name, labels), value: value))
    }

    /// Adds `labels` to every row; where a row has the name already, its own value stays.
    public mutating func label(with labels: Labels) {
        for index in rows.indices { rows[index].labels = labels.merging(rows[index].labels) }
    }
}

/// Old samples of which one was kept for each step.
public struct CoarseStretch: Sendable, Hashable {
    /// The samples before this instant are meant, as far as no stretch ahead of this one has them. Milliseconds since the epoch.
    public var before: Int64
    /// Milliseconds; 0 for samples as they came that lie between such stretches.
    public var step: Int64

    public init(before: Int64, step: Int64) {
        self.before = before
        self.step = step
    }
}

/// What a store may keep of each step of a gauge beside the mean.
public struct StepFigures: OptionSet, Sendable, Hashable {
    public var rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// How many samples there were.
    public static let counts = StepFigures(rawValue: 1)
    public static let sums = StepFigures(rawValue: 2)
    public static let minimums = StepFigures(rawValue: 4)
    public static let maximums = StepFigures(rawValue: 8)
    /// The last sample, at whose time the step stands.
    public static let lasts = StepFigures(rawValue: 16)
}

/// The figures of steps that were asked for, each column as long as those of the samples; the others are empty. A sample that stands for
/// itself alone is its own sum, minimum, maximum and last, and counts as 1.
public final class StepColumns: Sendable {
    public let counts: [Double]
    public let sums: [Double]
    public let minimums: [Double]
    public let maximums: [Double]
    public let lasts: [Double]

    public init(counts: [Double], sums: [Double], minimums: [Double], maximums: [Double], lasts: [Double]) {
        self.counts = counts
        self.sums = sums
        self.minimums = minimums
        self.maximums = maximums
        self.lasts = lasts
    }

    /// The same of the samples at `indices` alone.
    public func keeping(_ indices: [Int]) -> StepColumns {
        func kept(_ column: [Double]) -> [Double] { column.isEmpty ? [] : indices.map { column[$0] } }
        return StepColumns(
            counts: kept(counts), sums: kept(sums), minimums: kept(minimums), maximums: kept(maximums),
            lasts: kept(lasts))
    }
}

/// One series with the samples of a stretch of time, in columns of equal length, times rising.
public struct SeriesColumns: Sendable, Hashable {
    public var labels: Labels
    /// Milliseconds since the epoch.
    public var times: [Int64]
    public var values: [Double]
    /// Those of the samples that are native histograms, their indices rising. Empty for a series of plain numbers.
    public var histograms: [HistogramSample]
    /// Which of the samples stand for a step each, oldest first. Empty where all are as they came.
    public var coarse: [CoarseStretch]
    /// Where figures of steps were asked for, and some samples are means of steps: then the means are in `values`. Like the next, it
    /// makes no columns unequal.
    public var figures: StepColumns?
    /// Whether whoever made this looked at all values and found no stale marker. Says nothing about the samples themselves: columns that differ in
    /// this alone are equal.
    public var isFreeOfMarkers = false

    public init(
        labels: Labels, times: [Int64], values: [Double], histograms: [HistogramSample] = [],
        coarse: [CoarseStretch] = []
    ) {
        precondition(times.count == values.count, "\(times.count) times and \(values.count) values for \(labels)")
        self.labels = labels
        self.times = times
        self.values = values
        self.histograms = histograms
        self.coarse = coarse
    }

    public static func == (left: SeriesColumns, right: SeriesColumns) -> Bool {
        left.labels == right.labels && left.times == right.times && left.values == right.values
            && left.histograms == right.histograms && left.coarse == right.coarse
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(labels)
        hasher.combine(times)
        hasher.combine(values)
        hasher.combine(histograms)
        hasher.combine(coarse)
    }
}

/// Whether any of `values` is a stale marker. Every sample of a query comes by here, so it is looked at eight at a time.
public func hasStaleMarker(_ values: [Double]) -> Bool {
    values.withUnsafeBufferPointer { values in
        let marker = staleMarker.bitPattern
        let bytes = UnsafeRawBufferPointer(values)
        let markers = SIMD8(repeating: marker)
        var index = 0
        while index + 8 <= values.count {
            if any(bytes.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<UInt64>.self) .== markers) { return true }
            index += 8
        }
        while index < values.count {
            if values[index].bitPattern == marker { return true }
            index += 1
        }
        return false
    }
}

/// The NaN that says "this series ended": a target went away or a reading no longer has the series.
/// Its bits are those of Prometheus (`model/value/value.go`), so that it survives exchange.
public let staleMarker = Double(bitPattern: 0x7ff0_0000_0000_0002)

extension Double {
    /// Whether this is the stale marker. `==` cannot tell, since it is a NaN.
    public var isStaleMarker: Bool { bitPattern == 0x7ff0_0000_0000_0002 }
}
