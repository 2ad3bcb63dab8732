import Series
import Testing

/// Goal: labels are what their bytes are, and print as the query language reads them. Method: texts that Unicode takes for the same one,
/// with the same and with another number of bytes, and names of the newer rules.
@Suite struct LabelsTests {
    /// `é` in one scalar and in two; the ångström and the letter; two marks in both orders, which are equally long.
    private static let twins = [
        ("caf\u{E9}", "cafe\u{301}"), ("\u{212B}", "\u{C5}"), ("a\u{323}\u{307}", "a\u{307}\u{323}"),
    ]

    @Test(arguments: twins) func `what Unicode calls equal is not the same label`(_ one: String, _ other: String) throws
    {
        #expect(one == other, "the test's own premise")
        #expect(
            !one.hasSameBytes(as: other)
                && one.hasSameBytes(
                    as: String(Array(one.unicodeScalars).reduce(into: "") { $0.unicodeScalars.append($1) }))
        )
        #expect(Labels("m", ["a": one]) != Labels("m", ["a": other]))
        #expect(Set([Labels("m", ["a": one]), Labels("m", ["a": other]), Labels("m", ["a": one])]).count == 2)
        var both = Labels("m", [:])
        both[one] = "1"
        both[other] = "2"
        #expect(both[one] == "1" && both[other] == "2" && both.pairs.count == 3)
        #expect(both.dropping([one])[other] == "2" && both.keeping([one]).pairs.count == 1)
        #expect(
            Labels("m", ["a": one]) < Labels("m", ["a": other]) || Labels("m", ["a": other]) < Labels("m", ["a": one]))
        #expect(LabelMatcher("a", equals: one).matches(one) && !LabelMatcher("a", equals: one).matches(other))
        #expect(try LabelMatcher("a", .notEqual, one).matches(other))
        #expect(
            try LabelMatcher("a", .matches, "\(one)|x").matches(one)
                && !LabelMatcher("a", .matches, "\(one)|x").matches(other))
        #expect(LabelMatcher("a", equals: one) != LabelMatcher("a", equals: other))
        #expect(Set([ByteText(one), ByteText(other), ByteText(one)]).count == 2)
    }

    @Test(
        arguments: [
            (Labels("up"), "up"), (Labels("up", ["job": "a\"b"]), "up{job=\"a\\\"b\"}"),
            (Labels("http.requests"), "{\"http.requests\"}"),
            (
                Labels("http.requests", ["host.name": "x", "a": "1"]),
                "{\"http.requests\", a=\"1\", \"host.name\"=\"x\"}"
            ),
            (["host.name": "x"], "{\"host.name\"=\"x\"}"), (Labels("a:b", ["é": "1"]), "a:b{\"é\"=\"1\"}"), ([:], "{}"),
        ] as [(Labels, String)]) func `a series prints as an expression has it`(_ labels: Labels, _ text: String)
    {
        #expect(labels.description == text)
    }
}
