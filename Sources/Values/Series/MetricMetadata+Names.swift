extension MetricMetadata {
    /// As `SampleBatch.metadata` wants them. No name may stand twice.
    public static func byName(_ all: [MetricMetadata]) -> [String: MetricMetadata] {
        Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    }
}
