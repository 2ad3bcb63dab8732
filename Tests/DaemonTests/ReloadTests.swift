import Web
import Collectors
import Diagnostics
import DurableFiles
import Events
import JSONCoding
import Ledger
import Logging
import Probes
import Synchronization
import TestSupport
import Testing
import Units
import WebAPI

@testable import Daemon

/// What a reload exchanges and what it leaves alone, without running anything.
struct ReloadTests {
    private let folder: TemporaryFolder
    private let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder("reload")
    }

    private func site(
        _ configuration: String, overrides: LoadedSettings.Overrides = .init()
    ) async throws -> SiteParts {
        try configure(configuration)
        let loaded = try LoadedSettings.load(
            file: folder.file("jaga.yaml"), discovered: "", overrides: overrides, at: clock.time)
        return try await SiteParts.build(
            dataFolder: folder.path, loaded: loaded, clock: clock.wall, processID: 1, logger: Logger(label: "test"))
    }

    private func configure(_ text: String) throws { try writeText(text, to: folder.file("jaga.yaml")) }

    private func probe(_ name: String, _ port: Int) -> String { "{name: \(name), tcp: \"127.0.0.1:\(port)\"}" }

    @Test func `a reload keeps the probes whose settings are the same, whatever their order`() async throws {
        let parts = try await site("probes: [\(probe("a", 1)), \(probe("b", 2))]\n")
        let before = parts.plan.withLock { $0.probes.map(\.probe) }
        try configure("probes: [\(probe("c", 3)), \(probe("b", 4)), \(probe("a", 1))]\n")
        let said = try await parts.reload(by: .jaga)
        #expect(said.contains("probes"))
        let after = parts.plan.withLock { $0.probes.map(\.probe) }
        #expect(after.map(\.name) == ["probe/c", "probe/b", "probe/a"])
        #expect(after[2] === before[0])
        #expect(after[1] !== before[1])
        #expect(parts.sources.snapshot.contains { $0.name == "probe/c" })
    }

    @Test func `a reload says how many changes it does not name`() async throws {
        let parts = try await site("probes: [\(probe("a", 1))]\n")
        try configure("probes: [\((1...30).map { probe("p\($0)", $0) }.joined(separator: ", "))]\n")
        let said = try await parts.reload(by: .jaga)
        var filter = EntryFilter()
        filter.kindPrefix = EventKind.configurationLoaded.rawValue
        let entry = try #require(try await parts.ledger.reader.entries(matching: filter).first)
        let count = try #require(entry.event.payload["changedCount"]?.intValue)
        #expect(count > 20 && said.hasSuffix(", and \(count - 20) more"), "\(said)")
        #expect(said.split(separator: ", ").count == 21)
    }

    @Test func `a reload with faults changes nothing and is in the ledger with every fault`() async throws {
        let parts = try await site("probes: [\(probe("a", 1))]\n")
        let before = (parts.plan.withLock { $0.probes.map(\.fingerprint) }, parts.sources.snapshot.map(\.name))
        try configure("probse: []\nrules: {interval: never}\n")
        await #expect(throws: InvalidInput.self) { try await parts.reload(by: .jaga) }
        #expect(parts.plan.withLock { $0.probes.map(\.fingerprint) } == before.0)
        #expect(parts.sources.snapshot.map(\.name) == before.1)
        var filter = EntryFilter()
        filter.kindPrefix = EventKind.configurationRefused.rawValue
        let entries = try await parts.ledger.reader.entries(matching: filter)
        #expect(entries.count == 1)
        #expect(entries[0].event.payload["faults"]?.arrayValue?.count == 2)
        func lastSucceeded() async throws -> JSONValue? {
            try await LiveSite(parts: parts).status(.runtimeinfo, limit: 1)["reloadConfigSuccess"]
        }
        #expect(try await lastSucceeded() == false)
        // The next good one is taken as if nothing had been.
        try configure("probes: [\(probe("a", 1))]\n")
        #expect(try await parts.reload(by: .jaga) == "the configuration is unchanged")
        #expect(try await lastSucceeded() == true)
    }

    @Test func `a file that went away is a refusal, not an empty configuration`() async throws {
        let parts = try await site("probes: [\(probe("a", 1))]\n")
        TemporaryFile.remove(folder.file("jaga.yaml"))
        let error = await #expect(throws: InvalidInput.self) { try await parts.reload(by: .jaga) }
        #expect(error?.summary.contains("jaga.yaml: No such file or directory") == true)
        #expect(parts.plan.withLock { $0.probes.count } == 1)
    }

    @Test func `a reload beside another is refused at once, and a failed one says its code`() async throws {
        let parts = try await site("probes: [\(probe("a", 1))]\n")
        let live = LiveSite(parts: parts)
        #expect(parts.beginReload())
        let refused = await #expect(throws: Problem.self) { try await live.perform(.reload, by: .jaga) }
        #expect(refused?.code == .conflict && refused?.hint != nil)
        #expect(parts.actions.statuses.isEmpty)
        parts.endReload()
        TemporaryFile.remove(folder.file("jaga.yaml"))
        let work = Task { await parts.actions.run() }
        defer { work.cancel() }
        let begun = try await live.perform(.reload, by: .jaga)
        try await waitUntil("the reload has ended") { try parts.actions.status(begun.id).state != .running }
        let ended = try parts.actions.status(begun.id)
        #expect(ended.state == .failed && ended.code == "invalid-input")
        // It is over, so that the next one may begin.
        #expect(parts.beginReload())
    }

    /// The value of a key as `config show` has it, with its origin and what a restart makes of it.
    private func shown(_ key: String, _ parts: SiteParts) async throws -> [String?] {
        let value = try await LiveSite(parts: parts).configuration().values.first { $0.path == key }
        return [value?.value, value?.origin.replacing("\(folder.path)/", with: ""), value?.afterRestart]
    }

    @Test func `an option of the command line stands before the file, through every reload, and is shown so`()
        async throws
    {
        let listen = HostAndPort("[::1]:7777")
        let parts = try await site("web: {listen: \"127.0.0.1:1\"}\n", overrides: .init(listen: listen))
        let live = LiveSite(parts: parts)
        func expectTruth() async throws {
            #expect(try await shown("web.listen", parts) == ["[::1]:7777", "option --listen", nil])
            let flags = try await live.status(.flags, limit: 10)
            #expect(flags["web.listen-address"]?.stringValue == "[::1]:7777")
            let yaml = try await live.status(.config, limit: 10)["yaml"]?.stringValue ?? ""
            #expect(yaml.contains("web.listen: \"[::1]:7777\"\n"), "\(yaml)")
            #expect(parts.loaded.withLock { $0.settings.web.port } == 7777)
        }
        try await expectTruth()
        // What the option hides makes no difference, and needs no restart.
        try configure("web: {listen: \"127.0.0.1:2\"}\n")
        #expect(try await parts.reload(by: .jaga) == "the configuration is unchanged")
        try await expectTruth()
    }

    @Test func `an answer over the span of a block that was set aside says so`() async throws {
        // From 2026-01-01T00:00:00Z for two hours.
        let name = "1767225600000-1767232800000.block"
        try RealFiles().createFolders(folder.file("series/blocks"))
        try writeText("damaged", to: folder.file("series/blocks/\(name)"))
        let live = LiveSite(parts: try await site("site: x\n"))
        let start = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)
        func warnings(_ expression: String, at time: Timestamp) async throws -> [String] {
            let answer = try await live.query(expression, at: time, timeLimit: .seconds(10))
            let query = PrometheusQuery(expression, .instant(time), timeLimit: .seconds(10))
            #expect(try await live.answer(query).warnings == answer.warnings)
            return answer.warnings
        }
        for time in [start, start + .seconds(3600), start + .seconds(7200 + 299)] {
            let told = try await warnings("up", at: time)
            #expect(told.count == 1)
            #expect(
                told.first?.contains("from 2026-01-01T00:00:00Z to 2026-01-01T02:00:00Z may be missing") == true
                    && told.first?.contains("damaged/\(name)") == true, "\(told)")
        }
        #expect(try await warnings("up + up offset 1h", at: start + .seconds(9000)).count == 1)
        for (expression, time) in [
            ("up", start - .milliseconds(1)), ("up", start + .seconds(7200 + 300)), ("1 + 1", start),
        ] {
            #expect(try await warnings(expression, at: time).isEmpty, "\(expression) at \(time)")
        }
        // Labels, their values and series go by the time that was asked for.
        for (from, through, count) in [
            (start - .seconds(60), start, 1), (.distantPast, .distantFuture, 1),
            (start + .seconds(7200), .distantFuture, 0),
            (start + .seconds(60), start, 0),
        ] as [(Timestamp, Timestamp, Int)] {
            #expect(live.lacks(SeriesFilter(selectors: [], from: from, through: through)).count == count)
        }
    }

    @Test func `statistics of an answer are what is measured, and no more`() async throws {
        let live = LiveSite(parts: try await site("site: x\n"))
        var query = PrometheusQuery("1", .instant(clock.time), timeLimit: .seconds(10))
        query.wantsStatistics = true
        let told = try JSONValue(parsing: Array(try await live.answer(query).parts.joined()))
        let stats = try #require(told["stats"])
        #expect(
            stats["timings"]?.objectValue?.keys.sorted() == [
                "evalTotalTime", "execTotalTime", "innerEvalTime", "queryPreparationTime",
            ])
        #expect(stats["samples"]?["totalQueryableSamples"] == 0 && stats["samples"]?["peakSamples"] != nil)
    }

    @Test func `flags are what the reference's command line sets, and nothing else of the file`() async throws {
        let parts = try await site(
            """
            series: {retention: 15d, retention_size: 2GB}
            queries: {lookback: 2m, timeout: 30s, samples_max: 12345, features: [promql-experimental-functions]}
            remote_write: [{url: "http://u:planted-1@127.0.0.1:1/w", headers: {X-Key: planted-2}, proxy_connect_header: {X-Token: [planted-3]},
              proxy_url: "http://127.0.0.1:2"}]
            probes: [{name: a, url: "http://127.0.0.1:3", headers: {Cookie: planted-4}}]
            scrape_configs: [{job_name: j, params: {token: [planted-5]}, static_configs: [{targets: ["127.0.0.1:4"]}]}]
            """)
        let live = LiveSite(parts: parts)
        let flags = try await live.status(.flags, limit: 10)
        for (name, value) in [
            ("storage.tsdb.retention.time", "15d"), ("storage.tsdb.retention.size", "2147483648B"),
            ("query.lookback-delta", "2m"), ("query.timeout", "30s"), ("query.max-samples", "12345"),
            ("enable-feature", "promql-experimental-functions"), ("storage.tsdb.path", "\(folder.path)/series"),
            ("web.listen-address", "127.0.0.1:9797"), ("config.file", folder.file("jaga.yaml")),
        ] {
            #expect(flags[name]?.stringValue == value, "\(name)")
        }
        #expect(flags.objectValue?.values.allSatisfy { $0.stringValue != nil } == true)
        #expect(!flags.canonicalText.contains("planted") && !flags.canonicalText.contains("remote_write"))
        // Operators see the parameters of scrapes, as in the reference, and of header fields the names alone.
        let yaml = try await live.status(.config, limit: 10)["yaml"]?.stringValue ?? ""
        #expect(yaml.contains("remote_write[0].headers.X-Key: \"<redacted>\"\n"), "\(yaml)")
        #expect(yaml.contains("probes[0].headers.Cookie: \"<redacted>\"\n"), "\(yaml)")
        #expect(yaml.contains("planted-5") && (1...4).allSatisfy { !yaml.contains("planted-\($0)") }, "\(yaml)")
        let advised = parts.loaded.withLock { $0.warnings }.filter { $0.message.contains("stands in the file itself") }
        #expect(
            Set(advised.map(\.path)) == [
                "remote_write[0].url", "remote_write[0].headers.X-Key",
                "remote_write[0].proxy_connect_header.X-Token", "probes[0].headers.Cookie",
            ])
    }

    @Test func `what needs a restart is shown as it runs, and going back to it needs none`() async throws {
        let parts = try await site("series: {retention: 15d}\nrules: {interval: 15s}\n")
        #expect(try await shown("series.retention", parts) == ["15d", "jaga.yaml:1:21", nil])
        try configure("series: {retention: 30d}\nrules: {interval: 5s}\n")
        let late = try await parts.reload(by: .jaga)
        #expect(late == "applied, but rules.interval, series.retention take effect only after a restart of the daemon")
        #expect(try await shown("series.retention", parts) == ["15d", "jaga.yaml:1:21", "30d"])
        #expect(try await shown("rules.interval", parts) == ["15s", "jaga.yaml:2:19", "5s"])
        let runtime = try await LiveSite(parts: parts).status(.runtimeinfo, limit: 1)
        #expect(runtime["storageRetention"]?.stringValue == "15d")
        // Still, when something else changes meanwhile.
        try configure("series: {retention: 30d}\nprobes: [\(probe("a", 1))]\n")
        #expect(try await parts.reload(by: .jaga).contains("but series.retention takes effect only after a restart"))
        try configure("series: {retention: 15d}\n")
        let back = try await parts.reload(by: .jaga)
        #expect(back.hasPrefix("applied; changed: ") && !back.contains("restart"), "\(back)")
        #expect(try await shown("series.retention", parts) == ["15d", "jaga.yaml:1:21", nil])
    }

    @Test func `a removed key that needs a restart is in force until then`() async throws {
        let parts = try await site("remote_write: [{url: \"http://127.0.0.1:1/w\", name: far}]\n")
        try configure("site: x\n")
        #expect(try await parts.reload(by: .jaga).contains("only after a restart"))
        #expect(try await shown("remote_write[0].name", parts) == ["far", "jaga.yaml:1:52", ""])
        #expect(try await LiveSite(parts: parts).status().host == parts.hostName)
        #expect(try await shown("site", parts)[2] == "x")
    }
}
