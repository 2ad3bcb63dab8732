import Series
import Testing

/// Goal: patterns mean what they mean to Prometheus, and none takes more than linear time. Method: pairs of pattern and
/// text; each pattern is tried as written (where a shortcut may decide) and again inside `(?:x|…)`-like wrapping that forces
/// the automaton, so that both ways agree.
@Suite struct AnchoredPatternTests {
    struct Case: CustomTestStringConvertible {
        let pattern: String
        let matching: [String]
        let others: [String]
        var testDescription: String { pattern }
    }

    static let cases = [
        Case(pattern: "", matching: [""], others: ["a"]),
        Case(pattern: "abc", matching: ["abc"], others: ["ab", "abcd", "xabc", "ABC"]),
        Case(pattern: "a|bc|", matching: ["a", "bc", ""], others: ["abc", "b"]),
        Case(pattern: "5..", matching: ["500", "5\nx"], others: ["50", "5000", "400"]),
        Case(pattern: "pro.*", matching: ["pro", "production", "pro\nx"], others: ["pr", "xpro"]),
        Case(pattern: ".*ry", matching: ["ry", "canary"], others: ["rya", "y"]),
        Case(pattern: "a.+b", matching: ["axb", "axxb"], others: ["ab", "axbc"]),
        Case(pattern: ".*mid.*", matching: ["mid", "amidb"], others: ["mi d", ""]),
        Case(pattern: ".+", matching: ["x", "\n"], others: [""]),
        Case(pattern: "(a|b)*c", matching: ["c", "abbac"], others: ["abba", "xc"]),
        Case(pattern: "a{2,3}", matching: ["aa", "aaa"], others: ["a", "aaaa"]),
        Case(pattern: "a{2,}", matching: ["aa", "aaaaa"], others: ["a"]),
        Case(pattern: "a{,2}", matching: ["a{,2}"], others: ["aa"]),
        Case(pattern: "(?:ab){2}", matching: ["abab"], others: ["ab"]),
        Case(pattern: "[a-c_-]+", matching: ["a-b_c"], others: ["d", ""]),
        Case(pattern: "[^0-9]+", matching: ["abc"], others: ["a1"]),
        Case(pattern: "[]a]", matching: ["]", "a"], others: ["b"]),
        Case(pattern: "[[:digit:][:upper:]]+", matching: ["A1"], others: ["a1"]),
        Case(pattern: #"\d+\.\w*\s?"#, matching: ["12.ab ", "1."], others: [".", "1,"]),
        Case(pattern: #"[\d.]+"#, matching: ["1.2"], others: ["a"]),
        Case(pattern: #"\D\W\S"#, matching: ["a-b"], others: ["1-b", "aab"]),
        Case(pattern: "(?i)Shop", matching: ["shop", "SHOP"], others: ["shops"]),
        Case(pattern: "(?i:PRO).*", matching: ["production", "PROx"], others: ["xpro"]),
        Case(pattern: "((?i)a)b", matching: ["Ab", "ab"], others: ["AB"]),
        Case(pattern: "(?i)[a-c]", matching: ["B"], others: ["D"]),
        Case(pattern: "(?-s)a.b", matching: ["axb"], others: ["a\nb"]),
        Case(pattern: "^a$", matching: ["a"], others: ["aa"]),
        Case(pattern: #"a\b.c\B"#, matching: [], others: ["abc"]),
        Case(pattern: #"\bab\b"#, matching: ["ab"], others: ["a"]),
        Case(pattern: #"\Qa.b\E+"#, matching: ["a.b"], others: ["axb"]),
        Case(pattern: #"\x41\x{1F600}\n"#, matching: ["A\u{1F600}\n"], others: ["A"]),
        Case(pattern: #"\p{Lu}\pL*"#, matching: ["Éa"], others: ["éa"]),
        Case(pattern: ".*?(?i:PRO).*", matching: ["xPrOy"], others: ["xpr"]),
        Case(pattern: "é+", matching: ["é", "éé"], others: ["e"]),
    ]

    @Test(arguments: cases) func `a pattern matches whole texts`(_ example: Case) throws {
        let plain = try AnchoredPattern(example.pattern)
        let forced = try AnchoredPattern("(?:\(example.pattern))(?:\u{1}{3,})?")
        for text in example.matching {
            #expect(plain.matches(text), "'\(text)'")
            #expect(forced.matches(text), "'\(text)' by automaton")
            #expect(plain.captures(text) != nil)
        }
        for text in example.others {
            #expect(!plain.matches(text), "'\(text)'")
            #expect(!forced.matches(text), "'\(text)' by automaton")
            #expect(plain.captures(text) == nil)
        }
    }

    @Test(arguments: [
        ("a(b", "missing closing ) at character 2 of 'a(b'"),
        ("ab)", "unexpected ) at character 3 of 'ab)'"),
        ("a[b", "missing closing ]: `[b` at character 2 of 'a[b'"),
        ("*a", "missing argument to repetition operator: `*` at character 1 of '*a'"),
        ("a**", "invalid nested repetition operator: `**` at character 3 of 'a**'"),
        ("a{1001}", "invalid repeat count: `{1001}` at character 2 of 'a{1001}'"),
        ("[z-a]", "invalid character class range: `z-a` at character 2 of '[z-a]'"),
        (#"a\y"#, #"invalid escape sequence: `\y` at character 2 of 'a\y'"#),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=` at character 1 of '(?=a)'"),
        ("a\\", "trailing backslash at end of expression at character 2 of 'a\\'"),
        ("((a{500}){500}){500}", "expression is too large at character 1 of '((a{500}){500}){500}'"),
    ]) func `a fault names its place`(_ pattern: String, _ message: String) {
        let fault = #expect(throws: PatternFault.self) { try AnchoredPattern(pattern) }
        #expect(fault?.description == message)
    }

    @Test func `groups give their texts and prefer the first way`() throws {
        #expect(try AnchoredPattern("(a*)(a*)").captures("aaa") == ["aaa", "aaa", ""])
        #expect(try AnchoredPattern("(a*?)(a*)").captures("aaa") == ["aaa", "", "aaa"])
        #expect(try AnchoredPattern("(x)|(?P<rest>.*)").captures("yy") == ["yy", nil, "yy"])
        #expect(try AnchoredPattern("(x)|(?P<rest>.*)").groupNames == ["", "rest"])
    }

    @Test func `words can be looked up instead of tried`() throws {
        #expect(try AnchoredPattern("a(b|c)d?").alternatives == Set(["ab", "ac", "abd", "acd"].map(ByteText.init)))
        #expect(try AnchoredPattern("a.*").alternatives == nil)
    }

    @Test func `a list of thousands of names is a set of words`() throws {
        let pattern = try AnchoredPattern((0..<5000).map { "pod-\($0)" }.joined(separator: "|"))
        #expect(pattern.alternatives?.count == 5000)
        #expect(pattern.matches("pod-4999") && !pattern.matches("pod-5000") && !pattern.matches("pod-49990"))
        #expect(pattern.captures("pod-17") == ["pod-17"] && pattern.captures("x") == nil)
        // What is no list of words stays bounded.
        #expect(throws: PatternFault.self) {
            try AnchoredPattern((0..<9000).map { "[a-z]+\($0)" }.joined(separator: "|"))
        }
    }

    @Test func `a pattern that makes backtracking explode stays quick`() throws {
        let text = String(repeating: "a", count: 2000)
        #expect(try !AnchoredPattern("(a*)*(a|aa)+b").matches(text))
        #expect(try AnchoredPattern("(?:(?:(?:){1000}){1000}){1000}b").matches("b"))
        #expect(throws: PatternFault.self) { try AnchoredPattern(String(repeating: "(", count: 100_000)) }
        #expect(try AnchoredPattern("(a?){200}a{200}").matches(String(repeating: "a", count: 200)))
    }
}
