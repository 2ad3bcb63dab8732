import DurableFiles
import PromQL
import Series
import Synchronization
import TestSupport
import Testing
import Units

@testable import TimeSeriesStore

/// Goal: a store that leaves out what a query does not look at (samples between its steps, labels that nothing names, the order of series)
/// gives the same answers, to the bit. Method: the same engine over the store and over the same store asked for everything.
@Suite struct StoreDemandTests {
    /// The store without the means to say what of an answer is wanted.
    private struct Everything: SeriesReading {
        let store: TimeSeriesStore

        func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
            -> [SeriesColumns]
        {
            try await store.select(matchers, from: start, through: end)
        }

        func labelNames(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
            -> [String]
        {
            try await store.labelNames(matchers, from: start, through: end)
        }

        func labelValues(_ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp)
            async throws -> [String]
        {
            try await store.labelValues(name, matchers, from: start, through: end)
        }

        func metadata() async throws -> MetadataByName { try await store.metadata() }
    }

    private static let expressions =
        ["sum", "avg", "count", "group", "min", "max", "stddev", "stdvar", "topk"].flatMap { op in
            ["m", "(m)", "m offset 7s", "m @ end()", "m > 3", "{__name__=~\"m|h\"}", "h", "nothing"].map {
                op == "topk" ? "topk(2, \($0))" : "\(op)(\($0))"
            }
        } + [
            "quantile(0.3, m)", "quantile(scalar(sum(m)) / 1e9, m)", "sum by (n) (m)", "sum without (n) (m)",
            "count(m) + sum by () (m)", "m - m offset 1m", "m / avg_over_time(m[2m])", "sum(m) - sum(m offset 3m)",
            "timestamp(m)", "absent(m)", "count_values(\"v\", m)", "max_over_time(sum(m)[3m:17s])",
            "sum(m) / count(m @ start() > 0)", "m[1m] @ end()", "count(last_over_time(m[1m]))",
        ]

    private func filled(_ files: MemoryFiles) async throws -> TimeSeriesStore {
        var random = SeededGenerator(seed: 11)
        let store = try openStore(files, StoreSettings(blockSpan: .seconds(600)))
        let histograms = randomHistograms(&random)
        for step in 0..<400 as Range<Int64> {
            var next = SampleBatch(at: at(epoch + step * 5000))
            for number in 0..<40 {
                // Some end with a marker and come again, and some readings miss a few.
                if number % 7 == 3, step % 90 > 60 {
                    if step % 90 == 61 { next.add("m", ["n": "\(number)"], staleMarker) }
                    continue
                }
                if Int.random(in: 0..<50, using: &random) == 0 { continue }
                next.add("m", ["n": "\(number)"], Double.random(in: 0...9, using: &random))
            }
            next.rows.append(
                .init(labels: Labels("h"), histogram: histograms[Int(step) % histograms.count]))
            try await store.append(next)
            if step == 300 { try await store.maintain(at: next.timestamp) }
        }
        return store
    }

    @Test func `reading ends when the time of whoever asks is up`() async throws {
        let store = try await filled(MemoryFiles())
        let everything = [LabelMatcher("__name__", equals: "m")]
        for looks in [0, 1] {
            let left = Mutex(looks)
            let bounds = SelectionBounds(isOver: {
                left.withLock { left in
                    left -= 1
                    return left < 0
                }
            })
            await #expect(throws: CancellationError.self) {
                try await store.select(everything, from: .distantPast, through: .distantFuture, within: bounds)
            }
        }
    }

    @Test func `what is left out changes no answer`() async throws {
        let store = try await filled(MemoryFiles())
        #expect(store.stats.blockCount > 0)
        let (sparing, whole) = (QueryEngine(store), QueryEngine(Everything(store: store)))
        for expression in Self.expressions {
            for (start, end, step) in [
                (1_000, 1_990_000, 37_000), (700_100, 1_500_300, 4_999), (5, 1_900_000, 400_000),
            ] {
                func answer(_ engine: QueryEngine) async throws -> String {
                    do {
                        let result = try await engine.range(
                            expression, from: at(epoch + Int64(start)), through: at(epoch + Int64(end)),
                            step: .milliseconds(step))
                        return "\(result.value) \(result.warnings) \(result.infos)"
                    } catch let fault as QueryFault {
                        return "\(fault)"
                    }
                }
                #expect(try await answer(sparing) == (try await answer(whole)), "\(expression), every \(step) ms")
            }
            for instant in [0, 5_000, 333_333, 1_995_000, 2_200_000] as [Int64] {
                let (mine, theirs) = (
                    try await sparing.instant(expression, at: at(epoch + instant)),
                    try await whole.instant(expression, at: at(epoch + instant))
                )
                #expect("\(mine.value)" == "\(theirs.value)", "\(expression) at \(instant)")
                #expect(mine.warnings == theirs.warnings && mine.infos == theirs.infos, "\(expression) at \(instant)")
            }
        }
    }
}
