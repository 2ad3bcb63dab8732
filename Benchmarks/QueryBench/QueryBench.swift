import Glibc
import PromQL
import Series
import Units

// How fast the query engine computes, apart from any store. `Benchmarks/queries` builds and runs this.
//
//     query-bench [--only NAME] [--runs N]
//
// 200 series of six hours at 15 s lie decoded in memory: counters with resets and decimal gauges in turn. Each query is a range of six hours at
// one-minute steps. A sample counts once, however many windows it is in.

let interval: Int64 = 15_000
let sampleCount = 1440
let seriesCount = 200
let begin: Int64 = 1_700_000_000_000 / 60_000 * 60_000

/// Series that lie in arrays.
struct DecodedSeries: SeriesReading {
    let columns: [SeriesColumns]

    func select(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [SeriesColumns] {
        columns.filter { column in matchers.allSatisfy { $0.matches(column.labels) } }
    }

    func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
    func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
        -> [String]
    { [] }
    func metadata() async throws -> MetadataByName { [:] }
}

func made() -> [SeriesColumns] {
    var state: UInt64 = 42
    func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
    // The series of a target share their times, as a store gives them.
    let times = (0..<sampleCount).map { begin + Int64($0) * interval + 7 }
    return (0..<seriesCount).flatMap { number -> [SeriesColumns] in
        let labels: KeyValuePairs = [
            "instance": "host-\(number / 10):9100", "job": "node", "device": "d\(number % 10)",
        ]
        var total = 1000.0
        let counter = times.map { _ -> Double in
            total = next(500) == 0 ? 0 : total + Double(next(100))
            return total
        }
        let gauge = times.map { _ in Double(next(10_000)) / 10 }
        return [
            SeriesColumns(labels: Labels("bytes_total", labels), times: times, values: counter),
            SeriesColumns(labels: Labels("load", labels), times: times, values: gauge),
        ]
    }.sorted { $0.labels < $1.labels }
}

func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

let queries: KeyValuePairs = [
    "select": "load", "rate": "rate(bytes_total[5m])", "avg": "avg_over_time(load[5m])",
    "max": "max_over_time(load[1h])",
    "quantile": "quantile_over_time(0.9, load[5m])", "deriv": "deriv(load[5m])", "sum": "sum by (instance) (load)",
    "predict": "predict_linear(load[1h], 3600)", "predict-whole": "predict_linear(bytes_total[1h], 3600)",
    "quantile-of": "quantile(0.9, rate(bytes_total[5m]))",
    "rate-sum": "sum by (instance) (rate(bytes_total[5m]))", "divide": "load / on (instance, device, job) bytes_total",
]
/// Measures as `arguments` say; gives the exit status.
func bench(_ arguments: [String]) async throws -> Int32 {
    var only: String?
    var runs: Int?
    var words = arguments.dropFirst()
    while let word = words.popFirst() {
        switch word {
        case "--only": only = words.popFirst()
        case "--runs": runs = words.popFirst().flatMap { Int($0) }
        default:
            print("usage: query-bench [--only NAME] [--runs N]")
            return 64
        }
    }
    let engine = QueryEngine(DecodedSeries(columns: made()))
    let start = Timestamp(millisecondsSinceEpoch: begin)
    for (name, text) in queries where only == nil || only == name {
        var read = 0
        var points = 0
        var count = 0
        let began = now()
        while runs.map({ count < $0 }) ?? (now() - began < 1) {
            let result = try await engine.range(
                text, from: start, through: start + .seconds(21_600), step: .seconds(60))
            read += result.samplesRead
            if case .matrix(let rows) = result.value { points += rows.reduce(0) { $0 + $1.times.count } }
            count += 1
        }
        let seconds = now() - began
        func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
        print(
            "\(name): \(text): \(read / max(1, count)) samples, \(points / max(1, count)) points,",
            "\(tenths(seconds / Double(max(1, read)) * 1e9)) ns a sample, \(tenths(seconds / Double(max(1, count)) * 1e3)) ms a query"
        )
    }
    return 0
}
