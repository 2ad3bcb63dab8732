import Diagnostics
import GoTemplates
import Testing

struct Example: Sendable, CustomTestStringConvertible {
    let template: String
    let expected: String

    init(_ template: String, _ expected: String) {
        self.template = template
        self.expected = expected
    }

    var testDescription: String { template }
}

private let data = TemplateData(
    labels: ["instance": "shop-1.example.com:9100", "severity": "critical", "job": "shop"], value: 0.9342,
    externalLabels: ["site": "kedai"], externalURL: "https://jaga.example.com/watch", time: 1_767_225_600,
    query: { expression in
        guard expression == "up" else { return [] }
        return [
            TemplateSample(labels: ["instance": "b"], value: 1), TemplateSample(labels: ["instance": "a"], value: 11),
        ]
    },
    match: { pattern, text in text.contains(pattern) },
    replaceAll: { pattern, replacement, text in
        text.split(separator: pattern, omittingEmptySubsequences: false).joined(separator: replacement)
    })

private func render(_ source: String, limits: TemplateLimits = TemplateLimits()) async throws -> String {
    try await Template(source, name: "t").render(data, limits: limits)
}

/// Goal: annotations written for Prometheus give the same text here.
/// Method: examples of the reference's own documentation and tests, and cases for each construct of the grammar.
@Suite struct TemplateTests {
    static let grammar = [
        Example("plain text", "plain text"),
        Example("{{ $value }} on {{ $labels.instance }}", "0.9342 on shop-1.example.com:9100"),
        Example("{{ .Value }} {{ .Labels.job }} {{ .ExternalLabels.site }}", "0.9342 shop kedai"),
        Example("a {{- 1 -}} b", "a1b"),
        Example("a\n{{- /* note */ -}}\nb", "ab"),
        Example("{{/* note */}}x", "x"),
        Example("{{ $x := 5 }}{{ $x }}{{ $x = 6 }}{{ $x }}", "56"),
        Example("{{ if gt $value 0.9 }}high{{ else }}low{{ end }}", "high"),
        Example("{{ if gt $value 5 }}a{{ else if eq $labels.job \"shop\" }}b{{ else }}c{{ end }}", "b"),
        Example("{{ if $labels.missing }}yes{{ else }}no{{ end }}", "no"),
        Example("[{{ $labels.missing }}]", "[]"),
        Example("{{ with $labels.job }}job {{ . }}{{ else }}none{{ end }}", "job shop"),
        Example(
            "{{ range $name, $value := $labels }}{{ $name }}={{ $value }};{{ end }}",
            "instance=shop-1.example.com:9100;job=shop;severity=critical;"),
        Example("{{ range query \"up\" }}{{ .Labels.instance }}:{{ .Value }} {{ end }}", "b:1 a:11 "),
        Example("{{ range $i, $s := query \"up\" }}{{ $i }}{{ end }}", "01"),
        Example("{{ range query \"none\" }}x{{ else }}empty{{ end }}", "empty"),
        Example("{{ range query \"up\" }}{{ if eq .Value 11.0 }}{{ break }}{{ end }}{{ .Value }}{{ end }}", "1"),
        Example("{{ range query \"up\" }}{{ if eq .Value 1.0 }}{{ continue }}{{ end }}{{ .Value }}{{ end }}", "11"),
        Example("{{ define \"hi\" }}hi {{ . }}{{ end }}{{ template \"hi\" $labels.job }}", "hi shop"),
        Example("{{ with query \"up\" }}{{ . | first | value | humanize }}{{ end }}", "1"),
        Example("{{ query \"up\" | sortByLabel \"instance\" | first | label \"instance\" }}", "a"),
        Example("{{ (index (query \"up\") 1).Labels.instance }}", "a"),
        Example("{{ `raw \\n` }}{{ \"tab\\t\\u00e9\" }}", "raw \\ntab\té"),
        Example("{{ and true \"\" }}|{{ or \"\" \"x\" }}|{{ not true }}", "|x|false"),
        Example("{{ len \"abc\" }} {{ index $labels \"job\" }} {{ ne 1 2 }} {{ le 1 1 }}", "3 shop true true"),
        Example("{{ eq $labels.job \"a\" \"shop\" }}", "true"),
        Example(
            "{{ printf \"%s %d %.2f %05.1f %-4s| %q %t %x %v %%\" \"a\" 7 0.126 2.25 \"b\" \"c\" true 255 1.5 }}",
            "a 7 0.13 002.2 b   | \"c\" true ff 1.5 %"),
        Example("{{ print 1 2 \"a\" \"b\" 3 4 }}", "1 2a b3 4".replacing("a b", with: "ab")),
    ]

    @Test(arguments: grammar)
    func `the grammar renders as Go does`(example: Example) async throws {
        #expect(try await render(example.template) == example.expected)
    }

    static let functions = [
        Example(
            "{{ 0.0 | humanize }} {{ 1234 | humanize }} {{ 1234567.0 | humanize }} {{ 999.9 | humanize }}",
            "0 1.234k 1.235M 999.9"),
        Example(
            "{{ 0.1 | humanize }} {{ 0.00012 | humanize }} {{ -4321 | humanize }} {{ \"1e21\" | humanize }}",
            "100m 120u -4.321k 1Z"),
        Example(
            "{{ 1024 | humanize1024 }} {{ 1048576.0 | humanize1024 }} {{ 0.5 | humanize1024 }} {{ 435.0 | humanize1024 }}",
            "1ki 1Mi 0.5 435"),
        Example(
            "{{ 0 | humanizeDuration }} {{ 1.5 | humanizeDuration }} {{ 60 | humanizeDuration }} {{ 3600 | humanizeDuration }}",
            "0s 1.5s 1m 0s 1h 0m 0s"),
        Example(
            "{{ 86400 | humanizeDuration }} {{ 93784.5 | humanizeDuration }} {{ -61 | humanizeDuration }} {{ .0001 | humanizeDuration }}",
            "1d 0h 0m 0s 1d 2h 3m 4s -1m 1s 100us"),
        Example("{{ 899.99 | humanizeDuration }} {{ 12.345678 | humanizeDuration }}", "14m 59s 12.35s"),
        Example(
            "{{ 0.1234567 | humanizePercentage }} {{ $value | humanizePercentage }} {{ 1 | humanizePercentage }}",
            "12.35% 93.42% 100%"),
        Example("{{ 1435065584.128 | humanizeTimestamp }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        Example("{{ 0 | toTime }}", "1970-01-01 00:00:00 +0000 UTC"),
        Example("{{ \"aa bB CC\" | title }} {{ \"aB\" | toUpper }} {{ \"aB\" | toLower }}", "Aa BB CC AB ab"),
        Example(
            "{{ $labels.instance | stripPort }} {{ $labels.instance | stripDomain }} {{ \"[::1]:80\" | stripPort }}",
            "shop-1.example.com shop-1:9100 ::1"),
        Example("{{ \"10.0.0.1:9100\" | stripDomain }}", "10.0.0.1:9100"),
        Example("{{ parseDuration \"1h30m\" }} {{ \"5m\" | parseDuration | humanizeDuration }}", "5400 5m 0s"),
        Example("{{ match \"shop\" $labels.job }} {{ reReplaceAll \"-\" \"_\" \"a-b-c\" }}", "true a_b_c"),
        Example(
            "{{ externalURL }} {{ pathPrefix }} {{ $externalURL }}",
            "https://jaga.example.com/watch /watch https://jaga.example.com/watch"),
        Example("{{ graphLink \"rate(up[5m])\" }}", "/graph?g0.expr=rate%28up%5B5m%5D%29&g0.tab=0"),
        Example("{{ now }} {{ now | humanizeTimestamp }}", "1.7672256e+09 2026-01-01 00:00:00 +0000 UTC"),
        Example(
            "{{ toDuration 5400 }} {{ toDuration 0.25 }} {{ toDuration 1.5 }} {{ toDuration 0 }} {{ toDuration -61 }}",
            "1h30m0s 250ms 1.5s 0s -1m1s"),
        Example("{{ urlQueryEscape \"a b&c\" }}", "a+b%26c"),
        Example("{{ block \"b\" 1 }}<{{ . }}>{{ end }}{{ block \"b\" 2 }}{{ end }}", "<1><2>"),
        Example("{{ with \"\" }}a{{ else with $labels.job }}{{ . }}{{ else }}c{{ end }}", "shop"),
        Example("{{ with args 1 \"b\" }}{{ .arg0 }}{{ .arg1 }}{{ end }}", "1b"),
        Example("{{ \"<b>\" | html }} {{ \"<b>\" | safeHtml }} {{ \"a b\" | urlquery }}", "&lt;b&gt; <b> a+b"),
    ]

    @Test(arguments: functions)
    func `the functions answer as the reference's`(example: Example) async throws {
        #expect(try await render(example.template) == example.expected)
    }

    @Test(
        arguments: [
            (0.0, "0"), (1, "1"), (100_000, "100000"), (1_000_000, "1e+06"), (1_234_567.5, "1.2345675e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"), (-2.5, "-2.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
            (1e300, "1e+300"),
            (0.1 + 0.2, "0.30000000000000004"), (123.456, "123.456"),
        ] as [(Double, String)])
    func `a value prints as Go prints a float64`(value: Double, text: String) async throws {
        #expect(try await Template("{{ $value }}").render(TemplateData(value: value)) == text)
    }

    static let faults = [
        Example("{{ $valu }}", "template t:1:4: undefined variable \"$valu\""),
        Example("line\n  {{ humanise $value }}", "template t:2:6: function \"humanise\" not defined"),
        Example("{{ if true }}x", "template t:1:1: 'if' has no {{end}}"),
        Example("x {{ end }}", "template t:1:3: unexpected {{end}}"),
        Example("{{ $value", "template t:1:1: unclosed action"),
        Example("{{ \"abc }}", "template t:1:4: unterminated quoted string"),
        Example("{{ }}", "template t:1:4: missing value for command"),
        Example("{{ 1 | 2 }}", "template t:1:8: non executable command in pipeline"),
        Example("{{ break }}", "template t:1:1: {{break}} outside {{range}}"),
        Example("{{ ( 1 }}", "template t:1:4: unclosed left paren"),
        Example("{{ 12abc }}", "template t:1:4: bad number syntax: \"12abc\""),
        Example("{{/* never closed", "template t:1:1: unclosed comment"),
    ]

    @Test(arguments: faults)
    func `a template that cannot be read says where and why`(example: Example) {
        let fault = #expect(throws: TemplateFault.self) { try Template(example.template, name: "t") }
        #expect(fault?.summary == example.expected)
        #expect(fault?.stage == .parsing)
    }

    @Test func `nesting is bounded`() {
        let source = String(repeating: "{{if 1}}", count: 60)
        let fault = #expect(throws: TemplateFault.self) { try Template(source) }
        #expect(fault?.reason == "nested deeper than 50 levels")
    }

    static let failures = [
        Example("{{ .Lables }}", "template t:1:4: can't evaluate field Lables"),
        Example("{{ $value.x }}", "template t:1:4: can't evaluate field x in type float64"),
        Example(
            "{{ query \"none\" | first }}",
            "template t:1:19: error calling first: first() called on vector with no elements"),
        Example("{{ humanize \"abc\" }}", "template t:1:4: error calling humanize: parsing \"abc\": invalid syntax"),
        Example("{{ eq 1 \"1\" }}", "template t:1:4: error calling eq: incompatible types for comparison"),
        Example("{{ template \"x\" }}", "template t:1:1: template \"x\" not defined"),
        Example(
            "{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}",
            "template t:1:17: templates call each other without end"),
        Example("{{ toUpper 1 }}", "template t:1:4: error calling toUpper: expected string; found 1"),
        Example(
            "{{ toUpper \"a\" \"b\" }}", "template t:1:4: error calling toUpper: wrong number of args: want 1 got 2"),
        Example("{{ range $value }}{{ end }}", "template t:1:10: range can't iterate over 0.9342"),
    ]

    @Test(arguments: failures)
    func `a rendering that fails says where and why`(example: Example) async {
        let fault = await #expect(throws: TemplateFault.self) { try await render(example.template) }
        #expect(fault?.summary == example.expected)
    }

    @Test func `output and steps are bounded`() async {
        let long = await #expect(throws: TemplateFault.self) {
            try await render("{{ range 1000 }}0123456789{{ end }}", limits: TemplateLimits(outputBytesMax: 1000))
        }
        #expect(long?.reason == "its output is longer than 1000 bytes")
        let slow = await #expect(throws: TemplateFault.self) {
            try await render(
                "{{ range 5000 }}{{ range 5000 }}{{ end }}{{ end }}", limits: TemplateLimits(stepCountMax: 6000))
        }
        #expect(slow?.reason == "it takes more than 6000 steps")
        let asking = await #expect(throws: TemplateFault.self) {
            try await render("{{ range 200 }}{{ query \"none\" }}{{ end }}")
        }
        #expect(asking?.reason == "it makes more than 100 queries")
    }

    @Test func `a parsed template is used again with other data`() async throws {
        let template = try Template("{{ $labels.job }}")
        for job in ["a", "b"] { #expect(try await template.render(TemplateData(labels: ["job": job])) == job) }
    }

    @Test func `what cannot be asked says so`() async {
        let fault = await #expect(throws: TemplateFault.self) {
            try await Template("{{ query \"up\" }}").render(TemplateData())
        }
        #expect(fault?.reason == "error calling query: queries are not available here")
    }
}
