import Series

// Functions whose value for one window follows from what was worked out once for the whole series: the two edges of the window
// only move forward, so that a range query costs samples + steps instead of steps × window.
//
// Counts are differences of places. Minimum and maximum keep a queue of candidates: a sample that a later one beats can
// never win again. The increase of a counter needs its resets, and where a window has none — a running count says so — it is
// the last sample less the first. Sums of floating-point numbers cannot be slid without losing digits; but where all samples are
// whole and small enough for sums to be exact, a running sum gives what adding would have given, to the bit.

extension Evaluator {
    /// - Returns: nil where the function does not slide or a series has histograms.
    func slidingColumns(_ function: Function, _ windowed: WindowedSeries, _ grid: StepGrid) throws -> [Column]? {
        switch function {
        case .minOverTime, .maxOverTime, .countOverTime, .rate, .increase, .sumOverTime, .avgOverTime, .lastOverTime:
            break
        default: return nil
        }
        guard windowed.rows.allSatisfy(\.histograms.isEmpty) else { return nil }
        for _ in windowed.rows { try count(grid.count) }
        let (moments, rangeMs) = (windowed.moments, windowed.rangeMs)
        let slid = try eachRow(windowed.rows) { row -> Slid in
            guard var slider = Slider(function, row, rangeMs: rangeMs) else { return .not }
            var values = [Double](repeating: absent, count: grid.count)
            var any = false
            var (from, to) = (0, 0)
            let sampleCount = row.times.count
            row.times.withUnsafeBufferPointer { times in
                for step in values.indices {
                    let end = moments[step]
                    while to < sampleCount, times[to] <= end { to += 1 }
                    let start = end - rangeMs
                    while from < to, times[from] <= start { from += 1 }
                    guard from < to else { continue }
                    let value = slider.value(from, to, start: start, end: end)
                    values[step] = value
                    if !value.isStaleMarker { any = true }
                }
            }
            return any ? .column(Column(labels: row.labels, values: values, dropsName: row.dropsName)) : .nothing
        }
        var columns: [Column] = []
        columns.reserveCapacity(slid.count)
        for (row, result) in zip(windowed.rows, slid) {
            switch result {
            case .column(let column): columns.append(column)
            case .nothing: break
            case .not: columns += try windowByWindow(function, row, windowed, grid)
            }
        }
        return columns
    }

    /// What came of one series.
    private enum Slid {
        case column(Column)
        case nothing
        /// Its samples do not let the function slide.
        case not
    }

    private func windowByWindow(
        _ function: Function, _ row: SampleRow, _ windowed: WindowedSeries, _ grid: StepGrid
    ) throws -> [Column] {
        var one = windowed
        one.rows = [row]
        return try overWindows(one, grid, isSteady: true) { window, _ in
            window.evaluate(function, rangeMs: windowed.rangeMs)
        } mixed: { _, _ in
            nil
        }
    }
}

private struct Slider {
    private let function: Function
    private let times: [Int64]
    private let values: [Double]
    private let rangeMs: Int64
    /// Of `rate` and `increase`: how many resets there were up to and with each sample.
    private var resets: [Int32] = []
    /// Of sums: the sum of all samples before each place.
    private var sums: [Double] = []
    private var best: SlidingBest?
    private var entered = 0

    /// - Returns: nil where the samples do not let the function slide.
    init?(_ function: Function, _ row: SampleRow, rangeMs: Int64) {
        self.function = function
        times = row.times
        values = row.values
        self.rangeMs = rangeMs
        switch function {
        case .minOverTime, .maxOverTime: best = SlidingBest(wantsSmallest: function == .minOverTime)
        case .rate, .increase:
            resets.reserveCapacity(values.count)
            var count: Int32 = 0
            for index in values.indices {
                if index > 0, values[index] < values[index - 1] { count += 1 }
                resets.append(count)
            }
        case .sumOverTime, .avgOverTime:
            // Sums of whole numbers are exact as long as none of them passes 2^53.
            var (sum, magnitude) = (0.0, 0.0)
            sums.reserveCapacity(values.count + 1)
            sums.append(0)
            for value in values {
                magnitude += value.magnitude
                guard magnitude < 0x1p53, value == value.rounded(.towardZero), value != 0 || value.sign == .plus else {
                    return nil
                }
                sum += value
                sums.append(sum)
            }
        default: break
        }
    }

    mutating func value(_ from: Int, _ to: Int, start: Int64, end: Int64) -> Double {
        switch function {
        case .countOverTime: return Double(to - from)
        case .lastOverTime: return values[to - 1]
        case .sumOverTime: return sums[to] - sums[from]
        case .avgOverTime: return (sums[to] - sums[from]) / Double(to - from)
        case .rate, .increase: return increase(from, to, start: start, end: end)
        default:
            while entered < to {
                best!.enter(entered, values)
                entered += 1
            }
            return best!.best(from: from, values)
        }
    }

    private func increase(_ from: Int, _ to: Int, start: Int64, end: Int64) -> Double {
        guard to - from >= 2 else { return absent }
        let first = values[from]
        var change = values[to - 1] - first
        if resets[to - 1] != resets[from] {
            for index in (from + 1)..<to where values[index] < values[index - 1] { change += values[index - 1] }
        }
        var factor = extrapolationFactor(
            times: (times[from], times[to - 1]), count: to - from, start: start, end: end, isCounter: true,
            first: first, change: change)
        if function == .rate { factor /= Double(rangeMs) / 1000 }
        return change * factor
    }
}

/// The smallest or largest number of a window that moves forward. NaN loses to any number.
private struct SlidingBest {
    let wantsSmallest: Bool
    /// Places of samples that may still win, the best one first.
    private var places: [Int] = []
    private var head = 0

    init(wantsSmallest: Bool) { self.wantsSmallest = wantsSmallest }

    mutating func enter(_ place: Int, _ values: [Double]) {
        while places.count > head, isBeaten(values[places[places.count - 1]], by: values[place]) { places.removeLast() }
        places.append(place)
    }

    /// Of equal numbers the first counts, which shows where a zero meets a negative zero.
    private func isBeaten(_ old: Double, by new: Double) -> Bool {
        isBetter(new, old) || new.bitPattern == old.bitPattern || (new.isNaN && old.isNaN)
    }

    private func isBetter(_ one: Double, _ other: Double) -> Bool {
        if other.isNaN { return !one.isNaN }
        if one.isNaN { return false }
        return wantsSmallest ? one < other : one > other
    }

    mutating func best(from: Int, _ values: [Double]) -> Double {
        while places[head] < from { head += 1 }
        if head > 1024, head * 2 > places.count {
            places.removeFirst(head)
            head = 0
        }
        return values[places[head]]
    }
}
