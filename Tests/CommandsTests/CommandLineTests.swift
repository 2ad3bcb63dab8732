import Diagnostics
import Testing
import Texts
import Units
import WebAPI

@testable import Commands

/// Goal: what a person or a script sees of the command line: texts, JSON and exit codes. Method: commands run in process against
/// a daemon that answers from a table.
@Suite struct CommandLineTests {
    @Test func `status says in one screen what is wrong and exits by the verdict`() async throws {
        for (verdict, exit) in [
            (Verdict.ok, ProgramStatus.done), (.warning, .failed), (.unknown, .failed), (.critical, .critical),
        ] {
            let terminal = Terminal(answers: [APIPath.status: try summary(verdict)])
            #expect(await terminal.run("status") == exit)
        }
        let terminal = Terminal(answers: [APIPath.status: try summary(.critical)])
        _ = await terminal.run("status")
        #expect(
            terminal.output == """
                Something is broken on web1: 1 critical, 0 warning, 0 unknown of 2; 1 alert firing, 0 pending

                               STATE     SINCE
                host           ok        3h     load 0.5
                postgres shop  CRITICAL  2m 5s  connection refused
                """)
    }

    @Test func `every command that asks the daemon has a JSON form that is the API's own`() async throws {
        let terminal = Terminal(answers: [APIPath.status: try summary(.ok)])
        #expect(await terminal.run("status", "--json") == .done)
        let decoded = try APIJSON.decode(StatusSummary.self, from: Array(terminal.output.utf8))
        #expect(decoded.verdict == .ok && decoded.areas.count == 2)
    }

    @Test func `a daemon that does not answer is 69 with a hint, and JSON on request`() async {
        let terminal = Terminal(answers: nil)
        #expect(await terminal.run("status") == .daemonUnreachable)
        #expect(terminal.notes.contains("jaga: the daemon does not answer at /data/run/jaga.sock: connection refused"))
        #expect(terminal.notes.contains("Start it with 'jaga serve'"))
        let json = Terminal(answers: nil)
        _ = await json.run("status", "--json")
        #expect(json.notes.hasPrefix("{\"error\":{\"code\":\"daemon-unreachable\","))
        #expect(json.output.isEmpty)
    }

    @Test func `a misspelt command or option is a usage fault`() async {
        for arguments in [["stauts"], ["status", "--jsn"], ["demo", "--break", "databse"], ["restore", "shop"]] {
            let terminal = Terminal(answers: [:])
            #expect(await terminal.run(arguments) == .usage, "\(arguments)")
            #expect(terminal.notes.contains("\n      See 'jaga"), "\(terminal.notes)")
            #expect(terminal.output.isEmpty)
        }
        let terminal = Terminal(answers: [:])
        _ = await terminal.run("demo", "--break", "databse")
        #expect(terminal.notes.contains("Did you mean 'database'?"))
    }

    @Test func `a refusal of the daemon becomes its own exit code`() async throws {
        for (code, exit) in [
            (Problem.Code.notFound, ProgramStatus.notFound), (.forbidden, .refused), (.conflict, .locked),
        ] {
            let problem = Problem(code, "there is no job 'nightly'", hint: "'jaga jobs' lists them.")
            let terminal = Terminal(answers: [:], refusal: problem)
            #expect(await terminal.run("jobs", "show", "nightly") == exit)
            #expect(terminal.notes == "jaga: there is no job 'nightly'\n      'jaga jobs' lists them.")
        }
    }

    /// The Prometheus API calls a refused login bad data, as it does an expression that cannot be read.
    @Test(arguments: [
        (400, "bad_data", ProgramStatus.usage), (401, "bad_data", .refused), (403, "bad_data", .refused),
        (429, "bad_data", .failed), (422, "execution", .failed), (404, "not_found", .failed),
    ])
    func `the status of a Prometheus answer decides the exit code`(status: Int, kind: String, exit: ProgramStatus) async
    {
        let text = #"{"status":"error","errorType":"\#(kind)","error":"no"}"#
        let terminal = Terminal(answers: [APIPath.query: text], status: status)
        #expect(await terminal.run("query", "up") == exit)
        #expect(terminal.notes.hasPrefix("jaga: no") && terminal.notes.contains("\n      ") == (exit == .refused))
        // A proxy before the daemon has words of its own.
        let proxy = Terminal(answers: [APIPath.query: "<html>"], status: status)
        #expect(await proxy.run("query", "up") == (exit == .refused ? .refused : .failed))
    }

    @Test func `an invalid configuration lists every fault and is 78`() async {
        let terminal = Terminal(answers: [:])
        #expect(await terminal.run("config", "check", "bad.yaml") == .configurationInvalid)
        #expect(
            terminal.notes == "jaga: bad.yaml:1:1: prt: unknown key; did you mean 'port'?\nbad.yaml:2:7: port: is wrong"
        )
    }

    @Test func `alerts exit with findings when one fires`() async throws {
        let alert = AlertStatus(
            name: "PostgresDown", state: .firing, severity: "critical", labels: [:],
            annotations: ["summary": "shop is\ndown"],
            activeAt: Timestamp(millisecondsSinceEpoch: 0), expression: "pg_up == 0", fingerprint: "1")
        let terminal = Terminal(answers: [APIPath.alerts: try text([alert])])
        #expect(await terminal.run("alerts") == .findings)
        #expect(terminal.output.contains("PostgresDown  firing  critical") && terminal.output.contains("shop is down"))
    }

    @Test func `a pending alert says since when it was seen, and when it fires`() async throws {
        let alert = AlertStatus(
            name: "DiskSlow", state: .pending, severity: "warning", labels: [:], annotations: ["summary": "slow"],
            activeAt: Terminal.now - .seconds(300), beganAt: Terminal.now - .seconds(3 * 3600),
            firesAt: Terminal.now + .seconds(1500), expression: "slow", fingerprint: "1")
        let terminal = Terminal(answers: [APIPath.alerts: try text([alert])])
        #expect(await terminal.run("alerts") == .done)
        #expect(terminal.output.contains("3h ago"), "\(terminal.output)")
        #expect(terminal.output.contains("slow (fires in 25m if it goes on)"), "\(terminal.output)")
    }

    @Test func `query prints one line a series and says when nothing matches`() async throws {
        let found =
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1,"1"]}]}}"#
        let terminal = Terminal(answers: [APIPath.query: found])
        #expect(await terminal.run("query", "up") == .done)
        #expect(terminal.output == #"up{job="a"}  1"#)
        let bare = Terminal(answers: [
            APIPath.query:
                #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"7"]},{"metric":{"__name__":"up"},"value":[1,"2"]}]}}"#
        ])
        #expect(await bare.run("query", "count(up) or up") == .done)
        #expect(bare.output == "{}  7\nup  2")
        let none = Terminal(answers: [
            APIPath.query: #"{"status":"success","data":{"resultType":"vector","result":[]}}"#
        ])
        #expect(await none.run("query", "nothing") == .notFound)
        let bad = Terminal(
            answers: [
                APIPath.query: #"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#
            ], status: 400)
        #expect(await bad.run("query", "(") == .usage)
        #expect(bad.notes == "jaga: parse error: unexpected end")
    }

    @Test func `help and version are results`() async {
        let terminal = Terminal(answers: nil)
        #expect(await terminal.run("--help") == .done)
        for noun in [
            "serve", "init", "status", "check", "config", "reload", "query", "promql", "alerts", "backup", "restore",
            "jobs",
            "ledger", "user", "demo", "version",
        ] {
            #expect(terminal.output.contains("\n  \(noun) "), "\(noun) is missing from the help")
        }
        #expect(!terminal.output.contains("sample-shop"))
        let version = Terminal(answers: nil)
        #expect(await version.run("version") == .done)
        #expect(version.output == "jaga 9.9.9 (abc)\ndaemon not running")
        // One that refuses does run.
        let refused = Terminal(answers: [:], refusal: Problem(.unauthenticated, "this needs a login"))
        #expect(await refused.run("version") == .refused)
        #expect(refused.output == "jaga 9.9.9 (abc)" && refused.notes == "jaga: this needs a login")
        let json = Terminal(answers: [:], refusal: Problem(.unauthenticated, "this needs a login"))
        #expect(await json.run("version", "--json") == .refused)
        #expect(json.output == #"{"version":"9.9.9","revision":"abc","daemon":null}"#)
    }

    @Test func `the headline counts the rows below it, not the alerts`() async throws {
        var summary = try APIJSON.decode(StatusSummary.self, from: Array(try self.summary(.critical).utf8))
        summary.firingCritical = 0
        summary.areas.append(AreaStatus(kind: .backups, name: "shop", verdict: .unknown, reason: "no backup"))
        summary.areas.append(AreaStatus(kind: .jobs, name: "", verdict: .warning, reason: "nightly failed"))
        let terminal = Terminal(answers: [APIPath.status: try text(summary)])
        _ = await terminal.run("status")
        let lines = terminal.output.split(separator: "\n")
        #expect(lines[0].contains("1 critical, 1 warning, 1 unknown of 4; 0 alerts firing, 0 pending"))
        for word in ["CRITICAL", "warning", "unknown"] {
            #expect(lines.dropFirst().count { $0.contains("  \(word)  ") } == 1, "\(word) in \(terminal.output)")
        }
    }

    @Test func `an unknown command names the nearest one`() async {
        for (arguments, remedy) in [
            (["stauts"], "there is no command 'jaga stauts'; did you mean 'status'?"),
            (["jobs", "shwo", "nightly"], "there is no command 'jaga jobs shwo'; did you mean 'show'?"),
            (["config", "zzz"], "there is no command 'jaga config zzz'; the commands are check, show"),
        ] {
            let terminal = Terminal(answers: [:])
            #expect(await terminal.run(arguments) == .usage)
            #expect(terminal.notes.hasPrefix("jaga: \(remedy)\n      See 'jaga"), "\(terminal.notes)")
        }
        for word in ["-1e308", "-(up)", "-.5"] {
            let terminal = Terminal(answers: [:])
            #expect(await terminal.run("query", word) == .usage)
            #expect(terminal.notes.contains("stands behind '--': jaga query -- '\(word)'."), "\(terminal.notes)")
        }
        // What the parser knows how to say stays as it is.
        let terminal = Terminal(answers: [:])
        #expect(await terminal.run("status", "surplus") == .usage)
        #expect(!terminal.notes.contains("there is no command"))
        let json = Terminal(answers: [:])
        _ = await json.run("stauts", "--json")
        #expect(json.notes.contains("did you mean 'status'?") && json.notes.hasPrefix("{\"error\":{\"code\":\"usage\""))
    }

    @Test func `a query goes in the body, not in the address`() async throws {
        let terminal = Terminal(answers: [
            APIPath.query: #"{"status":"success","data":{"resultType":"scalar","result":[1,"1e+99"]}}"#
        ])
        #expect(await terminal.run("query", "up{job=\"a b\"} + 1", "--time", "5") == .done)
        #expect(terminal.sent.map(\.line) == ["POST \(APIPath.query)"])
        let body = try #require(terminal.sent.first?.body)
        #expect(body.contentType == "application/x-www-form-urlencoded")
        #expect(String(decoding: body.bytes, as: UTF8.self) == "query=up%7Bjob%3D%22a%20b%22%7D%20%2B%201&time=5.000")
        #expect(terminal.output == "1e+99")
    }

    @Test(arguments: [
        (1e99, "1e+99"), (1.5e15, "1500000000000000"), (1e16, "1e+16"), (0.1, "0.1"), (-0.0, "-0"), (.nan, "NaN"),
    ])
    func `numbers are printed in their shortest form`(value: Double, text: String) {
        #expect(PrometheusJSON.text(value) == text)
    }

    @Test func `a new user's link is a whole address with what to do and how long it is valid`() async throws {
        let link = WebAPI.PasswordLink(
            user: "ani", path: "/set-password/abc", expiresAt: Terminal.now + .seconds(24 * 3600))
        let version = VersionInfo(
            version: "1", revision: "", swiftVersion: "", startedAt: Terminal.now, processID: 1, dataFolder: "/data",
            pagesURL: "https://jaga.example.org")
        let answers = [
            APIPath.users: try text(link), APIPath.userPasswordLink("ani"): try text(link),
            APIPath.version: try text(version),
        ]
        for arguments in [["user", "add", "ani"], ["user", "password-link", "ani"]] {
            let terminal = Terminal(answers: answers)
            #expect(await terminal.run(arguments) == .done)
            #expect(terminal.output.contains("\n    https://jaga.example.org/set-password/abc\n"))
            #expect(
                terminal.output.contains("works once and for 1d") && terminal.output.contains("Give the address to ani")
            )
        }
        let json = Terminal(answers: answers)
        _ = await json.run("user", "add", "ani", "--json")
        #expect(
            json.output.contains(#""url":"https:\/\/jaga.example.org\/set-password\/abc""#)
                || json.output.contains(#""url":"https://jaga.example.org/set-password/abc""#))
        // Over the network the address is the one that was used.
        let remote = Terminal(answers: answers)
        _ = await remote.run("user", "add", "ani", "--url", "https://other.example/")
        #expect(remote.output.contains("    https://other.example/set-password/abc\n"))
        let inPath = Terminal(answers: answers)
        _ = await inPath.run("user", "add", "ani", "--url", "https://root:S3CRET@other.example/jaga/")
        #expect(inPath.output.contains("    https://other.example/jaga/set-password/abc\n"), "\(inPath.output)")
        // A daemon that does not know its address leaves the path.
        var silent = version
        silent.pagesURL = nil
        let alone = Terminal(answers: [APIPath.users: try text(link), APIPath.version: try text(silent)])
        #expect(await alone.run("user", "add", "ani") == .done)
        #expect(alone.output.contains("    /set-password/abc\n") && alone.output.contains("put the address"))
    }

    @Test(arguments: ["0s", "30s", "11y", "9000y", "-1d", "soon"])
    func `an absurd span of validity is refused with the range`(span: String) async {
        let terminal = Terminal(answers: [:])
        #expect(await terminal.run("user", "add-token", "grafana", "--valid-for=\(span)") == .usage)
        #expect(
            ["from 1m to 10y", "is not a duration", "must be longer", "must not be negative", "longer than 100y"]
                .contains { terminal.notes.contains($0) }, "\(terminal.notes)")
        #expect(terminal.sent.isEmpty)
    }

    @Test(arguments: [
        (["--kind", "alret.fired"], "Did you mean 'alert.fired'?"), (["--kind", "zzz"], "The families are alert."),
        (["--actor", "persn:ani"], "the kinds are person, token"), (["--limit", "0"], "between 1 and 1000"),
        (["--limit", "1001"], "between 1 and 1000"), (["--subject", ""], "--subject is empty"),
    ])
    func `a filter of the ledger that could never match is refused`(arguments: [String], remedy: String) async {
        let terminal = Terminal(answers: [:])
        #expect(await terminal.run(["ledger", "list"] + arguments) == .usage)
        #expect(terminal.notes.contains(remedy), "\(terminal.notes)")
        #expect(terminal.sent.isEmpty)
    }

    @Test(arguments: JobRun.Outcome.allCases)
    func `outcomes are words`(outcome: JobRun.Outcome) async throws {
        let run = JobRun(
            id: "r1", job: "nightly", trigger: "manual", actor: "person:ani", attempt: 1, startedAt: Terminal.now,
            outcome: outcome, message: "m", outputTail: "")
        let job = JobStatus(
            name: "nightly", kind: "command", description: "", schedule: "", scheduleText: "", timeZone: "UTC",
            enabled: true, timeLimitMs: 1, attemptsMax: 1, running: false, lastRun: run)
        let terminal = Terminal(answers: [APIPath.jobs: try text([job])])
        #expect(await terminal.run("jobs") == .done)
        #expect(!terminal.output.contains("timedOut"))
        let word = Phrases<StateText>(.english)[outcome.word]
        #expect(terminal.output.contains("  \(word)"))
    }

    @Test(arguments: [
        ("invalid-input", ProgramStatus.configurationInvalid), ("locked", .locked), ("dump-failed", .failed),
        ("not-found", .notFound),
    ])
    func `a failed action exits as its failure says`(code: String, exit: ProgramStatus) async throws {
        let status = ActionStatus(
            id: "a1", action: .reload, actor: "system:cli", state: .failed, startedAt: Terminal.now,
            message: "it failed", hint: "Do this.", code: code)
        let terminal = Terminal(answers: [APIPath.actions: try text(status)])
        #expect(await terminal.run("reload") == exit)
        #expect(terminal.notes == "jaga: it failed\n      Do this.")
    }

    @Test func `a reload beside another one is locked`() async {
        let terminal = Terminal(answers: [:], refusal: Problem(.conflict, "another reload is under way", hint: "Wait."))
        #expect(await terminal.run("reload") == .locked)
    }

    @Test func `check says ok, warning, critical or unknown, and all but ok are findings`() async throws {
        let terminal = Terminal(answers: nil)
        #expect(await terminal.run("check") == .findings)
        #expect(
            terminal.output == """
                WHAT         STATE     TIME
                host/web1    ok        1.5 ms  12 samples
                backup/shop  warning   2 ms    only 1 GB free
                smtp         CRITICAL  3 ms    connection refused
                postgres/x   unknown   4 ms    timed out
                """)
        let json = Terminal(answers: nil)
        _ = await json.run("check", "--json")
        #expect(json.output.contains(#""source":"backup/shop","up":false,"verdict":"warning""#))
    }

    @Test(arguments: [("de_DE.UTF-8", Language.english), ("en_GB", .english), ("C", .english), ("", .english)])
    func `the language is the environment's where there are texts in it`(locale: String, language: Language) {
        let terminal = Terminal(answers: nil, environment: ["LANG": locale])
        #expect(terminal.console.language == language)
    }

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try APIJSON.encode(value), as: UTF8.self)
    }

    private func summary(_ verdict: Verdict) throws -> String {
        let now = Terminal.now
        return try text(
            StatusSummary(
                verdict: verdict, at: now, host: "web1", version: "1", startedAt: now, firingCritical: 1,
                firingWarning: 0,
                pending: 0,
                areas: [
                    AreaStatus(
                        kind: .host, name: "", verdict: .ok, reason: "", since: now - .seconds(3 * 3600),
                        figures: [Figure(label: "load", value: 0.5, unit: .none)]),
                    AreaStatus(
                        kind: .postgres, name: "shop", verdict: .critical, reason: "connection refused",
                        since: now - .seconds(125)),
                ]))
    }
}
