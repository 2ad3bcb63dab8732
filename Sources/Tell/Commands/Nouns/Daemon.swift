import ArgumentParser
import Diagnostics
import Glibc
import Texts
import Units
import WebAPI

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Watch this host until stopped.",
        discussion: """
            Without a configuration file it finds what runs here and watches that. The first start creates an administrator \
            and prints a link that sets the password. SIGHUP and 'jaga reload' apply a changed file.
            """)

    @Option(name: .long, help: "The configuration; without it ./jaga.yaml or /etc/jaga/jaga.yaml if there is one.")
    var config: String?

    @Option(name: .long, help: "Where everything is kept (or JAGA_DATA). Needs a restart to change.")
    var data: String?

    @Option(name: .long, help: "The address of the pages and the API, instead of the configuration's web.listen.")
    var listen: String?

    @Option(name: .long, help: "How much it says.")
    var logLevel = LogLevel.info

    @OptionGroup var output: OutputOptions

    func validate() throws { _ = try listenAddress() }

    private func listenAddress() throws -> HostAndPort? {
        try listen.map { try OptionValue.listenAddress($0, "--listen") }
    }

    func run() async throws {
        let console = Console.current!
        try await console.program.serve(
            ServeOptions(
                configurationFile: config ?? standardConfigurationFile(), dataFolder: dataFolder(data, console),
                listen: try listenAddress(), logLevel: logLevel))
    }
}

/// The configuration that is used when none is named.
func standardConfigurationFile() -> String? {
    ["jaga.yaml", "/etc/jaga/jaga.yaml"].first { access($0, R_OK) == 0 }
}

struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Look at this host and write a jaga.yaml for it.",
        discussion: "Every entry has a comment that says how it was found; guesses are marked.")

    @Option(name: .shortAndLong, help: "The file to write; '-' prints it.")
    var output = "jaga.yaml"

    @Flag(name: .long, help: "Replace the file if it exists.")
    var force = false

    @Flag(name: .long, help: "Print JSON, failures included.")
    var json = false

    func run() async throws {
        let console = Console.current!
        let text = try await console.program.discoveredConfiguration()
        if output == "-" {
            console.output(json ? "{\"configuration\":\(PrometheusJSON.quoted(text))}" : text)
            return
        }
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL)
        let descriptor = open(output, flags, 0o640)
        guard descriptor >= 0 else {
            let code = errno
            if code == EEXIST {
                throw PlainFailure(
                    "exists", "\(output) exists already",
                    hint: "Pass --force to replace it, or --output to write another file.")
            }
            throw PlainFailure("failed", "cannot write \(output): \(String(cString: strerror(code)))")
        }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                throw PlainFailure("failed", "cannot write \(output): \(String(cString: strerror(errno)))")
            }
            bytes = bytes.dropFirst(count)
        }
        if json {
            console.output("{\"file\":\(PrometheusJSON.quoted(output))}")
        } else {
            console.notes(console.phrases(.initWritten, ["file": output]))
        }
    }
}

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Look at everything once, now, without the daemon.",
        discussion: """
            Reads every source and probe, sees whether backups have their folder, space and programs, and whether mail server and \
            webhooks answer; no message is sent. Exits with 3 when something is not well or could not be looked at.
            """)

    @Option(name: .long, help: "The configuration; without it ./jaga.yaml, or what is found on this host.")
    var config: String?

    @Option(name: .long, help: "The daemon's data folder, where backups go unless the configuration says otherwise.")
    var data: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let console = Console.current!
        let reports = try await console.program.checkOnce(
            file: config ?? standardConfigurationFile(), dataFolder: dataFolder(data, console),
            in: console.language)
        if output.json {
            let rows = reports.map { report in
                """
                {"source":\(PrometheusJSON.quoted(report.name)),"up":\(report.verdict == .ok),\
                "verdict":"\(report.verdict.rawValue)","durationMs":\(report.durationMs),\
                "message":\(PrometheusJSON.quoted(report.message))}
                """
            }
            console.output("[\(rows.joined(separator: ","))]")
        } else {
            var page = Page(console: console)
            page.table(
                [.columnSource, .columnState, .columnTime, nil],
                reports.map { report in
                    [
                        Cell(report.name), page.cell(report.verdict),
                        Cell("\(report.durationMs.shortText(significantDigits: 3)) ms"), Cell(report.message),
                    ]
                })
            page.print()
        }
        if reports.contains(where: { $0.verdict != .ok }) { throw EndWith(.findings) }
    }
}

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a configuration, or show the one in force.",
        subcommands: [CheckConfig.self, ShowConfig.self])

    struct CheckConfig: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Say whether the daemon would take a file; exits with 78 when not.")

        @Argument(help: "The file.")
        var file = "jaga.yaml"

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let console = Console.current!
            let report = try await console.program.checkConfiguration(file: file, in: console.language)
            if output.json {
                let warnings = report.warnings.map { PrometheusJSON.quoted($0.description) }.joined(separator: ",")
                console.output("{\"file\":\(PrometheusJSON.quoted(file)),\"valid\":true,\"warnings\":[\(warnings)]}")
                return
            }
            for warning in report.warnings { console.notes("\(warning)") }
            let t = console.phrases
            console.output(
                report.summary.isEmpty
                    ? t(.configurationValidEmpty, ["file": file])
                    : t(.configurationValid, ["file": file, "summary": report.summary]))
        }
    }

    struct ShowConfig: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show every effective value and where it came from.",
            discussion: "Without a file, what the running daemon uses. Secrets are never shown.")

        @Option(name: .long, help: "Show what this file would give, without the daemon.")
        var file: String?

        @OptionGroup var daemon: DaemonOptions

        func run() async throws {
            let effective: EffectiveConfiguration
            if let file {
                let console = Console.current!
                let report = try await console.program.checkConfiguration(file: file, in: console.language)
                effective = EffectiveConfiguration(
                    file: file, loadedAt: console.now(), sha256: "",
                    values: report.values.map {
                        .init(path: $0.path, value: $0.text, origin: $0.origin, documentation: $0.documentation)
                    })
            } else {
                effective = try await daemon.connect().get(APIPath.configuration)
            }
            try daemon.show(effective) { effective, page in
                page.table(
                    [.columnKey, .columnValue, .columnOrigin],
                    effective.values.map { value in
                        let text =
                            value.afterRestart.map { next in
                                next.isEmpty
                                    ? page.t(.valueUntilRestart, ["value": value.value])
                                    : page.t(.valueAfterRestart, ["value": value.value, "next": next])
                            } ?? value.value
                        return [Cell(value.path), Cell(text), Cell(value.origin, .dim)]
                    })
            }
        }
    }
}

struct Reload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Apply the changed configuration, or change nothing and say why.")

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        try await perform(.reload, daemon)
    }
}

struct Version: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the version of the program, and of the daemon if it runs.")

    @OptionGroup var daemon: DaemonOptions

    func run() async throws {
        let console = Console.current!
        // A daemon that does not run is an answer here; one that refuses or cannot be reached is a failure, told at the end.
        var running: VersionInfo?
        var failure: (any Error)?
        do {
            running = try await daemon.connect().get(APIPath.version)
        } catch let unreachable as DaemonUnreachable where unreachable.reason == .notRunning {
        } catch {
            failure = error
        }
        if daemon.output.json {
            let runningText = try running.map { String(decoding: try APIJSON.encode($0), as: UTF8.self) } ?? "null"
            console.output(
                """
                {"version":\(PrometheusJSON.quoted(console.program.version)),\
                "revision":\(PrometheusJSON.quoted(console.program.revision)),"daemon":\(runningText)}
                """)
            if let failure { throw failure }
            return
        }
        let t = console.phrases
        console.output(t(.version, ["version": console.program.version, "revision": console.program.revision]))
        if let running {
            console.output(
                t(
                    .daemonVersion,
                    [
                        "version": running.version, "revision": running.revision, "pid": running.processID,
                        "folder": running.dataFolder,
                    ]))
        } else if let failure {
            throw failure
        } else {
            console.output(t[.daemonNotRunning])
        }
    }
}

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Start a small shop with real servers and watch it.",
        discussion: """
            PostgreSQL, Redis, nginx and a sample shop with traffic, on free loopback ports in a temporary folder, and Jaga on \
            top. With --break it shows an outage from the first missed probe to the resolved message. It leaves nothing behind.
            """)

    @Option(name: .customLong("break"), help: "What to break: database, cache, web, app or disk.")
    var fault: String?

    @Option(name: .long, parsing: .unconditional, help: "The port of Jaga's pages; 0 takes a free one.")
    var port = 9797

    @Option(name: .long, help: "How much data the shop has.")
    var size = DemoSize.small

    @Option(name: .long, help: "The seed of the generated data.")
    var seed: UInt64 = 1

    @Option(name: .long, help: "Where Jaga keeps its data, if it should stay; otherwise it goes with the rest.")
    var data: String?

    @Option(name: .long, parsing: .unconditional, help: "How long the fault stays after its alert has fired.")
    var hold = "5s"

    @Option(name: .long, help: "Post the messages to this web address too.")
    var webhook: String?

    @Option(name: .long, help: "Send the messages through this mail server too, as host:port, without a login.")
    var smtp: String?

    @Flag(name: .long, help: "Start only the shop and print where its parts are, as JSON.")
    var stackOnly = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        _ = try OptionValue.span(hold, "--hold")
        try webhook.map { try OptionValue.url($0, "--webhook") }
        if let smtp, HostAndPort(smtp) == nil {
            throw ValidationError("'\(smtp)' for --smtp is no mail server; write it like mail.example.org:25.")
        }
        let faults = ["database", "cache", "web", "app", "disk"]
        if let fault, !faults.contains(fault) {
            let nearest = nearestName(to: fault, among: faults).map { " Did you mean '\($0)'?" } ?? ""
            throw ValidationError(
                "'\(fault)' cannot be broken; it is one of \(faults.joined(separator: ", ")).\(nearest)")
        }
        guard (0...65535).contains(port) else {
            throw ValidationError("\(port) is not a port; ports go from 0 to 65535.")
        }
    }

    func run() async throws {
        try await Console.current.program.demo(
            DemoOptions(
                fault: fault, port: port, size: size, seed: seed, dataFolder: data,
                hold: try OptionValue.span(hold, "--hold"), webhook: webhook, smtp: smtp, stackOnly: stackOnly,
                language: Console.current.language))
    }
}

struct SampleShopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-shop", abstract: "The shop of the demo, as a process of its own.", shouldDisplay: false)

    @Option(name: .long, help: "Its configuration, as JSON.")
    var config: String

    func run() async throws {
        try await Console.current.program.sampleShop(configurationFile: config)
    }
}
