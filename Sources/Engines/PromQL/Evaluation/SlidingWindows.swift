import Series

// Functions whose value for one window follows from that of the window before: the two edges of the window only move forward,
// so that every sample enters once and leaves once, and a range query costs samples + steps instead of steps × window.
//
// Counts are differences of places. Minimum and maximum keep a queue of candidates: a sample that is no better than a later one
// can never win again. Sums of floating-point numbers cannot be slid without losing digits, and the corrections of a counter's
// resets are themselves a running sum: those are computed anew for each window.

extension Evaluator {
    /// - Returns: nil where the function does not slide or a series has histograms.
    func slidingColumns(_ function: Function, _ windowed: WindowedSeries, _ grid: StepGrid) throws -> [Column]? {
        switch function {
        case .minOverTime, .maxOverTime, .countOverTime: break
        default: return nil
        }
        guard windowed.rows.allSatisfy({ $0.histograms.isEmpty }) else { return nil }
        var columns: [Column] = []
        for row in windowed.rows {
            try count(grid.count)
            var column = Column(
                labels: row.labels, values: [Double](repeating: absent, count: grid.count), dropsName: row.dropsName)
            var queue = SlidingBest(wantsSmallest: function == .minOverTime)
            var (from, to) = (0, 0)
            for step in 0..<grid.count {
                let end = windowed.moments[step]
                while to < row.times.count, row.times[to] <= end {
                    if function != .countOverTime { queue.enter(to, row.values) }
                    to += 1
                }
                while from < to, row.times[from] <= end - windowed.rangeMs { from += 1 }
                guard from < to else { continue }
                column.values[step] =
                    function == .countOverTime ? Double(to - from) : queue.best(from: from, row.values)
            }
            if !column.isEmpty { columns.append(column) }
        }
        return columns
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
        while places.count > head, !isBetter(values[places[places.count - 1]], values[place]) { places.removeLast() }
        places.append(place)
    }

    private func isBetter(_ old: Double, _ new: Double) -> Bool {
        if new.isNaN { return !old.isNaN }
        if old.isNaN { return false }
        return wantsSmallest ? old < new : old > new
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
