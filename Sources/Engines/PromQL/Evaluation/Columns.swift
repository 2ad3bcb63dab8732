import Series

/// Stands in a column where a series has no number at that step. It is the stale marker, which never is a value itself.
let absent = staleMarker

/// A value at one step.
enum SampleValue {
    case number(Double)
    case histogram(Histogram)
}

/// One element of an instant vector over all steps.
struct Column {
    var labels: Labels
    /// One number for each step; `absent` where there is none.
    var values: [Double]
    /// One place for each step, or empty: most series have numbers only and pay nothing for this.
    var histograms: [Histogram?] = []
    /// The metric's name has served its purpose and goes at the end of the query.
    var dropsName = false
    /// Where the column stands among the others at each step; empty where the order of the columns holds at every step.
    var ranks: [Int32] = []

    var hasHistograms: Bool { !histograms.isEmpty }

    func isPresent(_ step: Int) -> Bool {
        !values[step].isStaleMarker || (!histograms.isEmpty && histograms[step] != nil)
    }

    func isNumber(_ step: Int) -> Bool { !values[step].isStaleMarker }

    func histogram(_ step: Int) -> Histogram? { histograms.isEmpty ? nil : histograms[step] }

    subscript(_ step: Int) -> SampleValue? {
        get {
            if !values[step].isStaleMarker { return .number(values[step]) }
            return histogram(step).map { .histogram($0) }
        }
        set {
            values[step] = absent
            if !histograms.isEmpty { histograms[step] = nil }
            switch newValue {
            case .number(let number): values[step] = number
            case .histogram(let histogram):
                if histograms.isEmpty { histograms = Array(repeating: nil, count: values.count) }
                histograms[step] = histogram
            case nil: break
            }
        }
    }

    mutating func clear(_ step: Int) {
        values[step] = absent
        if !histograms.isEmpty { histograms[step] = nil }
    }

    var isEmpty: Bool {
        !values.contains { !$0.isStaleMarker } && !histograms.contains { $0 != nil }
    }

    /// The same series with nothing in it yet.
    var blank: Column {
        Column(
            labels: labels, values: [Double](repeating: absent, count: values.count), dropsName: dropsName, ranks: ranks
        )
    }
}

/// What an expression gives over all steps.
enum StepValues {
    case scalar([Double])
    case vector([Column])
    case string(StringLiteral)
}

/// The samples of one series, in columns of equal length.
struct SampleRow {
    var labels: Labels
    var times: [Int64]
    /// `absent` where a histogram stands, and where the series ended.
    var values: [Double]
    /// Empty, or one place for each sample.
    var histograms: [Histogram?] = []
    var dropsName = false
    /// Which samples stand for a step each; empty where all are as they came.
    var coarse: [CoarseStretch] = []
    /// What those that are means of steps were made of; nil where none is.
    var figures: StepColumns?
    /// Whether there is no stale marker among the values, as their reader has seen.
    private var isFreeOfMarkers = false

    init(labels: Labels, times: [Int64], values: [Double], histograms: [Histogram?] = [], dropsName: Bool = false) {
        self.labels = labels
        self.times = times
        self.values = values
        self.histograms = histograms
        self.dropsName = dropsName
    }

    init(_ columns: consuming SeriesColumns) {
        labels = columns.labels
        times = columns.times
        values = columns.values
        coarse = columns.coarse
        figures = columns.figures
        isFreeOfMarkers = columns.isFreeOfMarkers && columns.histograms.isEmpty
        guard !columns.histograms.isEmpty else { return }
        histograms = Array(repeating: nil, count: times.count)
        for sample in columns.histograms {
            values[sample.index] = absent
            // A histogram whose sum is the stale marker ends the series as the marker itself does.
            if !sample.histogram.sum.isStaleMarker { histograms[sample.index] = Histogram(sample.histogram) }
        }
    }

    var columns: SeriesColumns {
        var columns = SeriesColumns(labels: labels, times: times, values: values)
        for (index, histogram) in histograms.enumerated() {
            if let histogram { columns.histograms.append(HistogramSample(index: index, histogram: histogram.native)) }
        }
        return columns
    }

    func isPresent(_ index: Int) -> Bool {
        !values[index].isStaleMarker || (!histograms.isEmpty && histograms[index] != nil)
    }

    /// Whether the sample at `index` may stand for `moment`. One that was kept for a step stands until the next one is due: for its
    /// step, and for as long after it as a sample that is as it came.
    func isRecent(_ index: Int, at moment: Int64, lookbackMs: Int64) -> Bool {
        let time = times[index]
        if time > moment - lookbackMs { return true }
        guard let stretch = coarse.first(where: { time < $0.before }) else { return false }
        return time > moment - lookbackMs - stretch.step
    }

    /// Only the samples at `indices`.
    func keeping(_ indices: [Int]) -> SampleRow {
        var row = SampleRow(
            labels: labels, times: indices.map { times[$0] }, values: indices.map { values[$0] },
            histograms: histograms.isEmpty ? [] : indices.map { histograms[$0] }, dropsName: dropsName)
        row.coarse = coarse
        row.figures = figures?.keeping(indices)
        return row
    }

    var withoutStaleMarkers: SampleRow {
        if isFreeOfMarkers { return self }
        let isWhole = histograms.isEmpty ? !hasStaleMarker(values) : times.indices.allSatisfy(isPresent)
        return isWhole ? self : keeping(times.indices.filter(isPresent))
    }

    /// Only counts and sums, with what the buckets say of resets in the hints: all that is needed where nothing looks at
    /// buckets.
    var statistics: SampleRow {
        var row = self
        var previous: Histogram?
        for (index, histogram) in histograms.enumerated() {
            guard let histogram else {
                previous = nil
                continue
            }
            var short = Histogram(schema: 0)
            short.count = histogram.count
            short.sum = histogram.sum
            short.hint = histogram.hint
            if histogram.hint == .unknown, let previous {
                short.hint = histogram.isReset(after: previous) ? .reset : .notReset
            }
            row.histograms[index] = short
            previous = histogram
        }
        return row
    }
}

/// A range vector: raw samples of each series and the window that each step looks through.
struct WindowedSeries {
    var rows: [SampleRow]
    var rangeMs: Int64
    var moments: Moments
    var edges: RangeExtension?
}

/// What the reference calls annotations, each once, in the order they came up. So many are kept that a person can read them;
/// the rest is counted.
struct Notes {
    private var warningList: [String] = []
    private var infoList: [String] = []
    private var known: Set<String> = []
    private var warningsOmitted = 0
    private var infosOmitted = 0
    private let max: Int

    init(max: Int) { self.max = max }

    mutating func warn(_ text: String) { Self.add(text, &warningList, &warningsOmitted, &known, max) }
    mutating func inform(_ text: String) { Self.add(text, &infoList, &infosOmitted, &known, max) }

    private static func add(
        _ text: String, _ list: inout [String], _ omitted: inout Int, _ known: inout Set<String>, _ max: Int
    ) {
        // Texts past the bound are counted once for each time they come up: to know them would take memory without bound.
        guard !known.contains(text) else { return }
        guard list.count < max else {
            omitted += 1
            return
        }
        known.insert(text)
        list.append(text)
    }

    var warnings: [String] { Self.closed(warningList, warningsOmitted, "warning") }
    var infos: [String] { Self.closed(infoList, infosOmitted, "info") }

    private static func closed(_ list: [String], _ omitted: Int, _ kind: String) -> [String] {
        omitted == 0 ? list : list + ["\(omitted) more \(kind) annotations omitted"]
    }
}
