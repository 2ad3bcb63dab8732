import Commands
import Diagnostics
import Series
import Testing
import Units
import WebAPI

/// Goal: `jaga rules` says what promtool says, and scripts can tell findings from faults. Method: commands run in process over
/// tools that answer by the file's name.
@Suite struct RulesCommandTests {
    @Test func `check prints counts and faults and exits by what it found`() async {
        let terminal = Terminal(answers: [:])
        #expect(await terminal.run("rules", "check", "good.yml") == .done)
        #expect(terminal.output == "Checking good.yml\n  SUCCESS: 3 rules found\n")
        let finding = Terminal(answers: [:])
        #expect(await finding.run("rules", "check", "good.yml", "odd.yml") == .findings)
        #expect(finding.output.contains("odd.yml:3:5: warning: duplicate rule"))
        let bad = Terminal(answers: [:])
        #expect(await bad.run("rules", "check", "bad.yml", "odd.yml") == .configurationInvalid)
        #expect(bad.notes.contains("bad.yml:1:1: unknown key"))
        let json = Terminal(answers: [:])
        #expect(await json.run("rules", "check", "odd.yml", "--json") == .findings)
        let reports = try? APIJSON.decode([RuleFileReport].self, from: Array(json.output.utf8))
        #expect(reports?.first?.findings.count == 1)
        let missing = Terminal(answers: [:])
        #expect(await missing.run("rules", "check", "none.yml") == .notFound)
    }

    @Test func `test prints failures in promtool's frame`() async {
        let terminal = Terminal(answers: [:])
        #expect(await terminal.run("rules", "test", "good.yml") == .done)
        #expect(terminal.output == "Unit Testing:  good.yml\n  SUCCESS\n")
        let bad = Terminal(answers: [:])
        #expect(await bad.run("rules", "test", "odd.yml") == .failed)
        #expect(bad.notes.contains("  FAILED:\n    alertname: A, time: 1m"))
        #expect(await Terminal(answers: [:]).run("rules", "test", "bad.yml") == .configurationInvalid)
    }

    @Test func `list names the rules that match no series`() async throws {
        let rule = RuleStatus(
            name: "Down", kind: .alerting, expression: "uup == 0", holdMs: 0, labels: [:], annotations: [:],
            health: .ok,
            lastDurationMs: 0.25, lastResultCount: 0, state: "inactive",
            unmatched: [UnmatchedSelector(selector: "uup", isNameUnknown: true, nearestName: "up")])
        let groups = [RuleGroupStatus(name: "g", file: "f.yml", intervalMs: 15_000, rules: [rule])]
        let answer = String(decoding: try APIJSON.encode(groups), as: UTF8.self)
        let terminal = Terminal(answers: [APIPath.rules: answer])
        #expect(await terminal.run("rules", "list") == .done)
        #expect(
            terminal.output.contains("Down  uup                no such metric; did you mean up?"), "\(terminal.output)")
        #expect(await terminal.run("rules") == .done)
    }

    @Test func `a backtest asks the daemon and shows what would have been`() async {
        let answer = """
            {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"instance":"a"},"values":[[1767225600,"0"]]}]}}
            """
        let terminal = Terminal(answers: [APIPath.queryRange: answer])
        #expect(
            await terminal.run(
                "rules", "backtest", "good.yml", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T01:00:00Z")
                == .done)
        #expect(
            terminal.output.contains("Down  2026-01-01T00:00:00Z  2026-01-01T00:05:00Z  still open  55m"),
            "\(terminal.output)")
        #expect(await Terminal(answers: [:]).run("rules", "backtest", "good.yml", "--from", "yesterday") == .usage)
        #expect(await terminal.run("rules", "backtest", "good.yml", "--from", "1h", "--step", "2300ms") == .done)
        #expect(terminal.sent.map { $0.line.hasSuffix("&step=15s") } == [true, true, false, false])
        #expect(terminal.sent.last?.line.hasSuffix("&step=2s300ms") == true, "\(terminal.sent)")
    }
}

extension RulesCommandTests {
    private static let backtest = ["rules", "backtest", "good.yml", "--from", "1h"]

    @Test func `a backtest that nobody answers ends as every question to the daemon, and says nothing of the rules`()
        async
    {
        let terminal = Terminal(answers: nil)
        #expect(await terminal.run(Self.backtest) == .daemonUnreachable)
        #expect(terminal.output.isEmpty && terminal.notes.contains("jaga serve"), "\(terminal.output)\(terminal.notes)")
        #expect(terminal.notes.hasPrefix("jaga: the daemon does not answer at /data/run/jaga.sock"))
        let json = Terminal(answers: nil)
        #expect(await json.run(Self.backtest + ["--json"]) == .daemonUnreachable)
        #expect(json.output.isEmpty && json.notes.contains(#""code":"daemon-unreachable""#))
    }

    @Test func `a backtest with a token that is refused ends with 12`() async {
        let text = #"{"status":"error","errorType":"bad_data","error":"this needs a login"}"#
        let terminal = Terminal(answers: [APIPath.queryRange: text], status: 401)
        #expect(await terminal.run(Self.backtest) == .refused)
        #expect(terminal.output.isEmpty && terminal.notes.contains("JAGA_TOKEN"), "\(terminal.output)")
        // The second question would be refused as the first, so it was not put.
        #expect(terminal.sent.count == 1)
    }

    @Test func `rules that could not be looked at are not said to have been calm`() async {
        let text = #"{"status":"error","errorType":"execution","error":"too many samples"}"#
        let terminal = Terminal(answers: [APIPath.queryRange: text], status: 422)
        #expect(await terminal.run(Self.backtest) == .findings)
        #expect(terminal.output == "Down: too many samples\nUp: too many samples")
        let partly = Terminal(answers: [APIPath.queryRange: text], status: 422)
        #expect(await partly.run("rules", "backtest", "calm.yml", "--from", "1h") == .findings)
        #expect(partly.output == "no other rule would have been pending\nUp: too many samples", "\(partly.output)")
    }
}

struct FakeRuleTools: RuleTools {
    func check(_ files: [String], features: [String]) async throws -> [RuleFileReport] {
        try files.map { file in
            switch file {
            case "good.yml": RuleFileReport(file: file, alertingCount: 2, recordingCount: 1, faults: [], findings: [])
            case "odd.yml":
                RuleFileReport(
                    file: file, alertingCount: 2, faults: [], findings: ["odd.yml:3:5: warning: duplicate rule"])
            case "bad.yml": RuleFileReport(file: file, faults: ["bad.yml:1:1: unknown key"], findings: [])
            default: throw PlainFailure("not-found", "'\(file)' names no file")
            }
        }
    }

    func test(_ files: [String], features: [String]) async throws -> [RuleTestReport] {
        files.map { file in
            RuleTestReport(
                file: file, testCount: 1, warnings: [],
                failures: file == "good.yml" ? [] : ["    alertname: A, time: 1m, "],
                isInvalid: file == "bad.yml")
        }
    }

    func backtest(_ request: BacktestRequest, on past: BacktestPast) async throws -> [BacktestReport] {
        guard case .daemon(let ask, _) = past else { return [] }
        let fired = request.start + .seconds(300)
        var reports: [BacktestReport] = []
        for (rule, expression) in [("Down", "up == 0"), ("Up", "up == 1")] {
            var report = BacktestReport(group: "g", rule: rule, expression: expression, episodes: [], failure: nil)
            do {
                let isAsked = rule == "Up" || request.file != "calm.yml"
                let columns =
                    isAsked ? try await ask(expression, request.start, request.end, request.step ?? .seconds(15)) : []
                report.episodes = columns.map { column in
                    BacktestReport.Episode(
                        labels: ["instance": column.labels["instance"] ?? ""], pendingAt: request.start, firedAt: fired,
                        endedAt: nil,
                        firingMs: (request.end - fired).wholeMilliseconds, value: "0", lowest: "0", highest: "0")
                }
            } catch {
                report.failure = describe(error)
            }
            reports.append(report)
        }
        return reports
    }
}
