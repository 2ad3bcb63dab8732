import Glibc
import PromQL
import Series
import Testing
import Units

/// Goal: a range query gives at each step what an instant query gives at that time, and no well-formed query traps. Method:
/// random queries over series with resets, gaps, NaN and stale markers; the seed is printed.
@Suite struct RandomQueryTests {
    struct Generator {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }

        mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }

        mutating func number() -> String {
            pick(["0", "1", "-1", "2.5", "0.9", "NaN", "Inf", "100", "time()", "scalar(c)"])
        }

        mutating func selector() -> String {
            pick(["a", "b", "c", "{__name__=~\"a|b\"}", "a{x=\"1\"}", "b{x!~\"1|2\"}", "nothing"])
        }

        mutating func modifier() -> String {
            pick(["", "", "", " offset 1m", " offset -30s", " @ 300", " @ 200 offset 1m"])
        }

        mutating func matrix(_ depth: Int) -> String {
            if depth > 0 && below(4) == 0 {
                return "(\(vector(depth - 1)))[\(pick(["3m:30s", "2m:", "5m:45s"]))]" + modifier()
            }
            return selector() + "[\(pick(["1m", "2m30s", "5m", "10m"]))]" + modifier()
        }

        mutating func vector(_ depth: Int) -> String {
            guard depth > 0 else { return selector() + modifier() }
            switch below(7) {
            case 0:
                let function = pick([
                    "rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets", "avg_over_time",
                    "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time",
                    "stddev_over_time", "present_over_time", "absent_over_time", "first_over_time", "mad_over_time",
                ])
                return "\(function)(\(matrix(depth)))"
            case 1: return "quantile_over_time(\(number()), \(matrix(depth)))"
            case 2:
                let op = pick(["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
                return "\(op) \(pick(["", "by (x)", "without (x)", "by (x, y)"])) (\(vector(depth - 1)))"
            case 3:
                return
                    "\(pick(["topk", "bottomk", "quantile"]))(\(pick(["1", "2", "0.5"])), \(vector(depth - 1)))"
            case 4:
                let op = pick(["+", "-", "*", "/", "%", "^", "==", "!=", ">", "<=", "> bool", "and", "or", "unless"])
                let on = pick(["", "on (x)", "ignoring (y)"])
                return "(\(vector(depth - 1))) \(op) \(on) (\(vector(depth - 1)))"
            case 5: return "(\(vector(depth - 1))) \(pick(["+", "-", "*", "/", "%", "^", ">", "== bool"])) \(number())"
            default:
                let function = pick(["abs", "ceil", "sgn", "-", "timestamp", "absent", "hour", "round", "sqrt", "sort"])
                return "\(function)(\(vector(depth - 1)))"
            }
        }
    }

    private static func store(_ generator: inout Generator) -> ArraySeries {
        let store = ArraySeries()
        for (name, x, y) in [
            ("a", "1", "p"), ("a", "2", "p"), ("b", "1", "q"), ("b", "2", ""), ("b", "3", "p"), ("c", "", ""),
        ] {
            var column = SeriesColumns(labels: ["__name__": name, "x": x, "y": y], times: [], values: [])
            var value = 0.0
            for index in 0..<80 where generator.below(8) != 0 {
                value = generator.below(15) == 0 ? 0 : value + Double(generator.below(5))
                let special: Double? = generator.below(40) == 0 ? .nan : generator.below(40) == 0 ? staleMarker : nil
                column.times.append(Int64(index) * 15_000 + Int64(generator.below(3000)))
                column.values.append(special ?? value)
            }
            store.add(column)
        }
        return store
    }

    @Test func `each step of a range is the instant at that time`() async throws {
        let seed = getenv("JAGA_TEST_SEED").flatMap { UInt64(String(cString: $0)) } ?? .random(in: 0 ... .max)
        var generator = Generator(state: seed)
        print("random queries: seed \(seed) (JAGA_TEST_SEED=\(seed) repeats it)")
        let engine = QueryEngine(Self.store(&generator))
        var compared = 0
        for _ in 0..<600 {
            let query = generator.vector(1 + generator.below(3))
            let expression = try Expression.parse(query, features: .allSyntax)
            #expect(
                try Expression.parse(expression.description, features: .allSyntax).description == expression.description
            )
            let start = Timestamp(millisecondsSinceEpoch: Int64(generator.below(600)) * 1000)
            let step = Duration.seconds(17 + generator.below(60))
            let end = start + step * 8
            guard
                case .matrix(let rows)? = try? await engine.range(expression, from: start, through: end, step: step)
                    .value
            else { continue }
            for index in 0...8 {
                let time = start + step * index
                let samples = try await engine.instant(expression, at: time).samples ?? []
                let wanted = Dictionary(uniqueKeysWithValues: samples.map { ($0.labels, $0.value) })
                let got = rows.compactMap { row -> (Labels, Double)? in
                    row.times.firstIndex(of: time.millisecondsSinceEpoch).map { (row.labels, row.values[$0]) }
                }
                #expect(got.count == wanted.count, "\(query) at step \(index): \(got) and \(wanted)")
                for (labels, value) in got {
                    let other = wanted[labels] ?? -12345
                    #expect(value == other || (value.isNaN && other.isNaN), "\(query) at step \(index), \(labels)")
                }
                compared += 1
            }
        }
        #expect(compared > 1000)
    }
}
