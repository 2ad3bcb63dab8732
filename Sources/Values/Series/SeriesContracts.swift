public import Units

/// Reads stored series. `PromQL`, the pages and the API know the store by this alone.
public protocol SeriesReading: Sendable {
    /// The series that satisfy all `matchers`, with their samples from `start` to `end`, both included.
    ///
    /// Stale markers are among the samples. Series without a sample in the range are left out. The answer is sorted by
    /// labels. Cancellation ends the call early with `CancellationError`.
    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]

    /// Names of labels that series matching `matchers` have in the range, sorted.
    func labelNames(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws -> [String]

    /// Values of the label `name` among the series matching `matchers` in the range, sorted.
    func labelValues(_ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp)
        async throws -> [String]

    /// What is known of the metrics, by name. Empty where the store keeps none.
    func metadata() async throws -> MetadataByName
}

/// What of an answer is wanted.
public struct SelectionBounds: Sendable {
    /// The most samples of all series together.
    public var samplesMax = Int.max
    /// How many samples a native histogram counts for beside its own.
    public var samplesPerHistogram = 1
    /// Of each series only the newest sample in the range is looked at; others may be left out.
    public var isLatestEnough = false
    /// Nil where nothing looks at single instants.
    public var looks: InstantLooks?
    /// Where the newest sample at or before each of these is all that is looked at: others may be left out. Nil where more is.
    public var steps: Steps?
    /// Whether anything looks at the labels. Where nothing does, those of series of plain numbers may be left empty.
    public var needsLabels = true
    /// Whether the order of the series counts: sums are added up in it. Where it does not, any order will do.
    public var needsOrder = true
    /// What is wanted of steps beside their means, of series of which a store keeps that.
    public var figures: StepFigures = []
    /// Where what is read is taken from, at `bytesPerSample` and `bytesPerSeries`.
    public var memory: MemoryShare?
    /// Whether the time of whoever asks is up, so that reading ends with a `CancellationError`. May be asked on any thread.
    public var isOver: @Sendable () -> Bool = { false }

    /// A time and a value.
    public static let bytesPerSample = 16
    /// Its arrays and labels, roughly.
    public static let bytesPerSeries = 384

    /// Instants in milliseconds, evenly spaced.
    public struct Steps: Sendable, Hashable {
        public var first: Int64
        /// At least 1.
        public var interval: Int64
        public var count: Int

        public init(first: Int64, interval: Int64, count: Int) {
            self.first = first
            self.interval = interval
            self.count = count
        }
    }

    /// Instants at which the newest sample counts that is not too old.
    public struct InstantLooks: Sendable, Hashable {
        /// The first of them.
        public var from: Timestamp
        /// How old a sample may be. One that stands for a step may be older by that step, so that a store with such samples reads them
        /// from before the range that it was asked for.
        public var lookback: Duration

        public init(from: Timestamp, lookback: Duration) {
            self.from = from
            self.lookback = lookback
        }
    }

    public init(
        samplesMax: Int = .max, samplesPerHistogram: Int = 1, isLatestEnough: Bool = false, looks: InstantLooks? = nil,
        steps: Steps? = nil, needsLabels: Bool = true, needsOrder: Bool = true,
        figures: StepFigures = [], memory: MemoryShare? = nil,
        isOver: @escaping @Sendable () -> Bool = { false }
    ) {
        self.memory = memory
        self.samplesMax = samplesMax
        self.samplesPerHistogram = samplesPerHistogram
        self.isLatestEnough = isLatestEnough
        self.looks = looks
        self.steps = steps
        self.needsLabels = needsLabels
        self.needsOrder = needsOrder
        self.figures = figures
        self.isOver = isOver
    }
}

/// A store that reads no more than is wanted, and stops as soon as an answer grows too large, so that what is refused was never in
/// memory.
public protocol BoundedSeriesReading: SeriesReading {
    /// As `select` of `SeriesReading`.
    /// - Throws: `TooManySamples` and `MemoryRefusal` as well.
    func select(
        _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, within bounds: SelectionBounds
    ) async throws -> [SeriesColumns]
}

/// An answer would have had more samples than were asked for.
public struct TooManySamples: Error {
    /// How many there were when reading stopped.
    public var count: Int

    public init(count: Int) { self.count = count }
}

/// How a batch fared. What was refused is counted by reason, never dropped without a word.
public struct AppendOutcome: Sendable, Hashable {
    public var stored: Int
    /// Older than the newest sample of its series.
    public var outOfOrder: Int
    /// Another value for an instant that has one.
    public var duplicate: Int
    /// Of series that would have gone past a limit: on how many there may be, or on the length of their labels.
    public var overLimit: Int
    /// The samples that are not stored now, in their order: those refused, and those that were stored before. Empty where a store cannot
    /// say which.
    public var leftOut: [LeftOut] = []

    /// A sample that was not stored.
    public struct LeftOut: Sendable, Hashable {
        public enum Reason: Sendable {
            case outOfOrder, duplicate, overLimit
            /// The same value for the same instant again, which is no fault.
            case repeated
        }

        /// The row's place in the batch, or the reference's in the block.
        public var index: Int
        public var reason: Reason

        public init(index: Int, reason: Reason) {
            self.index = index
            self.reason = reason
        }
    }

    public init(stored: Int = 0, outOfOrder: Int = 0, duplicate: Int = 0, overLimit: Int = 0) {
        self.stored = stored
        self.outOfOrder = outOfOrder
        self.duplicate = duplicate
        self.overLimit = overLimit
    }
}

/// A store's number for a series that it has in memory. Numbers are not used again within one run of the process.
public struct SeriesReference: Sendable, Hashable {
    public var raw: UInt64

    public init(_ raw: UInt64) { self.raw = raw }
}

/// Samples of one instant in columns, for whoever reads the same series again and again: labels were turned into numbers once,
/// and no sample costs an object.
public struct SampleBlock: Sendable {
    public var timestamp: Timestamp
    public var references: [SeriesReference]
    /// As many as `references`. A stale marker is stored as one.
    public var values: [Double]
    /// Samples of the same reading whose series have no number because a limit forbids them: counted as refused.
    public var refusedCount: Int

    public init(timestamp: Timestamp, references: [SeriesReference], values: [Double], refusedCount: Int = 0) {
        precondition(references.count == values.count)
        self.refusedCount = refusedCount
        self.timestamp = timestamp
        self.references = references
        self.values = values
    }
}

/// Takes samples by number. A number that the store no longer knows (it forgot an idle series) comes back among `unknown`, and the
/// caller asks for a new one.
public protocol ColumnAppending: SeriesAppending {
    /// The numbers of `labels`, in their order; nil where a limit forbids a new series, or one with labels of that length.
    func references(of labels: [Labels]) async throws -> [SeriesReference?]

    /// Stores a block, durable as `append(_:)` of a batch is.
    /// - Returns: what was taken, and the indices of references that the store does not know.
    func append(_ block: SampleBlock) async throws -> (outcome: AppendOutcome, unknown: [Int])
}

/// Gives the exemplars that a store keeps.
public protocol ExemplarReading: Sendable {
    /// The exemplars of series matching any of `selectors`, from `start` to `end`, both included, sorted by series and time.
    func exemplars(_ selectors: [[LabelMatcher]], from start: Timestamp, through end: Timestamp) async throws
        -> [Exemplar]
}

/// Takes samples. When the call returns, the stored ones survive the end of the process.
public protocol SeriesAppending: Sendable {
    @discardableResult
    func append(_ batch: SampleBatch) async throws -> AppendOutcome
}

/// Something that can be read for samples: a collector, a probe, a scrape.
///
/// `read` reports its own failure: a source that cannot be read gives `…_up 0` and no other value, or throws, in which case
/// the runner writes the `upMetric` for it. It must come back when its task is cancelled.
public protocol SampleSource: Sendable {
    /// Unique among the running sources and stable over restarts, as in `postgres/shop`.
    var name: String { get }
    /// The labels that every sample of the source carries (`instance`, `job`, `host` …).
    var labels: Labels { get }
    var interval: Duration { get }
    /// After this long a reading counts as failed. At most `interval`.
    var deadline: Duration { get }
    /// The metric that is 1 when the reading worked and 0 when it did not: `pg_up`, `probe_success`, `up` …
    var upMetric: String { get }

    func read(at now: Timestamp) async throws -> SampleBatch
}
