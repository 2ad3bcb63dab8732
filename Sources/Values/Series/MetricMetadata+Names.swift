extension MetricMetadata {
    /// As `SampleBatch.metadata` wants them. No name may stand twice.
    public static func byName(_ all: [MetricMetadata]) -> MetadataByName {
        var found = MetadataByName()
        for entry in all where found[entry.name] == nil { found[entry.name] = entry }
        return found
    }
}
