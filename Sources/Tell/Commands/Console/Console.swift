public import Diagnostics
import Glibc
import JSONCoding
public import Texts
public import Units
public import WebAPI

/// Everything a command touches outside itself: what it prints, what it reads from the environment, the clock, the daemon and
/// the parts of the program that it may start. A test passes one of its own and sees what a person would.
public struct Console: Sendable {
    /// Results: what the command was asked for.
    public var output: @Sendable (String) -> Void
    /// Progress, notes and failures.
    public var notes: @Sendable (String) -> Void
    public var environment: @Sendable (String) -> String?
    public var now: @Sendable () -> Timestamp
    /// Whether a person looks at the output, so that colours help.
    public var isTerminal: Bool
    /// Columns; 80 when nobody knows.
    public var width: Int
    public var connect: @Sendable (ConnectionOptions) throws -> any APIConnection
    public var program: any ProgramParts

    public init(
        output: @escaping @Sendable (String) -> Void, notes: @escaping @Sendable (String) -> Void,
        environment: @escaping @Sendable (String) -> String?, now: @escaping @Sendable () -> Timestamp,
        isTerminal: Bool = false, width: Int = 80,
        connect: @escaping @Sendable (ConnectionOptions) throws -> any APIConnection, program: any ProgramParts
    ) {
        self.output = output
        self.notes = notes
        self.environment = environment
        self.now = now
        self.isTerminal = isTerminal
        self.width = width
        self.connect = connect
        self.program = program
    }

    /// The language of the screens: `JAGA_LANGUAGE`, else what the environment says as for every program (locale(7)).
    public var language: Language {
        for name in ["JAGA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"] {
            guard let locale = environment(name), !locale.isEmpty else { continue }
            return Language(locale: locale) ?? .english
        }
        return .english
    }

    var phrases: Phrases<CommandText> { Phrases(language) }

    /// The console of the command that runs in this task.
    @TaskLocal static var current: Console!
}

/// What the command line starts but does not contain: the daemon itself and what works on files without it.
public protocol ProgramParts: Sendable {
    /// Runs the daemon until it is told to stop.
    func serve(_ options: ServeOptions) async throws
    /// The text of a `jaga.yaml` for what runs on this host.
    func discoveredConfiguration() async throws -> String
    /// Reads a configuration as the daemon would, without starting anything.
    /// - Throws: `InvalidInput` with every fault.
    func checkConfiguration(file: String, in language: Language) async throws -> ConfigurationReport
    /// Reads every source of the configuration once, looks at backups and receivers, and says how each fared.
    /// - Parameters:
    ///   - file: nil: what is found on the host.
    ///   - dataFolder: where backups go unless the configuration says otherwise.
    func checkOnce(file: String?, dataFolder: String, in language: Language) async throws -> [SourceReport]
    /// The sample stack with Jaga on top.
    func demo(_ options: DemoOptions) async throws
    /// The shop of the sample stack as a process of its own.
    func sampleShop(configurationFile: String) async throws
    /// Checks a ledger's database or an export, without the daemon.
    func verifyLedger(at path: String) async throws -> LedgerFileReport
    /// What `jaga rules` does with files.
    var rules: any RuleTools { get }
    var version: String { get }
    var revision: String { get }
}

public struct ServeOptions: Sendable {
    /// Nil: the one found in the usual places, or what is found on the host.
    public var configurationFile: String?
    public var dataFolder: String
    /// Nil: as the configuration says.
    public var listen: HostAndPort?
    public var logLevel: LogLevel
}

public struct DemoOptions: Sendable {
    /// `database`, `cache`, `web`, `app`, `disk`; nil runs until it is interrupted.
    public var fault: String?
    public var port: Int
    public var size: DemoSize
    public var seed: UInt64
    public var dataFolder: String?
    /// How long a fault stays after its alert has fired.
    public var hold: Duration
    /// Messages go here too.
    public var webhook: String?
    /// `host:port` of a mail server that takes messages for anybody.
    public var smtp: String?
    /// Only the shop, without Jaga: for trying a configuration of one's own on it.
    public var stackOnly: Bool
    public var language: Language
}

public struct ConfigurationReport: Sendable {
    public struct Value: Sendable {
        public var path: String
        public var text: String
        public var origin: String
        public var documentation: String

        public init(path: String, text: String, origin: String, documentation: String = "") {
            self.path = path
            self.text = text
            self.origin = origin
            self.documentation = documentation
        }
    }

    public var values: [Value]
    public var warnings: [Diagnostic]
    /// What would be watched, in words.
    public var summary: String

    public init(values: [Value], warnings: [Diagnostic], summary: String) {
        self.values = values
        self.warnings = warnings
        self.summary = summary
    }
}

public struct SourceReport: Sendable {
    public var name: String
    /// `unknown`: it could not be looked at, which is never well.
    public var verdict: Verdict
    public var durationMs: Double
    /// Why it is not well, or what was seen.
    public var message: String

    public init(name: String, verdict: Verdict, durationMs: Double, message: String) {
        self.name = name
        self.verdict = verdict
        self.durationMs = durationMs
        self.message = message
    }
}

public struct LedgerFileReport: Sendable {
    public var size: Int64
    public var checkpoints: Int
    public var faults: [String]

    public init(size: Int64, checkpoints: Int, faults: [String]) {
        self.size = size
        self.checkpoints = checkpoints
        self.faults = faults
    }
}
