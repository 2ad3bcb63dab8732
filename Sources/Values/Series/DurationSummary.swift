public import Units

/// How long something took lately: quantiles of the last ten minutes, and sum and count since the start, as the reference's summaries
/// have them. At most the last 4,096 are looked at.
public struct DurationSummary: Sendable {
    private static let age = Duration.seconds(600)
    private static let countMax = 4096

    private var recent: [(time: Timestamp, seconds: Double)] = []
    /// Where the oldest stands once `recent` is full.
    private var next = 0
    public private(set) var sum = 0.0
    public private(set) var count = 0

    public init() {}

    public mutating func add(_ duration: Duration, at time: Timestamp) {
        let entry = (time, duration.inSeconds)
        sum += entry.1
        count += 1
        if recent.count < Self.countMax {
            recent.append(entry)
        } else {
            recent[next] = entry
            next = (next + 1) % Self.countMax
        }
    }

    /// The nearest rank; NaN where nothing happened lately.
    public func quantiles(_ phis: [Double], at now: Timestamp) -> [Double] {
        let seconds = recent.filter { now - $0.time < Self.age }.map(\.seconds).sorted()
        return phis.map { phi in
            seconds.isEmpty ? .nan : seconds[max(0, Int((phi * Double(seconds.count)).rounded(.up)) - 1)]
        }
    }

    /// Adds the rows of the summary `name`.
    public func report(_ name: String, _ phis: [Double], labels: Labels = Labels(), into batch: inout SampleBatch) {
        func add(_ name: String, _ labels: Labels, _ value: Double) {
            var labels = labels
            labels[Labels.metricName] = name
            batch.rows.append(SampleBatch.Row(labels: labels, value: value))
        }
        for (phi, value) in zip(phis, quantiles(phis, at: batch.timestamp)) {
            var own = labels
            own["quantile"] = "\(phi)"
            add(name, own, value)
        }
        add(name + "_sum", labels, sum)
        add(name + "_count", labels, Double(count))
    }
}
