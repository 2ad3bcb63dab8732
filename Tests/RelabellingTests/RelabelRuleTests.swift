import Diagnostics
import Series
import Settings
import Testing

@testable import Relabelling

/// Goal: every action of relabelling means what it means in the reference. Method: a table of rules as they stand in a file, with
/// labels before and after; nil where the labels are dropped.
@Suite struct RelabelRuleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var rules: String
        var before: Labels
        var after: Labels?

        init(_ description: String, _ rules: String, _ before: Labels, _ after: Labels?) {
            testDescription = description
            self.rules = rules
            self.before = before
            self.after = after
        }

        init(_ description: String, _ rules: String, after: Labels?) {
            self.init(description, rules, ["a": "foo", "b": "bar", "c": "baz"], after)
        }
    }

    struct Section: SettingsSection {
        var rules: [RelabelRule]
        init(_ s: SettingsReader) {
            rules = s.list("rules", of: RelabelSettings.self, "Rules.").compactMap(\.rule)
        }
    }

    static func read(_ rules: String) throws -> [RelabelRule] {
        let lines = rules.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return try SettingsDocument.read("rules:\n\(lines)\n", file: "t.yaml", sources: .none, as: Section.self).section
            .rules
    }

    static let cases: [Case] = [
        .init(
            "replace with a group",
            "- {source_labels: [a], regex: 'f(.*)', target_label: d, replacement: 'ch${1}-ch${1}'}",
            after: ["a": "foo", "b": "bar", "c": "baz", "d": "choo-choo"]),
        .init(
            "a chain sees what came before",
            """
            - {source_labels: [a, b], regex: 'f(.*);(.*)r', target_label: a, replacement: 'b${1}${2}m'}
            - {source_labels: [c, a], regex: '(b).*b(.*)ba(.*)', target_label: d, replacement: '$1$2$2$3'}
            """, after: ["a": "boobam", "b": "bar", "c": "baz", "d": "boooom"]),
        .init("drop what matches", "- {source_labels: [a], regex: '.*o.*', action: drop}", after: nil),
        .init(
            "drop is anchored", "- {source_labels: [a], regex: 'o', action: drop}",
            after: ["a": "foo", "b": "bar", "c": "baz"]),
        .init("keep what matches", "- {source_labels: [a], regex: 'no-match', action: keep}", after: nil),
        .init("keep is anchored", "- {source_labels: [a], regex: 'f|o', action: keep}", after: nil),
        .init(
            "keep stays", "- {source_labels: [a], regex: 'f.*', action: keep}",
            after: ["a": "foo", "b": "bar", "c": "baz"]),
        .init(
            "no match replaces nothing",
            "- {source_labels: [a], regex: 'nope', target_label: b, replacement: x}",
            after: ["a": "foo", "b": "bar", "c": "baz"]),
        .init(
            "an empty result removes the label",
            "- {source_labels: [a], regex: '(f).*', target_label: b, replacement: '$2'}",
            after: ["a": "foo", "c": "baz"]),
        .init(
            "a constant without source labels", "- {target_label: d, replacement: static}",
            after: ["a": "foo", "b": "bar", "c": "baz", "d": "static"]),
        .init(
            "a quoted empty replacement removes", "- {target_label: a, replacement: ''}",
            after: ["b": "bar", "c": "baz"]),
        .init(
            "the target's name may hold groups",
            "- {source_labels: [a], regex: '(f)(.*)', target_label: 'x_${1}', replacement: '$2'}",
            after: ["a": "foo", "b": "bar", "c": "baz", "x_f": "oo"]),
        .init(
            "an empty target after filling in is passed over",
            "- {source_labels: [a], regex: '(x)?foo', target_label: '${1}', replacement: y}",
            after: ["a": "foo", "b": "bar", "c": "baz"]),
        .init(
            "named groups",
            "- {source_labels: [a], regex: '(?P<head>.)(?P<tail>.*)', target_label: d, replacement: '$tail-${head}'}",
            after: ["a": "foo", "b": "bar", "c": "baz", "d": "oo-f"]),
        .init(
            "a name without braces goes on as far as it can",
            "- {source_labels: [a], regex: '(.*)', target_label: d, replacement: '$1x|$$1|$'}",
            after: ["a": "foo", "b": "bar", "c": "baz", "d": "|$1|$"]),
        .init(
            "a dot matches a line feed", "- {source_labels: [n], target_label: m}",
            ["n": "one\ntwo"], ["n": "one\ntwo", "m": "one\ntwo"]),
        .init(
            "separator",
            "- {source_labels: [a, b], separator: '', regex: 'foobar', target_label: d, replacement: yes1}",
            after: ["a": "foo", "b": "bar", "c": "baz", "d": "yes1"]),
        .init(
            "missing labels are empty", "- {source_labels: [a, nothing, c], separator: '-', target_label: d}",
            after: ["a": "foo", "b": "bar", "c": "baz", "d": "foo--baz"]),
        .init(
            "hashmod", "- {source_labels: [c], target_label: d, action: hashmod, modulus: 1000}",
            after: ["a": "foo", "b": "bar", "c": "baz", "d": "976"]),
        .init(
            "hashmod over a line feed", "- {source_labels: [n], target_label: d, action: hashmod, modulus: 1000}",
            ["n": "foo\nbar"], ["n": "foo\nbar", "d": "734"]),
        .init(
            "labelmap", "- {regex: '(b.*)', replacement: 'bar_${1}', action: labelmap}",
            ["a": "foo", "b1": "bar", "b2": "baz"],
            ["a": "foo", "b1": "bar", "b2": "baz", "bar_b1": "bar", "bar_b2": "baz"]),
        .init(
            "labelmap of meta labels", "- {regex: '__meta_(my.*)', replacement: '${1}', action: labelmap}",
            ["a": "foo", "__meta_my_bar": "aaa", "__meta_my_baz": "bbb", "__meta_other": "ccc"],
            [
                "a": "foo", "__meta_my_bar": "aaa", "__meta_my_baz": "bbb", "__meta_other": "ccc", "my_bar": "aaa",
                "my_baz": "bbb",
            ]),
        .init(
            "labeldrop", "- {regex: '(b.*)', action: labeldrop}", ["a": "foo", "b1": "bar", "b2": "baz"], ["a": "foo"]),
        .init(
            "labelkeep", "- {regex: 'a|b1', action: labelkeep}", ["a": "foo", "b1": "bar", "b2": "baz"],
            ["a": "foo", "b1": "bar"]),
        .init(
            "upper and lower",
            """
            - {source_labels: [foo], action: uppercase, target_label: foo_upper}
            - {source_labels: [foo], action: lowercase, target_label: foo_lower}
            """, ["foo": "bAr123Foo"], ["foo": "bAr123Foo", "foo_upper": "BAR123FOO", "foo_lower": "bar123foo"]),
        .init(
            "keepequal keeps", "- {source_labels: [__tmp_port], action: keepequal, target_label: port}",
            ["__tmp_port": "1234", "port": "1234"], ["__tmp_port": "1234", "port": "1234"]),
        .init(
            "keepequal drops", "- {source_labels: [__tmp_port], action: keepequal, target_label: port}",
            ["__tmp_port": "1234", "port": "5678"], nil),
        .init(
            "dropequal keeps", "- {source_labels: [__tmp_port], action: dropequal, target_label: port}",
            ["__tmp_port": "1234", "port": "5678"], ["__tmp_port": "1234", "port": "5678"]),
        .init(
            "dropequal drops", "- {source_labels: [__tmp_port], action: dropequal, target_label: port}",
            ["__tmp_port": "1234", "port": "1234"], nil),
        .init(
            "actions in capitals, as old files have them", "- {source_labels: [a], regex: 'f.*', action: KEEP}",
            after: ["a": "foo", "b": "bar", "c": "baz"]),
        .init(
            "the usual exporter detour",
            """
            - {source_labels: [__address__], target_label: __param_target}
            - {source_labels: [__param_target], target_label: instance}
            - {target_label: __address__, replacement: '127.0.0.1:9115'}
            """, ["__address__": "https://shop.example"],
            [
                "__address__": "127.0.0.1:9115", "__param_target": "https://shop.example",
                "instance": "https://shop.example",
            ]),
        .init(
            "port from an annotation",
            "- {source_labels: [__address__, __meta_port], regex: '([^:]+)(?::\\d+)?;(\\d+)', replacement: '$1:$2', target_label: __address__}",
            ["__address__": "10.0.0.1:80", "__meta_port": "9100"],
            ["__address__": "10.0.0.1:9100", "__meta_port": "9100"]),
    ]

    @Test(arguments: cases) func `labels after relabelling`(_ example: Case) throws {
        #expect(try Self.read(example.rules).relabelled(example.before) == example.after)
    }

    @Test(arguments: [
        ("- {action: hashmod, target_label: d}", "modulus"),
        ("- {source_labels: [a]}", "target label"),
        ("- {action: lowercase, source_labels: [a], target_label: b, replacement: x}", "takes no replacement"),
        ("- {action: labeldrop, source_labels: [a], regex: x}", "takes only 'regex'"),
        (
            "- {action: keepequal, source_labels: [a], target_label: b, regex: x}",
            "takes only 'source_labels' and 'target_label'"
        ),
        ("- {action: kep, source_labels: [a]}", "did you mean 'keep'?"),
        ("- {source_labels: [a], target_label: b, regex: 'a('}", "is not a pattern"),
        ("- {sourcelabels: [a], target_label: b}", "did you mean 'source_labels'?"),
    ])
    func `what does not fit is refused with its place`(rules: String, words: String) throws {
        let error = try #require(throws: InvalidInput.self) { try Self.read(rules) }
        let message = error.summary
        #expect(message.contains(words), "\(message)")
        #expect(message.hasPrefix("t.yaml:2:"), "\(message)")
    }

    @Test func `the legacy scheme refuses names with dots`() throws {
        #expect(throws: RelabelFault.self) { try RelabelRule(targetLabel: "a.b", replacement: "x", scheme: .legacy) }
        let free = try RelabelRule(targetLabel: "a.b", replacement: "x")
        #expect([free].relabelled([:]) == ["a.b": "x"])
    }
}
