/// A set of series as bits: union and intersection of postings are operations on words.
struct SeriesSet: Sendable {
    private(set) var words: [UInt64]

    init(capacity: Int) {
        words = [UInt64](repeating: 0, count: (capacity + 63) / 64)
    }

    @inline(__always)
    mutating func insert(_ series: Int) { words[series >> 6] |= 1 << UInt64(series & 63) }

    @inline(__always)
    mutating func remove(_ series: Int) { words[series >> 6] &= ~(1 << UInt64(series & 63)) }

    func contains(_ series: Int) -> Bool { words[series >> 6] >> UInt64(series & 63) & 1 == 1 }

    mutating func formIntersection(_ other: SeriesSet) {
        for index in words.indices { words[index] &= other.words[index] }
    }

    mutating func subtract(_ other: SeriesSet) {
        for index in words.indices { words[index] &= ~other.words[index] }
    }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The members, rising.
    func forEach(_ body: (Int) throws -> Void) rethrows {
        for index in words.indices {
            var word = words[index]
            while word != 0 {
                try body(index << 6 | word.trailingZeroBitCount)
                word &= word - 1
            }
        }
    }

    var members: [Int] {
        var all: [Int] = []
        all.reserveCapacity(count)
        forEach { all.append($0) }
        return all
    }
}
