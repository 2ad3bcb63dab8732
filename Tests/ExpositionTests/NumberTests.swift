@testable import Exposition
import Series
import Testing

/// Goal: numbers are read and written to the bit and to the character. Method: random texts against the standard library's reader, which
/// goes through the C library; texts of the reference, as Prometheus answered them over HTTP.
@Suite struct NumberTests {
    /// The reader under test.
    func read(_ text: String) -> Double? { parseNumber(Array(text.utf8)[...]) }

    private func check(_ text: String, _ seed: UInt64) {
        guard let expected = Double(text) else {
            Issue.record("'\(text)' is no test")
            return
        }
        #expect(read(text)?.bitPattern == expected.bitPattern, "'\(text)', seed \(seed)")
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `random numbers are read to the last bit`(seed: UInt64) {
        var random = Random(seed)
        var failed: [String] = []
        // Without a macro for each, since there are so many.
        for _ in 0..<60_000 {
            let text = Self.randomText(&random)
            if read(text)?.bitPattern != Double(text)?.bitPattern { failed.append(text) }
        }
        #expect(failed.isEmpty, "seed \(seed): \(failed.prefix(5))")
    }

    static func randomText(_ random: inout Random) -> String {
        let sign = ["", "-", "+"][random.next(3)]
        switch random.next(6) {
        case 0: return sign + "\(random.next(1 << 53))"
        case 1:
            return sign
                + "\(Double(bitPattern: random.bits() & ~(0x7FF << 52) | UInt64(random.next(2046) + 1) << 52).magnitude)"
        case 2: return sign + "\(random.next(100_000)).\(random.next(1_000_000))"
        case 3: return sign + "0.\(String(repeating: "0", count: random.next(12)))\(random.next(1 << 60))"
        case 4: return sign + "\(random.bits()).\(random.bits())e\(random.next(700) - 350)"
        // 17 to 19 digits with few decimals take the second way.
        default: return sign + "\(random.next(9) + 1)\(random.next(1 << 56)).\(random.next(99))e-\(random.next(17))"
        }
    }

    @Test func `halfway cases round to even`() {
        for text in [
            "9007199254740993", "9007199254740995", "9007199254740992.5", "1.00000000000000011102230246251565",
            "1.0000000000000001110", "4503599627370497.5", "4503599627370496.5", "18446744073709551615",
            "18446744073709551616", "9223372036854775808e19", "0.3000000000000000166", "2.2250738585072011e-308",
            "4.9406564584124654e-324", "2.4703282292062327e-324", "1.7976931348623159e308", "1e400", "-1e400", "1e-400",
            "0e999", "-0", "00000000000000000000001.5", "0.000000000000000000000000000001",
        ] { check(text, 0) }
    }

    @Test func `what is no number is none`() {
        for text in [
            "", "+", "-", ".", "e5", "1e", "1e+", "0x1F", "1_000", "1 ", "nano", "infin", "--1", "1..2", "1.2.3", "١",
        ] {
            #expect(read(text) == nil, "'\(text)'")
        }
        for text in ["NaN", "nan", "+NaN"] { #expect(read(text)?.isNaN == true) }
        for text in ["Inf", "+Inf", "inf", "Infinity", "INF"] { #expect(read(text) == .infinity) }
        #expect(read("-inf") == -.infinity && read("5.") == 5 && read(".5") == 0.5)
    }

    @Test(
        arguments: [
            (0.1, "0.1"), (1, "1"), (-0.0, "-0"), (1e15, "1000000000000000"), (1e21, "1000000000000000000000"),
            (1.5e-7, "0.00000015"), (123_456_789.123, "123456789.123"), (1e-10, "0.0000000001"),
            (-1234.5, "-1234.5"), (9_007_199_254_740_992, "9007199254740992"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (.nan, "NaN"),
            (5e22, "50000000000000000000000"), (0.000_123, "0.000123"),
        ] as [(Double, String)])
    func `values are written as the reference does`(value: Double, text: String) {
        #expect(plainNumber(value) == text)
    }

    @Test(
        arguments: [
            (0.1, "0.1", "0.1"), (1, "1", "1.0"), (1e21, "1e+21", "1e+21"),
            (1e20, "100000000000000000000", "100000000000000000000.0"),
            (0.0001, "0.0001", "0.0001"), (0.00001, "1e-05", "1e-05"), (1.5e300, "1.5e+300", "1.5e+300"),
            (-0.0, "-0", "-0.0"),
            (.infinity, "+Inf", "+Inf"), (.nan, "NaN", "NaN"),
        ] as [(Double, String, String)])
    func `short forms have an exponent at the ends`(value: Double, short: String, openMetrics: String) {
        #expect(shortestNumber(value) == short && openMetricsNumber(value) == openMetrics)
    }

    @Test func `sample values of the API are those that Prometheus answered`() throws {
        // Recorded from Prometheus' /api/v1/query: the bits of a number, and the text of `vector(number)`.
        let lines = String(decoding: try #require(fileBytes(testFolder + "/Golden/json-numbers.txt")), as: UTF8.self)
            .split(separator: "\n")
        #expect(lines.count > 200)
        for line in lines {
            let parts = line.split(separator: " ")
            let value = Double(bitPattern: try #require(UInt64(parts[0], radix: 16)))
            #expect(sampleValueText(value) == parts[1])
        }
        #expect(
            sampleValueText(.nan) == "NaN" && sampleValueText(-.infinity) == "-Inf" && sampleValueText(-0.0) == "-0")
    }

    @Test func `a native histogram in JSON lists its populated buckets with their bounds`() {
        var histogram = NativeHistogram(schema: 0)
        histogram.count = 8
        histogram.sum = 1e-7
        histogram.zeroThreshold = 0.5
        histogram.zeroCount = 2
        histogram.negativeSpans = [.init(offset: 2, length: 1)]
        histogram.negativeBuckets = [1]
        histogram.positiveSpans = [.init(offset: 0, length: 3)]
        histogram.positiveBuckets = [2, 0, 3]
        #expect(
            histogramJSON(histogram)
                == #"{"count":"8","sum":"1e-07","buckets":[[1,"-4","-2","1"],[3,"-0.5","0.5","2"],[0,"0.5","1","2"],[0,"2","4","3"]]}"#
        )
        #expect(histogramJSON(NativeHistogram(schema: 1)) == #"{"count":"0","sum":"0"}"#)
    }

    @Test func `every text that is written reads back as the same number`() {
        var random = Random(77)
        for _ in 0..<5000 {
            let value = Double(bitPattern: random.bits())
            guard value.isFinite else { continue }
            #expect(read(plainNumber(value))?.bitPattern == value.bitPattern)
            #expect(read(shortestNumber(value))?.bitPattern == value.bitPattern)
            #expect(read(sampleValueText(value))?.bitPattern == value.bitPattern)
        }
    }

    @Test(
        arguments: [
            (0, "0"), (1_435_781_451_781, "1435781451.781"), (1_435_781_451_000, "1435781451"), (-500, "-0.500"),
            (5, "0.005"),
            (-62_135_596_800_000, "-62135596800"), (1_500, "1.500"), (Int64.min, "-9223372036854775.808"),
        ] as [(Int64, String)])
    func `times are seconds with at most three decimals`(time: Int64, text: String) {
        #expect(secondsText(time) == text)
    }
}
