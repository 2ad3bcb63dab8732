import TestSupport

// Writes queries from the grammar. Each part is made with what is known of its value, since some things may not be built upon others: the
// two versions differ by design in places, and what lies there is left out by a rule with a name.
//
// - Edges: no sample lies on the edge of a range (`SampleWorld`); a subquery within a subquery is shifted by 5 ms, so that none of its
//   own steps does either. 2.42 counts a sample on the left edge, 3.0 does not.
// - Rounding: a value that the two round differently goes into no step function (comparison, floor, %, changes, topk …), where the last
//   digit would decide, and is not subtracted or divided by, where nothing but the last digits might remain.
// - Infinities in means: the mean and the variance of series with NaN or infinities were mended after 2.42. Times count as
//   infinite, since the variance of numbers that large has few true digits.
// - Far from zero: `rate` and `increase` only of counters that are unseen at the start of a range while they are far from zero, since 3.0
//   limits the way to zero before it looks whether the first sample is near the start.
// - Taking turns: two series that only the metric's name tells apart are refused by 2.42 where one ends before the other begins. Selectors of
//   several names stand below nothing that looks at the whole query at once.
// - Moving windows: the reference moves the range of `predict_linear(x[5m] @ t, n)` along with the steps, and forgets the offset in
//   `timestamp(x @ t offset d)`; both are against its documentation, and neither is written.
// - Angles: `atan2` keeps the metric's name in 2.42; it stands below an aggregation.
// - Times that are none: calendar functions of NaN and infinities turn into integers as the machine likes.
// - Parameters that are none: `topk` with NaN at one of its steps is refused as a whole since 3.0, and 2.42 loses a parameter that `@` fixes.
// - Ties: which of several equal series `topk` keeps follows from the order of a heap, which 2.42 takes apart where 3.0 puts the newcomer in
//   the place of the weakest. It is asked about series that are never equal (`unequal`).
// - Names of labels and metrics are those of 2.42: no quotation marks, no dots.

/// What a generated part is worth.
struct Made {
    var text: String
    var exactness = Exactness.whole
    /// Neither NaN nor infinite.
    var isFinite = true
    /// Whether several metrics' series are in it, equal but for the name.
    var isMixed = false
}

public struct QueryGenerator: Sendable {
    var random: SeededGenerator
    /// How many subqueries stand around what is made now.
    var subqueryDepth = 0

    public init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// The next query.
    public mutating func next() -> GeneratedQuery {
        // 3 ms off a multiple of 10 ms: never where a sample lies.
        let span = Int(SampleWorld.end - SampleWorld.begin) / 10
        let start = SampleWorld.begin + Int64(random.next(span)) * 10 + 3
        let isInstant = random.next(2) == 0
        let when: GeneratedQuery.When
        if isInstant {
            when = .instant(start)
        } else {
            let step: Int64 = random.pick([15_000, 20_000, 47_310, 60_000, 300_000, 3_990])
            // The end is seldom a step.
            when = .range(
                start: start, end: start + step * Int64(random.next(25)) + Int64(random.next(300)) * 10, step: step)
        }
        if random.next(12) == 0 {
            return GeneratedQuery(text: wrong(), when: when, exactness: .whole, isSorted: false)
        }
        if isInstant {
            switch random.next(20) {
            case 0:
                let made = matrix(1, .any)
                return GeneratedQuery(text: made.text, when: when, exactness: made.exactness, isSorted: false)
            case 1:
                let made = vector(1 + random.next(2))
                let text = "\(random.pick(["sort", "sort_desc"]))(\(made.text))"
                return GeneratedQuery(text: text, when: when, exactness: made.exactness, isSorted: true)
            case 2:
                return GeneratedQuery(
                    text: random.pick(["\"text\"", "'a\\'b\\n'", "`raw\\`", "\"\\u00e4\\x41\\101\""]), when: when,
                    exactness: .whole, isSorted: false)
            default: break
            }
        }
        let made = random.next(8) == 0 ? scalar(1 + random.next(2)) : vector(1 + random.next(4))
        return GeneratedQuery(text: made.text, when: when, exactness: made.exactness, isSorted: false)
    }

    /// Any instant vector; also for tests that need expressions and no answers.
    public mutating func expression() -> String { vector(1 + random.next(4)).text }

    // MARK: Selectors

    enum Wish { case counter, any }

    private mutating func family(_ wish: Wish) -> (name: String, labels: [String], made: Made) {
        let counters: [(String, [String], Exactness)] = [
            ("requests_total", ["job", "instance", "code"], .whole),
            ("errors_total", ["job", "instance", "code"], .whole),
            ("work_seconds_total", ["job", "instance"], .exact),
            ("latency_seconds_bucket", ["job", "instance", "le"], .whole),
            ("latency_seconds_count", ["job", "instance"], .whole),
        ]
        let gauges: [(String, [String], Exactness)] = [
            ("queue_length", ["job", "instance", "queue"], .whole), ("flag", ["job", "instance"], .whole),
            ("temperature", ["instance", "sensor"], .exact), ("odd", ["kind"], .exact),
            ("build", ["job", "instance", "version"], .whole), ("limit", [], .whole),
            ("absent_metric", ["job"], .whole),
        ]
        let choice = random.pick(wish == .counter ? counters : counters + gauges + gauges)
        return (choice.0, choice.1, Made(text: "", exactness: choice.2, isFinite: choice.0 != "odd"))
    }

    private func values(of label: String) -> [String] {
        switch label {
        case "job": ["api", "web", "none"]
        case "instance": ["a:1", "b:2", "c:3"]
        case "code": ["200", "404", "500"]
        case "queue", "sensor": ["in", "out"]
        case "le": ["0.05", "0.1", "0.5", "1", "2.5", "+Inf"]
        case "kind": ["p", "q", "r"]
        case "version": ["1.0", "1.1", "1.2"]
        default: [""]
        }
    }

    private mutating func matcher(_ labels: [String]) -> String {
        guard let label = random.next(8) == 0 ? "other" : labels.isEmpty ? nil : random.pick(labels) else {
            return "other=\"\""
        }
        let value = random.pick(values(of: label))
        switch random.next(6) {
        case 0: return "\(label)=\"\(value)\""
        case 1: return "\(label)!=\"\(value)\""
        case 2:
            return
                "\(label)=~\"\(random.pick([value == "+Inf" ? ".Inf" : value, ".*", ".+", "a.*|w.+", "[0-4].*", "", "(?i:API)"]))\""
        case 3: return "\(label)!~\"\(random.pick([value == "+Inf" ? ".Inf" : value, "a.*|w.*", ".*0.*", "x"]))\""
        case 4: return "\(label)=~\"\(values(of: label).prefix(2).joined(separator: "|"))\""
        default: return "\(label)!=\"\""
        }
    }

    private mutating func braces(_ labels: [String], _ further: [String] = []) -> String {
        let matchers = further + (0..<random.pick([0, 0, 1, 1, 2])).map { _ in matcher(labels) }
        return matchers.isEmpty ? "" : "{\(matchers.joined(separator: ","))}"
    }

    mutating func selector(_ wish: Wish = .any, mayMix: Bool = false) -> Made {
        if mayMix, random.next(12) == 0 {
            let names = random.pick([
                "requests_total|errors_total", "requests_.*|errors_total", "errors_total|queue_length",
            ])
            return Made(text: braces(["job", "instance"], ["__name__=~\"\(names)\""]), isMixed: true)
        }
        let (name, labels, known) = family(wish)
        var made = known
        switch random.next(12) {
        case 0: made.text = braces(labels, ["__name__=\"\(name)\""])
        default: made.text = name + braces(labels)
        }
        return made
    }

    mutating func modifiers() -> String {
        let offsets = ["offset 1m", "offset -30s", "offset 7m10s", "offset -10m", "offset 90s", "offset 1h"]
        let time = SampleWorld.begin / 1000 + Int64(random.next(6000))
        switch random.next(10) {
        case 0: return " " + random.pick(offsets)
        case 1: return " @ \(time).\(random.pick(["003", "513", "993"]))"
        case 2:
            let at = random.pick(["@ start()", "@ end()", "@ \(time).123"])
            let offset = random.pick(offsets)
            return random.next(2) == 0 ? " \(at) \(offset)" : " \(offset) \(at)"
        case 3 where random.next(2) == 0: return " \(random.pick(["@ start()", "@ end()"]))"
        default: return ""
        }
    }

    // MARK: Ranges

    mutating func matrix(_ depth: Int, _ wish: Wish) -> Made {
        if depth > 0, wish == .any, random.next(3) == 0 { return subquery(depth) }
        var made = selector(wish)
        made.text += "[\(random.pick(["30s", "1m", "90s", "2m30s", "5m", "10m", "17m", "1h"]))]" + modifiers()
        return made
    }

    private mutating func subquery(_ depth: Int) -> Made {
        subqueryDepth += 1
        var made = unmixed(depth - 1)
        subqueryDepth -= 1
        let shift = random.pick(["offset 5ms", "offset 1m5ms", "offset -1m5ms", "offset 15s5ms"])
        let suffix = subqueryDepth > 0 ? " " + shift : modifiers()
        let range = random.pick(["2m", "5m", "10m", "20m"])
        let step = random.pick(["", "15s", "30s", "1m10s", "2m"])
        made.text = "(\(made.text))[\(range):\(step)]" + suffix
        return made
    }
}
