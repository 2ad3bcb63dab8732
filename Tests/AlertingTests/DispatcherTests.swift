import Alerting
import JSONCoding
import Series
import Testing
import Units

private let start = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)

private func at(_ seconds: Int) -> Timestamp { start + .seconds(seconds) }

private func alert(_ name: String, _ host: String = "a", from begin: Int = 0, to end: Int? = nil) -> Alert {
    Alert(
        labels: ["alertname": name, "site": "kedai", "host": host], annotations: ["summary": "\(name) on \(host)"],
        startsAt: at(begin), endsAt: end.map(at))
}

/// `firing a b* c`: names of hosts, those that ended with a star.
private func told(_ requests: [NotificationRequest]) -> [String] {
    requests.map { request in
        let hosts = request.alerts.map { ($0.labels["host"] ?? "") + ($0.status == .resolved ? "*" : "") }.sorted()
        return "\(request.status.rawValue) \(hosts.joined(separator: " "))"
    }
}

/// Goal: nobody is told twice, nobody misses an end, and a restart changes nothing.
/// Method: the state machine alone, with times written down; a year of flapping alerts with a seeded generator against the
/// promises in words.
@Suite struct DispatcherTests {
    var dispatcher = Dispatcher(tree: RoutingTree(receiver: "team"))

    @Test mutating func `alerts of a group share the first message after the wait`() throws {
        dispatcher.observe([alert("Down", "a")], at: at(0))
        dispatcher.observe([alert("Down", "b", from: 3)], at: at(3))
        #expect(dispatcher.nextDeadline == at(10))
        #expect(dispatcher.advance(to: at(9)).isEmpty)
        let requests = dispatcher.advance(to: at(10))
        #expect(told(requests) == ["firing a b"])
        let request = try #require(requests.first)
        #expect(request.receiver == "team")
        #expect(request.groupKey == "{}:{alertname=\"Down\", site=\"kedai\"}")
        #expect(request.commonLabels == ["alertname": "Down", "site": "kedai"])
        #expect(request.commonAnnotations == Labels())
        #expect(dispatcher.advance(to: at(11)).isEmpty)
    }

    @Test mutating func `an alert that ends before the wait is over is not announced at all`() {
        dispatcher.observe([alert("Down")], at: at(0))
        dispatcher.observe([alert("Down", to: 5)], at: at(5))
        #expect(dispatcher.nextDeadline == nil)
        #expect(dispatcher.advance(to: at(1000)).isEmpty)
    }

    @Test mutating func `the end is told once, not before the interval is over`() {
        dispatcher.observe([alert("Down")], at: at(0))
        #expect(told(dispatcher.advance(to: at(10))) == ["firing a"])
        dispatcher.observe([alert("Down", to: 60)], at: at(60))
        #expect(dispatcher.nextDeadline == at(310))
        #expect(dispatcher.advance(to: at(309)).isEmpty)
        #expect(told(dispatcher.advance(to: at(310))) == ["resolved a*"])
        #expect(dispatcher.nextDeadline == nil)
        #expect(dispatcher.advance(to: at(100_000)).isEmpty)
    }

    @Test mutating func `a change after a quiet time waits for others and no longer`() {
        dispatcher.observe([alert("Down")], at: at(0))
        _ = dispatcher.advance(to: at(10))
        dispatcher.observe([alert("Down", "b", from: 1000)], at: at(1000))
        #expect(dispatcher.nextDeadline == at(1010))
        #expect(told(dispatcher.advance(to: at(1010))) == ["firing a b"])
    }

    @Test mutating func `an unchanged group is told again after the repeat interval`() {
        dispatcher.observe([alert("Down")], at: at(0))
        _ = dispatcher.advance(to: at(10))
        // Evaluations hand the same alert over again; that is no change.
        dispatcher.observe([alert("Down")], at: at(500))
        #expect(dispatcher.nextDeadline == at(10 + 14_400))
        #expect(told(dispatcher.advance(to: at(10 + 14_400))) == ["firing a"])
        #expect(dispatcher.advance(to: at(10 + 14_401)).isEmpty)
    }

    @Test mutating func `an alert that comes back before its end was told is no news`() {
        dispatcher.observe([alert("Down")], at: at(0))
        _ = dispatcher.advance(to: at(10))
        dispatcher.observe([alert("Down", to: 20)], at: at(20))
        dispatcher.observe([alert("Down", from: 30)], at: at(30))
        #expect(dispatcher.advance(to: at(400)).isEmpty)
        #expect(dispatcher.nextDeadline == at(10 + 14_400))
    }

    @Test mutating func `one of two ends and the message says both`() {
        dispatcher.observe([alert("Down", "a"), alert("Down", "b")], at: at(0))
        _ = dispatcher.advance(to: at(10))
        dispatcher.observe([alert("Down", "b", to: 400)], at: at(400))
        #expect(told(dispatcher.advance(to: at(410))) == ["firing a b*"])
        dispatcher.observe([alert("Down", "a", to: 900)], at: at(900))
        #expect(told(dispatcher.advance(to: at(910))) == ["resolved a*"])
    }

    @Test mutating func `a clock that is set back holds nothing up`() {
        dispatcher.observe([alert("Down")], at: at(100_000))
        #expect(told(dispatcher.advance(to: at(100_010))) == ["firing a"])
        dispatcher.observe([alert("Down", to: 5)], at: at(5))
        #expect(dispatcher.advance(to: at(5)).isEmpty)
        #expect(told(dispatcher.advance(to: at(305))) == ["resolved a*"])
    }

    @Test mutating func `a restart repeats nothing and tells the end of what ended meanwhile`() throws {
        dispatcher.observe([alert("Down", "a"), alert("Down", "b")], at: at(0))
        let queued = dispatcher.advance(to: at(10)).map(\.json)
        let restored = try queued.map {
            try #require(NotificationRequest(json: try JSONValue(parsing: $0.canonicalText)))
        }
        var again = Dispatcher(tree: RoutingTree(receiver: "team"))
        again.restore(restored)
        again.reconcile(firing: [alert("Down", "a")], at: at(400))
        #expect(told(again.advance(to: at(410))) == ["firing a b*"])
        #expect(again.nextDeadline == at(410 + 14_400))
        var quiet = Dispatcher(tree: RoutingTree(receiver: "team"))
        quiet.restore(restored)
        quiet.reconcile(firing: [alert("Down", "a"), alert("Down", "b")], at: at(400))
        #expect(quiet.advance(to: at(5000)).isEmpty)
    }

    @Test mutating func `a message that was decided and not queued comes out again after a restart`() {
        dispatcher.observe([alert("Down")], at: at(0))
        _ = dispatcher.advance(to: at(10))
        var again = Dispatcher(tree: RoutingTree(receiver: "team"))
        again.restore([])
        again.reconcile(firing: [alert("Down")], at: at(20))
        #expect(told(again.advance(to: at(30))) == ["firing a"])
    }

    @Test mutating func `another tree moves the alerts and keeps what both have`() throws {
        dispatcher.observe([alert("Down"), alert("Slow", "b")], at: at(0))
        #expect(told(dispatcher.advance(to: at(10))) == ["firing a", "firing b"])
        let tree = try RoutingTree(
            Route(
                receiver: "team",
                branches: [Route(receiver: "pager", matchers: [LabelMatcher("alertname", equals: "Down")])]))
        dispatcher.replaceTree(tree, at: at(20))
        let requests = dispatcher.advance(to: at(30))
        #expect(told(requests) == ["firing a"])
        #expect(requests.map(\.receiver) == ["pager"])
    }

    @Test func `a muted alert is held back and told when it is muted no more`() {
        var dispatcher = Dispatcher(tree: RoutingTree(receiver: "team")) { _, now in now < at(100) }
        dispatcher.observe([alert("Down")], at: at(0))
        #expect(dispatcher.advance(to: at(50)).isEmpty)
        #expect(dispatcher.advance(to: at(100)).isEmpty)
        #expect(told(dispatcher.advance(to: at(110))) == ["firing a"])
    }

    @Test func `the fingerprint is Prometheus's`() {
        // FNV-1a of nothing, and of "a", 0xFF, "b", 0xFF.
        #expect(Fingerprint(of: Labels()).description == "cbf29ce484222325")
        #expect(Fingerprint(of: ["a": "b"]).description == FNV.text([0x61, 0xFF, 0x62, 0xFF]))
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `through any course of events each start and each end is told once`(seed: UInt64) {
        var generator = Xorshift(state: seed &* 0x9E37_79B9_7F4A_7C15)
        var dispatcher = Dispatcher(tree: RoutingTree(receiver: "team"))
        var ledger: [NotificationRequest] = []
        var firing: [String: Alert] = [:]
        var told: [String: Bool] = [:]
        for second in stride(from: 0, to: 50_000, by: 7) {
            if generator.next() % 40 == 0 {
                let host = "h\(generator.next() % 6)"
                if let active = firing.removeValue(forKey: host) {
                    var ended = active
                    ended.endsAt = at(second)
                    dispatcher.observe([ended], at: at(second))
                } else {
                    firing[host] = alert("Down", host, from: second)
                    dispatcher.observe([firing[host]!], at: at(second))
                }
            }
            if generator.next() % 500 == 0 {
                dispatcher = Dispatcher(tree: RoutingTree(receiver: "team"))
                dispatcher.restore(ledger.suffix(3).compactMap { NotificationRequest(json: $0.json) })
                dispatcher.reconcile(firing: Array(firing.values), at: at(second))
            }
            for request in dispatcher.advance(to: at(second)) {
                if let last = ledger.last {
                    #expect(request.decidedAt - last.decidedAt >= .seconds(300) || told.values.allSatisfy { !$0 })
                }
                for alert in request.alerts {
                    let host = alert.labels["host"]!
                    let isFiring = alert.status == .firing
                    #expect(
                        isFiring || told[host] == true, "the end of \(host) was told without its start, seed \(seed)")
                    #expect(isFiring == (firing[host] != nil), "\(host) at \(second), seed \(seed)")
                    told[host] = isFiring
                }
                ledger.append(request)
            }
        }
        for request in dispatcher.advance(to: at(51_000)) {
            for alert in request.alerts { told[alert.labels["host"]!] = alert.status == .firing }
        }
        #expect(Set(told.filter(\.value).keys) == Set(firing.keys), "seed \(seed)")
    }
}

private enum FNV {
    static func text(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}

private struct Xorshift {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
