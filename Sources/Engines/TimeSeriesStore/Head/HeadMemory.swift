// Where the samples of the head lie. All of it is owned by the head and changed under the store's `state` lock; no sample and no
// series has an object of its own.

/// Rows of numbers for the series whose value has changed since their open chunk began. Those that stand still have none.
///
/// `@unchecked Sendable`: only the head uses it, under the store's `state` lock.
final class OpenValues: @unchecked Sendable {
    static let rowCount = 256
    /// Pages of rows; a copy is good for the rows that were there when it was taken.
    struct Rows {
        fileprivate(set) var pages: [UnsafeMutablePointer<Double>] = []

        /// The numbers of a row; valid until it is given back.
        @inline(__always)
        subscript(row: Int32) -> UnsafeMutablePointer<Double> {
            pages[Int(row) / OpenValues.rowCount] + Int(row) % OpenValues.rowCount * Head.openCountMax
        }
    }

    private(set) var rows = Rows()
    private var free: [Int32] = []

    deinit {
        for page in rows.pages { page.deallocate() }
    }

    func take() -> Int32 {
        if let row = free.popLast() { return row }
        let first = Int32(rows.pages.count * Self.rowCount)
        rows.pages.append(.allocate(capacity: Self.rowCount * Head.openCountMax))
        free.append(contentsOf: (first + 1..<first + Int32(Self.rowCount)).reversed())
        return first
    }

    func giveBack(_ row: Int32) { free.append(row) }

    /// The numbers of a row; valid until it is given back.
    @inline(__always)
    func row(_ row: Int32) -> UnsafeMutablePointer<Double> { rows[row] }
}

/// The times of open chunks. The series of a target are read at the same instants and share one.
struct TimeColumn {
    var times: [Int64] = []
    /// Open chunks that use it; at 0 the place is free.
    var users = 0
    /// The end of the span that holds all its times.
    var spanEnd: Int64 = 0
    /// Where its first `sealedCount` times stand as a chunk in the span.
    var sealedAs: Int32 = -1
    var sealedCount = 0
}

/// The finished chunks of one span, in order of time for each series.
struct HeadSpan {
    /// A chunk, or a value that stood still for some chunks one after the other: that one takes no bytes in a page.
    struct ChunkEntry {
        /// The chunk of the same series before this one; -1 for none.
        var previous: Int32
        /// The newest of its times, in `times`.
        var time: Int32
        /// Its place; of a value that stands still, the halves of its bits.
        var page: UInt32
        var offset: UInt32
        /// Of a value that stands still, `standing` and how many entries of `times` it has.
        var byteCount: UInt32

        /// Set in `byteCount`.
        static let standing: UInt32 = 1 << 31
        /// Set in `byteCount` of a chunk of native histograms.
        static let histograms: UInt32 = 1 << 30

        var isStanding: Bool { byteCount & Self.standing != 0 }
        var standingBits: UInt64 { UInt64(page) << 32 | UInt64(offset) }
        /// How many entries of `times` it has: the newest, and each one's `previous`.
        var timeCount: Int { isStanding ? Int(byteCount & ~Self.standing) : 1 }
    }

    struct TimeEntry {
        var page: UInt32
        var offset: UInt32
        var byteCount: UInt32
        var sampleCount: Int32
        var first: Int64
        var last: Int64
        /// The entry before it, of the series for which it was made and mostly of all that share it; -1 for none.
        var previous: Int32
    }

    let start: Int64
    let end: Int64
    /// One of them is being filled; those before it are in `file` where that takes them.
    private(set) var pages: [HeadPage] = []
    /// The one that is being filled; -1 for none.
    private var fresh = -1
    private var file: PageFile?
    private let pageFiles: PageFiles?
    private(set) var chunks: [ChunkEntry] = []
    private(set) var times: [TimeEntry] = []
    /// The newest chunk of each series, by the number of the series; -1 for none.
    private(set) var newest: [Int32] = []
    private(set) var sampleCount = 0
    private(set) var byteCount = 0
    /// Of its own pages, those of stretches not among them.
    private(set) var pageFileByteCount: Int64 = 0

    init(start: Int64, end: Int64, pageFiles: PageFiles?) {
        self.start = start
        self.end = end
        self.pageFiles = pageFiles
    }

    /// - Parameter series: one that they are of.
    mutating func addTimes(_ bytes: [UInt8], of series: Int, count: Int, first: Int64, last: Int64) -> Int32 {
        let place = store(bytes)
        let range = Int(place.offset)..<Int(place.offset) + bytes.count
        return addTimes(at: range, in: place.page, of: series, count: count, first: first, last: last)
    }

    /// - Parameter range: where they stand in a page.
    mutating func addTimes(
        at range: Range<Int>, in page: UInt32, of series: Int, count: Int, first: Int64, last: Int64
    ) -> Int32 {
        times.append(
            TimeEntry(
                page: page, offset: UInt32(range.lowerBound), byteCount: UInt32(range.count),
                sampleCount: Int32(count), first: first, last: last,
                previous: hasChunks(series) ? chunks[Int(newest[series])].time : -1))
        return Int32(times.count - 1)
    }

    /// Takes up a page that is full already.
    /// - Returns: its number.
    mutating func add(_ page: HeadPage) -> UInt32 {
        pages.append(page)
        return UInt32(pages.count - 1)
    }

    /// A chunk that stands in a page.
    mutating func addChunk(at range: Range<Int>, in page: UInt32, of series: Int, time: Int32) {
        byteCount += range.count
        add(page, UInt32(range.lowerBound), UInt32(range.count), of: series, time)
    }

    mutating func addChunk(_ bytes: [UInt8], of series: Int, time: Int32, isOfHistograms: Bool = false) {
        let place = store(bytes)
        let byteCount = UInt32(bytes.count) | (isOfHistograms ? ChunkEntry.histograms : 0)
        add(place.page, place.offset, byteCount, of: series, time)
    }

    /// A chunk whose samples all have one value. Where the chunk before it has the same one, they are one entry.
    mutating func addStanding(_ bits: UInt64, of series: Int, time: Int32) {
        if hasChunks(series) {
            let last = Int(newest[series])
            if chunks[last].isStanding, chunks[last].standingBits == bits,
                times[Int(time)].previous == chunks[last].time
            {
                chunks[last].time = time
                chunks[last].byteCount += 1
                sampleCount += Int(times[Int(time)].sampleCount)
                return
            }
        }
        add(UInt32(bits >> 32), UInt32(truncatingIfNeeded: bits), ChunkEntry.standing | 1, of: series, time)
    }

    private mutating func add(_ page: UInt32, _ offset: UInt32, _ byteCount: UInt32, of series: Int, _ time: Int32) {
        if series >= newest.count {
            newest += [Int32](repeating: -1, count: max(series + 1 - newest.count, newest.count / 2))
        }
        chunks.append(
            ChunkEntry(previous: newest[series], time: time, page: page, offset: offset, byteCount: byteCount))
        newest[series] = Int32(chunks.count - 1)
        sampleCount += Int(times[Int(time)].sampleCount)
    }

    func hasChunks(_ series: Int) -> Bool { series < newest.count && newest[series] >= 0 }

    private mutating func store(_ bytes: [UInt8]) -> (page: UInt32, offset: UInt32) {
        byteCount += bytes.count
        if fresh >= 0, case .memory(let page) = pages[fresh] {
            if let offset = page.append(bytes) { return (UInt32(fresh), UInt32(offset)) }
            if file == nil { file = pageFiles?.next() }
            pages[fresh] = .written(page, to: file)
            if case .file(_, _, let byteCount) = pages[fresh] { pageFileByteCount += Int64(byteCount) }
        }
        let page = BytePage(capacity: max(BytePage.byteCount, bytes.count + BytePage.checksumByteCount))
        fresh = pages.count
        pages.append(.memory(page))
        return (UInt32(fresh), UInt32(page.append(bytes)!))
    }
}
