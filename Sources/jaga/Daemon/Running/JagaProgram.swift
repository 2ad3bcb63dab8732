public import Commands
import Diagnostics
import Glibc
import Ledger
import Logging
import SampleShop
import Settings
import StateStore
import Synchronization
public import Texts
import Units

/// The program behind the command line.
public struct JagaProgram: ProgramParts {
    let clock: any WallClock = SystemClock()

    public init() {}

    public var rules: any RuleTools { RuleToolbox() }
    public var version: String { JagaVersion.number }
    public var revision: String { JagaVersion.revision }

    public func serve(_ options: ServeOptions) async throws {
        // Both lists have the same names.
        guard let level = Logger.Level(rawValue: options.logLevel.rawValue) else {
            preconditionFailure("no level of the log is called \(options.logLevel)")
        }
        let logger = Logger(label: "jaga") { _ in LineLog(level: level, clock: clock) }
        let daemon = Daemon(
            options: .init(
                configurationFile: options.configurationFile, dataFolder: options.dataFolder,
                overrides: .init(listen: options.listen),
                assetsFolder: assetsFolder(),
                onReady: { address, link in
                    logger.info("watching; the pages are at \(address)")
                    if let link {
                        printLine("\nSet the administrator's password (once, within 24 hours):\n\n    \(link)\n")
                    }
                }), clock: clock, logger: logger)
        try await daemon.run()
    }

    public func discoveredConfiguration() async throws -> String {
        await Discoverer().configuration(at: clock.now)
    }

    public func checkConfiguration(file: String, in language: Language) async throws -> ConfigurationReport {
        let loaded = try LoadedSettings.load(file: file, discovered: "", at: clock.now)
        return ConfigurationReport(
            values: loaded.values.map {
                .init(path: $0.path, text: $0.text, origin: "\($0.origin)", documentation: $0.documentation)
            }, warnings: loaded.warnings, summary: loaded.summary(in: language))
    }

    public func checkOnce(file: String?, dataFolder: String, in language: Language) async throws -> [SourceReport] {
        let discovered = file == nil ? await Discoverer().configuration(at: clock.now) : ""
        let loaded = try LoadedSettings.load(file: file, discovered: discovered, at: clock.now)
        return try await OneLook(loaded: loaded, dataFolder: dataFolder, clock: clock, language: language).run()
    }

    public func sampleShop(configurationFile: String) async throws {
        try await Shop.run(configurationPath: configurationFile)
    }

    public func demo(_ options: DemoOptions) async throws {
        try await DemoRun(options: options, clock: clock).run()
    }

    public func verifyLedger(at path: String) async throws -> LedgerFileReport {
        let report = try await ledgerReport(at: path)
        return LedgerFileReport(
            size: report.entryCount, checkpoints: report.soundCheckpointCount,
            faults: report.findings.map(\.description))
    }

    /// A SQLite file begins with a fixed text; everything else is taken for an export.
    private func ledgerReport(at path: String) async throws -> LedgerReport {
        guard access(path, R_OK) == 0 else {
            throw PlainFailure("not-found", "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        if try beginsAsDatabase(path) {
            return try await databaseReport(at: path)
        }
        var verifier = ExportVerifier()
        guard let file = fopen(path, "re") else {
            throw PlainFailure("not-found", "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while true {
            let count = getline(&line, &capacity, file)
            guard count > 0, let line else { break }
            let bytes = UnsafeRawBufferPointer(start: line, count: count)
            verifier.take(bytes.last == 0x0A ? Array(bytes.dropLast()) : Array(bytes))
        }
        return verifier.finish()
    }

    /// A database is held against what lies beside it in the data folder: the key, and the checkpoint that is kept outside.
    private func databaseReport(at path: String) async throws -> LedgerReport {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let keyPath = SiteParts.keyPath(in: folder)
        let kept = try CheckpointFile(path: SiteParts.checkpointPath(in: folder)).read()
        let keys = access(keyPath, F_OK) == 0 ? [try LedgerSigner.load(at: keyPath).verifier] : []
        let store = try StateStore.openForReading(at: path)
        return try await LedgerReader(store: store).verify(trusting: keys, witnesses: kept.map { [$0] } ?? [])
    }

    /// An empty file of that name is an emptied database.
    private func beginsAsDatabase(_ path: String) throws -> Bool {
        guard let file = fopen(path, "re") else { return false }
        defer { fclose(file) }
        var head = [UInt8](repeating: 0, count: 15)
        let count = fread(&head, 1, head.count, file)
        if count == 0 { return path.hasSuffix(".db") }
        return count == head.count && String(decoding: head, as: UTF8.self) == "SQLite format 3"
    }

    /// `JAGA_WEB_ASSETS`, `share/jaga/web` beside the program, or what set-up unpacked in the build folder. Nil: charts are the
    /// server's own.
    func assetsFolder() -> String? {
        if let folder = getenv("JAGA_WEB_ASSETS") { return String(cString: folder) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
        guard count > 0 else { return nil }
        let program = String(decoding: buffer[..<count], as: UTF8.self)
        let folder = program[..<(program.lastIndex(of: "/") ?? program.startIndex)]
        let candidates = [
            "\(folder)/../share/jaga/web", "\(folder)/../../web-assets", "\(folder)/../web-assets",
            "\(folder)/web-assets",
        ]
        return candidates.first { access("\($0)/uplot.iife.min.js", R_OK) == 0 }
    }
}

/// The console of a terminal.
public func terminalConsole() -> Console {
    let clock = SystemClock()
    return Console(
        output: { printLine($0) },
        notes: { writeAll($0 + "\n", to: STDERR_FILENO) },
        environment: { name in getenv(name).map { String(cString: $0) } }, now: { clock.now },
        isTerminal: isatty(STDOUT_FILENO) == 1, width: terminalWidth(STDOUT_FILENO),
        connect: { try DaemonConnection($0) }, program: JagaProgram())
}

/// The columns of the terminal at `descriptor` (ioctl_tty(2)); where there is none what `COLUMNS` says, as in a pipe to a pager, else 80.
func terminalWidth(_ descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return max(20, Int(size.ws_col)) }
    guard let text = getenv("COLUMNS"), let columns = Int(String(cString: text)) else { return 80 }
    return min(1000, max(20, columns))
}
