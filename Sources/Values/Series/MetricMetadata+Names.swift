extension MetricMetadata {
    /// As `SampleBatch.metadata` wants them. No name may stand twice.
    public static func byName(_ all: [MetricMetadata]) -> [String: MetricMetadata] {
        Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    }
}
