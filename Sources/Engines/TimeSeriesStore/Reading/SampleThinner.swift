import Series

/// Leaves of a series what is looked at: a query over a day in steps of some minutes looks at one sample of twenty, and memory for
/// all of them would cost more than reading them did. For one thread.
final class SampleThinner {
    private var steps: SelectionBounds.Steps?
    /// The series of a target share their times; what to keep of them is found once.
    private var times: [Int64] = []
    private var kept: [Int32] = []
    private var keptTimes: [Int64] = []

    /// Keeps the newest sample at or before each step. What stands for a step of its own, and histograms, are left as they are.
    func thin(_ samples: inout GatheredSamples, to steps: SelectionBounds.Steps) {
        guard samples.coarse.isEmpty, samples.histograms.isEmpty, steps.count < samples.times.count / 2 else { return }
        if steps != self.steps || !isKnown(samples.times) { find(samples.times, steps) }
        let values = samples.values
        samples.times = keptTimes
        samples.values = [Double](unsafeUninitializedCapacity: kept.count) { buffer, count in
            count = kept.count
            for index in kept.indices { buffer.initializeElement(at: index, to: values[Int(kept[index])]) }
        }
    }

    /// Whether these are the times of the series before, by where they lie: comparing them would cost as much as looking them up.
    private func isKnown(_ times: [Int64]) -> Bool {
        times.count == self.times.count
            && times.withUnsafeBufferPointer { mine in
                self.times.withUnsafeBufferPointer { $0.baseAddress == mine.baseAddress }
            }
    }

    private func find(_ times: [Int64], _ steps: SelectionBounds.Steps) {
        (self.times, self.steps) = (times, steps)
        kept.removeAll(keepingCapacity: true)
        var next = 0
        var moment = steps.first
        for _ in 0..<steps.count {
            while next < times.count, times[next] <= moment { next += 1 }
            if next > 0, kept.last != Int32(next - 1) { kept.append(Int32(next - 1)) }
            moment &+= steps.interval
        }
        keptTimes = kept.map { times[Int($0)] }
    }
}
