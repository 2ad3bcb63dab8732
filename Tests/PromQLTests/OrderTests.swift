import Glibc
import PromQL
import Series
import Testing
import Units

/// Goal: where the order of the series decides (which of two that tie is taken, the last digit of a sum), a range query gives at each
/// step what an instant query gives at that time, to the bit. Method: random queries of what looks at order over what sets or changes
/// it, over series of few values and many gaps, so that everything ties and the first series of a group is another one at every step;
/// and some cases whose answer the reference gives for instant queries. The seed is printed.
@Suite struct OrderTests {
    private struct Generator {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }

        mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }

        mutating func grouping() -> String { pick(["", "by (x)", "by (y)", "without (x)", "by (x, y)"]) }

        /// Queries that name a series alone give labels without a name an order of their own, so that all of them do.
        mutating func vector(_ depth: Int) -> String {
            guard depth > 0 else { return pick(["a", "b", "a{x!=\"1\"}", "a @ 300", "b offset 1m"]) }
            let inner = vector(depth - 1)
            switch below(13) {
            case 0, 1:
                return "\(pick(["sum", "avg", "min", "max", "stddev", "stdvar", "count"])) \(grouping()) (\(inner))"
            case 2, 3: return "\(pick(["topk", "bottomk", "limitk"])) \(grouping()) (\(1 + below(3)), \(inner))"
            case 4: return "\(pick(["sort", "sort_desc"]))(\(inner))"
            case 5: return "sort_by_label\(pick(["", "_desc"]))(\(inner), \"\(pick(["x", "y"]))\")"
            case 6:
                return "\(inner) \(pick(["+", "*", "and", "or", "unless"])) \(pick(["on (x, y)", "", "ignoring (z)"])) "
                    + "\(vector(depth - 1))"
            case 7: return "\(inner) * on (x) group_left sum by (x) (\(vector(depth - 1)))"
            case 8: return "(\(inner) \(pick(["> 1", "< 2", "!= 0", "* 0.1"])))"
            case 9: return "label_replace(\(inner), \"\(pick(["x", "w"]))\", \"$1\", \"y\", \"(.*)\")"
            case 10: return "\(pick(["max", "last", "sum"]))_over_time((\(inner))[\(pick(["1m:", "90s:20s"]))])"
            case 11: return "count_values \(grouping()) (\"v\", \(inner))"
            default:
                return pick([
                    "changes({__name__=~\"a|b\"}[1m])", "rate({__name__=~\"a|b\"}[1m])", "abs({__name__=~\"a|b\"})",
                    "-{__name__=~\"a|b\"}",
                    "{__name__=~\"a|b\"}",
                ])
            }
        }
    }

    private static func store(_ generator: inout Generator) -> ArraySeries {
        let store = ArraySeries()
        for name in ["a", "b"] {
            for x in ["1", "2", "3"] {
                for y in ["p", "q", "r"] where generator.below(4) != 0 {
                    var column = SeriesColumns(labels: ["__name__": name, "x": x, "y": y], times: [], values: [])
                    var isThere = true
                    for index in 0..<60 {
                        if generator.below(6) == 0 { isThere.toggle() }
                        guard isThere || column.values.last?.isStaleMarker == false else { continue }
                        column.times.append(Int64(index) * 10_000)
                        column.values.append(isThere ? [0.1, 0.7, 1, 2, 1e16][generator.below(5)] : staleMarker)
                    }
                    store.add(column)
                }
            }
        }
        return store
    }

    @Test func `order is that of the instant at every step of a range`() async throws {
        let seed = getenv("JAGA_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? .random(in: 0 ... .max)
        var generator = Generator(state: seed)
        print("order of series: seed \(seed) (JAGA_TEST_SEED=\(seed) repeats it)")
        var compared = 0
        for _ in 0..<40 {
            let engine = QueryEngine(Self.store(&generator))
            for _ in 0..<12 {
                let query = generator.vector(2 + generator.below(3))
                let expression = try Expression.parse(query, features: .allSyntax)
                let start = Timestamp(millisecondsSinceEpoch: Int64(generator.below(300)) * 1000)
                let step = Duration.seconds(7 + generator.below(40))
                guard
                    case .matrix(let rows)? = try? await engine.range(
                        expression, from: start, through: start + step * 6, step: step
                    ).value
                else { continue }
                for index in 0...6 {
                    let time = start + step * index
                    let samples = try await engine.instant(expression, at: time).samples ?? []
                    let wanted = Dictionary(uniqueKeysWithValues: samples.map { ($0.labels, $0.value) })
                    let got = rows.compactMap { row -> (Labels, Double)? in
                        row.times.firstIndex(of: time.millisecondsSinceEpoch).map { (row.labels, row.values[$0]) }
                    }
                    #expect(
                        Set(got.map(\.0)) == Set(wanted.keys), "\(query) at step \(index) from \(start) every \(step)")
                    for (labels, value) in got where wanted[labels] != nil {
                        #expect(
                            value.bitPattern == wanted[labels]!.bitPattern || value.isNaN && wanted[labels]!.isNaN,
                            "\(query) at step \(index) from \(start) every \(step), \(labels)")
                    }
                    compared += 1
                }
            }
        }
        #expect(compared > 300)
    }
}
