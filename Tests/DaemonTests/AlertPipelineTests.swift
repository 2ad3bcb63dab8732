import Events
import JSONCoding
import Ledger
import Logging
import Rules
import Series
import Synchronization
import TestSupport
import Testing
import TimeSeriesStore
import Units

@testable import Daemon

/// From an open alert to a queued message, over the stores as they are on disk and under a clock that the test moves. A crash
/// is a site that is let go of without being ended, and made again from the same folder.
struct AlertPipelineTests {
    private let folder: TemporaryFolder
    private let clock = ManualClock()

    init() throws {
        folder = try TemporaryFolder("pipeline")
        try writeText(
            """
            host: {interval: 1h}
            rules: {files: [rules.yml], shipped: false, interval: 15s}
            alerting: {route: {group_wait: 10s, group_interval: 1m, repeat_interval: 4h}}
            receivers: {ops: {webhook: [{url: "http://127.0.0.1:1/"}]}}

            """, to: folder.file("jaga.yaml"))
        try writeText(
            "groups: [{name: g, rules: [{alert: Gone, expr: pg_up == 0, labels: {severity: critical}}]}]\n",
            to: folder.file("rules.yml"))
    }

    private func site() async throws -> SiteParts {
        let loaded = try LoadedSettings.load(file: folder.file("jaga.yaml"), discovered: "", at: clock.time)
        return try await SiteParts.build(
            dataFolder: folder.path, loaded: loaded, clock: clock.wall, processID: 1, logger: Logger(label: "test"))
    }

    /// Stores whether the database is there, and evaluates the rules.
    private func observe(up: Bool, _ parts: SiteParts) async throws {
        var batch = SampleBatch(at: clock.time)
        batch.add("pg_up", ["instance": "shop"], up ? 1 : 0)
        _ = try await parts.series.append(batch)
        for group in parts.loaded.withLock({ $0.groups }) {
            _ = try await parts.rules.evaluate(group.id, at: clock.time)
        }
    }

    private func queued(_ parts: SiteParts) async throws -> [JSONValue] {
        var filter = EntryFilter()
        filter.kindPrefix = EventKind.notificationQueued.rawValue
        filter.order = .oldestFirst
        return try await parts.ledger.reader.entries(matching: filter).map(\.event.payload)
    }

    private func steps(_ count: Int, of span: Duration, _ parts: SiteParts) async {
        for _ in 0..<count {
            clock.advance(by: span)
            await parts.alerts.step()
        }
    }

    @Test func `an alert is queued once however often the pipeline looks`() async throws {
        let parts = try await site()
        try await observe(up: false, parts)
        await parts.alerts.step()
        #expect(try await queued(parts).isEmpty, "before the group's wait is over")
        await steps(30, of: .seconds(10), parts)
        #expect(try await queued(parts).map { $0["status"]?.stringValue } == ["firing"])
    }

    @Test func `a crash before the message is in the ledger queues it once after the restart`() async throws {
        let before = try await site()
        try await observe(up: false, before)
        // The alert is in the ledger, the pipeline has seen it and waits: then the program is gone.
        await before.alerts.step()
        let after = try await site()
        try await after.alerts.restore()
        try await observe(up: false, after)
        await steps(30, of: .seconds(10), after)
        #expect(try await queued(after).map { $0["status"]?.stringValue } == ["firing"])
    }

    @Test func `a crash after the message is in the ledger queues it no second time, and the end once`() async throws {
        let before = try await site()
        try await observe(up: false, before)
        await steps(2, of: .seconds(10), before)
        let first = try await queued(before)
        #expect(first.count == 1)
        let after = try await site()
        try await after.alerts.restore()
        try await observe(up: false, after)
        await steps(10, of: .seconds(10), after)
        #expect(try await queued(after) == first, "announced again after a restart")
        try await observe(up: true, after)
        await steps(30, of: .seconds(10), after)
        let all = try await queued(after)
        #expect(all.map { $0["status"]?.stringValue } == ["firing", "resolved"])
        // And a crash after that adds nothing either.
        let last = try await site()
        try await last.alerts.restore()
        try await observe(up: true, last)
        await steps(30, of: .seconds(10), last)
        #expect(try await queued(last) == all)
    }

    @Test func `an alert that ended while the program was down is told to have ended`() async throws {
        let before = try await site()
        try await observe(up: false, before)
        await steps(2, of: .seconds(10), before)
        clock.advance(by: .seconds(600))
        let after = try await site()
        try await after.alerts.restore()
        // The first evaluation after so long only settles; the alert ends with the ones that follow.
        for _ in 0..<4 {
            try await observe(up: true, after)
            await steps(1, of: .seconds(15), after)
        }
        await steps(10, of: .seconds(10), after)
        let all = try await queued(after)
        #expect(all.map { $0["status"]?.stringValue } == ["firing", "resolved"])
    }
}
