import Commands
import Foundation
import Testing
import WebAPI

/// Goal: the query commands show what they should. Method: a canned answer for the chart, files of our own for the scripts.
@Suite struct QueryCommandTests {
    @Test func `a range is asked for and drawn as a chart with axes and legend`() async throws {
        let found =
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"load"},"#
            + #""values":[[0,"1"],[60,"3"],[120,"2"]]}]}}"#
        let terminal = Terminal(answers: [APIPath.queryRange: found])
        #expect(
            await terminal.run("query", "load", "--range", "2m", "--step", "1m", "--time", "120", "--graph") == .done)
        let lines = terminal.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 19)
        #expect(lines[0].hasPrefix("    3 ┤") && lines[15].hasPrefix("    1 ┤⡠"))
        #expect(lines[17].contains("1970-01-01T00:00:00Z") && lines[17].hasSuffix("1970-01-01T00:02:00Z"))
        #expect(lines[18] == "⣿⣿ load  last 2, min 1, max 3")
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test func `the axis is the range that was asked for, and infinities are the least and the most`() async throws {
        let found =
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"odd"},"#
            + #""values":[[0,"-Inf"],[60,"+Inf"],[90,"2"],[120,"NaN"]]}]}}"#
        let terminal = Terminal(answers: [APIPath.queryRange: found], width: 100)
        #expect(
            await terminal.run("query", "odd", "--range", "10m", "--step", "1m", "--time", "600", "--graph") == .done)
        let lines = terminal.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.last == "⣿⣿ odd  last NaN, min -Inf, max +Inf")
        #expect(lines[17].contains("1970-01-01T00:00:00Z") && lines[17].hasSuffix("1970-01-01T00:10:00Z"))
        #expect(lines.map(\.count).max() == 100)
    }

    @Test(arguments: ["NaN", "+Inf", "-Inf"])
    func `where no value is finite there are no axes, and the legend says what there is`(value: String) async {
        let found =
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"#
            + #""values":[[0,"\#(value)"],[60,"\#(value)"]]}]}}"#
        let terminal = Terminal(answers: [APIPath.queryRange: found])
        #expect(await terminal.run("query", "vector(\(value))", "--graph", "--range", "1m", "--time", "60") == .done)
        #expect(
            terminal.output
                == "there is nothing finite to draw\n⣿⣿ {}  last \(value), min \(value), max \(value)",
            "\(terminal.output)")
    }

    @Test func `native histograms are shown as such, beside numbers`() async throws {
        let now =
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"a"},"value":[1,"2"]},"#
            + #"{"metric":{"__name__":"b"},"histogram":[1,{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}]}]}}"#
        let instant = Terminal(answers: [APIPath.query: now])
        #expect(await instant.run("query", "x") == .done)
        #expect(instant.output.hasSuffix("a  2\nb  {count:3, sum:4.5, (1,2]:3}"), "\(instant.output)")
        let past =
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"b"},"#
            + #""histograms":[[60,{"count":"3","sum":"4.5","buckets":[[3,"-1","1","3"]]}]]}]}}"#
        let range = Terminal(answers: [APIPath.queryRange: past])
        #expect(await range.run("query", "x", "--range", "2m", "--step", "1m", "--time", "120") == .done)
        #expect(range.output.hasSuffix("b  {count:3, sum:4.5, [-1,1]:3} @60"), "\(range.output)")
    }

    @Test func `names that the older rules do not allow are printed as an expression has them, times as seconds`()
        async throws
    {
        let found =
            #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"my.name","host.name":"x","a":"1"},"#
            + #""values":[[60,"1"],[61.5,"3"]]}]}}"#
        let terminal = Terminal(answers: [APIPath.queryRange: found])
        #expect(await terminal.run("query", "x", "--range", "2m", "--step", "1m", "--time", "120") == .done)
        let name = #"{"my.name", a="1", "host.name"="x"}"#
        #expect(terminal.output.hasSuffix("\(name)  1 @60\n\(name)  3 @61.500"), "\(terminal.output)")
    }

    @Test func `the legend begins with the labels that differ`() async throws {
        let common = #""aaa":"\#(String(repeating: "x", count: 100))","__name__":"m""#
        let found =
            #"{"status":"success","data":{"resultType":"matrix","result":["#
            + ["1", "2"].map { #"{"metric":{\#(common),"zone":"\#($0)"},"values":[[0,"1"],[60,"\#($0)"]]}"# }
            .joined(separator: ",") + "]}}"
        let terminal = Terminal(answers: [APIPath.queryRange: found])
        #expect(await terminal.run("query", "m", "--range", "1m", "--step", "1m", "--time", "60", "--graph") == .done)
        #expect(terminal.output.contains(#"m{zone="1", aaa="x"#) && terminal.output.contains(#"m{zone="2", aaa="x"#))
    }

    /// 2.3 and 8.2 seconds lie just below their decimals as binary numbers or as their products; a duration has no such trap.
    @Test(arguments: ["2300ms", "8s200ms", "13s700ms", "1m"])
    func `a step is asked for as it was given`(step: String) async {
        let found = #"{"status":"success","data":{"resultType":"matrix","result":[]}}"#
        let terminal = Terminal(answers: [APIPath.queryRange: found])
        #expect(await terminal.run("query", "x", "--range", "11500ms", "--step", step, "--time", "60") == .notFound)
        let form = String(decoding: terminal.sent.first?.body?.bytes ?? [], as: UTF8.self)
        let normal = step == "2300ms" ? "2s300ms" : step
        #expect(form == "end=60.000&query=x&start=48.500&step=\(normal)", "\(form)")
    }

    @Test func `a range that is none is a wrong use`() async {
        #expect(await Terminal(answers: nil).run("query", "up", "--range", "soon") == .usage)
    }

    @Test func `scripts are run and failing cases are printed with their place`() async throws {
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "jaga-scripts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "a.test")
        try Data("load 1m\n  a 1x3\n\neval instant at 1m a\n  a 1\n\neval instant at 1m a\n  a 2\n".utf8).write(
            to: file)
        let terminal = Terminal(answers: nil)
        #expect(await terminal.run("promql", "script", file.path) == .failed)
        #expect(terminal.output == "\(file.path):7: a: expected 2 for a, got 1\n1 passed, 1 failed")
        let json = Terminal(answers: nil)
        #expect(await json.run("promql", "script", "--json", file.path) == .failed)
        #expect(json.output.contains(#""failed":1"#) && json.output.contains(#""line":7"#))
        #expect(await Terminal(answers: nil).run("promql", "script", folder.path + "/none") == .failed)
    }

    @Test func `an expression is laid out and taken apart`() async {
        let format = Terminal(answers: nil)
        #expect(await format.run("promql", "format", "sum( rate(x_total[5m]) )by(job)") == .done)
        #expect(format.output == "sum by (job) (rate(x_total[5m]))")
        let parse = Terminal(answers: nil)
        #expect(await parse.run("promql", "parse", "up offset 1m") == .done)
        #expect(parse.output.contains(#""type":"vectorSelector""#) && parse.output.contains(#""offset":60000"#))
        let fault = Terminal(answers: nil)
        #expect(await fault.run("promql", "format", "sum(") == .usage)
        #expect(fault.notes.hasPrefix("jaga: ") && !fault.notes.contains("--help"), "\(fault.notes)")
    }
}
