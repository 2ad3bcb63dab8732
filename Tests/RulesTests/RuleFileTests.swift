import Diagnostics
import Rules
import Testing
import Units

/// Goal: Prometheus rule files are read as they are, and a bad one names every fault with its place. Method: whole files.
@Suite struct RuleFileTests {
    @Test func `a rule file of Prometheus is read as it is`() throws {
        let groups = try RuleFile.read(
            """
            groups:
              - name: coffee-tea-alerts
                interval: 30s
                limit: 10
                query_offset: 1m
                labels:
                  team: shop
                rules:
                  - alert: HighErrorRate
                    expr: rate(http_requests_total{status=~"5.."}[5m]) > 0.01
                    for: 2m
                    keep_firing_for: 5m
                    labels:
                      severity: critical
                    annotations:
                      summary: High error rate detected
                      description: "Error rate is {{ $value }} errors per second"
                  - record: job:up:sum
                    expr: sum by (job) (label_replace(up, "a", "${1}x", "job", "(.*)"))
                    labels:
                      team: ops
            """, file: "shop.yml", templates: SimpleTemplates())
        let group = try #require(groups.first)
        #expect(group.id == "shop.yml;coffee-tea-alerts")
        #expect(group.interval == .seconds(30))
        #expect(group.limit == 10)
        #expect(group.queryOffset == .seconds(60))
        #expect(group.rules.map(\.name) == ["HighErrorRate", "job:up:sum"])
        #expect(group.rules[0].hold == .seconds(120))
        #expect(group.rules[0].keepFiring == .seconds(300))
        #expect(group.rules[0].labels == ["severity": "critical", "team": "shop"])
        #expect(group.rules[0].annotations["description"] == "Error rate is {{ $value }} errors per second")
        #expect(group.rules[1].kind == .recording)
        #expect(group.rules[1].labels == ["team": "ops"])
        #expect(group.rules[1].expressionText.contains("${1}x"))
    }

    @Test func `a template that is wrong is told beside what is wrong elsewhere, in the order of the file`() {
        let fault = #expect(throws: InvalidInput.self) {
            try RuleFile.read(
                """
                groups:
                  - name: a
                    rules:
                      - alert: A
                        expr: up == 0
                        annotations: {summary: "{{ nosuch $value }}"}
                      - record: "{bad name}"
                        expr: up
                      - alert: B
                        expr: up == 0
                        labels: {severity: "{{ $labels.x"}
                """, file: "f.yml", templates: AnnotationTemplates())
        }
        let told = fault?.diagnostics.map(\.description) ?? []
        #expect(told.count == 3, "\(told)")
        #expect(
            told.map { $0.prefix(10) } == ["f.yml:6:32", "f.yml:7:17", "f.yml:11:28"].map { $0.prefix(10) }, "\(told)")
        #expect(told.first?.contains("nosuch") == true && told.dropFirst().first?.contains("bad name") == true)
    }

    @Test func `a recorded name may be any text without braces, as the names of metrics may`() throws {
        for name in ["job x", "9bad", "sum(x)", "\u{e9}t\u{e9}", "it's"] {
            let groups = try RuleFile.read(
                "groups: [{name: a, rules: [{record: \"\(name)\", expr: up}]}]", file: "f.yml",
                templates: AnnotationTemplates())
            #expect(groups.first?.rules.map(\.name) == [name])
        }
    }

    @Test func `every fault is told at once with its place`() {
        let fault = #expect(throws: InvalidInput.self) {
            try RuleFile.read(
                """
                groups:
                  - name: a
                    intervall: 5m
                    rules:
                      - alert: A
                        expr: sum(up
                        for: 5 minutes
                      - record: r
                        alert: B
                        expr: up
                      - record: c
                        expr: up
                        for: 5m
                        annotations: {x: y}
                      - expr: up[5m]
                      - alert: D
                  - name: a
                    rules: []
                """, file: "bad.yml", templates: SimpleTemplates())
        }
        let lines = fault?.diagnostics.map(\.description) ?? []
        func has(_ place: String, _ text: String) {
            #expect(
                lines.contains { $0.hasPrefix("bad.yml:\(place)") && $0.contains(text) }, "\(place) \(text): \(lines)")
        }
        has("3:", "interval")
        has("6:", "could not parse expression: 1:7: parse error: unclosed left parenthesis")
        has("7:", "duration")
        has("9:", "only one of 'record' and 'alert' must be set")
        has("13:", "invalid field 'for' in recording rule")
        has("14:", "invalid field 'annotations' in recording rule")
        has("15:", "one of 'record' or 'alert' must be set")
        has("15:", "gives a range vector")
        has("16:", "field 'expr' must be set in rule")
        #expect(lines.contains { $0.contains("the group name 'a' is repeated") })
    }

    @Test func `a template that cannot be read is a fault of the file`() {
        let fault = #expect(throws: InvalidInput.self) {
            try RuleFile.read(
                "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {summary: '{{ $value'}}]}]",
                file: "t.yml", templates: SimpleTemplates())
        }
        #expect(fault?.summary.contains("groups[0].rules[0].annotations.summary: is no valid template") == true)
    }
}
