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
        let slider = Slider(function, windowed, stepCount: grid.count)
        let slid = try eachPart(windowed.rows) { rows -> [Column?] in
            var slider = slider
            return rows.map { row in
                let values = slider.values(of: row) ?? slider.windowByWindow(row)
                guard values.contains(where: { !$0.isStaleMarker }) else { return nil }
                return Column(labels: row.labels, values: values, dropsName: row.dropsName)
            }
        }
        return slid.compactMap(\.self)
    }
}

/// One function over the windows of one series after the other, with room that they share.
private struct Slider {
    private let function: Function
    private let rangeMs: Int64
    private var windows: WindowEdges
    /// Of `rate` and `increase`: the places of samples that are less than the one before.
    private var resets: [Int32] = []
    /// Of sums: the sum of all samples before each place.
    private var sums: [Double] = []
    /// Of extremes: places of samples that may still win.
    private var places: [Int32] = []

    init(_ function: Function, _ windowed: WindowedSeries, stepCount: Int) {
        self.function = function
        rangeMs = windowed.rangeMs
        let divisor: Double? =
            switch function {
            case .rate: Double(windowed.rangeMs) / 1000
            case .increase: 1
            default: nil
            }
        windows = WindowEdges(windowed, stepCount: stepCount, divisor: divisor)
    }

    /// - Returns: one value for each step; nil where the samples do not let the function slide.
    mutating func values(of row: SampleRow) -> [Double]? {
        switch function {
        case .sumOverTime, .avgOverTime: guard addUp(row.values) else { return nil }
        case .rate, .increase: findResets(row.values)
        case .minOverTime, .maxOverTime:
            if places.count < row.values.count { places = Array(repeating: 0, count: row.values.count) }
        default: break
        }
        windows.find(in: row.times)
        return [Double](unsafeUninitializedCapacity: windows.edges.count) { buffer, count in
            count = windows.edges.count
            let output = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
            row.values.withUnsafeBufferPointer { fill(output, $0) }
        }
    }

    /// The same where the samples do not let it: each window from its samples alone.
    mutating func windowByWindow(_ row: SampleRow) -> [Double] {
        windows.find(in: row.times)
        var window = Window(times: row.times, values: row.values)
        func evaluated(_ edge: WindowEdges.Edge) -> Double {
            guard edge.from < edge.to else { return absent }
            (window.from, window.to) = (Int(edge.from), Int(edge.to))
            return window.evaluate(function, rangeMs: rangeMs)
        }
        guard function == .sumOverTime || function == .avgOverTime else { return windows.edges.map(evaluated) }
        var results: [Double] = []
        results.reserveCapacity(windows.edges.count)
        var step = 0
        while step + 4 <= windows.edges.count {
            let four = windows.edges[step..<step + 4]
            let found = row.values.withUnsafeBufferPointer { values in
                four.allSatisfy { $0.from < $0.to } ? compensatedSums(values, four) : nil
            }
            for (lane, edge) in four.enumerated() {
                if let found, found.sums[lane].isFinite {
                    results.append(
                        function == .sumOverTime
                            ? found.sums[lane] + found.corrections[lane]
                            : found.sums[lane] / Double(edge.count) + found.corrections[lane] / Double(edge.count))
                } else {
                    results.append(evaluated(edge))
                }
            }
            step += 4
        }
        for edge in windows.edges[step...] { results.append(evaluated(edge)) }
        return results
    }

    /// The sums of four windows and the corrections of their rounding errors, as `CompensatedSum` has them to the bit: four sums go on side by side
    /// where one would wait for each of its own additions. The error of an addition is found without asking which of the two is larger (Knuth,
    /// "The Art of Computer Programming", volume 2, section 4.2.2, theorem B); both ways give it exactly. A sum that has overflowed is of no use.
    private func compensatedSums(_ values: UnsafeBufferPointer<Double>, _ edges: ArraySlice<WindowEdges.Edge>) -> (
        sums: SIMD4<Double>, corrections: SIMD4<Double>
    ) {
        var from = SIMD4<Int>()
        var shortest = Int.max
        for (lane, edge) in edges.enumerated() {
            from[lane] = Int(edge.from)
            shortest = min(shortest, edge.count)
        }
        let base = values.baseAddress!
        let starts = (base + from[0], base + from[1], base + from[2], base + from[3])
        // A mean begins with the first value, whose sign counts where it is a zero; a sum begins with nothing.
        let isMean = function == .avgOverTime
        var sums = isMean ? SIMD4(starts.0[0], starts.1[0], starts.2[0], starts.3[0]) : SIMD4()
        var corrections = SIMD4<Double>()
        var place = isMean ? 1 : 0
        while place < shortest {
            let next = SIMD4(starts.0[place], starts.1[place], starts.2[place], starts.3[place])
            let totals = sums + next
            let added = totals - sums
            corrections += (sums - (totals - added)) + (next - added)
            sums = totals
            place += 1
        }
        for (lane, edge) in edges.enumerated() {
            for index in Int(edge.from) + shortest..<Int(edge.to) {
                let total = sums[lane] + base[index]
                let added = total - sums[lane]
                corrections[lane] += (sums[lane] - (total - added)) + (base[index] - added)
                sums[lane] = total
            }
        }
        return (sums, corrections)
    }

    private mutating func fill(_ output: UnsafeMutableBufferPointer<Double>, _ values: UnsafeBufferPointer<Double>) {
        switch function {
        case .countOverTime: fill(output) { Double($1.count) }
        case .lastOverTime: fill(output) { values[Int($1.to) - 1] }
        case .sumOverTime:
            sums.withUnsafeBufferPointer { sums in fill(output) { sums[Int($1.to)] - sums[Int($1.from)] } }
        case .avgOverTime:
            sums.withUnsafeBufferPointer { sums in
                fill(output) { (sums[Int($1.to)] - sums[Int($1.from)]) / Double($1.count) }
            }
        case .rate, .increase: fillIncreases(output, values)
        case .minOverTime: fillExtremes(output, values, <)
        default: fillExtremes(output, values, >)
        }
    }

    /// Calls `value` for every step whose window holds a sample.
    @inline(__always)
    private func fill(_ output: UnsafeMutableBufferPointer<Double>, _ value: (Int, WindowEdges.Edge) -> Double) {
        windows.edges.withUnsafeBufferPointer { edges in
            for step in edges.indices {
                let edge = edges[step]
                output.initializeElement(at: step, to: edge.from < edge.to ? value(step, edge) : absent)
            }
        }
    }

    // MARK: Sums

    /// Sums of whole numbers are exact as long as none of them passes 2^53.
    /// - Returns: false where these are not.
    private mutating func addUp(_ values: [Double]) -> Bool {
        if sums.count <= values.count { sums = Array(repeating: 0, count: values.count + 1) }
        return sums.withUnsafeMutableBufferPointer { sums in
            values.withUnsafeBufferPointer { values in
                var (sum, magnitude) = (0.0, 0.0)
                for index in values.indices {
                    let value = values[index]
                    magnitude += value.magnitude
                    // False for NaN too; what is below 2^53 fits into an integer, which has no negative zero.
                    guard magnitude < 0x1p53, Double(Int64(value)).bitPattern == value.bitPattern else { return false }
                    sum += value
                    sums[index + 1] = sum
                }
                return true
            }
        }
    }

    // MARK: Increases

    private mutating func findResets(_ values: [Double]) {
        resets.removeAll(keepingCapacity: true)
        values.withUnsafeBufferPointer { values in
            let bytes = UnsafeRawBufferPointer(values)
            var index = 1
            // Nearly none is: eight at a time.
            while index + 8 <= values.count {
                let these = bytes.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self)
                let previous = bytes.loadUnaligned(fromByteOffset: index * 8 - 8, as: SIMD8<Double>.self)
                if any(these .< previous) {
                    for place in index..<index + 8 where values[place] < values[place - 1] {
                        resets.append(Int32(place))
                    }
                }
                index += 8
            }
            while index < values.count {
                if values[index] < values[index - 1] { resets.append(Int32(index)) }
                index += 1
            }
        }
    }

    private func fillIncreases(_ output: UnsafeMutableBufferPointer<Double>, _ values: UnsafeBufferPointer<Double>) {
        resets.withUnsafeBufferPointer { resets in
            // The first reset that comes after the window's first sample.
            var next = 0
            fill(output) { step, edge in
                guard edge.count >= 2 else { return absent }
                let first = values[Int(edge.from)]
                var change = values[Int(edge.to) - 1] - first
                while next < resets.count, resets[next] <= edge.from { next += 1 }
                var reset = next
                while reset < resets.count, resets[reset] < edge.to {
                    change += values[Int(resets[reset]) - 1]
                    reset += 1
                }
                return change * windows.counterFactor(step, first: first, change: change)
            }
        }
    }

    // MARK: Extremes

    /// The smallest or largest number of each window. NaN loses to any number.
    private mutating func fillExtremes(
        _ output: UnsafeMutableBufferPointer<Double>, _ values: UnsafeBufferPointer<Double>,
        _ isBefore: (Double, Double) -> Bool
    ) {
        /// Of equal numbers the first counts, which shows where a zero meets a negative zero.
        func isBeaten(_ old: Double, by new: Double) -> Bool {
            if isBefore(new, old) || new.bitPattern == old.bitPattern { return true }
            // A number beats a NaN, and so does another NaN.
            return old.isNaN
        }
        var places = places
        self.places = []
        places.withUnsafeMutableBufferPointer { places in
            // Candidates stand in `head..<tail`, the best one first.
            var (head, tail, entered) = (0, 0, 0)
            fill(output) { _, edge in
                while entered < edge.to {
                    let new = values[entered]
                    while tail > head, isBeaten(values[Int(places[tail - 1])], by: new) { tail -= 1 }
                    places[tail] = Int32(entered)
                    tail += 1
                    entered += 1
                }
                while places[head] < edge.from { head += 1 }
                return values[Int(places[head])]
            }
        }
        self.places = places
    }
}
