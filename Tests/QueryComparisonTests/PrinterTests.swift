import JSONCoding
import PromQL
import QueryComparison
import TestSupport
import Testing

/// Goal: what the printer and the formatter write reads back as the same query. Method: generated expressions of the whole grammar, compared as
/// trees without places; and the numbers whose sign a parser might take for an operator.
@Suite struct PrinterTests {
    private func check(_ text: String) throws {
        let expression = try Expression.parse(text, features: .allSyntax)
        let printed = expression.description
        let again = try Expression.parse(printed, features: .allSyntax)
        #expect(
            again.tree.withSortedMatchers == expression.tree.withSortedMatchers, "\(text) was printed as \(printed)")
        #expect(again.description == printed, "\(text)")
        let laidOut = try Expression.parse(expression.prettyText, features: .allSyntax)
        #expect(laidOut.tree.withSortedMatchers == expression.tree.withSortedMatchers, "\(text)")
    }

    @Test func `generated expressions read back as they were`() throws {
        var generator = QueryGenerator(seed: SeededGenerator.forTest().seed)
        for _ in 0..<2000 { try check(generator.expression()) }
    }

    @Test(arguments: [
        "Inf ^ x", "+Inf ^ x", "-Inf ^ x", "x ^ Inf", "x ^ -Inf", "Inf ^ Inf ^ x", "Inf ^ x * y", "(Inf) ^ x",
        "- +Inf ^ x", "2 ^ -x",
        "-1 ^ x", "(-1) ^ x", "-x ^ y", "+x", "-(-x)", "- -1", "-0", "1e300 * x", "1e-300 ^ x", "-5m",
        "x[5m:] offset -1m @ 3", "NaN ^ -NaN",
        "x + fill (1e21) y", "x + fill_left (-Inf) fill_right (1e-9) y",
        "x[2 * -step()]",
        "x[(5m + 1) ^ 2:max(1m, range() / 2)]", "{\"a b\", \"c d\"=\"e\", b=~\".\"}", "sum by (\"a b\") (x)",
    ]) func `signs and odd places read back as they were`(_ text: String) throws {
        try check(text)
    }

    @Test(arguments: [
        ("Inf ^ x", "Inf ^ x"), ("Inf * x", "+Inf * x"), ("1e21", "1000000000000000000000"), ("1e-7", "0.0000001"),
        ("x + fill(1e21) y", "x + fill (1e+21) y"), ("x{b=\"1\",a!=\"2\",a=\"3\"}", "x{a!=\"2\",a=\"3\",b=\"1\"}"),
        ("x{_a=\"1\",Z=\"2\"}", "x{Z=\"2\",_a=\"1\"}"),
    ]) func `the normal form is the reference's`(_ text: String, _ printed: String) throws {
        #expect(try Expression.parse(text, features: .allSyntax).description == printed)
    }
}

extension JSONValue {
    /// The tree of a query with each selector's conditions sorted: the printer sorts them.
    fileprivate var withSortedMatchers: JSONValue {
        switch self {
        case .object(let members):
            return .object(
                Dictionary(
                    uniqueKeysWithValues: members.map { name, value in
                        guard name == "matchers", let matchers = value.arrayValue else {
                            return (name, value.withSortedMatchers)
                        }
                        return (name, .array(matchers.sorted { $0.canonicalText < $1.canonicalText }))
                    }))
        case .array(let elements): return .array(elements.map(\.withSortedMatchers))
        default: return self
        }
    }
}
