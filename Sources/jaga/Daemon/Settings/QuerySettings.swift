public import PromQL
public import Settings
import Units

/// The section `queries` of the settings: what a query may use and what it may cost.
public struct QuerySettings: SettingsSection, Sendable {
    public let options: QueryOptions
    /// Nil: by the machine's memory.
    let samplesMax: Int?
    let timeout: Duration
    /// Bytes for all queries together.
    let memoryMax: Int

    public init(_ s: SettingsReader) {
        var options = QueryOptions()
        options.lookback = s.duration(
            "lookback", default: .seconds(300), atLeast: .seconds(1),
            "How old the newest sample of a series may be to stand for it. Needs a restart to change.")
        let names = s.texts(
            "features",
            "Experimental parts of the language that are allowed, by the names of Prometheus's feature flags, as in "
                + "promql-experimental-functions. Needs a restart to change.")
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
        samplesMax = s.optionalInteger(
            "samples_max", in: 1000...1_000_000_000,
            "Samples that one query of the pages or the API may read and compute, 16 bytes each while it runs; without it, as many as "
                + "an eighth of the machine's memory holds, at most 50 million.")
        let memory = Int(
            s.bytes(
                "memory_max", default: ByteCount(0),
                "What queries that run at the same time may take together, with their answers until these have been read; a query past it "
                    + "is refused. 0 for a quarter of the memory that the machine, its control group or its limits (ulimit -v) leave to "
                    + "the daemon. Needs a restart to change."
            ).bytes)
        memoryMax = memory > 0 ? memory : max(64 << 20, Self.usableMemory / 4)
        timeout = s.duration(
            "timeout", default: .seconds(120), atLeast: .milliseconds(100),
            "How long one query of the pages or the API may take.")
    }

    /// - Parameter timeLimit: what the caller wants at most.
    func limits(timeLimit: Duration) -> QueryLimits {
        var limits = QueryLimits()
        limits.timeMax = min(timeout, timeLimit)
        limits.samplesMax = samplesMax ?? Self.rules.samplesMax
        return limits
    }

    /// Of queries that rules ask: what this machine bears, whatever others may ask just now.
    static let rules = {
        var limits = QueryLimits()
        // The machine that Jaga guards may be small, and the application on it comes first.
        limits.samplesMax = min(50_000_000, max(1_000_000, usableMemory / 8 / 16))
        return limits
    }()

    /// In bytes, read once: the files of control groups take a millisecond.
    private static let usableMemory = usableMemoryBytes()
}
