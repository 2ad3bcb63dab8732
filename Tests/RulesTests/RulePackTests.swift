import Events
import JSONCoding
import Logging
import PromQL
import Rules
import Series
import TestSupport
import Testing
import Units

/// A series over time: a selector, and its value at each minute (nil: no sample).
struct Course: Sendable {
    var selector: String
    var value: @Sendable (_ minute: Double) -> Double?

    init(_ selector: String, _ value: @escaping @Sendable (Double) -> Double?) {
        self.selector = selector
        self.value = value
    }

    init(_ selector: String, _ value: Double) { self.init(selector) { _ in value } }
}

/// Goal: every shipped rule fires on what it is there for, and on nothing else. Method: for each rule a course of series on
/// which it must fire and one or more on which it must not, run through the real engine minute by minute; a list of the
/// rules without such a case must stay empty.
@Suite struct RulePackTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var pack: RulePack
        var alert: String
        var severity: String
        var minutes = 20
        var bad: [Course]
        var good: [[Course]]
        var testDescription: String { "\(pack) \(alert) \(severity)" }
    }

    @Test(arguments: packCases) func `a packed rule fires on the bad course and is silent on the good ones`(
        _ example: Case
    ) async throws {
        let wanted = "\(example.alert)/\(example.severity)"
        let fired = try await fired(example.pack, example.bad, example.minutes)
        #expect(fired.contains(wanted), "fired \(fired)")
        for (index, good) in example.good.enumerated() {
            let fired = try await self.fired(example.pack, good, example.minutes)
            #expect(!fired.contains(wanted), "good course \(index) fired \(fired)")
        }
    }

    @Test func `every packed rule has a case`() throws {
        let covered = Set(packCases.map { "\($0.pack)/\($0.alert)/\($0.severity)" })
        for pack in RulePack.allCases {
            for rule in try pack.groups(templates: SimpleTemplates()).flatMap(\.rules) {
                let severity = try #require(rule.labels["severity"])
                #expect(["info", "warning", "high", "critical"].contains(severity))
                #expect(covered.contains("\(pack)/\(rule.name)/\(severity)"), "no case")
                #expect(rule.annotations["summary"]?.isEmpty == false)
                #expect(rule.annotations["description"]?.isEmpty == false)
            }
        }
    }

    @Test(arguments: RulePack.allCases) func `a pack is silent where none of its series exist`(_ pack: RulePack)
        async throws
    {
        #expect(try await fired(pack, [], 20) == [])
        #expect(try pack.groups(templates: SimpleTemplates()).allSatisfy { $0.interval == nil })
    }

    @Test func `the names and severities of a pack's rules are told apart`() throws {
        for pack in RulePack.allCases {
            let names = try pack.groups(templates: SimpleTemplates()).flatMap(\.rules)
                .map { "\($0.name)/\($0.labels["severity"] ?? "")" }
            #expect(Set(names).count == names.count)
        }
    }

    @Test func `a slow stretch that is over does not keep its alert firing`() async throws {
        let events = try await events(.nginx, slow(60, above: 0.5, until: 20), 40)
        let told = events.filter { $0.subject == "alert/HighResponseTime" }
        #expect(told.map(\.kind) == [.alertPending, .alertFired, .alertResolved])
        #expect(try #require(told.last).time <= newYear + .seconds(60 * 25))
    }

    /// `alert/severity` of all that fired.
    private func fired(_ pack: RulePack, _ courses: [Course], _ minutes: Int) async throws -> Set<String> {
        Set(
            try await events(pack, courses, minutes).filter { $0.kind == .alertFired }.map { event in
                let labels = event.payload["labels"]
                return "\(labels?["alertname"]?.stringValue ?? "")/\(labels?["severity"]?.stringValue ?? "")"
            })
    }

    private func events(_ pack: RulePack, _ courses: [Course], _ minutes: Int) async throws -> [Event] {
        let series = MemorySeries()
        let events = RecordingEvents()
        let groups = try pack.groups(templates: SimpleTemplates())
        let engine = RuleEngine(
            groups: groups, defaultInterval: .seconds(60), queries: QueryEngine(series), series: series, events: events,
            templates: SimpleTemplates(), clock: ContinuousClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        for minute in 0...minutes {
            let time = newYear + .seconds(60 * minute)
            for course in courses {
                if let value = course.value(Double(minute)) { try series.put(course.selector, value, at: time) }
            }
            for group in groups { try await engine.evaluate(group.id, at: time) }
        }
        for status in await engine.snapshot.flatMap(\.rules) {
            #expect(status.health == .ok, "\(status.lastError ?? "")")
        }
        return events.events
    }
}
