public import Settings

/// The section `series` of the settings: how long samples are kept and how soon they are safe from a power cut.
public struct StoreSettings: SettingsSection, Sendable, Hashable {
    public let retention: Duration
    public let fsyncInterval: Duration
    public let blockSpan: Duration

    /// - Parameters:
    ///   - retention: blocks that end longer ago are removed.
    ///   - fsyncInterval: what was acknowledged longer ago survives a power cut.
    ///   - blockSpan: at least a minute; samples of this span are moved from memory to disk together.
    public init(
        retention: Duration = .seconds(15 * 86_400), fsyncInterval: Duration = .seconds(1),
        blockSpan: Duration = .seconds(7200)
    ) {
        self.retention = retention
        self.fsyncInterval = fsyncInterval
        self.blockSpan = blockSpan
    }

    public init(_ reader: SettingsReader) {
        retention = reader.duration(
            "retention", default: .seconds(15 * 86_400), atLeast: .seconds(3600),
            "How long samples are kept; older ones are removed a block at a time.")
        fsyncInterval = reader.duration(
            "fsync_interval", default: .seconds(1), atLeast: .milliseconds(10),
            "How soon stored samples are safe from a power cut; the end of the process never loses any.")
        blockSpan = reader.duration(
            "block_span", default: .seconds(7200), atLeast: .seconds(60),
            "The span of time whose samples are moved from memory to disk together.")
    }
}
