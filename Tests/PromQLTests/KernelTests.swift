import Series
import Testing
import Units

@testable import PromQL

/// Goal: what the quick ways of computing give is to the bit what the plain ways give. Method: seeded random columns of every shape — decimals,
/// whole numbers, constants, equal values, zeros of both signs, NaN, infinities, magnitudes that overflow — through queries and kernels, beside
/// the textbook's loops written here; the seed is an argument.
@Suite struct KernelTests {
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    /// Gives the arrays as they are, so that series share their times.
    private struct WholeSeries: SeriesReading {
        let columns: [SeriesColumns]

        func select(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [SeriesColumns] {
            columns
        }

        func labelNames(_ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws -> [String] { [] }
        func labelValues(_ name: String, _ matchers: [LabelMatcher], from: Timestamp, through: Timestamp) async throws
            -> [String]
        { [] }
        func metadata() async throws -> MetadataByName { [:] }
    }

    private static let kinds = 17

    /// `count` values of one of the shapes.
    private func values(_ kind: Int, _ count: Int, _ random: inout Generator) -> [Double] {
        let odd: [Double] = [
            .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1, -1, 1e300,
        ]
        var value = Double(Int.random(in: -1000...1_000_000, using: &random))
        return (0..<count).map { _ in
            switch kind {
            case 0: return Double.random(in: -1000...1000, using: &random)
            case 1: return Double(Int.random(in: 0...10_000, using: &random)) / 10
            case 2: return Double(4096 * Int.random(in: 0...10_000_000, using: &random))
            case 3: return value
            case 4: return Double(Int.random(in: -2...2, using: &random))
            case 5: return Bool.random(using: &random) ? 0 : -0.0
            case 6: return odd.randomElement(using: &random)!
            case 7:
                if Int.random(in: 0..<30, using: &random) == 0 { return odd.randomElement(using: &random)! }
                return Double.random(in: -1000...1000, using: &random)
            case 8:
                let sign = Bool.random(using: &random) ? 1.0 : -1
                return sign * .greatestFiniteMagnitude * Double.random(in: 0.1...1, using: &random)
            case 9: return Double(bitPattern: random.next() & ~(0x400 << 52))
            case 10:
                value =
                    Int.random(in: 0..<40, using: &random) == 0 ? 0 : value + Double.random(in: 0...9, using: &random)
                return value
            case 11:
                if Int.random(in: 0..<25, using: &random) == 0 { value += 1 }
                return value
            case 12: return Double(Int.random(in: 1 << 50...1 << 52, using: &random))
            case 13: return Double(sign: .plus, exponent: Int.random(in: -900...900, using: &random), significand: 1.25)
            case 14:
                // Each may be larger than all before it together.
                value = value.magnitude * Double.random(in: 0.8...4, using: &random) + 1
                return value
            case 15:
                return .greatestFiniteMagnitude * (Int.random(in: 0..<30, using: &random) == 0 ? 1 : 0x1p-8)
            default: return Double.random(in: -1e-300...1e-300, using: &random) * 1e-10
            }
        }
    }

    private func isSame(_ one: Double, _ other: Double) -> Bool {
        one.bitPattern == other.bitPattern || one.isNaN && other.isNaN
    }

    // MARK: Lines

    /// Four sums, sample by sample.
    private func plainLine(_ times: ArraySlice<Int64>, _ values: ArraySlice<Double>, origin: Int64)
        -> (slope: Double, intercept: Double)
    {
        func add(_ value: Double, _ sum: inout Double, _ correction: inout Double) {
            let total = sum + value
            if total.isInfinite {
                correction = 0
            } else if sum.magnitude >= value.magnitude {
                correction += (sum - total) + value
            } else {
                correction += (value - total) + sum
            }
            sum = total
        }
        let first = values.first!
        if values.allSatisfy({ $0 == first }) { return first.isInfinite ? (.nan, .nan) : (0, first) }
        var (x, y, xy, xx) = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
        for (time, value) in zip(times, values) {
            let after = Double(time - origin) / 1000
            add(after, &x.0, &x.1)
            add(value, &y.0, &y.1)
            add(after * value, &xy.0, &xy.1)
            add(after * after, &xx.0, &xx.1)
        }
        let n = Double(values.count)
        let (sumX, sumY) = (x.0 + x.1, y.0 + y.1)
        let covariance = xy.0 + xy.1 - sumX * sumY / n
        let variance = xx.0 + xx.1 - sumX * sumX / n
        let slope = covariance / variance
        return (slope, sumY / n - slope * sumX / n)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `lines and windows are those of the plain loops`(seed: UInt64) async throws {
        var random = Generator(state: seed)
        let start: Int64 = 1_700_000_000_000
        var columns: [SeriesColumns] = []
        var times: [Int64] = []
        for number in 0..<40 {
            // Mostly the same array as before, as a target's series have it.
            if number == 0 || Int.random(in: 0..<12, using: &random) == 0 {
                var time = start + Int64.random(in: -900_000...0, using: &random)
                times = (0..<Int.random(in: 1...160, using: &random)).map { _ in
                    time += Int.random(in: 0..<20, using: &random) == 0 ? 400_000 : 15_000
                    return time + Int64.random(in: -9...9, using: &random)
                }
            }
            let kind = number < Self.kinds ? number : Int.random(in: 0..<Self.kinds, using: &random)
            columns.append(
                SeriesColumns(
                    labels: Labels("m", ["n": "\(100 + number)", "kind": "\(kind)"]), times: times,
                    values: values(kind, times.count, &random)))
        }
        let engine = QueryEngine(WholeSeries(columns: columns))
        let step: Int64 = 47_000
        let rangeMs: Int64 = [60_000, 300_000, 1_500_000, 1_500_000][Int(seed % 4)]
        func expect(
            _ query: String, _ minimum: Int = 1, fixed: Int64? = nil,
            _ plain: (SeriesColumns, Range<Int>, _ now: Int64, _ end: Int64) -> Double
        ) async throws {
            let result = try await engine.range(
                query, from: Timestamp(millisecondsSinceEpoch: start),
                through: Timestamp(millisecondsSinceEpoch: start + 40 * step), step: .milliseconds(step))
            guard case .matrix(let rows) = result.value else {
                Issue.record("\(query) gives no matrix")
                return
            }
            var found: [String: [Int64: Double]] = [:]
            for row in rows { found[row.labels["n"]!] = Dictionary(uniqueKeysWithValues: zip(row.times, row.values)) }
            for column in columns {
                let name = column.labels["n"]!
                for now in stride(from: start, through: start + 40 * step, by: Int64.Stride(step)) {
                    let end = fixed ?? now
                    let from = column.times.firstIndex { $0 > end - rangeMs } ?? column.times.count
                    let to = max(from, column.times.firstIndex { $0 > end } ?? column.times.count)
                    let value = to - from < minimum ? nil : plain(column, from..<to, now, end)
                    let given = found[name]?[now]
                    #expect(
                        value == nil && given == nil || value.map { isSame($0, given ?? -123) } == true,
                        "\(query), seed \(seed), \(column.labels) at \(now): \(given as Any), not \(value as Any)")
                }
            }
        }
        let range = "m[\(rangeMs)ms]"
        try await expect("deriv(\(range))", 2) { column, window, _, _ in
            plainLine(column.times[window], column.values[window], origin: column.times[window.lowerBound]).slope
        }
        try await expect("predict_linear(\(range), 3600)", 2) { column, window, now, _ in
            let line = plainLine(column.times[window], column.values[window], origin: now)
            return line.slope * 3600 + line.intercept
        }
        let fixed = start + 1_000_000
        try await expect("predict_linear(\(range) @ \(fixed / 1000), -60)", 2, fixed: fixed) { column, window, now, _ in
            let line = plainLine(column.times[window], column.values[window], origin: now)
            return line.slope * -60 + line.intercept
        }
        for (function, minimum) in [
            (.rate, 2), (.increase, 2), (.minOverTime, 1), (.maxOverTime, 1), (.sumOverTime, 1), (.avgOverTime, 1),
            (.countOverTime, 1), (.lastOverTime, 1), (.deriv, 2),
        ] as [(Function, Int)] {
            try await expect("\(function.rawValue)(\(range))", minimum) { column, places, now, end in
                let window = Window(
                    times: column.times, values: column.values, from: places.lowerBound, to: places.upperBound,
                    start: end - rangeMs, end: end, now: now)
                return window.evaluate(function, rangeMs: rangeMs)
            }
        }
    }

    // MARK: Order

    private func plainQuantile(_ phi: Double, _ values: [Double]) -> Double {
        let sorted = values.enumerated().sorted { left, right in
            let (one, other) = (left.element, right.element)
            if one.isNaN || other.isNaN { return one.isNaN && (!other.isNaN || left.offset < right.offset) }
            return one != other ? one < other : left.offset < right.offset
        }.map(\.element)
        let rank = phi * Double(values.count - 1)
        let lower = Int(rank.rounded(.down))
        let weight = rank - rank.rounded(.down)
        return sorted[lower] * (1 - weight) + sorted[min(values.count - 1, lower + 1)] * weight
    }

    @Test(arguments: 1...60 as ClosedRange<UInt64>)
    func `quantiles are those of sorted values`(seed: UInt64) {
        var random = Generator(state: seed)
        for kind in 0..<Self.kinds {
            let limit = [3, 40, 300, 3000].randomElement(using: &random)!
            var values = values(kind, Int.random(in: 1...limit, using: &random), &random)
            if seed % 3 == 0 { values.sort() }
            if seed % 6 == 0 { values.reverse() }
            for phi in [0, 1, 0.5, 0.9, Double.random(in: 0...1, using: &random)] {
                var copy = values
                let found = quantile(phi, of: &copy)
                #expect(
                    isSame(found, plainQuantile(phi, values)),
                    "seed \(seed), kind \(kind), \(values.count) values, φ \(phi)")
            }
        }
        var none: [Double] = []
        #expect(quantile(0.5, of: &none).isNaN)
    }

    @Test func `selection takes any order of any values`() {
        var random = Generator(state: 7)
        let count = 2500
        let shapes: [[Double]] = [
            (0..<count).map { Double($0) }, (0..<count).map { Double(-$0) },
            (0..<count).map { Double(min($0, count - $0)) },
            (0..<count).map { Double($0 % 7) }, (0..<count).map { Double($0 * 7919 % count) },
            (0..<count).map { $0 % 80 == 40 ? -1 : Double($0) }, Array(repeating: 3, count: count),
            (0..<count).map { _ in [-Double.infinity, 0, .infinity].randomElement(using: &random)! },
        ]
        for (number, shape) in shapes.enumerated() {
            let sorted = shape.sorted()
            for place in [0, 1, 5, count / 3, count / 2, count - 17, count - 2, count - 1] {
                var values = shape
                values.withUnsafeMutableBufferPointer { select(place, in: $0) }
                #expect(values[place] == sorted[place], "shape \(number), place \(place)")
                #expect(values[..<place].allSatisfy { $0 <= values[place] })
                #expect(values[place...].allSatisfy { $0 >= values[place] })
                #expect(values.sorted() == sorted)
            }
        }
    }

    // MARK: Groups

    @Test(arguments: 1...40 as ClosedRange<UInt64>)
    func `sums of groups are those of the plain loop`(seed: UInt64) {
        var random = Generator(state: seed)
        let steps = Int.random(in: 1...70, using: &random)
        let hasGaps = seed % 2 == 0
        let columns = (0..<20).map { _ in
            var column = values(Int.random(in: 0..<Self.kinds, using: &random), steps, &random)
            if hasGaps {
                for step in 0..<steps where Int.random(in: 0..<6, using: &random) == 0 { column[step] = absent }
            }
            return column
        }
        var group = GroupAccumulation(.sum, stepCount: steps)
        for column in columns { group.add(column) }
        let found = group.result
        for step in 0..<steps {
            let present = columns.map { $0[step] }.filter { !$0.isStaleMarker }
            guard let first = present.first else {
                #expect(found[step].isStaleMarker)
                continue
            }
            var sum = CompensatedSum(first)
            for value in present.dropFirst() { sum.add(value) }
            #expect(isSame(found[step], sum.value), "seed \(seed), step \(step): \(found[step]), not \(sum.value)")
        }
    }
}
