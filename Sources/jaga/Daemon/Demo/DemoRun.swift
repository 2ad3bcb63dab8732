import Collectors
import Rules
import Series
import Backup
import Notifications
import Commands
import Diagnostics
import DurableFiles
import Events
import Glibc
import JSONCoding
import Ledger
import Logging
import SampleStack
import ServiceLifecycle
import Synchronization
import Texts
import Units
import UnixSignals

/// `jaga demo`: the sample stack with traffic, and Jaga on top. What happens is told on standard output as the ledger has it.
struct DemoRun {
    let options: DemoOptions
    let clock: any WallClock
    private var t: Phrases<DemoText> { Phrases(options.language) }

    func run() async throws {
        let size: SampleData.Size =
            switch options.size {
            case .small: .small
            case .medium: .medium
            case .large: .large
            }
        if !options.stackOnly { say(t[.starting]) }
        let stack = try await Stack.start(
            shopProgram: [try programPath(), "sample-shop", "--config"],
            data: SampleData(size: size, seed: options.seed))
        do {
            if options.stackOnly { try await waitAlone(with: stack) } else { try await watch(stack) }
        } catch {
            await stack.stop()
            throw error
        }
        await stack.stop()
        if !options.stackOnly { say(t[.stopped]) }
    }

    /// The shop without Jaga, until interrupted.
    private func waitAlone(with stack: Stack) async throws {
        let configuration = DemoConfiguration(stack: stack.description, webhook: options.webhook, smtp: options.smtp)
        let file = "\(stack.description.folder)/jaga.yaml"
        try RealFiles().replace(file, with: Array(configuration.text.utf8))
        let description: JSONValue = [
            "folder": .string(stack.description.folder), "configuration": .string(file),
            "web": .string(stack.description.webURL), "postgresPort": .integer(Int64(stack.description.postgresPort)),
            "redisPort": .integer(Int64(stack.description.redisPort)),
            "environment": .object(configuration.environment.mapValues { .string($0) }),
        ]
        printLine(description.canonicalText)
        let traffic = Traffic(port: stack.nginx.port, requestsPerSecond: 10)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await traffic.run() }
            group.addTask { for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break } }
            // The traffic goes on for ever; the signal is what ends first.
            await group.next()
            group.cancelAll()
        }
    }

    private func watch(_ stack: Stack) async throws {
        let configuration = DemoConfiguration(stack: stack.description, webhook: options.webhook, smtp: options.smtp)
        let file = "\(stack.description.folder)/jaga.yaml"
        try RealFiles().replace(file, with: Array(configuration.text.utf8))
        // The file refers to them as it would in earnest; the process list does not show the environment to others.
        for (name, value) in configuration.environment { setenv(name, value, 1) }
        let dataFolder = options.dataFolder ?? "\(stack.description.folder)/jaga"
        let logger = Logger(label: "jaga") { _ in LineLog(level: .error, clock: clock) }
        let traffic = Traffic(port: stack.nginx.port, requestsPerSecond: 10)
        let daemon = Daemon(
            options: .init(
                configurationFile: file, dataFolder: dataFolder,
                overrides: .init(
                    listen: HostAndPort("127.0.0.1:\(options.port)", ports: 0...65_535), listenOption: "--port"),
                assetsFolder: JagaProgram().assetsFolder(),
                onReady: { address, link in introduce(stack.description, address, link, dataFolder) },
                quickAlerts: (Self.directAlerts, .seconds(4)),
                story: { parts in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await traffic.run() }
                        group.addTask { await tell(parts) }
                        group.addTask { try await play(stack, parts) }
                        // The traffic and the telling go on for ever; the play ends when its fault is mended.
                        try await group.next()
                        group.cancelAll()
                    }
                }), clock: clock, logger: logger)
        try await daemon.run()
    }

    private func introduce(_ stack: StackDescription, _ address: String, _ link: String?, _ dataFolder: String) {
        say(t(.shopReady, ["address": stack.webURL, "port": stack.postgresPort]))
        say(t(.pages, ["address": link ?? address]))
        say(t(.statusCommand, ["folder": dataFolder]))
        if options.fault == nil { say(t[.pressToEnd]) }
    }

    // MARK: The play

    /// Takes the first backup and proves it; with `--break`, causes the fault, waits for its alert, and mends it.
    private func play(_ stack: Stack, _ parts: SiteParts) async throws {
        let backups = parts.backups.withLock { $0 }
        _ = try await backups.back(up: "shop", by: .jaga)
        _ = try await backups.drill("shop", by: .jaga)
        guard let name = options.fault, let fault = Fault(named: name) else {
            try await ContinuousClock().sleep(for: .seconds(86_400 * 365))
            return
        }
        try await until(t[.untilWell], within: .seconds(120)) { await isWell(parts) }
        say(t(.breaking, ["part": name]))
        try await stack.cause(fault)
        try await until(t[.untilFires], within: .seconds(120)) { await isTroubled(parts) }
        try await ContinuousClock().sleep(for: options.hold)
        say(t[.mending])
        try await stack.mend(fault)
        try await until(t[.untilResolved], within: .seconds(120)) { await !isTroubled(parts) }
        // The message about the end waits for its group's interval; then nothing is left to say.
        try await until(t[.untilDelivered], within: .seconds(120)) {
            let isSettled = await parts.alerts.isSettled
            return try await parts.outbox.snapshot().pending.isEmpty && isSettled
        }
        let report = try await parts.ledger.reader.verify(trusting: [parts.verifierKey])
        say(t(report.isSound ? .allIsWell : .ledgerBroken, ["count": report.entryCount]))
    }

    /// The alerts that follow a fault at once, and its mending too. The others look at minutes or hours, which the demo does not
    /// take.
    static let directAlerts: Set<String> = [
        "PostgresDown", "RedisDown", "NginxDown", "ProbeFailing", "ServiceDown", "ReadingFails",
    ]

    private func isTroubled(_ parts: SiteParts) async -> Bool {
        await parts.rules.activeAlerts.contains {
            $0.state == .firing && Self.directAlerts.contains($0.labels["alertname"] ?? "")
        }
    }

    /// Whether every source was read and every probe has looked, and all of it was well.
    private func isWell(_ parts: SiteParts) async -> Bool {
        let areRead = parts.sources.snapshot.allSatisfy { $0.isUp == true }
        let pending = await parts.rules.activeAlerts.contains {
            Self.directAlerts.contains($0.labels["alertname"] ?? "")
        }
        return areRead && !pending
    }

    private func until(_ what: String, within limit: Duration, _ condition: () async throws -> Bool) async throws {
        let start = ContinuousClock.now
        while try await !condition() {
            guard start.duration(to: .now) < limit else {
                throw PlainFailure("demo-stuck", "the demo waited \(limit.briefText) until \(what), in vain")
            }
            try await ContinuousClock().sleep(for: .milliseconds(200))
        }
    }

    // MARK: Telling

    /// One line for each entry that a person wants to see.
    private func tell(_ parts: SiteParts) async {
        let story = DemoStory(language: options.language)
        for await entry in parts.ledger.newEntries() {
            if let text = story.line(entry.event) { say(text) }
        }
    }

    private func say(_ text: String) {
        let time = clock.now.rfc3339.dropFirst(11).prefix(8)
        printLine("\(time)  \(text)")
    }

    private func programPath() throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
        guard count > 0 else { throw PlainFailure("failed", "the program cannot find itself in /proc/self/exe") }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
