import Series
import Settings
import Testing
import TimeSeriesStore
import Units

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

    @Test func `rules of what to keep are read`() throws {
        let yaml = """
            retention_size: 10GB
            out_of_order_window: 1h
            series_per_target_max: 5000
            keep:
              - match: '{__name__=~"node_.*"}'
                raw: 15d
                downsample:
                  - { step: 5m, for: 1y }
            """
        let settings = try SettingsDocument.read(yaml, file: "jaga.yaml", sources: .none, as: StoreSettings.self)
            .section
        #expect(settings.retentionSize.bytes == 10 << 30)
        #expect(settings.outOfOrderWindow == .seconds(3600) && settings.seriesPerTargetMax == 5000)
        #expect(settings.keep.map(\.raw) == [.seconds(15 * 86_400)])
        #expect(settings.keep[0].tiers == [.init(step: .seconds(300), age: .seconds(365 * 86_400))])
        #expect(settings.keep[0].matches(["__name__": "node_load1"]))
    }
}
