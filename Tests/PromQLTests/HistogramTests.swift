import Series
import Testing

@testable import PromQL

/// Goal: the arithmetic of native histograms keeps its promises whatever the layouts. Method: worked examples, and random histograms
/// of which sums and differences must agree with what is added bucket by bucket; the seed is printed.
@Suite struct HistogramTests {
    private static func exponential(_ schema: Int, _ counts: [(Int, Double)], zero: (Double, Double) = (0, 0))
        -> Histogram
    {
        var histogram = Histogram(schema: schema)
        for (index, count) in counts { histogram.positive.append(index, count) }
        (histogram.zeroThreshold, histogram.zeroCount) = zero
        histogram.count = counts.reduce(zero.1) { $0 + $1.1 }
        return histogram
    }

    @Test func `buckets are listed with their bounds`() {
        var native = NativeHistogram(schema: 0)
        native.zeroThreshold = 0.5
        native.zeroCount = 3
        native.positiveSpans = [.init(offset: 0, length: 1), .init(offset: 1, length: 1)]
        native.positiveBuckets = [1, 2]
        native.negativeSpans = [.init(offset: 1, length: 1)]
        native.negativeBuckets = [4]
        let buckets = native.buckets
        #expect(buckets.map(\.lower) == [-2, -0.5, 0.5, 2])
        #expect(buckets.map(\.upper) == [-1, 0.5, 1, 4])
        #expect(buckets.map(\.count) == [4, 3, 1, 2])
        #expect(buckets.map(\.boundaryCode) == [1, 3, 0, 0])
        var custom = NativeHistogram(schema: NativeHistogram.customBucketsSchema)
        custom.customBounds = [1, 5]
        custom.positiveSpans = [.init(offset: 0, length: 3)]
        custom.positiveBuckets = [1, 1, 1]
        #expect(custom.buckets.map(\.lower) == [-.infinity, 1, 5])
        #expect(custom.buckets.map(\.upper) == [1, 5, .infinity])
        #expect(custom.buckets.map(\.boundaryCode) == [3, 0, 0])
    }

    @Test(arguments: [
        (0, 0, 1.0), (1, 0, 2), (-1, 0, 0.5), (1, -1, 4), (2, 1, 2), (1, 1, 1.4142135623730951),
        (1024, 0, .greatestFiniteMagnitude),
        (1025, 0, .infinity), (256, 8, 2),
    ]) func `bounds follow the schema`(_ index: Int, _ schema: Int8, _ bound: Double) {
        #expect(NativeHistogram.bound(of: index, schema: schema) == bound)
    }

    @Test func `a zero bucket swallows the populated bucket that its edge falls into`() {
        var histogram = Self.exponential(0, [(-2, 1), (0, 1), (1, 1)], zero: (0.01, 1))
        histogram.widenZeroBucket(to: 0.75)
        #expect(histogram.zeroThreshold == 1)
        #expect(histogram.zeroCount == 3)
        #expect(histogram.positive == BucketRow(indices: [1], counts: [1]))
    }

    @Test func `spans survive the way in and out`() {
        let histogram = Self.exponential(2, [(-5, 1), (-4, 2), (3, 4)])
        #expect(histogram.native.positiveSpans == [.init(offset: -5, length: 2), .init(offset: 6, length: 1)])
        #expect(Histogram(histogram.native) == histogram)
    }

    /// Spans that overlap, run backwards or claim more than there is, thresholds and bounds that are no numbers.
    /// A trap would end the program of tests; what comes out of nonsense is nobody's promise.
    @Test func `histograms that make no sense do no harm`() async throws {
        var wild = NativeHistogram(schema: 0)
        wild.positiveSpans = [.init(offset: 5, length: 2), .init(offset: -9, length: .max)]
        wild.positiveBuckets = [1, 2, 3, 4]
        wild.negativeSpans = [.init(offset: .max, length: 1), .init(offset: .max, length: 3)]
        wild.negativeBuckets = [1, .nan, -.infinity]
        wild.zeroThreshold = .nan
        wild.count = .nan
        var odd = NativeHistogram(schema: NativeHistogram.customBucketsSchema)
        odd.customBounds = [5, .nan, 1]
        odd.positiveSpans = [.init(offset: -3, length: 9)]
        odd.positiveBuckets = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        var other = odd
        other.customBounds = [1, 5]
        var tame = NativeHistogram(schema: 2)
        tame.zeroThreshold = 0.5
        tame.positiveSpans = [.init(offset: 0, length: 1)]
        tame.positiveBuckets = [1]
        let all = [wild, odd, other, tame, NativeHistogram(schema: .max), NativeHistogram(schema: .min)]
        for native in all {
            _ = native.buckets
            for second in all {
                let (a, b) = (Histogram(native), Histogram(second))
                var sum = a
                _ = try? sum.add(b)
                var many = HistogramSum(a)
                try? many.add(b)
                _ = (many.sum.native, many.mean, a.isReset(after: b), a == b, sum.quantile(0.3), sum.fraction(-1, 1))
                _ = (sum.variance, sum.text, sum.trimmed(at: 1, keepsBelow: true), sum.notation)
            }
        }
    }

    @Test func `random sums and differences agree with their parts`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("histogram seed \(seed)")
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        func random() -> Histogram {
            var histogram = Histogram(schema: next(4) - 1)
            for index in -6..<7 where next(3) == 0 {
                histogram.positive.append(index, Double(next(9)))
                histogram.negative.append(index, Double(next(9)))
            }
            if next(2) == 0 {
                (histogram.zeroThreshold, histogram.zeroCount) = (Double(1 + next(8)) / 8, Double(next(5)))
            }
            histogram.count =
                histogram.zeroCount + histogram.positive.counts.reduce(0, +) + histogram.negative.counts.reduce(0, +)
            histogram.sum = Double(next(100))
            return histogram
        }
        func total(_ histogram: Histogram) -> Double {
            histogram.zeroCount + histogram.positive.counts.reduce(0, +) + histogram.negative.counts.reduce(0, +)
        }
        for _ in 0..<2000 {
            let (a, b) = (random(), random())
            var sum = a
            _ = try sum.add(b)
            #expect(sum.count == a.count + b.count && total(sum) == sum.count)
            var back = sum
            _ = try back.subtract(b)
            #expect(total(back) == a.count)
            var turned = b
            _ = try turned.add(a)
            #expect(turned == sum)
            var many = HistogramSum(a)
            try many.add(b)
            #expect(many.sum == sum)
            #expect(!sum.isReset(after: a) || a.schema < sum.schema || sum.zeroThreshold > a.zeroThreshold)
            let (phi, value) = (Double(next(101)) / 100, sum.quantile(Double(next(101)) / 100).value)
            #expect(sum.count == 0 || value.isFinite, "\(phi)")
            let share = sum.fraction(-4, Double(next(8)) - 4)
            #expect(sum.count == 0 || (share >= 0 && share <= 1 + 1e-12))
            let limit = Double(next(17)) / 2 - 4
            let (low, high) = (sum.trimmed(at: limit, keepsBelow: true), sum.trimmed(at: limit, keepsBelow: false))
            #expect((low.count + high.count - sum.count).magnitude < 1e-9 * max(1, sum.count))
        }
    }

    @Test(
        arguments: [
            ("", 0xEF46_DB37_51D8_E999), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
            ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
        ] as [(String, UInt64)]) func `the hash is xxHash64`(_ text: String, _ hash: UInt64)
    {
        #expect(xxHash64(Array(text.utf8)) == hash)
    }

    @Test(arguments: [
        (1e6, "1e+06"), (123_456, "123456"), (1.5e-5, "1.5e-05"), (0.0001, "0.0001"), (-2.5e21, "-2.5e+21"), (0, "0"),
        (1e100, "1e+100"),
    ]) func `numbers with exponents are written as %g writes them`(_ value: Double, _ text: String) {
        #expect(goGeneral(value) == text)
    }
}
