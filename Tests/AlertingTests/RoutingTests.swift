import Alerting
import Diagnostics
import Series
import Settings
import Testing

/// Goal: an alert finds the receivers that Alertmanager would find.
/// Method: a tree with inheritance, `continue` and siblings of the same matchers.
@Suite struct RoutingTests {
    let tree = Result {
        try RoutingTree(
            Route(
                receiver: "team", groupWait: .seconds(30),
                branches: [
                    Route(
                        receiver: "pager", matchers: [LabelMatcher("severity", equals: "critical")],
                        repeatInterval: .seconds(60),
                        continues: true),
                    Route(
                        matchers: [LabelMatcher("job", equals: "postgres")], grouping: .everyLabel,
                        branches: [Route(receiver: "dba", matchers: [LabelMatcher("site", equals: "kedai")])]),
                    Route(receiver: "web", matchers: [LabelMatcher("job", equals: "nginx")]),
                ]))
    }

    @Test(
        arguments: [
            (["alertname": "A"], ["team"]),
            (["severity": "critical"], ["pager"]),
            (["severity": "critical", "job": "nginx"], ["pager", "web"]),
            (["job": "postgres"], ["team"]),
            (["job": "postgres", "site": "kedai"], ["dba"]),
        ] as [(Labels, [String])])
    func `an alert takes the first branch that matches and those before it that continue`(
        labels: Labels, receivers: [String]
    ) throws {
        #expect(try tree.get().routes(for: labels).map(\.receiver) == receivers)
    }

    @Test func `a branch has what it does not say from above`() throws {
        let route = try #require(try tree.get().routes(for: ["job": "postgres", "site": "kedai"]).first)
        #expect(route.groupWait == .seconds(30))
        #expect(route.groupInterval == .seconds(300))
        #expect(route.repeatInterval == .seconds(4 * 3600))
        #expect(route.grouping == .everyLabel)
        #expect(route.key == "{}/{job=\"postgres\"}/{site=\"kedai\"}")
    }

    @Test func `branches of the same matchers keep apart`() throws {
        let same = [LabelMatcher("a", equals: "1")]
        let tree = try RoutingTree(
            Route(
                receiver: "x",
                branches: [Route(receiver: "y", matchers: same, continues: true), Route(receiver: "z", matchers: same)])
        )
        #expect(tree.routes(for: ["a": "1"]).map(\.key) == ["{}/{a=\"1\"}", "{}/{a=\"1\"}#2"])
    }

    @Test func `all faults of a tree are told at once`() {
        let error = #expect(throws: InvalidInput.self) {
            try RoutingTree(
                Route(
                    matchers: [LabelMatcher("a", equals: "1")],
                    branches: [Route(receiver: "emial")]), receivers: ["email", "hook"])
        }
        #expect(
            error?.summary == """
                route.receiver: the first route needs a receiver
                route.matchers: the first route takes every alert and has no matchers
                route.routes[0].receiver: there is no receiver 'emial'; did you mean 'email'?
                """)
    }

    @Test(arguments: [
        ("severity=\"critical\"", "severity=\"critical\""), ("job != batch", "job!=\"batch\""),
        ("a = \"x\\\"y\"", "a=\"x\\\"y\""), ("a=", "a=\"\""),
    ])
    func `a matcher reads as Alertmanager's`(text: String, expected: String) {
        #expect(LabelMatcher(matcherText: text)?.description == expected)
    }

    @Test(arguments: ["", "severity", "=x", "a b=c", "a=\"x", "a!x", "a=\"x\"y\""])
    func `what is no matcher is refused`(text: String) {
        #expect(LabelMatcher(matcherText: text) == nil)
    }

    @Test func `settings give the tree, and an empty file one receiver`() throws {
        let empty = SettingsDocument.defaults(of: AlertingSettings.self)
        #expect(try empty.tree().routes.map(\.receiver) == ["default"])
        let reading = try SettingsDocument.read(
            """
            route:
              receiver: team
              group_by: [alertname]
              group_wait: 2s
              routes:
                - receiver: pager
                  matchers: ['severity="critical"']
                  repeat_interval: 30m
            """, file: "jaga.yaml", sources: .none, as: AlertingSettings.self)
        let tree = try reading.section.tree(receivers: ["team", "pager"])
        let route = try #require(tree.routes(for: ["severity": "critical"]).first)
        #expect(route.receiver == "pager")
        #expect(route.groupWait == .seconds(2))
        #expect(route.repeatInterval == .seconds(1800))
        #expect(route.grouping == .labels(["alertname"]))
    }
}
