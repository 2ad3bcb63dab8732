import Series

/// The samples in memory, with an inverted index over their labels. Series are known by their place in `series`.
struct Head: Sendable {
    let spanMilliseconds: Int64
    private(set) var series: [HeadSeries] = []
    private var places: [Labels: Int] = [:]
    /// Name → value → places, rising.
    private var postings: [String: [String: [Int32]]] = [:]
    /// Texts that many series share (`instance`, `job`) are kept once.
    private var texts: Set<String> = []
    /// Older samples are in blocks, or were too late for one; they are not taken.
    var minimumTime = Int64.min

    init(spanMilliseconds: Int64) {
        self.spanMilliseconds = spanMilliseconds
    }

    /// The place of the series with these labels, made if missing.
    mutating func place(of labels: Labels) -> Int {
        if let place = places[labels] { return place }
        let shared = Labels(labels.pairs.map { (keptOnce($0.name), keptOnce($0.value)) })
        let place = series.count
        series.append(HeadSeries(shared))
        places[shared] = place
        for pair in shared.pairs { postings[pair.name, default: [:]][pair.value, default: []].append(Int32(place)) }
        return place
    }

    private mutating func keptOnce(_ text: String) -> String {
        // Up to 15 bytes stand inside the String itself.
        text.utf8.count <= 15 ? text : texts.insert(text).memberAfterInsert
    }

    /// What becomes of a sample.
    enum Verdict {
        case stored, repeated, outOfOrder, duplicate
    }

    /// Decides on a sample and notes it as the newest of its series. The sample itself follows by `add`, once it is in the log.
    mutating func admit(_ place: Int, _ time: Int64, _ value: Double) -> Verdict {
        if time < minimumTime || time < series[place].lastTime { return .outOfOrder }
        if time == series[place].lastTime {
            return series[place].lastValueBits == value.bitPattern ? .repeated : .duplicate
        }
        series[place].lastTime = time
        series[place].lastValueBits = value.bitPattern
        return .stored
    }

    mutating func add(_ place: Int, _ time: Int64, _ value: Double) {
        series[place].add(time, value, spanMilliseconds: spanMilliseconds)
    }

    /// Takes an `admit` back.
    mutating func restore(_ place: Int, lastTime: Int64, lastValueBits: UInt64) {
        series[place].lastTime = lastTime
        series[place].lastValueBits = lastValueBits
    }

    /// Notes that the segment knows the series.
    /// - Returns: whether it did not yet.
    mutating func declare(_ place: Int, in segment: UInt64) -> Bool {
        if series[place].declaredIn == segment { return false }
        series[place].declaredIn = segment
        return true
    }

    mutating func withdraw(_ place: Int) { series[place].declaredIn = 0 }

    var firstTime: Int64? { series.lazy.compactMap(\.firstTime).min() }
    var lastTime: Int64? { series.lazy.filter { !$0.isEmpty }.map(\.lastTime).max() }

    /// Drops what is in a block now, forgets the series that have nothing left, and numbers the others anew.
    mutating func dropSamples(before end: Int64) {
        let old = series
        series = []
        places = [:]
        postings = [:]
        texts = []
        for var entry in old {
            entry.dropChunks(before: end)
            guard !entry.isEmpty else { continue }
            let place = place(of: entry.labels)
            entry.declaredIn = 0
            series[place] = entry
        }
    }

    /// Places of the series that satisfy all matchers, rising.
    func places(matching matchers: [LabelMatcher]) -> [Int] {
        var tests = matchers.map { MatcherTest($0) }
        return candidates(for: matchers).filter { place in
            tests.indices.allSatisfy { tests[$0].matches(series[place].labels) }
        }
    }

    /// A superset of the answer, as small as one look into the index makes it.
    private func candidates(for matchers: [LabelMatcher]) -> [Int] {
        var best: [Int32]?
        for matcher in matchers {
            guard !matcher.matches("") else { continue }
            let values = postings[matcher.name] ?? [:]
            let found: [Int32]
            switch matcher.op {
            case .equal: found = values[matcher.value] ?? []
            case .matches where best == nil:
                found = values.filter { matcher.matches($0.key) }.flatMap(\.value).sorted()
            default: continue
            }
            if found.count < best?.count ?? .max { best = found }
        }
        return best.map { $0.map(Int.init) } ?? Array(series.indices)
    }
}

/// A matcher that remembers its verdict on values it has seen: a regular expression runs once a value, not once a series.
struct MatcherTest {
    let matcher: LabelMatcher
    private var verdicts: [String: Bool] = [:]

    init(_ matcher: LabelMatcher) {
        self.matcher = matcher
    }

    mutating func matches(_ labels: Labels) -> Bool {
        let value = labels[matcher.name] ?? ""
        switch matcher.op {
        case .equal, .notEqual: return matcher.matches(value)
        case .matches, .doesNotMatch:
            if let verdict = verdicts[value] { return verdict }
            let verdict = matcher.matches(value)
            verdicts[value] = verdict
            return verdict
        }
    }
}
