public import Series
public import Units

/// How long something took lately: quantiles of the last ten minutes, and sum and count since the start, as the reference's summaries
/// have them. At most the last 4,096 are looked at.
struct DurationSummary: Sendable {
    private static let age = Duration.seconds(600)
    private static let countMax = 4096

    private var recent: [(time: Timestamp, seconds: Double)] = []
    /// Where the oldest stands once `recent` is full.
    private var next = 0
    private(set) var sum = 0.0
    private(set) var count = 0

    mutating func add(_ duration: Duration, at time: Timestamp) {
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
    func quantiles(_ phis: [Double], at now: Timestamp) -> [Double] {
        let seconds = recent.filter { now - $0.time < Self.age }.map(\.seconds).sorted()
        return phis.map { phi in
            seconds.isEmpty ? .nan : seconds[max(0, Int((phi * Double(seconds.count)).rounded(.up)) - 1)]
        }
    }

    func report(_ name: String, _ phis: [Double], into batch: inout SampleBatch) {
        for (phi, value) in zip(phis, quantiles(phis, at: batch.timestamp)) {
            batch.add(name, ["quantile": "\(phi)"], value)
        }
        batch.add(name + "_sum", [:], sum)
        batch.add(name + "_count", [:], Double(count))
    }
}

extension RuleEngine {
    /// How long rules and groups take, which belongs to no single group, under the reference's names.
    public func durations(at now: Timestamp) -> SampleBatch {
        var batch = SampleBatch(at: now)
        ruleDurations.report("prometheus_rule_evaluation_duration_seconds", [0.5, 0.9, 0.99], into: &batch)
        groupDurations.report("prometheus_rule_group_duration_seconds", [0.01, 0.05, 0.5, 0.9, 0.99], into: &batch)
        batch.metadata = MetricMetadata.byName([
            MetricMetadata(
                "prometheus_rule_evaluation_duration_seconds", .summary, "How long a rule's evaluation took."),
            MetricMetadata(
                "prometheus_rule_group_duration_seconds", .summary, "How long a rule group's evaluation took."),
        ])
        return batch
    }

    /// The series about each group, as they were written at its last evaluation or would be now.
    public func groupSeries(at now: Timestamp) -> SampleBatch {
        var batch = SampleBatch(at: now)
        // One metric after the other, as a page has them.
        batch.rows = states.flatMap { $0.ownRows() }.sorted { $0.labels < $1.labels }
        batch.metadata = MetricMetadata.byName(RuleGroupState.metadata)
        return batch
    }
}
