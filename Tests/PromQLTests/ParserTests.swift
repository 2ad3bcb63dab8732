import JSONCoding
import PromQL
import Series
import Testing

/// Goal: what people write is read as the reference reads it, and faults are told in its words at its places. Method: pairs of
/// text and expected message or normal form; the printer's output is read again and must print the same.
@Suite struct ParserTests {
    @Test(arguments: [
        ("", "1:1: parse error: no expression found in input"),
        ("1 +", "1:4: parse error: unexpected end of input"),
        ("up{job=\"a\"", "1:11: parse error: unexpected end of input inside braces"),
        ("sum(up", "1:7: parse error: unclosed left parenthesis"),
        ("up)", "1:4: parse error: unexpected right parenthesis ')'"),
        ("up $", "1:4: parse error: unexpected character: '$'"),
        ("up up", "1:4: parse error: unexpected identifier \"up\""),
        ("foo(up)", "1:1: parse error: unknown function with name \"foo\""),
        ("rate(up)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"),
        ("rate(up[5m], 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"),
        ("label_join(up)", "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1"),
        ("hour(up, up)", "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 2"),
        (
            "sum(up, 1)",
            "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2"
        ),
        ("topk(\"a\", up)", "1:6: parse error: expected type scalar in aggregation parameter, got string"),
        ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("{a=~\".*\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("up{__name__=\"down\"}", "1:1: parse error: metric name must not be set twice: \"up\" or \"down\""),
        ("up{job=~\"(\"}", "1:4: parse error: error parsing regexp: missing closing ): `(`"),
        ("{l=~\"a{5,2}\"}", "1:2: parse error: error parsing regexp: invalid repeat count: `{5,2}`"),
        ("up{job=5}", "1:8: parse error: unexpected character inside braces: '5'"),
        ("up[0s]", "1:4: parse error: duration must be greater than 0"),
        ("up[5mm]", "1:4: parse error: bad number or duration syntax: \"5mm\""),
        ("sum(up)[5m]", "1:8: parse error: ranges only allowed for vector selectors"),
        ("up[5m][1h:]", "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"),
        ("up offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times"),
        (
            "-up[5m]",
            "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\""
        ),
        ("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("rate(x offset 5m [5m])", "1:18: parse error: no offset modifiers allowed before range"),
        ("rate(x @ 5 [5m])", "1:12: parse error: no @ modifiers allowed before range"),
        ("1 == 1 )", "1:9: parse error: unexpected right parenthesis ')'"),
        ("rate(up) $", "1:10: parse error: unexpected character: '$'"),
        ("up up $", "1:4: parse error: unexpected identifier \"up\""),
        ("foo(up", "1:7: parse error: unclosed left parenthesis"),
        ("rate(rate(up), 1)", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 2"),
        (
            "topk(1 == 1, rate(up))",
            "1:19: parse error: expected type range vector in call to function \"rate\", got instant vector"
        ),
        ("1 and up", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"),
        ("up + bool up", "1:4: parse error: bool modifier can only be used on comparison operators"),
        ("up + on(a) group_left(a) up", "1:4: parse error: label \"a\" must not occur in ON and GROUP clause at once"),
        ("up\n  + \"x\"", "2:5: parse error: binary expression must contain only scalar and instant vector types"),
        ("\"a\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'"),
        ("\"\\xzz\"", "1:1: parse error: illegal character U+007A 'z' in escape sequence"),
        ("\"\\u12\"", "1:1: parse error: illegal character U+0022 '\"' in escape sequence"),
        ("\"\\400\"", "1:1: parse error: escape sequence is an invalid Unicode code point"),
        ("# only", "1:1: parse error: no expression found in input"),
        ("x !", "1:3: parse error: unexpected character after '!': '\u{FFFD}'"),
        ("x{a=\"b\"}}", "1:9: parse error: unexpected character: '}'"),
        ("{a=~\"b**\"}", "1:2: parse error: error parsing regexp: invalid nested repetition operator: `**`"),
        ("x @ start", "1:10: parse error: unexpected end of input in @, expected timestamp"),
        ("x @ inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"),
        ("x @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"),
        ("5x", "1:1: parse error: bad number or duration syntax: \"5\""),
        ("1h30x", "1:1: parse error: bad number or duration syntax: \"1h30\""),
        ("5hs", "1:1: parse error: not a valid duration string: \"5hs\""),
        ("0x", "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"),
        (
            "0x8000000000000000",
            "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0x8000000000000000\": invalid syntax"
        ),
        (
            "1 + 1e400",
            "1:5: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": value out of range"
        ),
        ("sum without (a)", "1:16: parse error: unexpected end of input in aggregation"),
        ("rate(x[5m], )", "1:11: parse error: trailing commas not allowed in function call args"),
        ("'abc", "1:1: parse error: unterminated quoted string"),
    ]) func `a fault is told in the reference's words`(_ query: String, _ message: String) {
        let fault = #expect(throws: QueryFault.self) { try Expression.parse(query, features: .allSyntax) }
        #expect(fault?.summary == message)
    }

    @Test(arguments: [
        ("up", "up"),
        ("sum( up )  by(job)", "sum by (job) (up)"),
        ("SUM without (a,) (up)", "sum without (a) (up)"),
        ("topk(3,up)", "topk(3, up)"),
        ("a+b*c^d", "a + b * c ^ d"),
        ("(a + b) * -c", "(a + b) * -c"),
        ("a == bool on(x, y) group_left(z) b", "a == bool on (x, y) group_left (z) b"),
        ("a unless ignoring(x) b", "a unless ignoring (x) b"),
        ("up{a='b', c=~\"d|e\",f!=\"\"}[5m] offset -1h @ 1.5", "up{a=\"b\",c=~\"d|e\",f!=\"\"}[5m] @ 1.500 offset -1h"),
        ("rate(up[5m])[1h:30s] @ end()", "rate(up[5m])[1h:30s] @ end()"),
        ("max_over_time(x[90])", "max_over_time(x[1m30s])"),
        ("{\"a.b\", \"c d\"=\"e\"}", "{\"a.b\",\"c d\"=\"e\"}"),
        ("{__name__=~\"a.*\"}", "{__name__=~\"a.*\"}"),
        ("sum by (\"a.b\", sum) (up)", "sum by (\"a.b\", sum) (up)"),
        ("1_000 + 0x1F + 1e3 + .5 + 5m + Inf + NaN", "1000 + 31 + 1000 + 0.5 + 5m + +Inf + NaN"),
        ("`raw\\n` # comment", "\"raw\\\\n\""),
        ("sum{x=\"y\"} + avg + offset + by", "sum{x=\"y\"} + avg + offset + by"),
        ("x[max(5m, step() * 2)]", "x[max(5m, step() * 2s)]"),
        ("job:x:rate5m", "job:x:rate5m"),
        ("up offset (2 * 5m)", "up offset (2s * 5m)"),
        ("histogram_quantile(0.9, sum by (le) (rate(b[5m])))", "histogram_quantile(0.9, sum by (le) (rate(b[5m])))"),
    ]) func `the printer gives the normal form, which reads back the same`(_ query: String, _ normal: String) throws {
        let printed = try Expression.parse(query, features: .allSyntax).description
        #expect(printed == normal)
        #expect(try Expression.parse(printed, features: .allSyntax).description == printed)
    }

    @Test(arguments: [
        ("a + on(x) fill(0) b", "a + on (x) fill (0) b"),
        ("a * ignoring(x) group_left(y) fill_right(-1) b", "a * ignoring (x) group_left (y) fill_right (-1) b"),
        ("a + fill_right(2) fill_left(1) b", "a + fill_left (1) fill_right (2) b"),
        ("rate(x[5m]anchored)", "rate(x[5m] anchored)"), ("x smoothed offset 1m", "x smoothed offset 1m"),
        ("h</5>/ 1", "h </ 5 >/ 1"), ("end()-start()", "end() - start()"),
        ("info(a, {b=~\".*\"})", "info(a, {b=~\".*\"})"), ("x[step()+1]", "x[step() + 1s]"),
    ]) func `what is experimental prints and reads back`(_ query: String, _ normal: String) throws {
        let printed = try Expression.parse(query, features: .allSyntax).description
        #expect(printed == normal)
        #expect(try Expression.parse(printed, features: .allSyntax).description == printed)
    }

    @Test func `a long expression is taken apart at its outermost operators`() throws {
        let query = """
            sum by (job, instance) (rate(http_requests_total{code=~"5.."}[5m])) / on (job, instance) group_left (zone) \
            sum by (job, instance, zone) (rate(http_requests_total[5m])) > 0.05
            """
        let text = try Expression.parse(query).prettyText
        #expect(
            text == """
                    sum by (job, instance) (rate(http_requests_total{code=~"5.."}[5m]))
                  / on (job, instance) group_left (zone)
                    sum by (job, instance, zone) (rate(http_requests_total[5m]))
                >
                  0.05
                """)
        #expect(try Expression.parse(text).description == Expression.parse(query).description)
    }

    @Test func `the tree has the members of the reference's`() throws {
        let tree = try Expression.parse("sum without (a) (rate(x{b=\"c\"}[5m] offset 1m @ end())) > bool 1").tree
        #expect(tree["type"] == "binaryExpr" && tree["bool"] == true && tree["matching"] == .null)
        #expect(tree["rhs"]?["val"] == "1")
        #expect(tree["lhs"]?["without"] == true && tree["lhs"]?["grouping"]?[0] == "a")
        let call = tree["lhs"]?["expr"]
        #expect(call?["func"]?["name"] == "rate" && call?["func"]?["argTypes"]?[0] == "matrix")
        let matrix = call?["args"]?[0]
        #expect(matrix?["range"] == 300_000 && matrix?["offset"] == 60_000 && matrix?["startOrEnd"] == "end")
        #expect(matrix?["matchers"]?[0]?["value"] == "c")
    }

    @Test func `a selector alone gives its matchers`() throws {
        let matchers = try Expression.parseSelector("up{job=~\"a|b\"}")
        #expect(matchers.map(\.description) == ["job=~\"a|b\"", "__name__=\"up\""])
        for (text, message) in [
            ("rate(up[5m])", "1:5: parse error: unexpected \"(\""),
            ("up offset 5m", "1:4: parse error: unexpected <offset>"),
            ("up[5m]", "1:3: parse error: unexpected \"[\""), ("1", "1:1: parse error: unexpected number \"1\""),
            ("", "1:1: parse error: unexpected end of input"),
            ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ] {
            let fault = #expect(throws: QueryFault.self) { try Expression.parseSelector(text) }
            #expect(fault?.summary == message)
        }
        #expect(try Expression.parseSelector("{}", mayMatchAnything: true).isEmpty)
    }

    @Test func `deep nesting is refused and does not exhaust the stack`() {
        let query = String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000)
        #expect(throws: QueryFault.self) { try Expression.parse(query, features: .allSyntax) }
        #expect(throws: QueryFault.self) { try Expression.parse(String(repeating: "-", count: 10_000) + "up") }
    }

    @Test func `a chain of operators is bounded`() throws {
        let chain = Array(repeating: "up", count: 501).joined(separator: " or ")
        #expect(try Expression.parse(chain).description == chain)
        let fault = #expect(throws: QueryFault.self) { try Expression.parse(chain + " or up") }
        #expect(fault?.message == "more than 500 operators in a row")
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "-0"), (1, "1"), (0.1, "0.1"), (1e21, "1000000000000000000000"), (1.5e-7, "0.00000015"),
        (123456789.125, "123456789.125"), (1e16, "10000000000000000"), (.infinity, "+Inf"), (-2.5, "-2.5"),
    ]) func `numbers are written without exponents`(_ value: Double, _ text: String) {
        #expect(goNumber(value) == text)
    }

    /// Random texts from the language's own words: the parser ends, and what it accepts prints and reads back.
    @Test func `any text ends in a tree or a fault`() throws {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0 ... .max, using: &generator)
        print("parser fuzz seed \(seed)")
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let words = [
            "up", "{", "}", "(", ")", "[", "]", "5m", ":", "sum", "by", "+", "-", "^", "and", "on", "group_left", "1",
            "\"a\"", "rate", "offset", "@", "start()", ",", "=", "=~", "bool", "==", "a", "é", "\\", "'", "0x", "1e",
            "anchored", "smoothed", "fill(0)", "fill_left", "</", ">/", "step()", "info", "min", "unless", "without",
        ]
        var accepted = 0
        for _ in 0..<20_000 {
            let text = (0..<(1 + next(9))).map { _ in words[next(words.count)] }.joined(
                separator: next(3) == 0 ? "" : " ")
            guard let expression = try? Expression.parse(text, features: .allSyntax) else { continue }
            accepted += 1
            let printed = expression.description
            #expect(try Expression.parse(printed, features: .allSyntax).description == printed, "\(text)")
        }
        #expect(accepted > 50)
    }
}
