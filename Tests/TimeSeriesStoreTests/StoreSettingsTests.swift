import Settings
import Testing
import TimeSeriesStore

/// Goal: the section is read as documented. Method: texts through the settings' own reader.
@Suite struct StoreSettingsTests {
    @Test func `an empty section takes the defaults`() throws {
        #expect(SettingsDocument.defaults(of: StoreSettings.self) == StoreSettings())
    }

    @Test func `all keys are read`() throws {
        let yaml = "retention: 30d\nfsync_interval: 100ms\nblock_span: 1h\n"
        let settings = try SettingsDocument.read(yaml, file: "jaga.yaml", sources: .none, as: StoreSettings.self)
            .section
        #expect(
            settings
                == StoreSettings(
                    retention: .seconds(30 * 86_400), fsyncInterval: .milliseconds(100), blockSpan: .seconds(3600)))
    }
}
