import Series

// Where windows begin and end in a column of times. The series that were scraped together share their column, as the same array in
// memory, so that all that follows from times alone is found once and serves every one of them.

/// The window of each step in the column of times seen last.
struct WindowEdges {
    /// A window, and by how much a change over it is drawn out where nothing but times limits that.
    struct Edge {
        var from: Int32
        var to: Int32
        var factor = 1.0

        var count: Int { Int(to - from) }
    }

    private let moments: Moments
    private let stepCount: Int
    private let rangeMs: Int64
    /// Divides what is drawn out: the range in seconds for `rate`; nil for functions that draw nothing out.
    private let divisor: Double?
    /// Held, so that no other array can come to lie at its address.
    private var times: [Int64] = []
    private(set) var edges: [Edge] = []

    /// - Parameter divisor: of the factor; nil where none is asked for.
    init(_ windowed: WindowedSeries, stepCount: Int, divisor: Double?) {
        moments = windowed.moments
        self.stepCount = stepCount
        rangeMs = windowed.rangeMs
        self.divisor = divisor
    }

    /// - Parameter times: in rising order, fewer than 2^31.
    mutating func find(in times: [Int64]) {
        if edges.count == stepCount, times.isSameStorage(as: self.times) { return }
        self.times = times
        edges.removeAll(keepingCapacity: true)
        edges.reserveCapacity(stepCount)
        var (from, to) = (0, 0)
        times.withUnsafeBufferPointer { times in
            for step in 0..<stepCount {
                let end = moments[step]
                let start = end - rangeMs
                while to < times.count, times[to] <= end { to += 1 }
                while from < to, times[from] <= start { from += 1 }
                var edge = Edge(from: Int32(from), to: Int32(to))
                if let divisor, to - from >= 2 {
                    edge.factor =
                        extrapolationFactor(
                            times: (times[from], times[to - 1]), count: to - from, start: start, end: end,
                            isCounter: false, first: 0, change: 0) / divisor
                }
                edges.append(edge)
            }
        }
    }

    /// The factor of a counter, which is never drawn out below zero.
    func counterFactor(_ step: Int, first: Double, change: Double) -> Double {
        // A window is drawn out at its start by at most 1.1 of the time between its first and last sample, and a counter that
        // began with twice what it grew by was at zero longer before than that.
        if !(change > 0 && first >= 0) || first >= 2 * change { return edges[step].factor }
        return limitedFactor(step, first: first, change: change)
    }

    @inline(never)
    private func limitedFactor(_ step: Int, first: Double, change: Double) -> Double {
        let edge = edges[step]
        let end = moments[step]
        let factor = extrapolationFactor(
            times: (times[Int(edge.from)], times[Int(edge.to) - 1]), count: edge.count, start: end - rangeMs, end: end,
            isCounter: true, first: first, change: change)
        return factor / (divisor ?? 1)
    }
}

/// For each step the place of the newest sample that is not older than the look-back, in the column of times seen last.
struct LatestPlaces {
    private let moments: Moments
    private let stepCount: Int
    private let lookbackMs: Int64
    private var times: [Int64] = []
    /// -1 where there is none.
    private var places: [Int32] = []

    init(_ moments: Moments, stepCount: Int, lookbackMs: Int64) {
        self.moments = moments
        self.stepCount = stepCount
        self.lookbackMs = lookbackMs
    }

    /// One value for each step, `absent` where there is none; nil where there is none at all.
    /// - Parameter row: has no histograms.
    mutating func values(of row: SampleRow) -> [Double]? {
        find(in: row.times)
        var any = false
        let values = [Double](unsafeUninitializedCapacity: places.count) { buffer, count in
            count = places.count
            let output = buffer.baseAddress!
            row.values.withUnsafeBufferPointer { samples in
                places.withUnsafeBufferPointer { places in
                    var isAbsent = true
                    for step in places.indices {
                        let place = Int(places[step])
                        // A stale marker stays one, and one means that there is nothing.
                        let value = place >= 0 ? samples[place] : absent
                        isAbsent = isAbsent && value.isStaleMarker
                        (output + step).initialize(to: value)
                    }
                    any = !isAbsent
                }
            }
        }
        return any ? values : nil
    }

    private mutating func find(in times: [Int64]) {
        if places.count == stepCount, times.isSameStorage(as: self.times) { return }
        self.times = times
        places.removeAll(keepingCapacity: true)
        guard stepCount > 0 else { return }
        places.reserveCapacity(stepCount)
        times.withUnsafeBufferPointer { times in
            var next = firstIndex(in: times, after: moments[0])
            for step in 0..<stepCount {
                let moment = moments[step]
                while next < times.count, times[next] <= moment { next += 1 }
                let isYoung = next > 0 && times[next - 1] > moment - lookbackMs
                places.append(isYoung ? Int32(next - 1) : -1)
            }
        }
    }
}

/// The first place of a rising column whose time is after `moment`.
private func firstIndex(in times: UnsafeBufferPointer<Int64>, after moment: Int64) -> Int {
    var low = 0
    var high = times.count
    while low < high {
        let middle = (low + high) / 2
        if times[middle] <= moment { low = middle + 1 } else { high = middle }
    }
    return low
}
