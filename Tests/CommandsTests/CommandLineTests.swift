import Commands
import Diagnostics
import Synchronization
import Testing
import Units
import WebAPI

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
                Something is broken on web1: 1 critical, 0 warning, 0 pending

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
            #expect(terminal.notes.contains("Usage: jaga"), "\(terminal.notes)")
            #expect(terminal.output.isEmpty)
        }
        let terminal = Terminal(answers: [:])
        _ = await terminal.run("demo", "--break", "databse")
        #expect(terminal.notes.contains("Did you mean 'database'?"))
    }

    @Test func `a refusal of the daemon becomes its own exit code`() async throws {
        for (code, exit) in [
            (Problem.Code.notFound, ProgramStatus.notFound), (.forbidden, .refused), (.conflict, .failed),
        ] {
            let problem = Problem(code, "there is no job 'nightly'", hint: "'jaga jobs' lists them.")
            let terminal = Terminal(answers: [:], refusal: problem)
            #expect(await terminal.run("jobs", "show", "nightly") == exit)
            #expect(terminal.notes == "jaga: there is no job 'nightly'\n      'jaga jobs' lists them.")
        }
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

    @Test func `query prints one line a series and says when nothing matches`() async throws {
        let found =
            #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1,"1"]}]}}"#
        let terminal = Terminal(answers: [APIPath.query: found])
        #expect(await terminal.run("query", "up") == .done)
        #expect(terminal.output == #"up{job="a"}  1"#)
        let none = Terminal(answers: [
            APIPath.query: #"{"status":"success","data":{"resultType":"vector","result":[]}}"#
        ])
        #expect(await none.run("query", "nothing") == .notFound)
        let bad = Terminal(
            answers: [
                APIPath.query: #"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#
            ], status: 400)
        #expect(await bad.run("query", "(") == .failed)
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

/// A terminal that keeps what is printed, with a daemon that answers paths from a table.
final class Terminal: Sendable {
    static let now = Timestamp(secondsSinceEpoch: 1_800_000_000)

    private let printed = Mutex((output: [String](), notes: [String]()))
    private let answers: [String: String]?
    private let refusal: Problem?
    private let status: Int

    /// - Parameter answers: nil for a daemon that does not run.
    init(answers: [String: String]?, refusal: Problem? = nil, status: Int = 200) {
        self.answers = answers
        self.refusal = refusal
        self.status = status
    }

    var output: String { printed.withLock { $0.output.joined(separator: "\n") } }
    var notes: String { printed.withLock { $0.notes.joined(separator: "\n") } }

    func run(_ arguments: String...) async -> ProgramStatus { await run(arguments) }

    func run(_ arguments: [String]) async -> ProgramStatus {
        let console = Console(
            output: { text in self.printed.withLock { $0.output.append(text) } },
            notes: { text in self.printed.withLock { $0.notes.append(text) } },
            environment: { ["JAGA_DATA": "/data"][$0] }, now: { Self.now },
            connect: { [answers, refusal, status] options in
                TableConnection(address: options.socketPath, answers: answers, refusal: refusal, status: status)
            }, program: NoProgram())
        return await runCommandLine(arguments, console: console)
    }
}

private struct TableConnection: APIConnection {
    func lines(of path: String, _ onLine: @escaping @Sendable (String) -> Void) async throws -> APIAnswer {
        let answer = try await send("GET", path, body: nil)
        for line in String(decoding: answer.body, as: UTF8.self).split(separator: "\n") { onLine(String(line)) }
        return APIAnswer(status: answer.status, body: [])
    }

    let address: String
    let answers: [String: String]?
    let refusal: Problem?
    let status: Int

    func send(_ method: String, _ path: String, body: [UInt8]?) async throws -> APIAnswer {
        guard let answers else {
            throw DaemonUnreachable(address: address, cause: PlainFailure("refused", "connection refused"))
        }
        if let refusal { return APIAnswer(status: refusal.httpStatus, body: Array(try APIJSON.encode(refusal))) }
        let text = try #require(answers[String(path.prefix { $0 != "?" })], "nothing for \(path)")
        return APIAnswer(status: status, body: Array(text.utf8))
    }
}

struct NoProgram: ProgramParts {
    func serve(_ options: ServeOptions) async throws {}
    func discoveredConfiguration() async throws -> String { "site: x\n" }
    func checkConfiguration(file: String) async throws -> ConfigurationReport {
        throw InvalidInput([
            Diagnostic(
                at: SourcePosition(file: file, line: 1, column: 1), path: "prt", "unknown key; did you mean 'port'?"),
            Diagnostic(at: SourcePosition(file: file, line: 2, column: 7), path: "port", "is wrong"),
        ])
    }
    func checkOnce(file: String?) async throws -> [SourceReport] { [] }
    func demo(_ options: DemoOptions) async throws {}
    func sampleShop(configurationFile: String) async throws {}
    func verifyLedger(at path: String) async throws -> LedgerFileReport {
        LedgerFileReport(size: 0, checkpoints: 0, faults: [])
    }
    var rules: any RuleTools { FakeRuleTools() }
    var version: String { "9.9.9" }
    var revision: String { "abc" }
}
