import Series

// An inverted index answers "which series have this label": for each pair of name and value it knows the series. A matcher then never
// looks at series: an equality takes the series of one pair; a regular expression is asked once for each value that the name
// has, and the series of those that fit are united. A matcher that an absent label satisfies (`env!="prod"`, `env=""`) removes
// the series of the values that do not fit instead.

/// An inverted index, of the head or of a block.
protocol Postings {
    /// One more than the greatest number of a series.
    var seriesCapacity: Int { get }
    func pairs(named name: String) -> [UInt32]
    func pair(_ name: String, _ value: String) -> UInt32?
    func value(of pair: UInt32) -> String
    func insertSeries(of pair: UInt32, into set: inout SeriesSet)
    func insertAll(into set: inout SeriesSet)
}

extension Postings {
    /// The series that satisfy all matchers.
    func series(matching matchers: [LabelMatcher]) -> SeriesSet {
        var answer = SeriesSet(capacity: seriesCapacity)
        var isFirst = true
        // Those that name what is wanted first: the rest then only removes.
        for matcher in matchers where !matcher.matches("") {
            let found = united(matcher) { matcher.matches($0) }
            if isFirst { answer = found } else { answer.formIntersection(found) }
            isFirst = false
        }
        if isFirst { insertAll(into: &answer) }
        for matcher in matchers where matcher.matches("") {
            answer.subtract(united(matcher) { !matcher.matches($0) })
        }
        return answer
    }

    /// The series whose value of the matcher's label passes `test`.
    private func united(_ matcher: LabelMatcher, _ test: (String) -> Bool) -> SeriesSet {
        var set = SeriesSet(capacity: seriesCapacity)
        if matcher.op == .equal, !matcher.value.isEmpty {
            if let pair = pair(matcher.name, matcher.value) { insertSeries(of: pair, into: &set) }
            return set
        }
        if matcher.op == .notEqual, !matcher.value.isEmpty {
            // Here `test` asks for the one value that is not wanted.
            if let pair = pair(matcher.name, matcher.value) { insertSeries(of: pair, into: &set) }
            return set
        }
        for pair in pairs(named: matcher.name) where test(value(of: pair)) { insertSeries(of: pair, into: &set) }
        return set
    }
}

/// Whether the bytes of `left` come before those of `right`.
func precedes(_ left: String, _ right: String) -> Bool { order(left, right) < 0 }

/// Below, at or above 0 as the bytes of `left` come before, are, or come after those of `right`.
func order(_ left: String, _ right: String) -> Int {
    let known = left.utf8.withContiguousStorageIfAvailable { mine in
        right.utf8.withContiguousStorageIfAvailable { other -> Int in
            let shared = min(mine.count, other.count)
            for index in 0..<shared where mine[index] != other[index] {
                return Int(mine[index]) - Int(other[index])
            }
            return mine.count - other.count
        }
    }
    if let inner = known, let found = inner { return found }
    return left == right ? 0 : left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
}
