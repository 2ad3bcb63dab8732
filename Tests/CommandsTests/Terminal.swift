import Commands
import Diagnostics
import Synchronization
import Testing
import Texts
import Units
import WebAPI

/// A terminal that keeps what is printed, with a daemon that answers paths from a table.
final class Terminal: Sendable {
    static let now = Timestamp(secondsSinceEpoch: 1_800_000_000)

    struct Request: Sendable {
        var line: String
        var body: APIBody?
    }

    private let printed = Mutex((output: [String](), notes: [String](), sent: [Request]()))
    private let environment: [String: String]
    private let answers: [String: String]?
    private let refusal: Problem?
    private let status: Int
    private let width: Int

    /// - Parameter answers: nil for a daemon that does not run.
    init(
        answers: [String: String]?, refusal: Problem? = nil, status: Int = 200, environment: [String: String] = [:],
        width: Int = 80
    ) {
        self.width = width
        self.environment = environment
        self.answers = answers
        self.refusal = refusal
        self.status = status
    }

    var output: String { printed.withLock { $0.output.joined(separator: "\n") } }
    /// What the daemon was asked, in order.
    var sent: [Request] { printed.withLock { $0.sent } }
    var notes: String { printed.withLock { $0.notes.joined(separator: "\n") } }

    func run(_ arguments: String...) async -> ProgramStatus { await run(arguments) }

    func run(_ arguments: [String]) async -> ProgramStatus { await runCommandLine(arguments, console: console) }

    var console: Console {
        Console(
            output: { text in self.printed.withLock { $0.output.append(text) } },
            notes: { text in self.printed.withLock { $0.notes.append(text) } },
            environment: { [environment] name in environment[name] ?? ["JAGA_DATA": "/data"][name] },
            now: { Self.now }, width: width,
            connect: { [answers, refusal, status] options in
                TableConnection(
                    address: options.socketPath, answers: answers, refusal: refusal, status: status,
                    note: { request in self.printed.withLock { $0.sent.append(request) } })
            }, program: NoProgram())
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
    let note: @Sendable (Terminal.Request) -> Void

    func send(_ method: String, _ path: String, body: APIBody?) async throws -> APIAnswer {
        guard let answers else {
            throw DaemonUnreachable(address: address, cause: PlainFailure("refused", "connection refused"))
        }
        note(Terminal.Request(line: "\(method) \(path)", body: body))
        if let refusal { return APIAnswer(status: refusal.httpStatus, body: Array(try APIJSON.encode(refusal))) }
        let text = try #require(answers[String(path.prefix { $0 != "?" })], "nothing for \(path)")
        return APIAnswer(status: status, body: Array(text.utf8))
    }
}

struct NoProgram: ProgramParts {
    func serve(_ options: ServeOptions) async throws {}
    func discoveredConfiguration() async throws -> String { "site: x\n" }
    func checkConfiguration(file: String, in language: Language) async throws -> ConfigurationReport {
        throw InvalidInput([
            Diagnostic(
                at: SourcePosition(file: file, line: 1, column: 1), path: "prt", "unknown key; did you mean 'port'?"),
            Diagnostic(at: SourcePosition(file: file, line: 2, column: 7), path: "port", "is wrong"),
        ])
    }
    func checkOnce(file: String?, dataFolder: String, in language: Language) async throws -> [SourceReport] {
        [
            SourceReport(name: "host/web1", verdict: .ok, durationMs: 1.5, message: "12 samples"),
            SourceReport(name: "backup/shop", verdict: .warning, durationMs: 2, message: "only 1 GB free"),
            SourceReport(name: "smtp", verdict: .critical, durationMs: 3, message: "connection refused"),
            SourceReport(name: "postgres/x", verdict: .unknown, durationMs: 4, message: "timed out"),
        ]
    }
    func demo(_ options: DemoOptions) async throws {}
    func sampleShop(configurationFile: String) async throws {}
    func verifyLedger(at path: String) async throws -> LedgerFileReport {
        LedgerFileReport(size: 0, checkpoints: 0, faults: [])
    }
    var rules: any RuleTools { FakeRuleTools() }
    var version: String { "9.9.9" }
    var revision: String { "abc" }
}
