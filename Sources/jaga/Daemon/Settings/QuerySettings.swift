public import PromQL
public import Settings

/// The section `queries` of the settings: what a query may use and what it may cost.
public struct QuerySettings: SettingsSection, Sendable {
    public let options: QueryOptions
    public let samplesMax: Int

    public init(_ s: SettingsReader) {
        var options = QueryOptions()
        options.lookback = s.duration(
            "lookback", default: .seconds(300), atLeast: .seconds(1),
            "How old the newest sample of a series may be to stand for it.")
        let names = s.texts(
            "features",
            "Experimental parts of the language that are allowed, by the names of Prometheus's feature flags, as in "
                + "promql-experimental-functions.")
        for name in names {
            if name == QueryOptions.delayedNameRemovalFlag {
                options.delaysNameRemoval = true
            } else if let feature = QueryFeatures(flag: name) {
                options.features.insert(feature)
            } else {
                s.fault("features", "'\(name)' is no feature; there are \(QueryOptions.flags.joined(separator: ", "))")
            }
        }
        self.options = options
        samplesMax = s.integer(
            "samples_max", default: 5_000_000, in: 1000...1_000_000_000,
            "Samples that one query of the pages or the API may read and compute; 16 bytes each while it runs.")
    }
}
