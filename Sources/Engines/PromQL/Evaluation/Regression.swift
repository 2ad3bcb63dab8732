import BlockingCalls
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
//   section 4.2.2, theorem B) needs no look at which of the two numbers is the larger, hence no branch. Where numbers are so large that
//   its steps overflow, the correction comes out as no number, and that sum is made again in the plain way. What happens to the correction
//   once a sum is infinite does not matter, since such a sum stays infinite or becomes NaN.
// - Where no number is negative, the sum soon is the larger of the two, and half of Knuth's steps fall away; that it is is watched. x is turned
//   round for that where all of the window lies before its origin, which turns the sums round and changes no digit.
// - Two sums go side by side in one register, and two registers at once, since an addition waits for the one before.
// - Where all samples of a series are whole and small enough for sums to be exact, which sizes in bytes are, the sum of y over a window is
//   the difference of two running sums. Such series are taken in pairs, one for each half of the register.
// - A window in which no sample differs from the one before it is constant: nothing is added up at all.

private typealias Lanes = SIMD2<Double>

/// Products to be added up in order, in two lanes: `left[i] * right[i]`.
private struct Products {
    let left: UnsafePointer<Lanes>
    let right: UnsafePointer<Lanes>
    let count: Int

    /// The sums, with their corrections added.
    @inline(__always)
    func sums() -> Lanes {
        let (sum, correction) = run()
        return total(sum, correction)
    }

    @inline(__always)
    private func run() -> (sum: Lanes, correction: Lanes) {
        var (sum, correction) = (Lanes.zero, Lanes.zero)
        for index in 0..<count {
            let value = left[index] * right[index]
            let total = sum + value
            let added = total - sum
            correction += (sum - (total - added)) + (value - added)
            sum = total
        }
        return (sum, correction)
    }

    /// Sums as far as `count`, to go on from.
    @inline(__always)
    private func begun(_ count: Int) -> (sum: Lanes, correction: Lanes) {
        let start = Products(left: left, right: right, count: count)
        return start.run()
    }

    /// The sums of two of equal length, none of whose products is negative or NaN.
    @inline(__always)
    static func positiveSums(_ one: Products, _ other: Products) -> (Lanes, Lanes) {
        // Once some numbers are added up, no other is as large as their sum; where one is after all, what was made is thrown away.
        let begun = min(16, one.count)
        var (oneSum, oneCorrection) = one.begun(begun)
        var (otherSum, otherCorrection) = other.begun(begun)
        var isLarger = SIMDMask<SIMD2<Int64>>(repeating: false)
        for index in begun..<one.count {
            let oneValue = one.left[index] * one.right[index]
            let otherValue = other.left[index] * other.right[index]
            isLarger = isLarger .| (oneSum .< oneValue) .| (otherSum .< otherValue)
            let oneTotal = oneSum + oneValue
            let otherTotal = otherSum + otherValue
            oneCorrection += (oneSum - oneTotal) + oneValue
            otherCorrection += (otherSum - otherTotal) + otherValue
            oneSum = oneTotal
            otherSum = otherTotal
        }
        if isLarger[0] || isLarger[1] { return (one.sums(), other.sums()) }
        return (one.total(oneSum, oneCorrection), other.total(otherSum, otherCorrection))
    }

    @inline(__always)
    private func total(_ sum: Lanes, _ correction: Lanes) -> Lanes {
        var totals = sum + correction
        for lane in 0..<2 where !totals[lane].isFinite {
            totals[lane] = sum[lane].isFinite ? plainSum(lane) : sum[lane]
        }
        return totals
    }

    @inline(never)
    private func plainSum(_ lane: Int) -> Double {
        var sum = CompensatedSum()
        for index in 0..<count { sum.add(left[index][lane] * right[index][lane]) }
        return sum.sum + sum.correction
    }
}

/// The part of a line that the times of a window decide. x is in seconds after the window's origin, or before it where all lie there.
private final class RegressionTimes {
    /// 1 beside x, and x beside x, for the samples of a window. Room that this object owns.
    private let onesAndXs: UnsafeMutablePointer<Lanes>
    private let xs: UnsafeMutablePointer<Lanes>
    private(set) var count = 0
    private var sumX = 0.0
    private var sumXX = 0.0
    private var isTurned = false
    /// Whether no x is negative.
    private(set) var isPositive = false

    init(countMax: Int) {
        onesAndXs = .allocate(capacity: countMax)
        xs = .allocate(capacity: countMax)
        onesAndXs.initialize(repeating: .zero, count: countMax)
        xs.initialize(repeating: .zero, count: countMax)
    }

    deinit {
        onesAndXs.deallocate()
        xs.deallocate()
    }

    /// - Parameter times: no more than `countMax`, of which the window is `from..<to`.
    func set(_ times: UnsafeBufferPointer<Int64>, _ from: Int, _ to: Int, origin: Int64) {
        count = to - from
        isTurned = times[to - 1] <= origin
        isPositive = isTurned || times[from] >= origin
        for index in 0..<count {
            let time = times[from + index]
            let x = Double(isTurned ? origin - time : time - origin) / 1000
            onesAndXs[index] = Lanes(1, x)
            xs[index] = Lanes(x, x)
        }
        let sums = Products(left: onesAndXs, right: xs, count: count).sums()
        sumX = turned(sums[0])
        sumXX = sums[1]
    }

    /// A sum of x or of its products, which is never a negative zero.
    @inline(__always)
    private func turned(_ sum: Double) -> Double { isTurned ? 0 - sum : sum }

    /// What is to be added up for a series, of which both lanes hold y, or for two of whole numbers.
    @inline(__always)
    func products(_ values: UnsafePointer<Lanes>, isPair: Bool) -> Products {
        Products(left: values, right: isPair ? xs : onesAndXs, count: count)
    }

    /// - Parameter sumXY: as it comes from `products`.
    @inline(__always)
    func line(sumY: Double, sumXY: Double) -> (slope: Double, intercept: Double) {
        let sumXY = turned(sumXY)
        let n = Double(count)
        let covariance = sumXY - sumX * sumY / n
        let variance = sumXX - sumX * sumX / n
        let slope = covariance / variance
        return (slope, sumY / n - slope * sumX / n)
    }
}

/// One series, or two of whole numbers, laid out for `Products`.
private final class RegressionSeries {
    let rows: SIMD2<Int>
    let isPair: Bool
    /// Room that this object owns.
    let values: UnsafeMutablePointer<Lanes>
    /// Whether no value is negative or NaN.
    let isPositive: Bool
    /// Of two series: the sum of all values before each place.
    private(set) var sumsBefore: [Lanes] = []
    /// Where the run of equal values begins that the newest sample of the window is in.
    private var runStarts: SIMD2<Int> = .zero
    private var entered = 0

    init(_ row: Int, _ values: [Double]) {
        rows = SIMD2(row, row)
        isPair = false
        self.values = .allocate(capacity: values.count)
        for index in values.indices {
            (self.values + index).initialize(to: Lanes(values[index], values[index]))
        }
        isPositive = values.allSatisfy { $0 >= 0 }
    }

    /// - Parameters: two series of the same length whose sums are exact.
    init(_ first: Int, _ firstValues: [Double], _ second: Int, _ secondValues: [Double]) {
        precondition(firstValues.count == secondValues.count)
        rows = SIMD2(first, second)
        isPair = true
        values = .allocate(capacity: firstValues.count)
        isPositive = firstValues.allSatisfy { $0 >= 0 } && secondValues.allSatisfy { $0 >= 0 }
        sumsBefore.reserveCapacity(firstValues.count + 1)
        var sum = Lanes.zero
        sumsBefore.append(sum)
        for index in firstValues.indices {
            let value = Lanes(firstValues[index], secondValues[index])
            (values + index).initialize(to: value)
            sum += value
            sumsBefore.append(sum)
        }
    }

    deinit { values.deallocate() }

    func isConstant(_ lane: Int, _ from: Int) -> Bool { runStarts[lane] <= from }

    /// Says of which lanes the window `from..<to`, which only moves forward, holds the same value throughout.
    func constantLanes(_ from: Int, _ to: Int) -> SIMDMask<SIMD2<Int>> {
        for index in max(1, entered)..<max(1, entered, to) {
            if values[index][0] != values[index - 1][0] { runStarts[0] = index }
            if values[index][1] != values[index - 1][1] { runStarts[1] = index }
        }
        entered = max(entered, to)
        return runStarts .<= SIMD2(repeating: from)
    }
}

/// Whether sums of these are exact, of whichever of them and in whatever order: all are whole multiples of a power of two, and no sum
/// of their magnitudes takes more than 53 bits.
private func hasExactSums(_ values: [Double]) -> Bool {
    var magnitude = 0.0
    var bits: Int64 = 0
    for value in values {
        // False for NaN too.
        guard value.magnitude < 0x1p62, case let whole = Int64(value), Double(whole) == value else { return false }
        magnitude += value.magnitude
        bits |= whole
    }
    return bits == 0 || magnitude < Double(sign: .plus, exponent: 53 + bits.trailingZeroBitCount, significand: 1)
}

extension Evaluator {
    /// The slope of a line through each window; with `ahead`, where it leads so many seconds after the step. For series of plain numbers and
    /// windows that move.
    func regressionColumns(_ windowed: WindowedSeries, _ grid: StepGrid, ahead: [Double]?) throws -> [Column] {
        for _ in windowed.rows { try count(grid.count) }
        let block = RegressionBlock(moments: windowed.moments, rangeMs: windowed.rangeMs, grid: grid, ahead: ahead)
        // As many series go over a window together as leave their samples in the processor's cache and end in good time.
        let sampleCount = windowed.rows.reduce(1) { max($0, $1.times.count) }
        let seriesAtOnce = max(
            1, min(fairGrain(windowed.rows.count, max: 16), (1 << 28) / (sampleCount * max(1, grid.count))))
        return try eachPart(windowed.rows, seriesAtOnce: seriesAtOnce) { rows -> [Column?] in
            var columns: [Column?] = []
            columns.reserveCapacity(rows.count)
            var start = rows.startIndex
            while start < rows.endIndex {
                var end = start + 1
                while end < rows.endIndex, end - start < seriesAtOnce,
                    rows[end].times.isSameStorage(as: rows[start].times)
                {
                    end += 1
                }
                columns += block.columns(of: rows[start..<end])
                start = end
            }
            return columns
        }.compactMap(\.self)
    }
}

/// Lines through the windows of series that share their times.
private struct RegressionBlock {
    let moments: Moments
    let rangeMs: Int64
    let grid: StepGrid
    let ahead: [Double]?

    /// One column for each row; nil where there is no value.
    func columns(of rows: ArraySlice<SampleRow>) -> [Column?] {
        let times = rows.first!.times
        // The values of all columns, one after the other.
        let output = UnsafeMutablePointer<Double>.allocate(capacity: rows.count * grid.count)
        defer { output.deallocate() }
        output.initialize(repeating: absent, count: rows.count * grid.count)
        let series = regressionSeries(rows)
        let shared = RegressionTimes(countMax: times.count)
        var last = (from: -1, to: -1)
        var (from, to) = (0, 0)
        // Those whose sums are wanted at a step.
        var pending: [Int] = []
        for step in 0..<grid.count {
            let end = moments[step]
            while to < times.count, times[to] <= end { to += 1 }
            while from < to, times[from] <= end - rangeMs { from += 1 }
            guard to - from >= 2 else { continue }
            if ahead == nil, last == (from, to) {
                for row in 0..<rows.count { output[row * grid.count + step] = output[row * grid.count + step - 1] }
                continue
            }
            last = (from, to)
            func put(_ row: Int, _ line: (slope: Double, intercept: Double)) {
                var value = line.slope
                if let ahead { value = line.slope * ahead[step] + line.intercept }
                output[row * grid.count + step] = value
            }
            pending.removeAll(keepingCapacity: true)
            for index in series.indices {
                let one = series[index]
                let isConstant = one.constantLanes(from, to)
                for lane in 0..<2 where isConstant[lane] {
                    let first = one.values[from][lane]
                    put(one.rows[lane], first.isInfinite ? (.nan, .nan) : (0, first))
                }
                if !(isConstant[0] && isConstant[1]) { pending.append(index) }
            }
            guard !pending.isEmpty else { continue }
            let origin = ahead == nil ? times[from] : grid[step]
            times.withUnsafeBufferPointer { shared.set($0, from, to, origin: origin) }
            regressionSums(series, pending, shared, from) { index, sums in
                let one = series[index]
                guard one.isPair else {
                    put(one.rows[0], shared.line(sumY: sums[0], sumXY: sums[1]))
                    return
                }
                let sumY = one.sumsBefore[to] - one.sumsBefore[from]
                for lane in 0..<2 where !one.isConstant(lane, from) {
                    put(one.rows[lane], shared.line(sumY: sumY[lane], sumXY: sums[lane]))
                }
            }
        }
        return rows.enumerated().map { place, row in
            let values = Array(UnsafeBufferPointer(start: output + place * grid.count, count: grid.count))
            let column = Column(labels: row.labels, values: values, dropsName: row.dropsName)
            return column.isEmpty ? nil : column
        }
    }

    private func regressionSeries(_ rows: ArraySlice<SampleRow>) -> [RegressionSeries] {
        var series: [RegressionSeries] = []
        var waiting: (row: Int, values: [Double])?
        for (row, samples) in rows.enumerated() {
            guard hasExactSums(samples.values) else {
                series.append(RegressionSeries(row, samples.values))
                continue
            }
            if let first = waiting {
                series.append(RegressionSeries(first.row, first.values, row, samples.values))
                waiting = nil
            } else {
                waiting = (row, samples.values)
            }
        }
        if let waiting { series.append(RegressionSeries(waiting.row, waiting.values)) }
        return series
    }
}

/// Calls `take` with the sums of each series in `pending`.
private func regressionSums(
    _ series: [RegressionSeries], _ pending: [Int], _ times: RegressionTimes, _ from: Int, _ take: (Int, Lanes) -> Void
) {
    func products(_ index: Int) -> Products {
        times.products(series[index].values + from, isPair: series[index].isPair)
    }
    var waiting: Int?
    for index in pending {
        // A short window is done before the quicker way pays.
        guard times.isPositive, series[index].isPositive, times.count >= 64 else {
            take(index, products(index).sums())
            continue
        }
        guard let first = waiting else {
            waiting = index
            continue
        }
        waiting = nil
        let (one, other) = Products.positiveSums(products(first), products(index))
        take(first, one)
        take(index, other)
    }
    if let waiting { take(waiting, products(waiting).sums()) }
}

extension [Int64] {
    /// Whether both are the same array in memory, not only equal ones.
    func isSameStorage(as other: [Int64]) -> Bool {
        withUnsafeBufferPointer { own in
            other.withUnsafeBufferPointer { own.baseAddress == $0.baseAddress && own.count == $0.count }
        }
    }
}
