import Glibc
import JSONCoding
import Processes
import SampleStack
import Synchronization
import SystemPackage
import TestSupport
import Testing

extension EndToEnd {
    /// The promise to a newcomer: a database dies, and within twenty seconds everybody who should know does; it comes back,
    /// and everybody is told that too. The demo is run as it is from a terminal, and looked at from outside: its output, the
    /// far ends of its messages, its pages in a browser, its ledger, and what is left when it has ended.
    struct DemoStoryTests {
        /// The story takes about a minute.
        static let limit = Duration.seconds(600)

        @Test func `an outage is told from the first missed probe to the last message, and nothing stays behind`()
            async throws
        {
            let webhook = try await WebhookReceiver.start()
            let mail = try await SMTPReceiver.start(.init(usesTLS: false))
            let temporary = try TemporaryFolder("demo")
            let data = temporary.file("kept")
            let demo = Demo(
                ["--webhook", webhook.url, "--smtp", "127.0.0.1:\(mail.port)", "--data", data, "--hold", "40s"],
                temporaryFolder: temporary.file("tmp"), limit: Self.limit)
            try makeFolder(temporary.file("tmp"))
            async let ending = demo.run()
            do {
                try await look(at: demo, data: data, webhook, mail)
                let outcome = try await ending
                #expect(outcome.exitCode == 0, "\(demo.text)\n\(outcome.errors.text)")
            } catch {
                print(demo.text)
                throw error
            }
            try await expectResolved(webhook, mail)
            try await expectStory(data: data, demo)
            expectNothingLeft(temporary.file("tmp"))
            await webhook.stop()
            await mail.stop()
            temporary.remove()
        }

        @Test(arguments: [SIGINT, SIGKILL])
        func `a demo that is ended in the middle leaves nothing behind`(signal: Int32) async throws {
            let temporary = try TemporaryFolder("demo")
            let folder = temporary.file("tmp")
            try makeFolder(folder)
            let demo = Demo(["--hold", "60s"], temporaryFolder: folder, limit: .seconds(240))
            async let ending = demo.run()
            try await demo.waitForLine("--- Breaking the database now.", timeout: .seconds(120))
            let pid = try #require(
                processes(mentioning: folder).first { $0.contains(" demo --break") }?
                    .split(separator: " ").first.flatMap { Int32($0) })
            #expect(!namesIn(folder).isEmpty)
            kill(pid, signal)
            let outcome = try await ending
            if signal == SIGKILL { #expect(outcome.ending == .signalled(SIGKILL)) }
            try await waitUntil("nothing is left", timeout: .seconds(60)) {
                namesIn(folder).isEmpty && processes(mentioning: folder).isEmpty
            }
            expectNothingLeft(folder)
            temporary.remove()
        }

        /// What people see while the database is down.
        private func look(at demo: Demo, data: String, _ webhook: WebhookReceiver, _ mail: SMTPReceiver) async throws {
            let link = try await demo.word(after: "Look at Jaga's pages: ", timeout: .seconds(120))
            let base = String(link.prefix { $0 != "?" }.dropLast("/setup-link".count))
            let visitor = Visitor(base)
            try await visitor.setUp(link: link, password: "correct horse battery")

            try await demo.waitForLine("--- Breaking the database now.", timeout: .seconds(120))
            try await demo.waitForLine("ALERT FIRES     PostgresDown", timeout: .seconds(60))
            let posted = try await waitFor("the webhook's message") {
                try webhook.requests().first { names(in: $0.json).contains("PostgresDown") }
            }
            let mails = try await mail.waitForMessages(1)
            #expect(posted.json["status"]?.stringValue == "firing")
            #expect(mails[0].to == ["ops@shop.example"])

            let status = try await jaga(["status", "--data", data])
            #expect(status.code == 2, "\(status)")
            #expect(status.output.contains("broken"))
            let artefacts = try artefactsFolder()
            let overview = try await Chromium().visit(
                base + "/", cookies: visitor.cookies,
                until: "document.readyState === 'complete' && document.body.innerText.includes('Database down')",
                screenshot: "\(artefacts)/demo-outage.png")
            #expect(overview.contains("Database down"))
            #expect(demo.isRunning, "the demo ended before the page was looked at")
        }

        private func expectResolved(_ webhook: WebhookReceiver, _ mail: SMTPReceiver) async throws {
            let last = try webhook.requests().filter { names(in: $0.json).contains("PostgresDown") }.last
            let alerts = last?.json["alerts"]?.arrayValue ?? []
            let database = alerts.last { $0["labels"]?["alertname"]?.stringValue == "PostgresDown" }
            #expect(database?["status"]?.stringValue == "resolved", "\(last?.body ?? "no message")")
            #expect(try webhook.requests().contains { $0.json["status"]?.stringValue == "resolved" })
            #expect(
                try mail.messages().contains { $0.data.lowercased().contains("resolved") }, "no mail about the end")
        }

        /// The ledger tells what happened in the order in which it happened, and nobody changed it since.
        private func expectStory(data: String, _ demo: Demo) async throws {
            let database = try await jaga(["ledger", "verify", "--file", "\(data)/jaga.db"])
            #expect(database.code == 0, "\(database)")
            #expect(database.output.contains("intact"))
            // The kept folder is a whole one: a daemon starts on it, without the demo's configuration.
            let server = try JagaServer("{}\n", data: data)
            try await server.begin()
            let entries = try await server.ledger()
            let readings = try await server.query("pg_up[1h]").first?["values"]?.arrayValue ?? []
            let export = try await server.run("ledger", "export")
            let online = try await server.run("ledger", "verify")
            #expect(online.code == 0, "\(online)")
            await server.server.stop()
            try writeText(export.output, to: server.folder.file("export.jsonl"))
            let exported = try await jaga(["ledger", "verify", "--file", server.folder.file("export.jsonl")])
            #expect(exported.code == 0, "\(exported)")
            try writeText(
                export.output.split(separator: "\n").filter { !$0.contains("alert.resolved") }.joined(separator: "\n"),
                to: server.folder.file("cut.jsonl"))
            let cut = try await jaga(["ledger", "verify", "--file", server.folder.file("cut.jsonl")])
            #expect(cut.code == 3, "an export without an entry verifies: \(cut)")
            server.folder.remove()

            // On a busy machine a reading or two may come to their limit without an outage, which is cleared before it counts.
            let story = entries.filter { isOfDatabase($0) }.compactMap { $0["kind"]?.stringValue }
                .joined(separator: " ").replacing("alert.pending alert.cleared ", with: "")
                .replacing(" alert.pending alert.cleared", with: "")
            #expect(story == "alert.pending alert.fired alert.resolved", "\(demo.text)")
            try expectPromptness(entries, readings)
            let kinds = entries.compactMap { $0["kind"]?.stringValue }
            var rest = kinds[...]
            for kind in [
                "daemon.started", "backup.completed", "drill.passed", "alert.pending", "alert.fired",
                "notification.queued", "notification.delivered", "alert.resolved", "notification.queued",
                "notification.delivered", "daemon.stopped",
            ] {
                let place = rest.firstIndex(of: kind)
                #expect(place != nil, "no \(kind) where it belongs in \(kinds)")
                rest = rest[((place ?? rest.startIndex - 1) + 1)...]
            }
            #expect(entries.compactMap { $0["sequence"]?.intValue } == (0..<Int64(entries.count)).map { $0 })
        }

        /// Twenty seconds at most, in the daemon's own measure: readings of the database every two seconds. A machine that stands still
        /// makes fewer of them.
        private func expectPromptness(_ entries: [JSONValue], _ readings: [JSONValue]) throws {
            let fired = try #require(
                entries.firstIndex { isOfDatabase($0) && $0["kind"]?.stringValue == "alert.fired" })
            let queued = entries[fired...].first { $0["kind"]?.stringValue == "notification.queued" }
            let told = try #require(queued?["time"]?.intValue)
            let down = readings.filter { reading in
                reading[1]?.stringValue == "0" && (reading[0]?.doubleValue ?? 0) * 1000 < Double(told)
            }
            #expect(!down.isEmpty && down.count <= 10, "told after \(down.count) readings that failed")
        }

        private func isOfDatabase(_ entry: JSONValue) -> Bool {
            guard entry["kind"]?.stringValue?.hasPrefix("alert.") == true else { return false }
            return entry.canonicalText.contains("PostgresDown")
        }

        private func expectNothingLeft(_ folder: String) {
            #expect(namesIn(folder) == [], "files stay in the temporary folder")
            #expect(processes(mentioning: folder) == [], "processes stay")
            #expect(!((try? readText("/proc/mounts")) ?? "").contains(folder), "a mount stays")
        }

        private func names(in message: JSONValue) -> [String] {
            (message["alerts"]?.arrayValue ?? []).compactMap { $0["labels"]?["alertname"]?.stringValue }
        }
    }
}

/// A run of `jaga demo`, with what it has said so far.
private final class Demo: Sendable {
    private let command: Command
    private let state = Mutex<(text: String, isRunning: Bool)>(("", true))

    var text: String { state.withLock { $0.text } }
    var isRunning: Bool { state.withLock { $0.isRunning } }

    init(_ arguments: [String], temporaryFolder: String, limit: Duration) {
        command = Command(
            BuiltPrograms.path("jaga"), ["demo", "--break", "database", "--port", "0"] + arguments,
            environment: .inherit(changes: ["TMPDIR": temporaryFolder]), folder: "/",
            timeLimit: limit, grace: .seconds(20))
    }

    func run() async throws -> CommandOutcome {
        defer { state.withLock { $0.isRunning = false } }
        return try await command.run(onOutput: { [self] bytes in
            state.withLock { $0.text += String(decoding: bytes, as: UTF8.self) }
        })
    }

    func waitForLine(_ part: String, timeout: Duration) async throws {
        try await waitUntil("'\(part)' in the demo's output", timeout: timeout) {
            guard isRunning else { throw TestProgramAnswered(status: 0, text: text) }
            return text.contains(part)
        }
    }

    func word(after part: String, timeout: Duration) async throws -> String {
        try await waitForLine(part, timeout: timeout)
        return try await waitFor("the word after '\(part)'") {
            let all = text
            guard let start = all.range(of: part), let end = all[start.upperBound...].firstIndex(where: \.isWhitespace)
            else { return nil }
            return String(all[start.upperBound..<end])
        }
    }
}
