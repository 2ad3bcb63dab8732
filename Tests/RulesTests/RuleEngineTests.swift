import Diagnostics
import Events
import JSONCoding
import Ledger
import Logging
import PromQL
@testable import Rules
import Series
import StateStore
import TestSupport
import Testing
import Units

/// Goal: rules are judged, told once, and survive restarts, faults and clocks. Method: the engine over series in memory,
/// driven evaluation by evaluation; where the ledger matters it is the real one.
@Suite struct RuleEngineTests {
    static func group(_ rules: Rule..., name: String = "g", interval: Duration? = .seconds(15)) -> RuleGroup {
        RuleGroup(name: name, file: "f.yml", interval: interval, rules: rules)
    }

    static func down(hold: Int = 60) throws -> Rule {
        try Rule(
            .alerting, "Down", "up == 0", hold: .seconds(hold), labels: ["severity": "critical"],
            annotations: ["summary": "{{ $labels.instance }} is at {{ $value }}"])
    }

    let series = MemorySeries()
    let events = RecordingEvents()

    func engine(
        _ groups: [RuleGroup], restored: [RestoredAlert] = [], events other: (any EventRecording)? = nil
    ) -> RuleEngine {
        RuleEngine(
            groups: groups, defaultInterval: .seconds(15), queries: QueryEngine(series), series: series,
            history: series, events: other ?? events, templates: SimpleTemplates(), restored: restored,
            clock: ContinuousClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func at(_ seconds: Int) -> Timestamp { newYear + .seconds(seconds) }

    /// Evaluates from `first` to `last` in steps of 15 s, with `up` as given.
    func step(_ engine: RuleEngine, from first: Int, through last: Int, up: Double) async throws {
        for second in stride(from: first, through: last, by: 15) {
            try series.put("up{instance=\"a:1\"}", up, at: at(second))
            try await engine.evaluate("f.yml;g", at: at(second))
        }
    }

    /// The value of a selector at a time; nil where there is none.
    func value(_ query: String, at second: Int) async throws -> Double? {
        try await QueryEngine(series).instant(query, at: at(second)).samples?.first?.value
    }

    @Test func `an alert's way is recorded with labels, texts and times`() async throws {
        let engine = engine([try Self.group(Self.down())])
        try await step(engine, from: 0, through: 45, up: 1)
        #expect(events.events.isEmpty)
        try await step(engine, from: 60, through: 120, up: 0)
        try await step(engine, from: 135, through: 150, up: 1)
        #expect(events.kinds == [.alertPending, .alertFired, .alertResolved])
        let fired = try #require(events.events(.alertFired).first)
        #expect(fired.subject == "alert/Down")
        #expect(fired.actor == Actor(.rule, "Down"))
        #expect(fired.time == at(120))
        #expect(fired.payload["activeAt"]?.intValue == at(60).millisecondsSinceEpoch)
        #expect(fired.payload["value"]?.stringValue == "0")
        #expect(fired.payload["labels"]?["severity"]?.stringValue == "critical")
        #expect(fired.payload["labels"]?["alertname"]?.stringValue == "Down")
        #expect(fired.payload["annotations"]?["summary"]?.stringValue == "a:1 is at 0")
    }

    @Test func `open alerts are series that end with them`() async throws {
        let engine = engine([try Self.group(Self.down())])
        try await step(engine, from: 0, through: 45, up: 1)
        try await step(engine, from: 60, through: 75, up: 0)
        #expect(try await value("ALERTS{alertstate=\"pending\"}", at: 75) == 1)
        #expect(try await value("ALERTS_FOR_STATE", at: 75) == at(60).secondsSinceEpoch)
        try await step(engine, from: 90, through: 120, up: 0)
        #expect(try await value("ALERTS{alertstate=\"pending\"}", at: 120) == nil)
        #expect(try await value("ALERTS{alertstate=\"firing\",alertname=\"Down\"}", at: 120) == 1)
        try await step(engine, from: 135, through: 135, up: 1)
        #expect(try await value("ALERTS", at: 135) == nil)
        #expect(try await value("prometheus_rule_evaluations_total", at: 135) == 10)
    }

    @Test func `a rule that fails is unknown, keeps its alerts and is told once`() async throws {
        let engine = engine([try Self.group(Self.down(hold: 0))])
        try await step(engine, from: 0, through: 45, up: 1)
        try await step(engine, from: 60, through: 60, up: 0)
        series.breakReads(true)
        try await step(engine, from: 75, through: 105, up: 0)
        #expect(events.kinds == [.alertFired, .ruleFailed])
        let status = try #require(await engine.snapshot.first?.rules.first)
        #expect(status.health == .failed)
        #expect(status.lastError?.contains("reading series failed") == true)
        #expect(status.state == "firing")
        series.breakReads(false)
        try await step(engine, from: 120, through: 120, up: 0)
        #expect(await engine.snapshot.first?.rules.first?.health == .ok)
        #expect(events.kinds == [.alertFired, .ruleFailed])
        #expect(try await value("prometheus_rule_evaluation_failures_total", at: 120) == 3)
    }

    @Test func `durations are summaries of the last ten minutes`() async throws {
        let engine = engine([try Self.group(Self.down())])
        try await step(engine, from: 0, through: 60, up: 1)
        func values(at seconds: Int) async -> [String: Double] {
            let rows = await engine.durations(at: at(seconds)).rows
            return Dictionary(
                uniqueKeysWithValues: rows.map { ($0.labels.name + ($0.labels["quantile"] ?? ""), $0.value) })
        }
        let now = await values(at: 60)
        #expect(now["prometheus_rule_evaluation_duration_seconds_count"] == 5)
        #expect(now["prometheus_rule_group_duration_seconds_count"] == 5)
        let median = try #require(now["prometheus_rule_evaluation_duration_seconds0.5"])
        let sum = try #require(now["prometheus_rule_evaluation_duration_seconds_sum"])
        #expect(median > 0 && median <= sum && now.count == 3 + 5 + 4)
        #expect(try #require(now["prometheus_rule_group_duration_seconds0.99"]) >= median)
        let later = await values(at: 700)
        #expect(later["prometheus_rule_evaluation_duration_seconds0.5"]?.isNaN == true)
        #expect(later["prometheus_rule_evaluation_duration_seconds_sum"] == sum)
        let group = await engine.groupSeries(at: at(60))
        #expect(group.rows.first { $0.labels.name == "prometheus_rule_evaluations_total" }?.value == 5)
        #expect(group.rows.allSatisfy { group.metadata[$0.labels.name] != nil })
    }

    @Test func `a reload may change how often groups without an interval are evaluated`() async throws {
        let group = RuleGroup(name: "g", file: "f.yml", rules: [try Self.down()])
        let engine = engine([group])
        await engine.replace(groups: [group], defaultInterval: .seconds(7))
        #expect(await engine.snapshot.first?.interval == .seconds(7))
    }

    @Test func `what could not be recorded is found again`() async throws {
        let engine = engine([try Self.group(Self.down(hold: 0))])
        try await step(engine, from: 0, through: 45, up: 1)
        events.failRecords(with: MemorySeries.Broken())
        await #expect(throws: MemorySeries.Broken.self) { try await step(engine, from: 60, through: 60, up: 0) }
        #expect(await engine.activeAlerts.isEmpty)
        events.failRecords(with: nil)
        try await step(engine, from: 75, through: 75, up: 0)
        #expect(events.kinds == [.alertFired])
    }

    @Test func `a recording rule's series can be asked for by the next rule`() async throws {
        let record = try Rule(.recording, "site:up:sum", "sum(up)", labels: ["team": "ops"])
        let alert = try Rule(.alerting, "None", "site:up:sum{team=\"ops\"} == 0")
        let engine = engine([Self.group(record, alert)])
        try await step(engine, from: 0, through: 0, up: 0)
        #expect(try await value("site:up:sum", at: 0) == 0)
        #expect(events.kinds == [.alertFired])
    }

    @Test func `two elements that become one alert fail the rule`() async throws {
        let rule = try Rule(.alerting, "A", "x", labels: ["instance": "same"])
        let engine = engine([Self.group(rule)])
        try series.put("x{instance=\"a\"}", 1, at: at(0))
        try series.put("x{instance=\"b\"}", 1, at: at(0))
        try await engine.evaluate("f.yml;g", at: at(0))
        #expect(
            await engine.snapshot.first?.rules.first?.lastError
                == "vector contains metrics with the same labelset after applying alert labels")
    }

    @Test(arguments: [(Rule.Kind.alerting, "alerts"), (.recording, "series")])
    func `a group's limit is told in the reference's words`(kind: Rule.Kind, word: String) async throws {
        let group = RuleGroup(
            name: "g", file: "f.yml", interval: .seconds(15), limit: 1, rules: [try Rule(kind, "a", "x")])
        let engine = engine([group])
        try series.put("x{instance=\"a\"}", 1, at: at(0))
        try await engine.evaluate("f.yml;g", at: at(0))
        #expect(await engine.snapshot.first?.rules.first?.lastError == nil)
        try series.put("x{instance=\"b\"}", 1, at: at(0))
        try await engine.evaluate("f.yml;g", at: at(0))
        #expect(await engine.snapshot.first?.rules.first?.lastError == "exceeded limit of 1 with 2 \(word)")
    }

    @Test func `a restart neither loses nor repeats an alert`() async throws {
        let folder = try TemporaryFolder("rules")
        defer { folder.remove() }
        let store = try StateStore.open(at: folder.file("jaga.db"))
        let ledger = try Ledger.open(store: store, projections: [AlertStateProjection()])
        let rules = [try Self.group(Self.down(hold: 60), Rule(.alerting, "Now", "up == 0"))]
        let first = engine(rules, events: ledger)
        try await step(first, from: 0, through: 30, up: 1)
        try await step(first, from: 45, through: 60, up: 0)
        let size = ledger.head.size
        #expect(size == 2)

        let restored = try await AlertStateProjection.open(in: store)
        #expect(restored.map(\.alert.state) == [.pending, .firing])
        #expect(restored.map(\.alert.activeAt) == [at(45), at(45)])
        let second = engine(rules, restored: restored, events: ledger)
        // The first evaluation comes before any source has been read again.
        try await second.evaluate("f.yml;g", at: at(600))
        #expect(ledger.head.size == size)
        try await step(second, from: 615, through: 630, up: 0)
        // What was firing is not told again, and of the hold time a quarter had passed before the program was away.
        #expect(ledger.head.size == size)
        try await step(second, from: 645, through: 645, up: 0)
        #expect(ledger.head.size == size + 1)
        try await step(second, from: 660, through: 675, up: 1)
        #expect(ledger.head.size == size + 3)
        #expect(try await AlertStateProjection.open(in: store).isEmpty)
        try ledger.rebuildProjections()
        #expect(try await AlertStateProjection.open(in: store).isEmpty)
    }

    @Test func `a hold time that begins anew knows when the condition was first seen, also after a second restart`()
        async throws
    {
        let folder = try TemporaryFolder("rules")
        defer { folder.remove() }
        let store = try StateStore.open(at: folder.file("jaga.db"))
        let ledger = try Ledger.open(store: store, projections: [AlertStateProjection()])
        let rules = [try Self.group(Self.down(hold: 1800))]
        try await step(engine(rules, events: ledger), from: 0, through: 600, up: 0)
        // Nobody looks for two hours: as in the reference, those before do not count.
        var alert: ActiveAlert?
        for start in [7800, 8400] {
            let engine = engine(rules, restored: try await AlertStateProjection.open(in: store), events: ledger)
            try await step(engine, from: start, through: start + 60, up: 0)
            alert = await engine.activeAlerts.first
            #expect(alert?.state == .pending && alert?.since == at(0), "\(String(describing: alert))")
            if start == 7800 { #expect(alert?.activeAt == at(7800)) }
        }
        // The second time away was short: it moves the begin by as much as it took.
        let activeAt = try #require(alert?.activeAt)
        #expect(activeAt == at(7800 + 8400 - 7860))
        let last = engine(rules, restored: try await AlertStateProjection.open(in: store), events: ledger)
        try await step(last, from: 8475, through: 8475 + 1815, up: 0)
        #expect(await last.activeAlerts.map(\.state) == [.firing])
        let stored = try await AlertStateProjection.open(in: store)
        #expect(stored.map(\.alert.since) == [at(0)] && stored.allSatisfy { $0.alert.activeAt > activeAt })
    }

    @Test func `alerts of a removed rule end, those of a kept one go on`() async throws {
        let other = try Rule(.alerting, "Other", "up == 0")
        let engine = engine([try Self.group(Self.down(hold: 0), other)])
        try await step(engine, from: 0, through: 0, up: 0)
        await engine.replace(groups: [try Self.group(Self.down(hold: 0))])
        try await step(engine, from: 15, through: 60, up: 0)
        #expect(events.kinds == [.alertFired, .alertFired, .alertResolved])
        let ended = try #require(events.events(.alertResolved).first)
        #expect(ended.subject == "alert/Other")
        #expect(ended.payload["reason"]?.stringValue == "the rule was removed")
        #expect(await engine.activeAlerts.map { $0.labels["alertname"] } == ["Down"])
    }

    @Test func `series of a removed rule and of a removed group end`() async throws {
        let record = try Rule(.recording, "site:up:sum", "sum(up)")
        let engine = engine([Self.group(record), Self.group(record, name: "h")])
        try series.put("up{instance=\"a\"}", 1, at: at(0))
        try await engine.evaluate("f.yml;g", at: at(0))
        #expect(try await value("site:up:sum", at: 0) == 1)
        let other = try Rule(.recording, "site:up:count", "count(up)")
        await engine.replace(groups: [Self.group(other)])
        try await engine.evaluate("f.yml;g", at: at(15))
        #expect(try await value("site:up:sum", at: 15) == nil)
        #expect(try await value("site:up:count", at: 15) == 1)
        #expect(try await value("prometheus_rule_group_rules{rule_group=\"f.yml;h\"}", at: 15) == nil)
        #expect(try await value("prometheus_rule_group_rules{rule_group=\"f.yml;g\"}", at: 15) == 1)
    }

    @Test func `a rule sees the alerts of the rule before it`() async throws {
        let first = try Rule(.alerting, "First", "up == 0")
        let second = try Rule(.alerting, "Second", "ALERTS{alertname=\"First\",alertstate=\"firing\"}")
        let engine = engine([Self.group(first, second)])
        try await step(engine, from: 0, through: 0, up: 0)
        #expect(events.events(.alertFired).map(\.subject) == ["alert/First", "alert/Second"])
    }

    @Test func `alerts that only the series know are taken up where their hold time stood`() async throws {
        let rule = try Rule(.alerting, "Slow", "up == 0", hold: .seconds(3600))
        for second in stride(from: 0, through: 1800, by: 60) {
            try series.put(
                "ALERTS_FOR_STATE{alertname=\"Slow\",instance=\"a:1\"}", at(0).secondsSinceEpoch, at: at(second))
        }
        let engine = engine([Self.group(rule)])
        try await step(engine, from: 2100, through: 2115, up: 0)
        // Five minutes nobody looked: those do not count.
        #expect(await engine.activeAlerts.map(\.activeAt) == [at(300)])
    }

    @Test func `a hold time that ended before the stop is not taken up`() async throws {
        let rule = try Rule(.alerting, "Slow", "up == 0", hold: .seconds(3600))
        try series.put(
            "ALERTS_FOR_STATE{alertname=\"Slow\",instance=\"a:1\"}", at(0).secondsSinceEpoch, at: at(0))
        try series.put("ALERTS_FOR_STATE{alertname=\"Slow\",instance=\"a:1\"}", staleMarker, at: at(60))
        let engine = engine([Self.group(rule)])
        try await step(engine, from: 120, through: 120, up: 0)
        #expect(await engine.activeAlerts.map(\.activeAt) == [at(120)])
    }

    @Test(
        arguments: [
            // hold, held before the stop, away: when the condition counts as begun, from the return
            (60, 15, 540, -15), (60, 60, 540, -600), (3600, 1800, 300, -1800), (3600, 3300, 600, -3000),
            (3600, 3600, 600, -4200), (7200, 100, 3700, 0), (600, 300, 60, 0),
        ])
    func `a hold time goes on as the reference lets it`(hold: Int, held: Int, away: Int, expected: Int) {
        let activeAt = HoldRestoration.activeAt(
            since: at(-held - away), lastSeen: at(-away), hold: .seconds(hold), now: at(0))
        #expect(activeAt == at(expected))
    }

    @Test func `a clock that goes back changes no alert`() async throws {
        let engine = engine([try Self.group(Self.down(hold: 0))])
        try await step(engine, from: 0, through: 45, up: 1)
        try await step(engine, from: 60, through: 60, up: 0)
        // At the old time the service was up.
        let outcome = try await engine.evaluate("f.yml;g", at: at(30))
        #expect(outcome?.wasSkipped == true)
        #expect(events.kinds == [.alertFired])
        #expect(await engine.snapshot.first?.note?.contains("30s before the last evaluation") == true)
        try await step(engine, from: 75, through: 75, up: 0)
        #expect(events.kinds == [.alertFired])
        #expect(await engine.snapshot.first?.note == nil)
    }

    @Test func `the loop evaluates each group at its own interval`() async throws {
        let clock = ManualClock()
        let quick = RuleGroup(name: "quick", file: "f", interval: .seconds(5), rules: [try Rule(.alerting, "A", "x")])
        let slow = RuleGroup(name: "slow", file: "f", interval: .seconds(20), rules: [try Rule(.alerting, "A", "x")])
        let engine = engine([quick, slow])
        let task = Task { await engine.run(clock: clock, wall: clock.wall) }
        let start = clock.time
        /// The last place of a group that has passed.
        func place(_ group: RuleGroup) -> Timestamp {
            let last = Timetable.slot(after: clock.time, group.id, group.interval!) - group.interval!
            return max(start, last)
        }
        while clock.time < start + .seconds(45) {
            try await waitUntil {
                await engine.snapshot.map(\.lastEvaluation) == [place(quick), place(slow)]
            }
            try await clock.advanceToNextSleeper()
        }
        try await waitUntil { await engine.snapshot.map(\.lastEvaluation) == [place(quick), place(slow)] }
        task.cancel()
        await task.value
        #expect(await engine.snapshot.map(\.missedEvaluations) == [0, 0])
    }
}
