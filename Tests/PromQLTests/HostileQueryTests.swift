import Glibc
import PromQL
import Series
import Synchronization
import TestSupport
import Testing
import Units

/// Goal: no query ends the process or takes more than its limits; it is refused with the figure and the limit. Method: queries made
/// to be too long, too deep, too wide or too many, and random texts; each must end in an answer or a `QueryFault`.
@Suite struct HostileQueryTests {
    private static let zero = Timestamp(millisecondsSinceEpoch: 0)

    private static func engine(_ limits: QueryLimits = QueryLimits()) -> QueryEngine {
        var options = QueryOptions()
        options.features = .allSyntax
        let store = ArraySeries(
            (0..<50).map { index in
                SeriesColumns(
                    labels: Labels("up", ["host": "h\(index)"]), times: (0..<60).map { Int64($0) * 1000 },
                    values: (0..<60).map { Double($0 + index) })
            })
        return QueryEngine(store, limits: limits, options: options)
    }

    @Test(arguments: [
        (String(repeating: "(", count: 1 << 20), "expression nests too deeply"),
        (String(repeating: "-", count: 500_000) + "1", "expression nests too deeply"),
        (
            String(repeating: "abs(", count: 990) + "up" + String(repeating: ")", count: 990),
            "expression nests too deeply"
        ),
        (String(repeating: "x", count: (1 << 20) + 1), "query is 1048577 bytes long, at most 1048576 are allowed"),
        (
            "up[" + String(repeating: "(", count: 900) + "1" + String(repeating: ")", count: 900) + "]",
            "duration expression nests too deeply"
        ),
    ]) func `what nests too deeply or is too long is refused`(_ query: String, _ message: String) async {
        let fault = await #expect(throws: QueryFault.self) { try await Self.engine().instant(query, at: Self.zero) }
        #expect(fault?.message == message)
    }

    /// Each level alone is within bounds; only together they are too deep.
    @Test func `chains within parentheses are bounded together`() async {
        var query = "up"
        for _ in 0..<20 { query = "(\(query))" + String(repeating: " or up", count: 100) }
        await #expect(throws: QueryFault.self) { try await Self.engine().instant(query, at: Self.zero) }
    }

    @Test func `the deepest tree that is allowed has an answer`() async throws {
        let query = "up" + String(repeating: " or up", count: 500)
        let result = try await Self.engine().instant(query, at: Timestamp(millisecondsSinceEpoch: 1000))
        #expect(result.samples?.count == 50)
    }

    @Test func `too many samples are refused before they are made`() async {
        var limits = QueryLimits()
        limits.samplesMax = 10_000
        let engine = Self.engine(limits)
        for query in ["up[60s]", "sum_over_time(up[1y:1ms])", "max_over_time(vector(time())[1d:1s])"] {
            let fault = await #expect(throws: QueryFault.self) {
                try await engine.instant(
                    query == "up[60s]" ? "count_over_time(up[60s])[10m:1s]" : query,
                    at: Timestamp(millisecondsSinceEpoch: 60_000))
            }
            #expect(fault?.code == .tooManySamples || fault?.code == .tooManySteps, "\(query): \(fault?.message ?? "")")
            #expect(fault?.message.contains("10000") ?? false)
        }
    }

    /// One query's answer that lives on holds its memory; when it goes, others have it.
    @Test func `queries that run at the same time are bounded together`() async throws {
        var limits = QueryLimits()
        let budget = MemoryBudget(byteCountMax: 16 << 20)
        limits.memory = budget
        let engine = Self.engine(limits)
        let query = "vector(time())[300000s:1s]"
        var held: QueryResult? = try await engine.instant(query, at: Self.zero)
        #expect(held != nil && budget.byteCount > 300_000 * 8)
        let busy = await #expect(throws: QueryFault.self) {
            try await engine.instant("vector(time())[400000s:1s]", at: Self.zero)
        }
        #expect(busy?.code == .noMemoryNow, "\(busy?.message ?? "")")
        #expect(try await engine.instant("vector(1)", at: Self.zero).samples?.count == 1)
        held = nil
        #expect(budget.byteCount == 0)
        let other = "count_over_time(vector(time())[100000s:1s])"
        #expect(try await engine.instant(other, at: Self.zero).samples?.first?.value == 100_000)
        let tooLarge = await #expect(throws: QueryFault.self) {
            try await engine.instant("vector(time())[3000000s:1s]", at: Self.zero)
        }
        #expect(tooLarge?.code == .tooManySamples && tooLarge?.message.contains("at most 16777216") == true)
        #expect(budget.byteCount == 0)
    }

    /// Samples that are read count as well, and so does the text of the answer.
    @Test func `what is read and what is answered is bounded`() async throws {
        var limits = QueryLimits()
        limits.memory = MemoryBudget(byteCountMax: 1 << 20)
        let columns = (0..<10).map { number in
            SeriesColumns(
                labels: Labels("up", ["n": "\(number)"]), times: (0..<10_000).map { Int64($0) },
                values: [Double](repeating: 1, count: 10_000))
        }
        let engine = QueryEngine(FixedSeries(columns: columns), limits: limits)
        let fault = await #expect(throws: QueryFault.self) {
            try await engine.instant("sum(count_over_time(up[10s]))", at: Timestamp(millisecondsSinceEpoch: 10_000))
        }
        #expect(fault?.code == .tooManySamples && fault?.message.contains("at most 1048576") == true)
        let answer = QueryResult.Value.matrix(columns)
        var json = AnswerJSON(memory: MemoryShare(of: MemoryBudget(byteCountMax: 1 << 20)))
        answer.write(to: &json, limit: nil)
        #expect(throws: MemoryRefusal.self) { try json.finish() }
        var whole = AnswerJSON(memory: MemoryShare(of: MemoryBudget(byteCountMax: 16 << 20)))
        answer.write(to: &whole, limit: nil)
        let bytes = whole.bytes
        let parts = try whole.finish()
        #expect(parts.count > 1 && Array(parts.joined()) == bytes)
        #expect(parts.dropLast().allSatisfy { $0.count >= 1 << 20 && $0.count < 2 << 20 })
    }

    /// Series in memory, for a store without bounds.
    private struct FixedSeries: SeriesReading {
        let columns: [SeriesColumns]

        func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
            -> [SeriesColumns]
        { columns }

        func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
        func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
            -> [String]
        { [] }
        func metadata() async throws -> MetadataByName { [:] }
    }

    @Test func `labels that a query makes are bounded`() async {
        var limits = QueryLimits()
        limits.labelBytesMax = 1000
        let long = String(repeating: "x", count: 1001)
        for query in [
            "label_replace(up, \"a\", \"\(long)\", \"\", \"\")",
            "label_join(up, \"a\", \"\(long)\", \"host\", \"host\")",
        ] {
            let fault = await #expect(throws: QueryFault.self) {
                try await Self.engine(limits).instant(query, at: Self.zero)
            }
            #expect(fault?.message.contains("at most 1000 are allowed") ?? false)
        }
    }

    /// The text that a replacement makes of a long label and a template of a thousand references is never made.
    @Test func `a replacement that grows stops at the limit`() async {
        let text = String(repeating: "x", count: 60_000)
        let long = "label_replace(up, \"a\", \"\(text)\", \"\", \"\")"
        let references = String(repeating: "$1", count: 400_000)
        for query in [
            "label_replace(\(long), \"b\", \"\(references)\", \"a\", \"(.*)\")",
            "label_join(\(long), \"b\", \"\", " + String(repeating: "\"a\",", count: 100_000) + "\"a\")",
        ] {
            let fault = await #expect(throws: QueryFault.self) { try await Self.engine().instant(query, at: Self.zero) }
            #expect(fault?.message == "label value of 120000 bytes is too long, at most 65536 are allowed")
        }
    }

    @Test func `a pattern with very many groups is refused`() async {
        let query = "label_replace(up, \"a\", \"$1\", \"host\", \"\(String(repeating: "(a?)", count: 4000))\")"
        let fault = await #expect(throws: QueryFault.self) { try await Self.engine().instant(query, at: Self.zero) }
        #expect(fault?.message == "regular expression in label_replace() has 4000 groups, at most 100 are allowed")
    }

    /// Patterns take time in proportion to text and pattern; both together may be too much.
    @Test func `a long search ends when the time is up`() async {
        var limits = QueryLimits()
        limits.timeMax = .milliseconds(300)
        let text = String(repeating: "a", count: 60_000)
        let long = "label_replace(up, \"a\", \"\(text)\", \"\", \"\")"
        let query = "label_replace(\(long), \"b\", \"$1\", \"a\", \"(.*)(a?){900}b{900}(.*a){80}\")"
        // Processor time: what else the machine does must not count.
        let start = clock()
        let fault = await #expect(throws: QueryFault.self) {
            try await Self.engine(limits).instant(query, at: Self.zero)
        }
        #expect(fault?.code == .timedOut)
        // Far more than it takes, far less than the search would.
        #expect((clock() - start) / 1_000_000 < 20)
    }

    @Test func `grouping and matching by very many labels ends when the time is up`() async throws {
        var limits = QueryLimits()
        limits.timeMax = .milliseconds(300)
        let labels = (0..<50_000).map { "l\($0)" }.joined(separator: ",")
        for query in [
            "sum by (\(labels)) (up)", "up * on (\(labels)) group_left up", "up unless ignoring (\(labels)) up",
            "count without (\(labels)) (up)",
        ] {
            do {
                _ = try await Self.engine(limits).instant(query, at: Timestamp(millisecondsSinceEpoch: 1000))
            } catch let fault as QueryFault {
                #expect(fault.code == .timedOut || fault.code == .execution, "\(fault.message)")
            }
        }
    }

    /// A store that is asked for no more than the query may have.
    private struct BoundedSeries: BoundedSeriesReading {
        func select(
            _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, within bounds: SelectionBounds
        ) async throws -> [SeriesColumns] {
            guard bounds.samplesMax >= 600 else { throw TooManySamples(count: 600) }
            return [
                SeriesColumns(
                    labels: Labels("up"), times: (0..<600).map { Int64($0) },
                    values: [Double](repeating: 1, count: 600))
            ]
        }

        func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
            -> [SeriesColumns]
        {
            Issue.record("asked without a bound")
            return []
        }

        func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
        func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
            -> [String]
        { [] }
        func metadata() async throws -> MetadataByName { [:] }
    }

    @Test func `a store that can is asked for no more than is left`() async throws {
        var limits = QueryLimits()
        limits.samplesMax = 1000
        let engine = QueryEngine(BoundedSeries(), limits: limits)
        let fault = await #expect(throws: QueryFault.self) {
            try await engine.instant("a + b", at: Timestamp(millisecondsSinceEpoch: 600))
        }
        #expect(fault?.code == .tooManySamples)
        #expect(fault?.message.hasSuffix(": 1200, at most 1000 are allowed") == true)
        #expect(try await engine.instant("a", at: Timestamp(millisecondsSinceEpoch: 600)).samples?.count == 1)
    }

    /// A clock that goes on by a millisecond whenever somebody looks at it.
    private final class WatchedClock: Clock {
        typealias Instant = ManualClock.Instant

        private let looks = Atomic(0)
        var now: Instant {
            Instant(offset: .milliseconds(looks.add(1, ordering: .relaxed).newValue))
        }
        let minimumResolution = Duration.milliseconds(1)
        func sleep(until deadline: Instant, tolerance: Duration?) async throws { Issue.record("nobody should wait") }
    }

    /// As many samples as a long computation needs.
    private struct ManySeries: BoundedSeriesReading {
        var readsLong = false

        func select(
            _ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp, within bounds: SelectionBounds
        ) async throws -> [SeriesColumns] {
            while readsLong { if bounds.isOver() { throw CancellationError() } }
            return (0..<500).map { number in
                SeriesColumns(
                    labels: Labels("up", ["host": "h\(number)"]), times: (0..<300).map { Int64($0) * 1000 },
                    values: (0..<300).map { Double($0) / 7 })
            }
        }

        func select(_ matchers: [LabelMatcher], from start: Timestamp, through end: Timestamp) async throws
            -> [SeriesColumns]
        {
            try await select(matchers, from: start, through: end, within: SelectionBounds())
        }

        func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
        func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
            -> [String]
        { [] }
        func metadata() async throws -> MetadataByName { [:] }
    }

    @Test(arguments: [
        "up", "sum by (host) (up)", "up + on (host) up", "avg_over_time(up[1m])",
        "label_replace(up, \"a\", \"b\", \"\", \"\")",
        "quantile_over_time(0.5, up[1m])", "deriv(up[1m])", "up and up", "sum_over_time(up[5m:1s])",
    ]) func `a query ends when its time is up, while it computes or while it reads`(_ query: String) async throws {
        var limits = QueryLimits()
        limits.timeMax = .milliseconds(3)
        for readsLong in [false, true] {
            let engine = QueryEngine(ManySeries(readsLong: readsLong), limits: limits, clock: WatchedClock())
            let fault = await #expect(throws: QueryFault.self) {
                try await engine.range(
                    query, from: Self.zero, through: Timestamp(millisecondsSinceEpoch: 300_000), step: .seconds(1))
            }
            #expect(fault?.code == .timedOut, "\(query): \(String(describing: fault))")
        }
        limits.timeMax = .seconds(100_000)
        let engine = QueryEngine(ManySeries(), limits: limits, clock: WatchedClock())
        #expect(
            try await engine.instant(query, at: Timestamp(millisecondsSinceEpoch: 60_000)).samples?.isEmpty == false)
    }

    @Test func `notes are bounded and the rest is counted`() async throws {
        var limits = QueryLimits()
        limits.annotationsMax = 3
        let engine = Self.engine(limits)
        let query = (0..<10).map { "quantile(\($0 + 2), up)" }.joined(separator: " or ")
        let result = try await engine.instant(query, at: Self.zero)
        #expect(result.warnings.count == 4)
        #expect(result.warnings.last == "7 more warning annotations omitted")
    }

    @Test func `what is experimental must be switched on`() async {
        let engine = QueryEngine(ArraySeries([]))
        for (query, message) in [
            ("mad_over_time(up[5m])", "function \"mad_over_time\" is not enabled"),
            ("info(up)", "function \"info\" is not enabled"), ("start()", "function \"start\" is not enabled"),
            (
                "limitk(1, up)",
                "limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
            ),
            ("up[2 * 5m]", "experimental duration expression is not enabled"),
            ("up[5m] anchored", "anchored modifier is experimental and not enabled"),
            ("up smoothed", "smoothed modifier is experimental and not enabled"),
            ("up + fill(0) up", "binop fill modifiers are experimental and not enabled"),
        ] {
            let fault = await #expect(throws: QueryFault.self) { try await engine.instant(query, at: Self.zero) }
            #expect(fault?.message == message)
        }
    }
}
