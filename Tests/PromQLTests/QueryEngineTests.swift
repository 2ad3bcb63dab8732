import Diagnostics
import PromQL
import Series
import Synchronization
import TestSupport
import Testing
import Units

/// Goal: a query is bounded, cancellable, and reads each selector once. Method: series in arrays, small limits.
@Suite struct QueryEngineTests {
    private static func store() -> ArraySeries {
        ArraySeries(
            (0..<10).map { number in
                SeriesColumns(
                    labels: Labels("x", ["n": "\(number)"]), times: (0..<100).map { $0 * 15_000 },
                    values: (0..<100).map { Double($0) })
            })
    }

    private let zero = Timestamp(millisecondsSinceEpoch: 0)

    @Test func `a query over the limit of samples is refused with figure and limit`() async throws {
        var limits = QueryLimits()
        limits.samplesMax = 500
        let engine = QueryEngine(Self.store(), limits: limits)
        let fault = await #expect(throws: QueryFault.self) {
            try await engine.instant("sum(rate(x[1h]))", at: zero + .seconds(1500))
        }
        #expect(fault?.code == .tooManySamples)
        #expect(fault?.message.hasSuffix(": 1000, at most 500 are allowed") == true)
    }

    @Test func `an answer says what it took: time by the engine's clock, samples, and the spans that were read`()
        async throws
    {
        let clock = ManualClock()
        let engine = QueryEngine(SlowSeries(series: Self.store(), clock: clock, time: .seconds(3)), clock: clock)
        let result = try await engine.instant("sum(rate(x[5m])) + sum(x{n=~\".+\"})", at: zero + .seconds(600))
        #expect(result.timings == .init(preparation: .seconds(6), evaluation: .zero, total: .seconds(6)))
        #expect(result.samplesRead > 0 && result.samplesCounted > result.samplesRead)
        #expect(Set(result.spansRead.map(\.upperBound)) == [zero + .seconds(600)])
        #expect(try await engine.instant("1", at: zero).spansRead.isEmpty)
    }

    /// Past some ten thousand samples the processors share the series.
    @Test(arguments: [
        "x", "rate(x[5m])", "max_over_time(x[10m])", "avg_over_time(x[7m])", "predict_linear(x[10m], 60)",
        "deriv(x[5m])",
        "quantile_over_time(0.7, x[5m])", "changes(x[5m])", "x offset 3m", "-x",
    ])
    func `many series together give what each gives alone`(query: String) async throws {
        let store = ArraySeries(
            (0..<120).map { number in
                SeriesColumns(
                    labels: Labels("x", ["n": "\(number)"]), times: (0..<800).map { $0 * 15_000 + Int64(number % 7) },
                    values: (0..<800).map { step in
                        switch number % 4 {
                        case 0: Double(step * number)
                        case 1: (Double(step % 37) * 0.1 + Double(number)).squareRoot()
                        case 2: step % 50 == 49 ? staleMarker : Double(step % 11)
                        default: Double(number)
                        }
                    })
            })
        let engine = QueryEngine(store)
        func answer(_ query: String) async throws -> [SeriesColumns] {
            let result = try await engine.range(
                query, from: zero, through: zero + .seconds(12_000), step: .seconds(35))
            guard case .matrix(let columns) = result.value else { return [] }
            return columns
        }
        let together = try await answer(query)
        #expect(together.count == 120)
        for number in 0..<120 {
            let alone = try await answer(
                query.replacing("x[", with: "x{n=\"\(number)\"}[").replacing(/x(?![{_a-z])/, with: "x{n=\"\(number)\"}")
            )
            let own = together.filter { $0.labels["n"] == "\(number)" }
            #expect(alone.count == 1 && own.count == 1, "\(query), \(number)")
            #expect(alone.first?.times == own.first?.times, "\(query), \(number)")
            #expect(
                alone.first?.values.map(\.bitPattern) == own.first?.values.map(\.bitPattern), "\(query), \(number)")
        }
    }

    @Test func `many-to-many matching is told in the reference's words`() async throws {
        let store = ArraySeries(
            [
                Labels("a", ["x": "1", "y": "1"]), Labels("b", ["x": "1", "y": "1"]),
                Labels("b", ["x": "1", "y": "2"]),
            ]
            .map { SeriesColumns(labels: $0, times: [0], values: [1]) })
        let fault = await #expect(throws: QueryFault.self) {
            try await QueryEngine(store).instant("a * on(x) b", at: zero)
        }
        #expect(
            fault?.summary == """
                found duplicate series for the match group {x="1"} on the right hand-side of the operation: \
                [{__name__="b", x="1", y="2"}, {__name__="b", x="1", y="1"}];many-to-many matching not allowed: \
                matching labels must be unique on one side
                """)
    }

    @Test func `labels that Unicode takes for the same are grouped and matched apart`() async throws {
        let twins = ["caf\u{E9}", "cafe\u{301}"]
        let store = ArraySeries(
            twins.flatMap { shop in
                ["a", "b"].map {
                    SeriesColumns(labels: Labels($0, ["shop": shop]), times: [0], values: [Double(shop.utf8.count)])
                }
            })
        for (query, values) in [
            ("sum by (shop) (a)", [5.0, 6.0]), ("a + on (shop) b", [10, 12]), ("count(a)", [2]),
            ("a{shop=\"caf\u{E9}\"}", [5]),
            ("a and on (shop) b{shop=~\"cafe\u{301}|x\"}", [6]), ("count_values(\"v\", a)", [1, 1]),
        ] {
            let result = try await QueryEngine(store).instant(query, at: zero)
            guard case .vector(let samples) = result.value else {
                Issue.record("no vector")
                continue
            }
            #expect(samples.map(\.value).sorted() == values, "\(query)")
        }
    }

    @Test func `a query over the limit of steps is refused with figure and limit`() async throws {
        let engine = QueryEngine(Self.store())
        let fault = await #expect(throws: QueryFault.self) {
            try await engine.range("x", from: zero, through: zero + .seconds(20_000), step: .seconds(1))
        }
        #expect(fault?.message == "exceeded maximum resolution of 11000 points per timeseries: asked for 20001")
    }

    @Test func `a type that a range cannot have is told in the reference's words, without a place`() async throws {
        let engine = QueryEngine(Self.store())
        for (query, type) in [("'a'", "string"), ("x[1m]", "range vector")] {
            let fault = await #expect(throws: QueryFault.self) {
                try await engine.range(query, from: zero, through: zero + .seconds(20), step: .seconds(1))
            }
            let words = "invalid expression type \"\(type)\" for range query, must be Scalar or instant Vector"
            #expect(fault?.summary == words && fault?.code == .parse)
        }
    }

    @Test func `a store that hangs ends in a time-out`() async throws {
        var limits = QueryLimits()
        limits.timeMax = .milliseconds(5)
        let engine = QueryEngine(HangingSeries(), limits: limits)
        let fault = await #expect(throws: QueryFault.self) { try await engine.instant("x", at: zero) }
        #expect(fault?.code == .timedOut)
    }

    @Test func `a query that may take no time gets no answer, whatever it costs, unless it is no query`() async throws {
        for limit in [Duration.zero, .seconds(-5)] {
            var limits = QueryLimits()
            limits.timeMax = limit
            let engine = QueryEngine(Self.store(), limits: limits)
            for _ in 0..<20 {
                let fault = await #expect(throws: QueryFault.self) { try await engine.instant("1", at: zero) }
                #expect(fault?.code == .timedOut)
            }
            let fault = await #expect(throws: QueryFault.self) { try await engine.instant("1 +", at: zero) }
            #expect(fault?.code == .parse)
        }
    }

    @Test func `a damaged file is named once`() async throws {
        let fault = await #expect(throws: QueryFault.self) {
            try await QueryEngine(DamagedSeries()).instant("x", at: zero)
        }
        #expect(fault?.oneLine == "reading series failed: '/blocks/7' is damaged at byte 9")
    }

    @Test func `a cancelled caller comes back`() async throws {
        let engine = QueryEngine(HangingSeries())
        let task = Task { try await engine.instant("x", at: zero) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `each selector is read once however many steps there are`() async throws {
        let store = Self.store()
        let engine = QueryEngine(store)
        let result = try await engine.range(
            "sum(x) / count(x) + max_over_time(x[1m])", from: zero, through: zero + .seconds(900), step: .seconds(15))
        #expect(store.selectionCount == 1)
        guard case .matrix(let rows) = result.value else {
            Issue.record("no matrix")
            return
        }
        #expect(rows.isEmpty)
    }

    @Test func `a fault while evaluating knows its query`() async throws {
        let engine = QueryEngine(Self.store())
        let fault = await #expect(throws: QueryFault.self) { try await engine.instant("topk(NaN, x)", at: zero) }
        #expect(fault?.query == "topk(NaN, x)")
        #expect(fault?.position?.column == 1)
    }

    /// Numbers at the edge of what fits: each must end in an answer or a fault, never in a trap.
    @Test(arguments: [
        "x offset 285000y", "x @ 9e12 offset -285000y", "rate(x[285000y] offset 285000y)", "x @ 1e300",
        "sum_over_time(x[285000y:1ms])", "sum_over_time(1[1y:1ms])", "hour(vector(1e300))", "hour(vector(-9e15))",
        "topk(9e18, x)", "topk(-Inf, x)", "quantile(1e300, x)", "x % 0", "count_values(\"v\", x * 1e300)",
        "x[1e300]", "label_replace(x, \"a\", \"$99999999999999999999\", \"n\", \"(.*)\")", "x offset (1/0)",
        "x offset (0 % 0)", "x[2 ^ 1000]", "rate(x[1ms])", "predict_linear(x[1h], 1e308)", "histogram_quantile(2, x)",
        "x @ -9e12", "sum_over_time(x[1y:1d] @ 9e12)", "round(x, 0)", "year(vector(NaN))", "x offset 9e12",
    ]) func `numbers out of all bounds do not end the process`(_ query: String) async {
        let engine = QueryEngine(Self.store())
        for time in [0, 1500, 8_999_999_999_000, -8_999_999_999_000] {
            _ = try? await engine.instant(query, at: zero + .seconds(time))
        }
        _ = try? await engine.instant(query, at: .distantFuture)
        _ = try? await engine.range(query, from: .distantPast, through: .distantFuture, step: .milliseconds(1))
        _ = try? await engine.range(query, from: zero, through: zero + .seconds(100), step: .seconds(10))
    }

    @Test func `names are dropped at once unless that is delayed`() async throws {
        let store = ArraySeries([
            SeriesColumns(labels: Labels("a", ["x": "1"]), times: [0], values: [1]),
            SeriesColumns(labels: Labels("b", ["x": "1"]), times: [0], values: [2]),
        ])
        let query = #"count by (__name__) (abs({__name__=~"a|b"}))"#
        await #expect(throws: QueryFault.self) { try await QueryEngine(store).instant(query, at: zero) }
        var options = QueryOptions()
        options.delaysNameRemoval = true
        let both = "count(abs({__name__=~\"a|b\"}))"
        let result = try await QueryEngine(store, options: options).instant(both, at: zero)
        #expect(result.samples?.map(\.value) == [2])
    }

    @Test func `sorting by label counts digits as numbers`() async throws {
        let store = ArraySeries(
            ["h10", "h9", "h1"].map { SeriesColumns(labels: Labels("up", ["host": $0]), times: [0], values: [1]) })
        var options = QueryOptions()
        options.features = .experimentalFunctions
        let result = try await QueryEngine(store, options: options).instant("sort_by_label(up, \"host\")", at: zero)
        #expect(result.samples?.map { $0.labels["host"] } == ["h1", "h9", "h10"])
    }
}

/// Never answers until it is cancelled.
/// Fails as a store does whose file is damaged.
private struct DamagedSeries: SeriesReading {
    struct Damage: Failure {
        var summary: String { "'/blocks/7' is damaged at byte 9" }
        var codeName: String { "damaged" }
        var hint: String? { nil }
        var cause: (any Error)? { nil }
    }

    func select(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [SeriesColumns] {
        throw Damage()
    }

    func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
    func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
        -> [String]
    { [] }
    func metadata() async throws -> MetadataByName { [:] }
}

private struct HangingSeries: SeriesReading {
    func select(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [SeriesColumns] {
        try await Task.sleep(for: .seconds(3600))
        return []
    }

    func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
    func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
        -> [String]
    { [] }
    func metadata() async throws -> MetadataByName { [:] }
}

/// A store whose reading takes a time of the clock.
private struct SlowSeries: SeriesReading {
    let series: ArraySeries
    let clock: ManualClock
    let time: Duration

    func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
        -> [SeriesColumns]
    {
        clock.advance(by: time)
        return try await series.select(matchers, from: start, through: end)
    }

    func labelNames(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws -> [String]
    {
        try await series.labelNames(matchers, from: start, through: end)
    }

    func labelValues(_ name: String, _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp)
        async throws -> [String]
    {
        try await series.labelValues(name, matchers, from: start, through: end)
    }

    func metadata() async throws -> MetadataByName { try await series.metadata() }
}
