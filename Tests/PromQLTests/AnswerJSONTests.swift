import PromQL
import Series
import Testing
import Units

/// Goal: answers hold every number as the reference writes it, and every point with its own time. Method: the quick ways of writing against the plain
/// ones, on random numbers of many kinds and on series that share their times, have their own, or miss some.
@Suite struct AnswerJSONTests {
    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private struct Mixer: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    private func text(_ write: (inout AnswerJSON) -> Void) -> String {
        var json = AnswerJSON()
        write(&json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test func `short decimals are written as they are, and all others by their fewest digits`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = Mixer(state: seed)
        for _ in 0..<200_000 {
            let whole =
                Int64.random(in: 1...999_999_999_999_999, using: &random) >> Int64.random(in: 0...45, using: &random)
            let power = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].randomElement(using: &random)!
            var value = Double(whole) / power
            switch Int.random(in: 0..<4, using: &random) {
            case 0: value = -value
            case 1: value = value.nextUp
            default: break
            }
            // What is written here is what Swift writes, but for whole numbers and exponents.
            guard value.magnitude >= 1e-4, value.magnitude < 1e15, value.rounded() != value else { continue }
            let written = text { $0.value(value) }
            #expect(written == "\"\(value)\"", "seed \(seed)")
        }
    }

    @Test(arguments: [
        (0.1, "0.1"), (-0.5, "-0.5"), (1.25, "1.25"), (100.000001, "100.000001"), (0.0001, "0.0001"), (-0.0, "-0"),
        (3.0, "3"),
        (999_999_999.5, "999999999.5"), (0.1 + 0.2, "0.30000000000000004"), (1e-5, "0.00001"), (2.5e-7, "2.5e-07"),
        (1e21, "1e+21"),
    ]) func `numbers are written as the reference writes them`(_ value: Double, _ expected: String) {
        #expect(text { $0.value(value) } == "\"\(expected)\"")
    }

    @Test func `each point has its own time, whether series share their times or not`() {
        let grids: [[Int64]] = [
            [0, 15_000, 30_000], [0, 15_000, 30_000], [15_000], [], [-1500, 1, 1_795_287_896_560], [-1500, 1],
            [0, 15_000, 30_001],
        ]
        let series = grids.enumerated().map { number, times in
            SeriesColumns(
                labels: Labels("m", ["n": "\(number)"]), times: times,
                values: times.indices.map { Double($0) + Double(number) / 8 })
        }
        let plain = series.map { columns in
            let points = columns.times.indices.map { row in text { $0.point(columns.times[row], columns.values[row]) } }
            let labels = text { $0.labels(columns.labels) }
            return "{\"metric\":\(labels)" + (points.isEmpty ? "" : ",\"values\":[\(points.joined(separator: ","))]")
                + "}"
        }
        let written = text { QueryResult.Value.matrix(series).write(to: &$0, limit: nil) }
        #expect(written == "{\"resultType\":\"matrix\",\"result\":[\(plain.joined(separator: ","))]}")
    }
}
