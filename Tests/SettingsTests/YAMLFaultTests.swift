import Diagnostics
import Settings
import Testing

/// Goal: what is no YAML is told in words that say what to do, at the place where the mistake is. Method: the slips of a person at
/// an editor, one a text; the library's own wording must not come through.
@Suite struct YAMLFaultTests {
    struct Slip: Sendable, CustomTestStringConvertible {
        let yaml: String
        let told: String

        init(_ yaml: String, _ told: String) {
            self.yaml = yaml
            self.told = told
        }

        var testDescription: String { String(yaml.prefix(60)) }
    }

    private static let indent = "and no entry above it does; begin it in column"

    static let slips = [
        Slip(
            "a:\n  - b: 1\n    c: 2\n   d: 3\n",
            "4:4: this line begins in column 4, \(indent) 1, 3 or 5, like the entry"),
        Slip("a:\n    b: 1\n  c: 2\n", "3:3: this line begins in column 3, \(indent) 1 or 5, like"),
        Slip("# x\na:\n  b:\n    - c\n # y\n - d\n", "6:2: this line begins in column 2, \(indent) 1, 3 or 5, like"),
        Slip("a: 1\n- b\n", "2:1: a list's '-' stands where a key is expected; indent it further"),
        Slip("a:\n- b\n- c\nd: 1\n- e\n", "5:1: a list's '-' stands where a key is expected"),
        Slip("a:\n  - b\n  c: 1\n", "3:3: a list's '-' is expected here"),
        Slip("site: shop\n  port: 80\n", "2:3: this line is indented below one that has its value already"),
        Slip("a: b: c\n", "1:5: a second ':' stands on this line; put the value into quotation marks"),
        Slip("url: http: //x\n", "1:10: a second ':' stands on this line"),
        Slip("port 80\nsite: shop\n", "1:1: after 'port 80' a ':' is missing; write 'key: value'"),
        Slip("a: 1\nport 80\n", "2:1: after 'port 80' a ':' is missing"),
        Slip("a: [1, 2\n", "1:4: the '[' that opens here is not closed; add ']'"),
        Slip("a: {b: 1\n\n", "1:4: the '{' that opens here is not closed; add '}'"),
        Slip("a: [1, 2\nb: 3\n", "2:2: a ',' or ']' is missing before ':', for the '[' at line 1, column 4"),
        Slip("a: [1 2]]\n", "1:9: nothing more is expected on this line before ']'"),
        Slip("a: {b: 1} c\n", "1:11: nothing more is expected on this line before 'c'"),
        Slip("a: \"b\" c\n", "1:8: nothing more is expected on this line before 'c'"),
        Slip("a: \"b\n", "1:4: the quotation mark that opens here is not closed"),
        Slip("a: 'b\nc: 1\n", "1:4: the quotation mark that opens here is not closed"),
        Slip("a: \"C:\\data\"\n", "1:7: a backslash stands here that begins nothing known"),
        Slip("a: - b\n", "1:4: a list cannot begin here; begin it on a line of its own, or write it as [a, b]"),
        Slip("a: @b\n", "1:4: a text cannot begin with '@'; put it into quotation marks"),
        Slip("a: `b`\n", "1:4: a text cannot begin with '`'"),
        Slip("a: %b\n", "1:4: a text cannot begin with '%'"),
        Slip("a: *.example\n", "1:4: a text cannot begin with '*'; put it into quotation marks"),
        Slip("a: *other\n", "1:4: refers to an anchor that is not defined before it"),
        Slip("a: &\n", "1:4: a text cannot begin with '&'"),
        Slip("a: !x!y b\n", "1:4: a text cannot begin with '!'"),
        Slip("a: | text\n", "1:6: nothing may follow '|' or '>' on its line"),
        Slip("a: [,]\n", "1:5: a value is missing before ','"),
        Slip("{}\na: 1\n", "2:1: the file goes on after its value has ended"),
        Slip("a: ]\n", "1:4: a value is missing before ']'"),
        Slip("a:\n\tb: 1\n", "2:1: a tab indents this line"),
        Slip("a: 1\nb: x\u{0}y\n", "2:5: holds the control character U+0000"),
        Slip(
            "a: " + String(repeating: "[", count: 5000), "1:5: more than 1000 values lie in each other here; look for"),
        Slip("a: " + String(repeating: "{x: ", count: 5000), "more than 1000 values lie in each other here"),
    ]

    @Test(arguments: slips)
    func `a slip is told with its place and its remedy`(slip: Slip) throws {
        let error = #expect(throws: InvalidInput.self) {
            try SettingsDocument.plainValue(slip.yaml, file: "f.yaml")
        }
        let told = error?.diagnostics.map(\.description) ?? []
        #expect(told.count == 1 && told[0].contains(slip.told), "\(told)")
        #expect(told.first?.hasPrefix("f.yaml:") == true, "\(told)")
        for wording in ["did not find", "could not find", "not allowed in this context", "while ", "yaml_"] {
            #expect(told.first?.contains(wording) == false, "\(told)")
        }
    }

    @Test func `a thousand levels are read and do not end the program`() throws {
        let depth = 990
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(throws: Never.self) { try SettingsDocument.plainValue(text, file: "f.yaml") }
    }
}
