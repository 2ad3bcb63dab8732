/// Samples of one series that came out of order, sorted by time. They join the others when they are read and when blocks are written.
struct LateSamples: Sendable {
    private(set) var times: [Int64] = []
    private(set) var values: [Double] = []

    /// - Returns: whether the instant was free, or the value the same.
    func verdict(_ time: Int64, _ bits: UInt64) -> Head.Verdict {
        let place = place(of: time)
        guard place < times.count, times[place] == time else { return .stored }
        return values[place].bitPattern == bits ? .repeated : .duplicate
    }

    mutating func insert(_ time: Int64, _ value: Double) {
        let place = place(of: time)
        if place < times.count, times[place] == time { return }
        times.insert(time, at: place)
        values.insert(value, at: place)
    }

    mutating func drop(from start: Int64, before end: Int64) { drop { $0 >= start && $0 < end } }

    mutating func drop(_ test: (Int64) -> Bool) {
        let kept = times.indices.filter { !test(times[$0]) }
        times = kept.map { times[$0] }
        values = kept.map { values[$0] }
    }

    /// The samples from `start` to `end`, both included.
    func range(_ start: Int64, _ end: Int64) -> Range<Int> {
        let first = place(of: start)
        let last = end == .max ? times.count : place(of: end + 1)
        return first..<max(first, last)
    }

    private func place(of time: Int64) -> Int {
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
