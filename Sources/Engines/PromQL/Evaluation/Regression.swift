import Series

// Straight lines through windows: `deriv` and `predict_linear`. A window of six hours of samples taken every 15 seconds has 1,440 of them, and a
// day of steps goes over each many times, so that this is the dearest of the range functions.
//
// The reference adds up x, y, x·y and x·x one sample after the other, each sum with Neumaier's correction. The results here are the same to the
// bit, for less:
//
// - Sums of x and x·x depend on times alone. Series that were scraped together share their column of times, so these are found once for a
//   window and serve all series of a block.
// - What a correction grows by is the exact rounding error of an addition. Knuth's way to it ("The Art of Computer Programming", volume 2,
//   section 4.2.2, theorem B) needs no look at which of the two numbers is the larger, hence no branch, and two sums go side by side in one
//   register. Where numbers are so large that its steps overflow, the correction comes out as no number, and that sum is made again in
//   the plain way. What happens to the correction once a sum is infinite does not matter, since such a sum stays infinite or becomes NaN.
// - Where all samples of a series are whole and small enough for sums to be exact, which sizes in bytes are, the sum of y over a window is
//   the difference of two running sums. Such series are taken in pairs, one for each half of the register.
// - A window in which no sample differs from the one before it is constant: nothing is added up at all.

/// Adds up `left[i] * right[i]` of both lanes, in order.
/// - Returns: the sums and, as far as the sums are finite, their corrections.
@inline(__always)
private func compensatedProducts(
    _ left: UnsafePointer<SIMD2<Double>>, _ right: UnsafePointer<SIMD2<Double>>, count: Int
) -> (sum: SIMD2<Double>, correction: SIMD2<Double>) {
    var sum = SIMD2<Double>.zero
    var correction = SIMD2<Double>.zero
    for index in 0..<count {
        let value = left[index] * right[index]
        let total = sum + value
        let added = total - sum
        correction += (sum - (total - added)) + (value - added)
        sum = total
    }
    return (sum, correction)
}

/// The sums of products in both lanes, with their corrections added.
@inline(__always)
private func productSums(
    _ left: UnsafePointer<SIMD2<Double>>, _ right: UnsafePointer<SIMD2<Double>>, count: Int
) -> SIMD2<Double> {
    let (sum, correction) = compensatedProducts(left, right, count: count)
    var totals = sum + correction
    for lane in 0..<2 where !totals[lane].isFinite {
        totals[lane] =
            sum[lane].isFinite ? plainProductSum(left, right, count: count, lane: lane) : sum[lane]
    }
    return totals
}

@inline(never)
private func plainProductSum(
    _ left: UnsafePointer<SIMD2<Double>>, _ right: UnsafePointer<SIMD2<Double>>, count: Int, lane: Int
) -> Double {
    var sum = CompensatedSum()
    for index in 0..<count { sum.add(left[index][lane] * right[index][lane]) }
    return sum.sum + sum.correction
}

/// The part of a line that the times of a window decide. x is in seconds after the window's origin.
private struct RegressionTimes {
    /// 1 beside x, and x beside x.
    private var onesAndXs: [SIMD2<Double>]
    private var xs: [SIMD2<Double>]
    private(set) var count = 0
    private var sumX = 0.0
    private var sumXX = 0.0

    init(countMax: Int) {
        onesAndXs = Array(repeating: .zero, count: countMax)
        xs = Array(repeating: .zero, count: countMax)
    }

    mutating func set(_ times: UnsafeBufferPointer<Int64>, _ from: Int, _ to: Int, origin: Int64) {
        count = to - from
        let count = count
        let sums = onesAndXs.withUnsafeMutableBufferPointer { ones in
            xs.withUnsafeMutableBufferPointer { xs in
                for index in 0..<count {
                    let x = Double(times[from + index] - origin) / 1000
                    ones[index] = SIMD2(1, x)
                    xs[index] = SIMD2(x, x)
                }
                return productSums(ones.baseAddress!, xs.baseAddress!, count: count)
            }
        }
        sumX = sums[0]
        sumXX = sums[1]
    }

    /// The sums of y and x·y, where both lanes hold y.
    func sums(_ values: UnsafePointer<SIMD2<Double>>) -> SIMD2<Double> {
        onesAndXs.withUnsafeBufferPointer { productSums(values, $0.baseAddress!, count: count) }
    }

    /// The sums of x·y of two series.
    func sumsOfProducts(_ values: UnsafePointer<SIMD2<Double>>) -> SIMD2<Double> {
        xs.withUnsafeBufferPointer { productSums(values, $0.baseAddress!, count: count) }
    }

    @inline(__always)
    func line(sumY: Double, sumXY: Double) -> (slope: Double, intercept: Double) {
        let n = Double(count)
        let covariance = sumXY - sumX * sumY / n
        let variance = sumXX - sumX * sumX / n
        let slope = covariance / variance
        return (slope, sumY / n - slope * sumX / n)
    }
}

/// One series, or two of whole numbers, laid out for `RegressionTimes`.
private struct RegressionLanes {
    let rows: [Int]
    private let values: [SIMD2<Double>]
    /// Of two series: the sum of all values before each place.
    private var sumsBefore: [SIMD2<Double>] = []
    /// Where the run of equal values begins that the newest sample of the window is in.
    private var runStarts: SIMD2<Int> = .zero
    private var entered = 0

    init(_ row: Int, _ values: [Double]) {
        rows = [row]
        self.values = values.map { SIMD2($0, $0) }
    }

    /// - Parameters: two series whose sums are exact.
    init(_ first: Int, _ firstValues: [Double], _ second: Int, _ secondValues: [Double]) {
        rows = [first, second]
        values = zip(firstValues, secondValues).map { SIMD2($0, $1) }
        sumsBefore.reserveCapacity(values.count + 1)
        var sum = SIMD2<Double>.zero
        sumsBefore.append(sum)
        for value in values {
            sum += value
            sumsBefore.append(sum)
        }
    }

    /// Calls `put` with each series' line through the window `from..<to`, which only moves forward.
    @inline(__always)
    mutating func lines(
        _ from: Int, _ to: Int, _ times: inout RegressionTimes, _ setTimes: (inout RegressionTimes) -> Void,
        _ put: (Int, (slope: Double, intercept: Double)) -> Void
    ) {
        values.withUnsafeBufferPointer { values in
            for index in max(1, entered)..<max(1, to) {
                if values[index][0] != values[index - 1][0] { runStarts[0] = index }
                if values[index][1] != values[index - 1][1] { runStarts[1] = index }
            }
            entered = max(entered, to)
            let isConstant = runStarts .<= SIMD2(repeating: from)
            var sums = SIMD2<Double>.zero
            if !(isConstant[0] && isConstant[1]) {
                setTimes(&times)
                let start = values.baseAddress! + from
                sums = rows.count == 2 ? times.sumsOfProducts(start) : times.sums(start)
            }
            for lane in rows.indices {
                if isConstant[lane] {
                    let first = values[from][lane]
                    put(rows[lane], first.isInfinite ? (.nan, .nan) : (0, first))
                } else if rows.count == 2 {
                    put(
                        rows[lane],
                        times.line(sumY: sumsBefore[to][lane] - sumsBefore[from][lane], sumXY: sums[lane]))
                } else {
                    put(rows[lane], times.line(sumY: sums[0], sumXY: sums[1]))
                }
            }
        }
    }
}

/// Whether sums of these are exact, of whichever of them and in whatever order.
private func hasExactSums(_ values: [Double]) -> Bool {
    var magnitude = 0.0
    for value in values {
        magnitude += value.magnitude
        // False for NaN too. What is below 2^53 fits into an integer.
        guard magnitude < 0x1p53, value == Double(Int64(value)) else { return false }
    }
    return true
}

extension Evaluator {
    /// How many series go over a window together. Their samples should stay in the processor's cache.
    private static var regressionBlock: Int { 16 }

    /// The slope of a line through each window; with `ahead`, where it leads so many seconds after the step.
    /// - Returns: nil where a series has histograms.
    func regressionColumns(_ windowed: WindowedSeries, _ grid: StepGrid, ahead: [Double]?) throws -> [Column]? {
        let rows = windowed.rows
        guard rows.allSatisfy(\.histograms.isEmpty) else { return nil }
        var columns: [Column] = []
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, end - start < Self.regressionBlock,
                rows[end].times.isSameStorage(as: rows[start].times)
            {
                end += 1
            }
            for _ in start..<end { try count(grid.count) }
            columns += try regressionBlock(rows[start..<end], windowed, grid, ahead: ahead)
            start = end
        }
        return columns
    }

    /// The same for series that share their times.
    private func regressionBlock(
        _ rows: ArraySlice<SampleRow>, _ windowed: WindowedSeries, _ grid: StepGrid, ahead: [Double]?
    ) throws -> [Column] {
        let times = rows.first!.times
        var columns = rows.map {
            Column(
                labels: $0.labels, values: [Double](repeating: absent, count: grid.count), dropsName: $0.dropsName)
        }
        var lanes = regressionLanes(rows)
        var shared = RegressionTimes(countMax: times.count)
        var last = (from: -1, to: -1)
        var (from, to) = (0, 0)
        for step in 0..<grid.count {
            try Task.checkCancellation()
            let end = windowed.moments[step]
            while to < times.count, times[to] <= end { to += 1 }
            while from < to, times[from] <= end - windowed.rangeMs { from += 1 }
            guard to - from >= 2 else { continue }
            if ahead == nil, last == (from, to) {
                for index in columns.indices { columns[index].values[step] = columns[index].values[step - 1] }
                continue
            }
            last = (from, to)
            let origin = ahead == nil ? times[from] : grid[step]
            var isSet = false
            for index in lanes.indices {
                lanes[index].lines(from, to, &shared) { shared in
                    guard !isSet else { return }
                    isSet = true
                    times.withUnsafeBufferPointer { shared.set($0, from, to, origin: origin) }
                } _: { row, line in
                    columns[row].values[step] = ahead.map { line.slope * $0[step] + line.intercept } ?? line.slope
                }
            }
        }
        return columns.filter { !$0.isEmpty }
    }

    private func regressionLanes(_ rows: ArraySlice<SampleRow>) -> [RegressionLanes] {
        var lanes: [RegressionLanes] = []
        var waiting: (row: Int, values: [Double])?
        for (row, samples) in rows.enumerated() {
            guard hasExactSums(samples.values) else {
                lanes.append(RegressionLanes(row, samples.values))
                continue
            }
            if let first = waiting {
                lanes.append(RegressionLanes(first.row, first.values, row, samples.values))
                waiting = nil
            } else {
                waiting = (row, samples.values)
            }
        }
        if let waiting { lanes.append(RegressionLanes(waiting.row, waiting.values)) }
        return lanes
    }
}

extension [Int64] {
    /// Whether both are the same array in memory, not only equal ones.
    func isSameStorage(as other: [Int64]) -> Bool {
        withUnsafeBufferPointer { own in
            other.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress && own.count == $0.count }
        }
    }
}
