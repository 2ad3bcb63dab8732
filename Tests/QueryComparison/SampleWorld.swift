import Series
import TestSupport

// The series that both engines hold. All names, labels and habits are made for the queries that the generator writes:
//
//     requests_total, errors_total   whole counters that start high and fall back to (almost) nothing, without gaps
//     work_seconds_total             decimal counter with gaps and stale markers, without resets
//     latency_seconds_bucket …       a classic histogram, whole counts, without gaps
//     queue_length, flag             whole gauges, also negative, with gaps and stale markers
//     temperature                    decimal gauge of one digit, with gaps and stale markers
//     odd                            NaN, infinities, zeros of both signs, the largest and the smallest numbers
//     build, limit                   for joins and for scalars
//
// Among the series of `requests_total`, `work_seconds_total` and `temperature` no two are ever equal: of n series the one at place i has
// only values that leave i when divided by n. `topk` is asked about them, and whom it keeps of two that tie is a matter of version.
//
// Every sample lies 7 ms off a multiple of 10 ms and no time or length in a query does, so that no sample ever lies on an edge of
// a range: there the two versions differ by design (closed on the left in 2.42, open since 3.0).

/// The samples of one comparison, which follow from the seed.
struct SampleWorld {
    /// 14 November 2023, a multiple of two hours and of every step that queries use.
    static let begin: Int64 = 1_699_920_000_000
    static let sampleCount = 400
    static let interval: Int64 = 15_000
    static var end: Int64 { begin + Int64(sampleCount) * interval }

    private(set) var columns: [SeriesColumns] = []
    private var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed ^ 0x5EED)
        for job in ["api", "web"] {
            for instance in ["a:1", "b:2"] {
                for code in ["200", "404", "500"] {
                    let labels: KeyValuePairs = ["code": code, "instance": instance, "job": job]
                    addCounter("requests_total", labels, stepMax: 5000, place: place("requests_total"), of: 12)
                    addCounter("errors_total", labels, stepMax: 3, place: 0, of: 1)
                }
                addWork(job, instance, place: place("work_seconds_total"), of: 4)
                addHistogram(job, instance)
                add("flag", ["instance": instance, "job": job], gaps: true) { $0.next(2) == 0 ? 0 : 1 }
                for queue in ["in", "out"] {
                    var length = 0
                    add("queue_length", ["instance": instance, "job": job, "queue": queue], gaps: true) { random in
                        length += random.next(9) - 4
                        return Double(length)
                    }
                }
                add("build", ["instance": instance, "job": job, "version": "1.\(random.next(3))"], gaps: false) { _ in 1
                }
            }
        }
        for sensor in ["in", "out"] {
            for instance in ["a:1", "b:2", "c:3"] {
                let place = place("temperature")
                add("temperature", ["instance": instance, "sensor": sensor], gaps: true) {
                    Double(($0.next(100) - 25) * 6 + place) / 10
                }
            }
        }
        let oddities = [
            .nan, .infinity, -.infinity, 0, -0.0, 1, -1, 1e300, -1e300, 1e-300, 1e21, 123_456_789.125, 1e-7, 0.5, 1e15,
        ]
        for kind in ["p", "q", "r"] { add("odd", ["kind": kind], gaps: true) { oddities[$0.next(oddities.count)] } }
        add("limit", [:], gaps: false) { _ in 10 }
        columns.sort { $0.labels < $1.labels }
    }

    /// How many series of a metric there are so far.
    private func place(_ name: String) -> Int { columns.count { $0.labels.name == name } }

    private mutating func add(
        _ name: String, _ labels: KeyValuePairs<String, String>, gaps: Bool, _ value: (inout SeededGenerator) -> Double
    ) {
        var column = SeriesColumns(labels: Labels(name, labels), times: [], values: [])
        var missing = 0
        for index in 0..<Self.sampleCount {
            let next = value(&random)
            let time = time(index, gaps ? 2000 : 400)
            if missing > 0 {
                missing -= 1
                continue
            }
            column.times.append(time)
            if gaps, random.next(40) == 0 {
                // Some gaps are announced by a stale marker, others are found by looking back in vain.
                missing = 1 + random.next(30)
                column.values.append(random.next(3) == 0 ? next : staleMarker)
            } else {
                column.values.append(next)
            }
        }
        columns.append(column)
    }

    /// - Parameter jitter: in milliseconds. Where a series has no gaps, it is so small that the first sample of a range is never far from the
    ///   range's start: see `QueryGenerator`, "Far from zero".
    private mutating func time(_ index: Int, _ jitter: Int) -> Int64 {
        Self.begin + Int64(index) * Self.interval + Int64(random.next(jitter / 10)) * 10 + 7
    }

    private mutating func addCounter(
        _ name: String, _ labels: KeyValuePairs<String, String>, stepMax: Int, place: Int, of total: Int
    ) {
        var count = 1_000_000 + random.next(1000)
        var index = 0
        add(name, labels, gaps: false) { random in
            index += 1
            // The first sample of a series is high, so that where a series begins nothing hangs on its distance from zero.
            count = index > 40 && random.next(60) == 0 ? 0 : count + random.next(stepMax + 1)
            return Double(count * total + place)
        }
    }

    private mutating func addWork(_ job: String, _ instance: String, place: Int, of total: Int) {
        var thousandths = 5_000_000 + place
        add("work_seconds_total", ["instance": instance, "job": job], gaps: true) { random in
            thousandths += random.next(15_000 / total) * total
            return Double(thousandths) / 1000
        }
    }

    private mutating func addHistogram(_ job: String, _ instance: String) {
        let bounds = ["0.05", "0.1", "0.5", "1", "2.5", "+Inf"]
        var rows = bounds.map { bound in
            SeriesColumns(
                labels: Labels("latency_seconds_bucket", ["instance": instance, "job": job, "le": bound]), times: [],
                values: [])
        }
        var total = SeriesColumns(
            labels: Labels("latency_seconds_count", ["instance": instance, "job": job]), times: [], values: [])
        var sum = SeriesColumns(
            labels: Labels("latency_seconds_sum", ["instance": instance, "job": job]), times: [], values: [])
        var counts = bounds.map { _ in Double(100_000) }
        var thousandths = 400_000
        for index in 0..<Self.sampleCount {
            let time = time(index, 400)
            for bound in bounds.indices { counts[bound] += Double(random.next(bound == 3 ? 2 : 8)) }
            thousandths += random.next(9000)
            if index > 60, random.next(120) == 0 {
                counts = bounds.map { _ in 0 }
                thousandths = 0
            }
            var below = 0.0
            for bound in bounds.indices {
                below += counts[bound]
                rows[bound].times.append(time)
                rows[bound].values.append(below)
            }
            total.times.append(time)
            total.values.append(below)
            sum.times.append(time)
            sum.values.append(Double(thousandths) / 1000)
        }
        columns += rows + [total, sum]
    }
}

extension SeededGenerator {
    /// A number from 0 to `bound` - 1.
    mutating func next(_ bound: Int) -> Int { Int(next() >> 11) % bound }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[next(choices.count)] }
}
