import Foundation
import Testing

/// Goal: no failure is passed over without a reason. Method: above each `try?` of the sources, within four lines, a comment stands
/// that says why nobody has to know; several in a row share one.
@Suite struct PassedOverTests {
    private static let linesAbove = 4

    /// The lines, counted from 1, with a `try?` that has no comment near it.
    static func withoutReason(_ text: String) -> [Int] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.indices.filter { index in
            let line = lines[index].drop { $0 == " " }
            guard line.contains(/\btry\?/), !line.hasPrefix("//") else { return false }
            var room = linesAbove
            for above in lines[...index].reversed() {
                if above.contains("//") { return false }
                room = above.contains("try?") ? linesAbove : room - 1
                if room == 0 { return true }
            }
            return true
        }.map { $0 + 1 }
    }

    @Test func `every failure that is passed over has its reason beside it`() {
        for source in FloorsTests.sources {
            for line in Self.withoutReason(source.text) {
                Issue.record(
                    "\(source.path):\(line): say in a comment why the failure may be passed over, or handle it")
            }
        }
    }

    @Test(arguments: [
        ("let a = try? f()", [1]), ("// It is an extra.\nlet a = try? f()", []),
        ("// Far.\n\n\n\n\nlet a = try? f()", [6]),
        ("// Why.\nif let a = try? f() {\n} else if let b = try? g() {", []),
        ("// try? alone\nlet retry = 1", []), ("let a = try f()", []),
    ])
    func `the search finds what it should`(text: String, lines: [Int]) {
        #expect(Self.withoutReason(text) == lines)
    }
}
