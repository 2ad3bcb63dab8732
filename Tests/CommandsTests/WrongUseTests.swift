import Diagnostics
import Testing
import WebAPI

@testable import Commands

/// Goal: whoever uses a command wrongly is told what is wrong with which word and where to read on, exits with 64 and has asked
/// the daemon nothing. Method: each command with each kind of wrong word, in process, with no daemon behind it.
@Suite struct WrongUseTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let words: [String]
        let complaint: String
        let see: String

        init(_ words: String, _ complaint: String, _ see: String) {
            self.words = words.split(separator: " ").map { $0 == "''" ? "" : String($0) }
            self.complaint = complaint
            self.see = see
        }

        var testDescription: String { words.joined(separator: " ") }
    }

    static let cases = [
        Case("serve --log-level foo", "provide one of trace, debug, info, notice, warning, error, critical\n", "serve"),
        Case("serve --listen nonsense", "write it like 127.0.0.1:9797", "serve"),
        Case("serve --listen 127.0.0.1:66000", "is not an address to listen at", "serve"),
        Case("serve --listen=", "missing value for '--listen <listen>'", "serve"),
        Case("status --data=", "missing value for '--data <folder>'", "status"),
        Case("status --data ''", "the word after '--data' is empty", "status"),
        Case("status --url jaga.example.org", "is no web address", "status"),
        Case("query up --step 0s", "must be longer than nothing", "query"),
        Case("query up --range -5m", "a duration must not be negative; write --range=5m", "query"),
        Case("query up --range=-5m", "a duration must not be negative; write --range=5m", "query"),
        Case("query up --range 300000y", "'300000y' for --range", "query"),
        Case("query up --range 5m --step soon", "'soon' for --step is not a duration", "query"),
        Case("query up --step 5s", "give --range or --graph too", "query"),
        Case("query up --time yesterday", "'yesterday' for --time is no instant", "query"),
        Case("query up --time -6h", "write --time=6h", "query"),
        Case("series export bad{", "'bad{' is no selector", "series export"),
        Case("series export --from 1e30", "'1e30' for --from is no instant", "series export"),
        Case("series export --from nan", "'nan' for --from is no instant", "series export"),
        Case("series export --from 20 --to 10", "--from 20 is after --to 10", "series export"),
        Case("series stats --limit -1", "--limit -1 is not between 1 and 10000", "series stats"),
        Case("series stats --limit 1x", "'1x' is invalid for '--limit <limit>'", "series stats"),
        Case("rules backtest r.yml --from 6h --step 0s", "must be longer than nothing", "rules backtest"),
        Case("rules backtest r.yml --from 6h --step -15s", "write --step=15s", "rules backtest"),
        Case("rules backtest r.yml --from 1h --to 2h", "begin is not before the end", "rules backtest"),
        Case("rules backtest r.yml --from -6h", "write --from=6h", "rules backtest"),
        Case("rules check", "missing expected argument", "rules check"),
        Case("jobs show nightly --limit 0", "--limit 0 is not between 1 and 500", "jobs show"),
        Case("jobs show nightly --limit -3", "--limit -3 is not between 1 and 500", "jobs show"),
        Case("jobs run ''", "the word after 'run' is empty", "jobs run"),
        Case("ledger list --limit -3", "--limit -3 is not between 1 and 1000", "ledger list"),
        Case("ledger --limit 0", "--limit 0 is not between 1 and 1000", "ledger"),
        Case("user add ani --role king", "'king' is invalid for '--role <role>'", "user add"),
        Case("user add-token t --role king", "'king' is invalid for '--role <role>'", "user add-token"),
        Case("user role ani king", "'king' is invalid for '<role>'", "user role"),
        Case("user add-token t --valid-for -1d", "write --valid-for=1d", "user add-token"),
        Case("demo --size huge", "'huge' is invalid for '--size <size>'", "demo"),
        Case("demo --port -1", "-1 is not a port", "demo"),
        Case("demo --hold -5s", "write --hold=5s", "demo"),
        Case("demo --smtp nowhere", "is no mail server", "demo"),
        Case("demo --webhook nowhere", "is no web address", "demo"),
        Case("help statsu", "there is no command 'jaga statsu'; did you mean 'status'?", ""),
        Case("restore shop", "missing expected argument '--into <into>'", "restore"),
    ]

    @Test(arguments: cases)
    func `a wrong word is told, with the command to read about`(wrong: Case) async {
        let terminal = Terminal(answers: [:])
        #expect(await terminal.run(wrong.words) == .usage, "\(terminal.notes)")
        let lines = terminal.notes.split(separator: "\n").map(String.init)
        #expect(lines.count >= 2 && lines.first?.hasPrefix("jaga: ") == true, "\(terminal.notes)")
        #expect(terminal.notes.contains(wrong.complaint), "\(terminal.notes)")
        #expect(lines.last == "      See '\(wrong.see.isEmpty ? "jaga" : "jaga \(wrong.see)") --help'.")
        #expect(terminal.sent.isEmpty && terminal.output.isEmpty)

        let json = Terminal(answers: [:])
        #expect(await json.run(wrong.words + ["--json"]) == .usage)
        #expect(json.notes.hasPrefix("{\"error\":{\"code\":\"usage\""), "\(json.notes)")
    }

    @Test func `an address of the environment that is none is told too`() async {
        let terminal = Terminal(answers: [:], environment: ["JAGA_URL": "nowhere"])
        #expect(await terminal.run("status") == .usage)
        #expect(
            terminal.notes
                == "jaga: 'nowhere' for JAGA_URL is no web address; write it like https://jaga.example.org\n      See 'jaga status --help'."
        )
    }

    @Test func `what the daemon finds wrong with a name is a wrong use`() async {
        let terminal = Terminal(answers: [:], refusal: Problem(.invalid, "'a b' cannot be a user's name"))
        #expect(await terminal.run("user", "add", "a b") == .usage)
    }

    @Test func `instants may be before 1970 and spans may be written as how long ago`() async {
        let found = #"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#
        for (time, sent) in [("-5", "-5.000"), ("6h", "1799978400.000"), ("1970-01-01T00:00:01Z", "1.000")] {
            let terminal = Terminal(answers: [APIPath.query: found])
            #expect(await terminal.run("query", "1", "--time", time) == .done, "\(terminal.notes)")
            let body = String(decoding: terminal.sent.first?.body?.bytes ?? [], as: UTF8.self)
            #expect(body.hasSuffix("&time=\(sent)"), "\(body)")
        }
    }
}
