import Glibc
import JSONCoding
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// The first minutes with the program: what it finds, what it says of itself, and that programs can read it too.
    struct CommandLineTests {
        @Test func `what init writes is a valid configuration that names what it found`() async throws {
            let folder = try TemporaryFolder("init")
            let redis = try await RedisServer.start(in: folder.path)
            let made = try await jaga(["init"], folder: folder.path)
            #expect(made.code == 0, "\(made)")
            let text = try readText(folder.file("jaga.yaml"))
            #expect(text.contains("\(redis.port)"), "the running Redis was not found:\n\(text)")
            // Every found thing says how it was found.
            #expect(text.contains("# found") || text.contains("guess"), "\(text)")
            let check = try await jaga(["config", "check"], folder: folder.path)
            #expect(check.code == 0 && check.output.contains("jaga.yaml is valid"), "\(check)")
            let again = try await jaga(["init"], folder: folder.path)
            #expect(again.code == 1 && again.errors.contains("--force"), "\(again)")
            #expect(try readText(folder.file("jaga.yaml")) == text)
            let printed = try await jaga(["init", "--output", "-"], folder: folder.path)
            #expect(printed.code == 0 && printed.output.contains("site:"))
            await redis.stop()
            folder.remove()
        }

        @Test func `without a file the host is watched, and a restart goes on with what was kept`() async throws {
            let jaga = try await JagaServer.start(nil)
            try await waitUntil("the host's first reading", timeout: .seconds(60)) {
                try await jaga.value("node_load1") != nil
            }
            #expect(jaga.log.contains("/setup-link?secret="))
            let status = try await jaga.run("status", "--json")
            let host = try status.json["areas"]?.arrayValue?.first { $0["kind"]?.stringValue == "host" }
            #expect(host?["verdict"]?.stringValue != nil, "\(status)")
            let samples = try await jaga.value("count_over_time(node_load1[1h])") ?? 0
            await jaga.server.stop()
            try await jaga.begin()
            #expect(try await jaga.value("count_over_time(node_load1[1h])") ?? 0 >= samples)
            #expect(
                try await jaga.ledger("daemon.").compactMap { $0["kind"]?.stringValue }
                    == ["daemon.started", "daemon.stopped", "daemon.started"])
            await jaga.remove()
        }

        @Test func `a port in use and a daemon that does not run are told in a sentence`() async throws {
            let jaga = try await JagaServer.start("host: {interval: 1s}\n")
            let second = try await EndToEndTests.jaga(
                ["serve", "--data", jaga.folder.file("other"), "--listen", "127.0.0.1:\(jaga.server.port)"],
                folder: jaga.folder.path, limit: .seconds(120))
            #expect(second.code == 1, "\(second)")
            #expect(
                second.errors.contains("jaga: cannot listen at 127.0.0.1:\(jaga.server.port): Address already in use"),
                "\(second)")
            #expect(second.errors.contains("--listen"), "\(second)")
            let status = try await EndToEndTests.jaga(["status", "--data", jaga.folder.file("nowhere")])
            #expect(status.code == 69 && status.errors.contains("No such file or directory"), "\(status)")
            #expect(!status.errors.contains("port 80"), "\(status)")
            await jaga.remove()
        }

        private static let nouns: [[String]] = [
            [], ["serve"], ["init"], ["status"], ["check"], ["config"], ["config", "check"], ["config", "show"],
            ["reload"],
            ["query"], ["alerts"], ["alerts", "list"], ["alerts", "rules"], ["backup"], ["backup", "list"],
            ["backup", "run"], ["backup", "verify"], ["backup", "drill"], ["restore"], ["jobs"], ["jobs", "list"],
            ["jobs", "show"], ["jobs", "run"], ["ledger"], ["ledger", "list"], ["ledger", "verify"],
            ["ledger", "export"],
            ["user"], ["user", "list"], ["user", "add"], ["user", "role"], ["user", "remove"],
            ["user", "password-link"],
            ["user", "tokens"], ["user", "add-token"], ["user", "revoke-token"], ["demo"], ["version"],
        ]

        @Test func `every command explains itself`() async throws {
            let root = try await jaga(["--help"])
            for words in Self.nouns {
                let answer = try await jaga(words + ["--help"])
                #expect(answer.code == 0 && answer.output.contains("USAGE: jaga"), "\(words): \(answer)")
                if let first = words.first { #expect(root.output.contains(first)) }
                let isGroup = Self.nouns.contains { $0.count == words.count + 1 && $0.starts(with: words) }
                if !isGroup { #expect(answer.output.contains("--json"), "\(words) takes no --json") }
            }
            let unknown = try await jaga(["statsu"])
            #expect(unknown.code == 64, "\(unknown)")
        }

        @Test func `every command that shows something shows it as JSON, failures too`() async throws {
            let jaga = try await JagaServer.start(
                "site: json\nhost: {interval: 1s}\njobs: {tick: {command: [\"true\"]}}\n")
            try await waitUntil("the first reading") { try await jaga.value("node_load1") != nil }
            #expect(try await jaga.run("jobs", "run", "tick").code == 0)
            for words in [
                ["status"], ["config", "show"], ["config", "check", jaga.configurationPath], ["query", "node_load1"],
                ["alerts"], ["alerts", "rules"], ["backup", "list"], ["jobs"], ["jobs", "show", "tick"],
                ["jobs", "run", "tick"], ["ledger", "list"], ["ledger", "verify"], ["user", "list"],
                ["user", "tokens"],
                ["user", "add", "ani"], ["user", "password-link", "ani"], ["user", "add-token", "t"], ["version"],
                ["reload"],
            ] {
                let offline = words.starts(with: ["config", "check"])
                let answer = try await EndToEndTests.jaga(words + ["--json"] + (offline ? [] : ["--data", jaga.data]))
                #expect((try? answer.json) != nil, "\(words): \(answer)")
                #expect(answer.errors.isEmpty, "\(words): \(answer)")
            }
            for line in try await jaga.run("ledger", "export").output.split(separator: "\n") where line.hasPrefix("{") {
                #expect((try? JSONValue(parsing: String(line))) != nil, "\(line)")
            }
            await jaga.server.stop()
            for words in [["status"], ["query", "up"], ["backup", "run", "x"], ["ledger", "list"]] {
                let answer = try await EndToEndTests.jaga(words + ["--json", "--data", jaga.data])
                #expect(answer.code == 69, "\(words): \(answer)")
                #expect(
                    try JSONValue(parsing: answer.errors)["error"]?["code"]?.stringValue == "daemon-unreachable",
                    "\(answer)")
                let plain = try await EndToEndTests.jaga(words + ["--data", jaga.data])
                #expect(plain.code == 69 && plain.errors.contains("does not answer"), "\(plain)")
            }
            jaga.folder.remove()
        }
    }
}
