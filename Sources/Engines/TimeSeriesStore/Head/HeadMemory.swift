// Where the samples of the head lie. All of it is owned by the head and changed under the store's `state` lock; no sample and no
// series has an object of its own.

/// A stretch of memory for finished chunks, filled from the front.
///
/// `@unchecked Sendable`: bytes below `used` never change after they were written. `append` is called under the store's `state` lock
/// alone; a reader takes its ranges under that lock, and only they are read later, from any thread.
final class BytePage: @unchecked Sendable {
    static let byteCount = 256 << 10
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var used = 0

    /// - Parameter capacity: more than a page's for a chunk that is longer than one.
    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// - Returns: where the bytes stand; nil where they do not fit any more.
    func append(_ bytes: [UInt8]) -> Int? {
        guard used + bytes.count <= capacity else { return nil }
        bytes.withUnsafeBytes { (base + used).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        defer { used += bytes.count }
        return used
    }

    /// - Parameter body: may use the bytes during the call only.
    func withBytes<Value>(_ offset: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        body(UnsafeRawBufferPointer(start: base + offset, count: count))
    }
}

/// Rows of numbers for the series whose value has changed since their open chunk began. Those that stand still have none.
///
/// `@unchecked Sendable`: only the head uses it, under the store's `state` lock.
final class OpenValues: @unchecked Sendable {
    static let rowCount = 256
    private var pages: [UnsafeMutablePointer<Double>] = []
    private var free: [Int32] = []

    deinit {
        for page in pages { page.deallocate() }
    }

    func take() -> Int32 {
        if let row = free.popLast() { return row }
        let first = Int32(pages.count * Self.rowCount)
        pages.append(.allocate(capacity: Self.rowCount * Head.openCountMax))
        free.append(contentsOf: (first + 1..<first + Int32(Self.rowCount)).reversed())
        return first
    }

    func giveBack(_ row: Int32) { free.append(row) }

    /// The numbers of a row; valid until it is given back.
    @inline(__always)
    func row(_ row: Int32) -> UnsafeMutablePointer<Double> {
        pages[Int(row) / Self.rowCount] + Int(row) % Self.rowCount * Head.openCountMax
    }
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
    struct ChunkEntry {
        /// The chunk of the same series before this one; -1 for none.
        var previous: Int32
        var page: UInt32
        var offset: UInt32
        var byteCount: UInt32
        /// Its times, in `times`.
        var time: Int32
    }

    struct TimeEntry {
        var page: UInt32
        var offset: UInt32
        var byteCount: UInt32
        var sampleCount: Int32
        var first: Int64
        var last: Int64
    }

    let start: Int64
    let end: Int64
    private(set) var pages: [BytePage] = []
    private(set) var chunks: [ChunkEntry] = []
    private(set) var times: [TimeEntry] = []
    /// The newest chunk of each series, by the number of the series; -1 for none.
    private(set) var newest: [Int32] = []
    private(set) var sampleCount = 0
    private(set) var byteCount = 0

    init(start: Int64, end: Int64) {
        self.start = start
        self.end = end
    }

    mutating func addTimes(_ bytes: [UInt8], count: Int, first: Int64, last: Int64) -> Int32 {
        let place = store(bytes)
        times.append(
            TimeEntry(
                page: place.page, offset: place.offset, byteCount: UInt32(bytes.count), sampleCount: Int32(count),
                first: first, last: last))
        return Int32(times.count - 1)
    }

    mutating func addChunk(_ bytes: [UInt8], of series: Int, time: Int32) {
        let place = store(bytes)
        if series >= newest.count {
            newest += [Int32](repeating: -1, count: max(series + 1 - newest.count, newest.count / 2))
        }
        chunks.append(
            ChunkEntry(
                previous: newest[series], page: place.page, offset: place.offset, byteCount: UInt32(bytes.count),
                time: time))
        newest[series] = Int32(chunks.count - 1)
        sampleCount += Int(times[Int(time)].sampleCount)
    }

    /// The chunks of a series, the oldest first.
    func chunks(of series: Int) -> [Int32] {
        guard series < newest.count, newest[series] >= 0 else { return [] }
        var places: [Int32] = []
        var place = newest[series]
        while place >= 0 {
            places.append(place)
            place = chunks[Int(place)].previous
        }
        return places.reversed()
    }

    func hasChunks(_ series: Int) -> Bool { series < newest.count && newest[series] >= 0 }

    private mutating func store(_ bytes: [UInt8]) -> (page: UInt32, offset: UInt32) {
        byteCount += bytes.count
        if let page = pages.last, let offset = page.append(bytes) {
            return (UInt32(pages.count - 1), UInt32(offset))
        }
        let page = BytePage(capacity: max(BytePage.byteCount, bytes.count))
        pages.append(page)
        return (UInt32(pages.count - 1), UInt32(page.append(bytes)!))
    }
}
