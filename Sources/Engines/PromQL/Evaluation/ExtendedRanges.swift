import Series

// Ranges that know their edges. An `anchored` range begins with the last sample at or before its start; a `smoothed` one has
// values at both edges, on the lines between the samples on either side. Neither is drawn out. Samples up to one look-back
// beyond the edges are read for this.

typealias TimedValue = (time: Int64, value: Double)

/// The value at `time` on the line from `before` to `after`. A counter that fell in between began anew from zero.
func interpolated(_ before: TimedValue, _ after: TimedValue, at time: Int64, isCounter: Bool) -> Double {
    let start = isCounter && after.value < before.value ? 0 : before.value
    return start + (after.value - start) * Double(time - before.time) / Double(after.time - before.time)
}

/// The samples that an extended range can use: those inside it, and beyond its edges as far as the look-back.
struct ExtendedWindow {
    let times: [Int64]
    let values: [Double]
    let edges: RangeExtension
    /// Milliseconds; the samples that count as inside lie after this and up to `end`.
    let start: Int64
    let end: Int64
    /// The first and last sample used, both included. The first is at or before `start` where there is such a one.
    private(set) var first = 0
    private(set) var last = 0

    /// - Returns: nil where no sample lies in reach.
    init?(_ row: SampleRow, _ edges: RangeExtension, start: Int64, end: Int64, lookbackMs: Int64) {
        times = row.times
        values = row.values
        self.edges = edges
        self.start = start
        self.end = end
        let reach = edges == .smoothed ? end + lookbackMs : end
        let low = times.partitioningIndex { $0 > start - lookbackMs }
        let high = times.partitioningIndex { $0 > reach } - 1
        guard low <= high else { return nil }
        let inside = min(high, max(low, times.partitioningIndex { $0 > start }))
        first = max(low, inside - 1)
        last = edges == .smoothed ? min(high, max(low, times.partitioningIndex { $0 >= end })) : high
        guard times[last] > start else { return nil }
    }

    private func sample(_ index: Int) -> TimedValue { (times[index], values[index]) }

    func left(isCounter: Bool) -> Double {
        guard edges == .smoothed, times[first] < start, first < last else { return values[first] }
        return interpolated(sample(first), sample(first + 1), at: start, isCounter: isCounter)
    }

    func right(isCounter: Bool) -> Double {
        guard edges == .smoothed, times[last] > end, last > first else { return values[last] }
        return interpolated(sample(last - 1), sample(last), at: end, isCounter: isCounter)
    }

    /// The samples strictly between the edges.
    var inner: Range<Int> {
        let from = times[first] <= start ? first + 1 : first
        let to = times[last] >= end ? last : last + 1
        return from..<max(from, to)
    }

    /// With a point at each edge.
    var points: (times: [Int64], values: [Double]) {
        (
            [start] + inner.map { times[$0] } + [end],
            [left(isCounter: false)] + inner.map { values[$0] } + [right(isCounter: false)]
        )
    }

    func evaluate(_ function: Function, rangeMs: Int64) -> Double {
        switch function {
        case .changes, .resets:
            return Double(
                (first..<last).count { index in
                    let (old, new) = (values[index], values[index + 1])
                    return function == .resets ? new < old : old != new && !(old.isNaN && new.isNaN)
                })
        default:
            let isCounter = function != .delta
            let (left, right) = (left(isCounter: isCounter), right(isCounter: isCounter))
            var change = right - left
            if isCounter {
                var previous = left
                for value in values[inner] + [right] {
                    if value < previous { change += previous }
                    previous = value
                }
            }
            return function == .rate ? change / (Double(rangeMs) / 1000) : change
        }
    }
}

extension Array where Element: Comparable {
    /// The first index whose element satisfies `belongs`, which holds for no element before it and for all after it.
    func partitioningIndex(_ belongs: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension Evaluator {
    /// A function of an `anchored` or `smoothed` range.
    func extendedCall(_ call: FunctionCall, _ windowed: WindowedSeries, _ edges: RangeExtension, _ grid: StepGrid)
        throws -> [Column]
    {
        let safe = edges == .anchored ? Function.anchoredSafe : Function.smoothedSafe
        guard safe.contains(call.function) else {
            let names = safe.map(\.rawValue).sorted().joined(separator: ", ")
            throw QueryFault(
                .execution,
                "\(edges.rawValue) modifier can only be used with: \(names) - not with \(call.function.rawValue)")
        }
        var columns: [Column] = []
        for row in windowed.rows {
            try count(grid.count)
            var column = Column(labels: row.labels, values: [Double](repeating: absent, count: grid.count))
            for step in 0..<grid.count {
                let end = windowed.moments[step]
                let window = ExtendedWindow(
                    row, edges, start: end - windowed.rangeMs, end: end, lookbackMs: scope.lookbackMs)
                if let window { column.values[step] = window.evaluate(call.function, rangeMs: windowed.rangeMs) }
            }
            if !column.isEmpty { columns.append(column) }
        }
        return columns
    }
}
