public import Series
public import Units

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
