public import RemoteSeries
public import Settings
public import TimeSeriesStore

/// The section `series`: the store of this machine, and whether another one is read instead.
public struct SeriesSettings: SettingsSection, Sendable {
    public let store: StoreSettings
    public let remote: RemoteSeriesSettings

    public init(_ s: SettingsReader) {
        remote = RemoteSeriesSettings(s)
        store = StoreSettings(s)
    }
}
