public import Series
import Units

// A target's page looks almost like the one before: the same lines in the same order, with other numbers in some of them. So
// the page is not parsed; it is compared with the last one, which is kept together with a table of its lines.
//
//     old   # TYPE a counter⏎ a{x="1"} 17⏎ a{x="2"} 4⏎ b 1.5⏎
//     new   # TYPE a counter⏎ a{x="1"} 18⏎ a{x="2"} 4⏎ b 1.5⏎
//           └── same bytes ────────────┘└─ a number ─┘└─ same bytes ──┘
//
// 1. The quick way (`ScrapePage+Quick`): the length of what is equal is found 32 bytes at a time; lines that lie in it are done,
//    their values stand already. Where the bytes part within a line's value, that number alone is read. It knows no errors: whatever
//    it does not expect (another line, a time in an OpenMetrics page, a counter below zero) sends the page the long way.
// 2. The long way (`ScrapePage+Layout`): lines are looked up by the bytes in front of their values, at first where they should
//    stand, then in an index, so lines that moved keep their slots. Only for lines that were not there before are labels built.
//    OpenMetrics pages go through the strict parser instead, so there is one judge of what is accepted.
//
// Nothing is changed until the page is accepted as a whole. On the quick way nothing is allocated, whatever the page's size.
//
// A *slot* is a number for a series of this target, from 0, used again after its series vanished. Whoever stores the samples keeps
// an array from slot to its own reference and never sees labels again.

/// The page of one scrape target, remembered so that the next one costs little.
///
/// ```swift
/// let changes = try page.read(body, .text)
/// for series in changes.appeared { … }        // relabel, ask the store for a reference, keep it under `series.slot`
/// // changes.isSameLayout: page.slots is what it was; page.values is parallel to it
/// ```
public struct ScrapePage: Sendable {
    public let limits: ExpositionLimits
    var format = ExpositionFormat.text
    /// The last accepted page, with a line feed at its end.
    var bytes: [UInt8] = []
    var layout = PageLayout()
    /// What the next page's values are written to, before they change places with `values`.
    var nextValues: [Double] = []
    var nextTimes: [Int64] = []
    var lengthChanges: [LengthChange] = []
    var dirtyGroups: [Int32] = []
    /// Slots below `slotCount` that no series has.
    var freeSlots: [UInt32] = []

    /// The samples' values, in the order of the page.
    public internal(set) var values: [Double] = []
    /// The samples' slots, parallel to `values`. A slot may stand more than once where samples have times of their own.
    public var slots: [UInt32] { layout.slots }
    /// The samples' own times in milliseconds, parallel to `values`; `Int64.min` for a sample without. Empty where none has one.
    public var times: [Int64] { layout.times }
    /// The slots of the samples that repeat a series without a time of their own, of which the first counts. They are not in `values`.
    public var repeatedSlots: [UInt32] { layout.repeatedSlots }
    /// Those of the samples that are native histograms, which only protobuf pages have. Their value is a NaN without meaning.
    public internal(set) var histograms: [HistogramSample] = []
    /// Only while the pages are protobuf.
    var slotOfLabels: [Labels: UInt32] = [:]
    /// One more than the largest slot there has been.
    public internal(set) var slotCount = 0

    struct LengthChange {
        var line: Int32
        var byteCount: UInt32
    }

    public init(limits: ExpositionLimits = ExpositionLimits()) {
        self.limits = limits
    }

    /// What a page changed, beside `values`.
    public struct Changes: Sendable {
        /// No series came, went or moved: `slots` is what it was.
        public internal(set) var isSameLayout = true
        public internal(set) var appeared: [Appeared] = []
        public internal(set) var vanished: [Vanished] = []
        /// Of metrics whose metadata are new or changed.
        public internal(set) var metadata: [MetricMetadata] = []
        /// Those that the last page did not have.
        public internal(set) var exemplars: [PageExemplar] = []
    }

    public struct Appeared: Sendable, Hashable {
        public var slot: Int
        public var labels: Labels

        public init(slot: Int, labels: Labels) {
            self.slot = slot
            self.labels = labels
        }
    }

    public struct Vanished: Sendable, Hashable {
        public var slot: Int
        /// Its last sample had a time of its own, for which Prometheus writes no stale marker.
        public var hadTime: Bool

        public init(slot: Int, hadTime: Bool) {
            self.slot = slot
            self.hadTime = hadTime
        }
    }

    /// An exemplar of the sample at `sample` of `values`.
    public struct PageExemplar: Sendable, Hashable {
        public var sample: Int
        public var labels: Labels
        public var value: Double
        /// Milliseconds since the epoch, where the page says when.
        public var timestamp: Int64?

        public init(sample: Int, labels: Labels, value: Double, timestamp: Int64?) {
            self.sample = sample
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
        }
    }

    /// Takes the target's next page.
    /// - Throws: `ExpositionError` with line and column; everything then stays as it was.
    public mutating func read(_ page: [UInt8], _ format: ExpositionFormat) throws(ExpositionError) -> Changes {
        guard page.count <= limits.byteCountMax else {
            throw ExpositionError(
                .tooMuch, line: 1, column: 1,
                "the page has \(page.count) bytes, more than the \(limits.byteCountMax) that are read")
        }
        var page = page
        if format != .protobuf, let last = page.last, last != UInt8(ascii: "\n") { page.append(UInt8(ascii: "\n")) }
        if format == self.format, let changes = readQuickly(&page) { return changes }
        return try readAnew(page, format)
    }

    /// The labels of the samples at these places of `values`, for a store that asks for them again. Reads them from the page.
    public func labels(ofSamples samples: some Sequence<Int>) -> [Int: Labels] {
        let wanted = Set(samples)
        var found: [Int: Labels] = [:]
        if format == .protobuf {
            for (labels, slot) in slotOfLabels {
                for (sample, other) in slots.enumerated() where other == slot && wanted.contains(sample) {
                    found[sample] = labels
                }
            }
            return found
        }
        var start = 0
        var spelling = BoundSpelling()
        for line in layout.lines {
            let end = start + Int(line.byteCount)
            if line.sample < 0 { spelling.see(bytes[start..<min(bytes.count, end - 1)]) }
            if line.sample >= 0, wanted.contains(Int(line.sample)) {
                found[Int(line.sample)] = spelling.spelled(labels(ofLineAt: start, Int(line.prefixByteCount)))
            }
            start = end
        }
        return found
    }

    /// The metadata that the last page has, by metric name.
    public func metadata() -> MetadataByName {
        guard !bytes.isEmpty else { return [:] }
        // The page was accepted, so it is again.
        let now = Timestamp(millisecondsSinceEpoch: 0)
        return (try? parseExposition(bytes, format, at: now, limits: .none))?.metadata ?? [:]
    }

    /// The labels that the line at `start` of `bytes` begins with.
    func labels(ofLineAt start: Int, _ prefixByteCount: Int) -> Labels {
        var cursor = LineCursor(Array(bytes[start..<start + prefixByteCount]), limits: .none)
        _ = cursor.nextLine()
        cursor.skipBlanks()
        // The line was accepted once, with these bytes.
        return (try? cursor.metric(strict: false).labels) ?? Labels()
    }
}
