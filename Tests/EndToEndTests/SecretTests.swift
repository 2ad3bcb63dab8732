import Diagnostics
import Glibc
import JSONCoding
import Outbound
import SampleStack
import SystemPackage
import TestSupport
import Testing

extension EndToEnd {
    /// Secrets are planted everywhere the configuration takes one, right ones and wrong ones, failures are provoked, and then
    /// every place that a person or a program can look at is searched for them.
    struct SecretTests {
        private static let planted = [
            "database": "planted-database-password", "wrong": "planted-wrong-database-password",
            "smtp": "planted-smtp-password", "hook": "planted-hook-token", "path": "planted-url-path",
            "hmac": "planted-hmac-key", "login": "planted-login-password", "health": "planted-health-token",
            "redis": "planted-redis-password",
        ]

        @Test func `a planted secret is in no log, answer, page, export or list of processes`() async throws {
            let folder = try TemporaryFolder("secret")
            let postgres = try await PostgresServer.start(
                in: folder.path, .init(authentication: .scram(password: Secret(Self.planted["database"]!))))
            try await postgres.createDatabase("shop")
            try await postgres.run(sql: "CREATE TABLE t AS SELECT 1 AS n", database: "shop")
            let webhook = try await WebhookReceiver.start()
            try webhook.behave(.init(failFirst: 1000, answer: "500"))
            let closed = try ProgramServer.freePort()
            try writeText(
                Self.planted["smtp"]! + "\n", to: folder.file("smtp-password"), permissions: [.ownerReadWrite])
            var environment: [String: String] = [:]
            for (name, secret) in Self.planted { environment["PLANTED_\(name.uppercased())"] = secret }
            let jaga = try await JagaServer.start(
                Self.configuration(postgres: postgres.port, closed: closed, webhook: webhook.url, folder: folder.path),
                environment: environment, folder: folder)

            var seen: [(String, String)] = []
            func note(_ place: String, _ text: String) { seen.append((place, text)) }
            try await waitUntil("a failed delivery", timeout: .seconds(180)) { try !webhook.requests().isEmpty }
            // Passwords stand in processes only while they run: look while backups are taken.
            async let backup = jaga.run("backup", "run", "shop")
            for _ in 0..<40 {
                note("processes", Self.argumentsOfAllProcesses())
                try await Task.sleep(for: .milliseconds(10))
            }
            note("backup", "\(try await backup)")
            for words in [
                ["backup", "run", "broken"], ["backup", "drill", "shop"], ["status"], ["config", "show"],
                ["config", "show", "--json"], ["ledger", "list", "--limit", "1000"], ["ledger", "export"],
                ["jobs", "show", "leaky"], ["backup", "list", "--json"], ["query", "up"],
            ] {
                let answer = try await EndToEndTests.jaga(words + ["--data", jaga.data], environment: environment)
                note(words.joined(separator: " "), answer.description)
            }
            for words in [
                ["config", "show", "--file", jaga.configurationPath], ["config", "check", jaga.configurationPath],
                ["check", "--config", jaga.configurationPath],
            ] {
                let answer = try await EndToEndTests.jaga(words, environment: environment)
                note(words.joined(separator: " "), answer.description)
            }
            try jaga.configure("postgres: [{name: shop, port: x, password: \(Self.planted["database"]!)}]\n")
            note("a refused reload", "\(try await jaga.run("reload"))")

            let link = try #require(jaga.log.split(separator: "\n").first { $0.contains("/setup-link?secret=") })
            let visitor = Visitor(jaga.url)
            try await visitor.setUp(
                link: String(link.drop { $0 == " " }), password: try #require(Self.planted["login"]))
            for path in Self.pages { note(path, try await visitor.get(path).text) }
            let document = try await jaga.get("/api/openapi.json")
            for (path, methods) in document["paths"]?.objectValue ?? [:]
            where methods["get"] != nil && path != "/events" && !path.contains("{") {
                note(path, try await visitor.get(path).text)
            }
            note("log", jaga.log)
            note("webhook", try webhook.requests().map(\.body).joined())

            await jaga.server.stop()
            note("log after the end", jaga.log)
            for file in Self.files(below: jaga.data) { note(file, try readText(file)) }

            #expect(seen.contains { $0.0.hasSuffix("jaga.db") } && seen.contains { $0.0.hasSuffix(".wal") })
            #expect(seen.contains { $0.0 == "config show" && $0.1.contains("<redacted>") })
            for (place, text) in seen {
                for secret in Self.planted.values where text.contains(secret) {
                    Issue.record("\(secret) stands in \(place): \(Self.excerpt(of: text, around: secret))")
                }
            }
            await postgres.stop()
            await webhook.stop()
            folder.remove()
        }

        private static let pages = [
            "/", "/host", "/databases", "/source?name=postgres/shop", "/source?name=postgres/broken", "/probes",
            "/alerts",
            "/jobs", "/jobs/leaky", "/backups", "/ledger", "/query?expression=up", "/series", "/jaga", "/api",
            "/account",
            "/users",
        ]

        /// All files of the data folder; dumps are compressed and hold the database's own data.
        private static func files(below folder: String) -> [String] {
            namesIn(folder).map { "\(folder)/\($0)" }.flatMap { path in
                let below = namesIn(path)
                return below.isEmpty ? [path] : files(below: path)
            }.filter { access($0, R_OK) == 0 && !isFolder($0) }
        }

        private static func argumentsOfAllProcesses() -> String {
            namesIn("/proc").filter { Int32($0) != nil }.map { pid in
                ((try? readText("/proc/\(pid)/cmdline")) ?? "").split(separator: "\0").joined(separator: " ")
            }.joined(separator: "\n")
        }

        private static func excerpt(of text: String, around part: String) -> String {
            guard let place = text.range(of: part) else { return "" }
            let before = text[..<place.lowerBound].suffix(120)
            return "\(before)[\(part)]\(text[place.upperBound...].prefix(60))"
        }

        private static func configuration(postgres: Int, closed: Int, webhook: String, folder: String) -> String {
            """
            site: secrets
            host: {interval: 1s}
            postgres:
              - {name: shop, host: 127.0.0.1, port: \(postgres), database: shop, user: postgres, password: "${PLANTED_DATABASE}", interval: 1s}
              - {name: broken, host: 127.0.0.1, port: \(postgres), database: shop, user: postgres, password: "${PLANTED_WRONG}", interval: 1s}
            redis:
              - {name: cache, port: \(closed), password: "${PLANTED_REDIS}", interval: 1s}
            probes:
              - {name: health, url: "http://127.0.0.1:\(closed)/health", bearer_token: "${PLANTED_HEALTH}", interval: 1s}
            rules: {interval: 1s}
            alerting: {route: {group_wait: 1s, group_interval: 2s}}
            receivers:
              ops:
                webhook:
                  - {url: "\(webhook)/${PLANTED_PATH}", bearer_token: "${PLANTED_HOOK}", hmac_key: "${PLANTED_HMAC}"}
                email: [{to: [ops@shop.example]}]
            smtp: {host: 127.0.0.1, port: \(closed), username: jaga, password: \(JSONValue.quoted("file:" + folder + "/smtp-password")), security: none}
            backup:
              targets:
                shop: {host: 127.0.0.1, port: \(postgres), database: shop, user: postgres, password: "${PLANTED_DATABASE}"}
                broken: {host: 127.0.0.1, port: \(postgres), database: shop, user: postgres, password: "${PLANTED_WRONG}"}
            jobs:
              leaky: {command: ["true"], schedule: "every 1s"}

            """
        }
    }
}
