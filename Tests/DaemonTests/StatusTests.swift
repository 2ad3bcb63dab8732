import Synchronization
import Collectors
import DurableFiles
import JSONCoding
import Logging
import Rules
import Scraping
import Series
import TestSupport
import Testing
import TimeSeriesStore
import Units
import Web
import WebAPI

@testable import Daemon

/// Goal: the one-screen answer leaves nothing out that is not well, and what is not known is not well. Method: the parts of a site
/// over stores as they are on disk; what would scrape for minutes is stood in for by a real server, or by counts of minutes ago.
struct StatusTests {
    private let folder: TemporaryFolder
    private let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder("status")
    }

    private func site(_ configuration: String) async throws -> SiteParts {
        try writeText(configuration, to: folder.file("jaga.yaml"))
        let loaded = try LoadedSettings.load(file: folder.file("jaga.yaml"), discovered: "", at: clock.time)
        return try await SiteParts.build(
            dataFolder: folder.path, loaded: loaded, clock: clock.wall, processID: 1, logger: Logger(label: "test"))
    }

    private static let metricsPage = """
        import http.server, os
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(b"shop_orders_total 1\\n")
            def log_message(self, *words): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        print(server.server_address[1], os.getpid())
        server.serve_forever()
        """

    private func areas(_ parts: SiteParts) async throws -> [AreaStatus] {
        try await LiveSite(parts: parts).status().areas
    }

    @Test func `each scraped job has a row, and a target that is down is unknown`() async throws {
        let page = try LoopbackServer(Self.metricsPage)
        let parts = try await site(
            """
            scrape: [{name: simple, url: "http://127.0.0.1:1/metrics", interval: 1s}]
            scrape_configs:
              - job_name: copied
                scrape_interval: 1s
                static_configs: [{targets: ["127.0.0.1:\(page.port)", "127.0.0.1:2"]}]
              - job_name: found
                scrape_interval: 1s
                file_sd_configs: [{files: [targets.json]}]
              - job_name: sound
                scrape_interval: 1s
                static_configs: [{targets: ["127.0.0.1:\(page.port)"]}]
              - job_name: dropped
                static_configs: [{targets: ["127.0.0.1:1", "127.0.0.1:2"]}]
                relabel_configs: [{action: drop, source_labels: [__address__], regex: ".*"}]

            """)
        // Before the first scrape nothing is known.
        let early = try await areas(parts).filter { $0.kind == .application }
        #expect(early.map(\.name) == ["simple", "copied", "found", "sound", "dropped"])
        let running = Task { await parts.scrapes.run() }
        defer { running.cancel() }
        try await waitUntil("all targets are scraped") {
            let report = parts.scrapes.report
            return report.active.count == 4 && report.active.allSatisfy { $0.health != .unknown }
        }
        // A job that looks at nothing knows nothing. On a busy machine a scrape may be too late once.
        var rows: [AreaStatus] = []
        try await waitUntil("the page was scraped in time") {
            rows = try await areas(parts).filter { $0.kind == .application }
            return rows.map(\.verdict) == [.unknown, .unknown, .unknown, .ok, .unknown]
                && rows[0].reason.contains("refused")
        }
        #expect(rows[0].reason.hasPrefix("127.0.0.1:1: ") && rows[0].reason.contains("refused"), "\(rows[0])")
        #expect(rows[1].reason.hasPrefix("127.0.0.1:2: ") && !rows[1].reason.contains("more"), "\(rows[1])")
        #expect(rows[2].reason == "no target was found")
        #expect(rows[3].reason == "1 target up")
        #expect(rows[4].reason == "no target: the rules drop all that were found")
        #expect(try await LiveSite(parts: parts).status().verdict != .ok)
        page.terminate()
    }

    @Test func `the worst firing alert about a source stands in its row, also where labels were aggregated away`()
        async throws
    {
        try writeText(
            """
            groups:
              - name: own
                rules:
                  - {alert: Busy, expr: max(node_load1) > 0, labels: {severity: warning}, annotations: {summary: the host is busy}}
                  - {alert: Full, expr: max by (instance) (node_disk) > 0, labels: {severity: critical}, annotations: {summary: the host is full}}
                  - {alert: Slow, expr: pg_slow > 0, labels: {severity: critical}}
                  - {alert: Mixed, expr: max(node_load1) + max(pg_slow) > 0, labels: {severity: critical}}

            """, to: folder.file("own.yml"))
        let parts = try await site(
            """
            host: {interval: 1h}
            postgres: [{name: a, database: a, interval: 1h}, {name: b, database: b, interval: 1h}]
            rules: {shipped: false, files: [own.yml]}

            """)
        let host = try #require(parts.sources.snapshot.first { $0.name.hasPrefix("host/") }).labels
        let database = try #require(parts.sources.snapshot.first { $0.name == "postgres/b" }).labels
        func evaluate(load: Double, disk: Double, slow: Double) async throws -> [AreaStatus] {
            clock.advance(by: .seconds(60))
            var batch = SampleBatch(at: clock.time)
            for (name, labels, value) in [
                ("node_load1", host, load), ("node_disk", host, disk), ("pg_slow", database, slow),
            ] {
                batch.rows.append(.init(labels: labels.merging([Labels.metricName: name]), value: value))
            }
            _ = try await parts.series.append(batch)
            for group in await parts.rules.snapshot { try await parts.rules.evaluate(group.id, at: clock.time) }
            return try await areas(parts).filter { [.host, .postgres].contains($0.kind) }
        }
        let quiet = try await evaluate(load: 0, disk: 0, slow: 0)
        #expect(quiet.map(\.verdict) == [.unknown, .unknown, .unknown], "\(quiet)")
        let busy = try await evaluate(load: 1, disk: 0, slow: 0)
        #expect(busy.map(\.verdict) == [.warning, .unknown, .unknown], "\(busy)")
        #expect(busy[0].reason == "the host is busy")
        let full = try await evaluate(load: 1, disk: 1, slow: 1)
        #expect(full.map(\.verdict) == [.critical, .unknown, .critical], "\(full)")
        #expect(full[0].reason == "the host is full")
    }

    @Test func `an alert about a target that cannot be scraped says why`() async throws {
        try writeText(
            """
            groups:
              - name: own
                rules:
                  - {alert: Down, expr: 'up{job="shop"} == 0', labels: {severity: critical}, annotations: {summary: the shop is down}}

            """, to: folder.file("own.yml"))
        let parts = try await site(
            """
            rules: {shipped: false, files: [own.yml]}
            scrape: [{name: shop, url: "http://127.0.0.1:1/metrics", interval: 1s}]

            """)
        let running = Task { await parts.scrapes.run() }
        defer { running.cancel() }
        try await waitUntil("the target is scraped") {
            parts.scrapes.report.active.count == 1 && parts.scrapes.report.active.allSatisfy { $0.health == .down }
        }
        for group in await parts.rules.snapshot { try await parts.rules.evaluate(group.id, at: clock.time) }
        // On a busy machine a scrape may have been too late even to be refused.
        try await waitUntil("the row says why") {
            let row = try #require(try await areas(parts).first { $0.kind == .application })
            #expect(row.verdict == .critical)
            return row.reason.hasPrefix("127.0.0.1:1: the shop is down: ") && row.reason.contains("refused")
        }
    }

    @Test func `labels and series without times are found however old they are, names by their bytes`() async throws {
        let parts = try await site("rules: {shipped: false}\n")
        var batch = SampleBatch(at: clock.time)
        batch.add("old", ["caf\u{E9}": "1", "cafe\u{301}": "2"], 1)
        _ = try await parts.series.append(batch)
        let live = LiveSite(parts: parts)
        guard
            case .vector(let samples) = try await live.query("old", at: clock.time, timeLimit: .seconds(9)).result
        else {
            Issue.record("no vector")
            return
        }
        #expect(samples.map(\.labels.pairs.count) == [3])
        clock.advance(by: .seconds(3 * 86_400))
        let open = SeriesFilter(selectors: ["old"], from: .distantPast, through: .distantFuture)
        #expect(try await live.series(open).map(\.pairs.count) == [3])
        #expect(try await live.labelNames(open).count == 3)
        #expect(try await live.labelValues("caf\u{E9}", open) == ["1"])
        #expect(try await live.exemplars("old", from: open.from, through: open.through).parts == [Array("[]".utf8)])
    }

    @Test func `labels of targets are told apart by their bytes`() async throws {
        let parts = try await site(
            """
            rules: {shipped: false}
            scrape_configs:
              - job_name: "caf\u{E9}"
                static_configs: [{targets: ["127.0.0.1:9"]}]
                relabel_configs:
                  - {target_label: "caf\u{E9}", replacement: "1"}
                  - {target_label: "cafe\u{301}", replacement: "2"}

            """)
        let running = Task { await parts.scrapes.run() }
        defer { running.cancel() }
        try await waitUntil("the target was found") { !parts.scrapes.report.active.isEmpty }
        let live = LiveSite(parts: parts)
        let found = try await live.targets(state: "active", pool: "caf\u{E9}")
        let labels = Array("\"cafe\u{301}\":\"2\",\"caf\u{E9}\":\"1\",\"instance\":\"127.0.0.1:9\"".utf8)
        #expect(Array(found.utf8).firstRange(of: labels) != nil, "\(found)")
        #expect(found.contains("\"scrapeUrl\":\"http://127.0.0.1:9/metrics\""), "\(found)")
        #expect(
            try await JSONValue(parsing: live.targets(state: "any", pool: "cafe\u{301}"))["activeTargets"] == .array([])
        )
    }

    @Test func `one's own rules come before the shipped ones, and each is known for what it is`() async throws {
        try writeText("groups: [{name: own, rules: [{alert: A, expr: up}]}]\n", to: folder.file("rules.yml"))
        let groups = try await LiveSite(parts: site("site: shop\nrules: {files: [rules.yml]}\n")).ruleGroups()
        #expect(groups.map(\.isShipped) == [false] + groups.dropFirst().map { _ in true })
        #expect(groups.first?.name == "own" && groups.count > 3)
    }

    @Test func `files of the head that cannot be written are a warning`() async throws {
        try RealFiles().createFolders(folder.file("series"))
        try writeText("in the way", to: folder.file("series/head"))
        let parts = try await site("rules: {shipped: false}\n")
        for step in 0..<60 as Range<Int64> {
            var batch = SampleBatch(at: clock.time + .seconds(step))
            for number in 0..<80 { batch.add("m", ["n": "\(number)"], Double(step)) }
            _ = try await parts.series.append(batch)
        }
        let row = try #require(try await areas(parts).last { $0.kind == .jaga })
        #expect(row.verdict == .warning && row.reason.contains("the next start will take longer"), "\(row)")
        #expect(row.reason.contains(folder.file("series/head")), "\(row)")
    }

    @Test func `a store that takes no sample it is given is critical`() async throws {
        let parts = try await site("rules: {shipped: false}\n")
        func append(at time: Timestamp) async throws {
            var batch = SampleBatch(at: time)
            for number in 0..<100 { batch.add("m", ["n": "\(number)"], 1) }
            _ = try await parts.series.append(batch)
        }
        func own() async throws -> AreaStatus { try #require(try await areas(parts).last { $0.kind == .jaga }) }
        try await append(at: clock.time)
        // As the reader of Jaga's own counts would have noted three minutes ago.
        let before = SuspendingClock.now - .seconds(180)
        parts.storage.withLock { $0.note(parts.series.stats.counts, at: before) }
        try await append(at: clock.time + .seconds(15))
        #expect(try await own().verdict == .ok)

        // The clock is set back by a day: everything is older than what is there.
        parts.storage.withLock { watch in
            watch = StorageWatch()
            watch.note(parts.series.stats.counts, at: before)
        }
        try await append(at: clock.time - .seconds(86_400))
        let row = try await own()
        #expect(row.verdict == .critical, "\(row)")
        #expect(row.reason.hasPrefix("0 of 100 samples of the last 3m") && row.reason.contains("clock"), "\(row)")
        #expect(try await LiveSite(parts: parts).status().verdict == .critical)
    }

    @Test func `damage that the start found is told until the next start`() async throws {
        try RealFiles().createFolders(folder.file("series/wal"))
        try writeText(String(repeating: "no segment ", count: 9), to: folder.file("series/wal/00000001.wal"))
        let parts = try await site("rules: {shipped: false}\n")
        let row = try #require(try await areas(parts).last { $0.kind == .jaga })
        #expect(row.verdict == .warning, "\(row)")
        #expect(
            row.reason.hasPrefix("stored samples are damaged: ") && row.reason.contains("00000001.wal"), "\(row)")
    }

    @Test func `damage that a query meets is told from then on, by status and by metric`() async throws {
        let parts = try await site("rules: {shipped: false}\n")
        let store = parts.series
        let start = clock.wall.now - .seconds(24 * 3600)
        for step in 0..<100 as Range<Int64> {
            var batch = SampleBatch(at: start + .seconds(step * 15))
            batch.add("shop_orders_total", [:], Double(step))
            try await store.append(batch)
        }
        try await store.maintain(at: clock.wall.now)
        let blocks = folder.file("series/blocks")
        let block = "\(blocks)/\(try #require(try RealFiles().list(blocks).first))"
        var bytes = try RealFiles().contents(of: block)
        bytes[20] ^= 1
        try RealFiles().replace(block, with: bytes)
        func problems() async throws -> Double? {
            let own = try #require(ownSources(parts).first { $0.source.name == "jaga/process" })
            return try await own.source.read(at: clock.wall.now).rows
                .first { $0.labels.name == "jaga_series_problems" }?.value
        }
        #expect(try await problems() == 0)
        #expect(try await areas(parts).last { $0.kind == .jaga }?.reason.contains("damaged") == false)
        await #expect(throws: StoreError.self) {
            _ = try await parts.reading.select([], from: start, through: clock.wall.now)
        }
        let row = try #require(try await areas(parts).last { $0.kind == .jaga })
        #expect(row.verdict == .warning && row.reason.contains("'\(block)' is damaged at byte 16"), "\(row)")
        #expect(try await problems() == 1)
    }

    @Test func `a source without a row of its own is told when it cannot be read`() async throws {
        let parts = try await site(
            "host: {interval: 1h}\nnginx: [{name: main, access_log: \"\(folder.file("none.log"))\", interval: 1s}]\n")
        let running = Task { await parts.sources.run() }
        defer { running.cancel() }
        try await waitUntil("the log was looked for") {
            parts.sources.snapshot.contains { $0.name == "nginx-log/main" && $0.isUp == false }
        }
        let row = try #require(try await areas(parts).last { $0.kind == .jaga })
        #expect(row.verdict == .unknown && row.reason.contains("nginx-log/main: "), "\(row)")
    }
}

/// Goal: a standstill of the store is told from a slow start and from a target that repeats itself. Method: counts of a real store
/// at instants that the test names.
struct StorageWatchTests {
    private let start = SuspendingClock.now

    private func counts(stored: Int, refused: Int) async throws -> StoreCounts {
        let store = try TimeSeriesStore.open(folder: "/series", files: MemoryFiles())
        let time = Timestamp(secondsSinceEpoch: 1_800_000_000)
        for (count, time) in [(max(stored, refused), time), (refused, time - .seconds(86_400))] {
            var batch = SampleBatch(at: time)
            for number in 0..<count { batch.add("m", ["n": "\(number)"], 1) }
            _ = try await store.append(batch)
        }
        return store.stats.counts
    }

    @Test func `it says nothing before two minutes, and then by what was stored of what came`() async throws {
        let none = try await counts(stored: 0, refused: 0)
        var watch = StorageWatch()
        watch.note(none, at: start)
        #expect(watch.finding(none, at: start + .seconds(119)) == nil)
        let idle = watch.finding(none, at: start + .seconds(120))
        #expect(idle?.reason == .nothingCame && idle?.isStandstill == true)
        let some = try await counts(stored: 100, refused: 100)
        let half = watch.finding(some, at: start + .seconds(120))
        #expect(half?.reason == .outOfOrder && half?.isStandstill == false && half?.refused == 100)
        #expect(watch.finding(try await counts(stored: 100, refused: 20), at: start + .seconds(120)) == nil)
    }

    @Test func `old notes go, so that a trouble of yesterday is over today`() async throws {
        let before = try await counts(stored: 100, refused: 100)
        var watch = StorageWatch()
        watch.note(try await counts(stored: 0, refused: 0), at: start)
        for second in stride(from: 10, through: 600, by: 10) { watch.note(before, at: start + .seconds(second)) }
        let after = try await counts(stored: 200, refused: 100)
        #expect(watch.finding(after, at: start + .seconds(610)) == nil)
    }
}
