/// What is remembered of a line of a page.
struct PageLine {
    /// With its line feed.
    var byteCount: UInt32
    /// Up to the first byte of the value: the metric, its labels and the blanks after them. All of `byteCount` for comments and blank
    /// lines, so that any difference there is one of the layout.
    var prefixByteCount: UInt32
    /// Place of its sample in the columns; -1 for a line without one, and for one that repeats a series.
    var sample: Int32
    var rule: ValueRule
    var mayHaveExemplar: Bool
    /// `BoundSpelling.code(of:)` under which the line was read.
    var spelling: UInt8

    init(
        _ byteCount: Int, prefix: Int, sample: Int, rule: ValueRule = .any, mayHaveExemplar: Bool = false,
        spelling: UInt8 = 0
    ) {
        self.byteCount = UInt32(byteCount)
        prefixByteCount = UInt32(prefix)
        self.sample = Int32(sample)
        self.rule = rule
        self.mayHaveExemplar = mayHaveExemplar
        self.spelling = spelling
    }
}

/// Which values a sample may have, where the format's type says something about it.
enum ValueRule: UInt8 {
    case any
    /// Not NaN, not negative.
    case total
    /// And whole; one of a histogram, whose buckets are judged together.
    case count
    /// Not NaN.
    case number
    case state
    case info
    case quantile

    @inline(__always)
    func allows(_ value: Double) -> Bool {
        switch self {
        case .any: true
        case .total: value >= 0
        case .count: value >= 0 && value == value.rounded(.towardZero)
        case .number: !value.isNaN
        case .state: value == 0 || value == 1
        case .info: value == 1
        case .quantile: !(value < 0)
        }
    }
}

/// A histogram of an OpenMetrics page: the samples whose values must agree with each other.
struct HistogramGroup {
    /// Places of its buckets' samples within `PageLayout.bucketSamples`.
    var buckets: Range<Int32>
    /// Sample of the count, or -1.
    var count: Int32 = -1
    /// Sample of a sum that must not be negative while no bucket's bound is, or -1.
    var gaugeSum: Int32 = -1
}

/// All that is remembered of a page beside its bytes.
struct PageLayout {
    var lines: [PageLine] = []
    /// By sample.
    var slots: [UInt32] = []
    /// Of what repeats a sample that came before, and is none itself.
    var repeatedSlots: [UInt32] = []
    /// By sample; empty where no sample has a time of its own. `noTime` for those without.
    var times: [Int64] = []
    /// Only for OpenMetrics pages with histograms: the group of each sample, or -1.
    var groupOfSample: [Int32] = []
    var groups: [HistogramGroup] = []
    var bucketSamples: [Int32] = []
    /// Times or repeated series stand in an OpenMetrics page, whose rules about them look at several lines: any change is judged anew.
    var isFragile = false

    static let noTime = Int64.min
}

/// How many bytes two stretches have in common from their beginning, at most `limit`.
@inline(__always)
func commonPrefix(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ limit: Int) -> Int {
    var at = 0
    while at &+ 32 <= limit {
        let difference =
            (word(left, at) ^ word(right, at)) | (word(left, at &+ 8) ^ word(right, at &+ 8))
            | (word(left, at &+ 16) ^ word(right, at &+ 16)) | (word(left, at &+ 24) ^ word(right, at &+ 24))
        if difference != 0 { break }
        at &+= 32
    }
    while at &+ 8 <= limit {
        let difference = word(left, at) ^ word(right, at)
        if difference != 0 { return at &+ UInt64(littleEndian: difference).trailingZeroBitCount >> 3 }
        at &+= 8
    }
    while at < limit,
        left.load(fromByteOffset: at, as: UInt8.self) == right.load(fromByteOffset: at, as: UInt8.self)
    { at &+= 1 }
    return at
}

@inline(__always)
private func word(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
}
