import Glibc

extension NativeHistogram {
    /// One bucket with its bounds.
    public struct Bucket: Sendable, Hashable {
        public var lower: Double
        public var upper: Double
        public var includesLower: Bool
        public var includesUpper: Bool
        public var count: Double

        public init(lower: Double, upper: Double, includesLower: Bool, includesUpper: Bool, count: Double) {
            self.lower = lower
            self.upper = upper
            self.includesLower = includesLower
            self.includesUpper = includesUpper
            self.count = count
        }

        /// The number that the HTTP API gives for which bounds belong to the bucket: 0 the upper one, 1 the lower one, 2 none,
        /// 3 both. <https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms>
        public var boundaryCode: Int {
            switch (includesLower, includesUpper) {
            case (false, true): 0
            case (true, false): 1
            case (false, false): 2
            case (true, true): 3
            }
        }
    }

    /// Whether the bounds are those of `customBounds`.
    public var hasCustomBounds: Bool { schema == Self.customBucketsSchema }

    /// The populated buckets from the lowest to the highest, the zero bucket in its place, as the HTTP API lists them.
    public var buckets: [Bucket] {
        var list: [Bucket] = []
        for (index, count) in Self.indexed(negativeSpans, negativeBuckets).reversed() where count != 0 {
            let inner = -bound(index - 1)
            list.append(
                Bucket(
                    lower: -bound(index), upper: inner < 0 ? min(inner, -zeroThreshold) : inner, includesLower: true,
                    includesUpper: false, count: count))
        }
        if zeroCount != 0 {
            list.append(
                Bucket(
                    lower: -zeroThreshold, upper: zeroThreshold, includesLower: true, includesUpper: true,
                    count: zeroCount))
        }
        for (index, count) in Self.indexed(positiveSpans, positiveBuckets) where count != 0 {
            let inner = bound(index - 1)
            list.append(
                Bucket(
                    lower: hasCustomBounds ? inner : max(inner, zeroThreshold), upper: bound(index),
                    includesLower: hasCustomBounds && index == 0, includesUpper: true, count: count))
        }
        return list
    }

    private func bound(_ index: Int) -> Double {
        hasCustomBounds ? Self.customBound(index, customBounds) : Self.bound(of: index, schema: schema)
    }

    /// The upper bound of the positive bucket `index` of an exponential schema: 2^(index·2^-schema). The bucket that ends where
    /// finite numbers end has the largest finite number as its bound; the one above it takes the infinite observations.
    /// - Parameter schema: -4…8; what lies outside counts as the nearest of these.
    public static func bound(of index: Int, schema: Int8) -> Double {
        let schema = min(8, max(-4, Int(schema)))
        if schema <= 0 {
            let exponent = index << -schema
            if exponent == 1024 { return .greatestFiniteMagnitude }
            return ldexp(1, Int32(clamping: exponent))
        }
        let steps = 1 << schema
        let part = index & (steps - 1)
        let exponent = (index >> schema) + 1
        let fraction = exp2(Double(part) / Double(steps) - 1)
        if part == 0 && exponent == 1025 { return .greatestFiniteMagnitude }
        return ldexp(fraction, Int32(clamping: exponent))
    }

    /// The upper bound of the bucket `index` among bounds given by hand; the bucket behind the last ends at +Inf.
    public static func customBound(_ index: Int, _ bounds: [Double]) -> Double {
        if index < 0 { return -.infinity }
        return index < bounds.count ? bounds[index] : .infinity
    }

    /// The index and count of each bucket that `spans` name.
    public static func indexed(_ spans: [Span], _ counts: [Double]) -> [(index: Int, count: Double)] {
        var list: [(index: Int, count: Double)] = []
        list.reserveCapacity(counts.count)
        var index = 0
        for span in spans {
            index += Int(span.offset)
            // A span may claim four billion buckets; there are no more than there are counts.
            for _ in 0..<min(Int(span.length), counts.count - list.count) {
                list.append((index, counts[list.count]))
                index += 1
            }
        }
        return list
    }
}
