import Units
import WebAPI

/// What an address of Prometheus' expression browser asks for, as the template functions `graphLink` and `tableLink` make them:
/// `/graph?g0.expr=up&g0.tab=0&g0.range_input=1h`. Version 3 has the same under `/query`. The page here shows table and chart together, of one
/// expression and up to now, so that `g0.tab`, `g0.end_input` and the panels after the first say nothing to it.
struct GraphLink {
    private let expression: String?
    private let span: Duration?

    init(_ query: FormFields) {
        expression = query["g0.expr"]
        span = query["g0.range_input"].flatMap { Duration(prometheusText: $0) }
    }

    /// `g`, digits and a point begin all of them.
    static func isParameter(_ name: String) -> Bool {
        let rest = name.utf8.dropFirst().drop { (0x30...0x39).contains($0) }
        return name.utf8.first == UInt8(ascii: "g") && rest.count < name.utf8.count - 1
            && rest.first == UInt8(ascii: ".")
    }

    /// The query page, with the expression where there is one.
    var path: String {
        guard let expression else { return "/query" }
        return "/query?expr=\(APIPath.escaped(expression))" + (range.map { "&range=\($0.rawValue)" } ?? "")
    }

    /// The range that is nearest in proportion: 30m is as near to 15m as to 1h, and gets the longer one, which shows all of it.
    private var range: PageContext.Range? {
        guard let span, span > .zero else { return nil }
        func factor(_ range: PageContext.Range) -> Double {
            let factor = range.span / span
            return max(factor, 1 / factor)
        }
        return PageContext.Range.allCases.reversed().min { factor($0) < factor($1) }
    }
}
