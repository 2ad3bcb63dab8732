public import Settings

/// The section `rules`.
public struct RulesSettings: SettingsSection, Sendable, Hashable {
    /// Paths of rule files, relative to the configuration's folder; `*` stands for any text in the last part.
    public let files: [String]
    public let interval: Duration
    /// Whether the shipped packs are evaluated.
    public let usesShippedPacks: Bool
    /// Shipped alerts that are left out, by name.
    public let disabledAlerts: [String]

    public init(_ s: SettingsReader) {
        files = s.texts(
            "files",
            "Prometheus rule files, relative to this file; '*' stands for any text in a name. An alert takes the place of "
                + "the shipped one of the same name.")
        interval = s.duration(
            "interval", default: .seconds(15), atLeast: .seconds(1),
            "How often groups without an interval are evaluated. Needs a restart to change.")
        usesShippedPacks = s.boolean("shipped", default: true, "Whether the shipped rules are evaluated.")
        disabledAlerts = s.texts("disabled", "Shipped alerts to leave out, by name.")
    }
}
