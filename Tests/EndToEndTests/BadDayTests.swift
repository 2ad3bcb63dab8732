import Diagnostics
import Glibc
import JSONCoding
import SampleStack
import SystemPackage
import TestSupport
import Testing

extension EndToEnd {
    /// Servers that refuse, hang or fill up. Each time: what failed is said in a sentence, what could not be read is unknown
    /// and never well, and everything else goes on.
    struct BadDayTests {
        private static let password = "bad-day-password"

        private static func postgres(_ folder: TemporaryFolder) async throws -> PostgresServer {
            try await PostgresServer.start(
                in: folder.path, .init(authentication: .scram(password: Secret(password))))
        }

        private static func configuration(port: Int, password: String = password, _ more: String = "") -> String {
            """
            site: bad-day
            host: {interval: 1s}
            postgres:
              - {name: shop, host: 127.0.0.1, port: \(port), database: postgres, user: postgres, password: "\(password)", interval: 2s, timeout: 1900ms}
            probes:
              - {name: elsewhere, tcp: "127.0.0.1:\(port)", interval: 1s}
            rules: {interval: 1s}
            \(more)

            """
        }

        @Test func `a wrong password is unknown, and told without the password`() async throws {
            let folder = try TemporaryFolder("password")
            let postgres = try await Self.postgres(folder)
            let jaga = try await JagaServer.start(
                Self.configuration(port: postgres.port, password: "planted-wrong-password"), folder: folder)
            try await waitUntil("a failed reading") { try await jaga.value("pg_up") == 0 }
            // On a busy machine a reading may also end at its limit, before the server has refused it.
            try await waitUntil("the password is named") {
                let error = try await jaga.source("postgres/shop")?["error"]?.stringValue ?? ""
                #expect(!error.contains("planted"), "\(error)")
                return error.contains("password")
            }
            let status = try await jaga.run("status", "--json")
            #expect(status.code != 0)
            let area = try status.json["areas"]?.arrayValue?.first { $0["kind"]?.stringValue == "postgres" }
            #expect(area?["verdict"]?.stringValue == "unknown", "\(status)")
            #expect(!jaga.log.contains("planted") && !status.output.contains("planted"))
            await jaga.remove()
            await postgres.stop()
        }

        @Test func `a stopped server and a sleeping query hold up no other reading`() async throws {
            let folder = try TemporaryFolder("stopped")
            let postgres = try await Self.postgres(folder)
            let other = try await RedisServer.start(in: folder.path)
            let plain = Self.configuration(
                port: postgres.port, "redis: [{name: cache, port: \(other.port), interval: 1s}]")
            let jaga = try await JagaServer.start(plain, folder: folder)
            try await waitUntil("the first readings") {
                let up = try await jaga.value("pg_up"), redis = try await jaga.value("redis_up")
                return up == 1 && redis == 1
            }
            // A client that sleeps in the server is nobody's trouble. It sleeps for longer than anybody here waits.
            let sleeping = Task {
                // It is ended with the server.
                _ = try? await postgres.run(sql: "SELECT pg_sleep(3600)")
            }
            try await waitUntil("the client sleeps") {
                try await postgres.run(sql: "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"
            }
            try await waitForReadings(jaga, of: ["postgres/shop", "redis/cache"], count: 3)

            postgres.pause()
            // Its first reading begins while the server is stopped, and lasts longer than anybody here waits.
            try jaga.configure(
                plain.replacing(
                    "probes:",
                    with: """
                          - {name: patient, host: 127.0.0.1, port: \(postgres.port), database: postgres, user: postgres, password: "\(Self.password)", interval: 1h, timeout: 59m, connect_timeout: 59m}
                        probes:
                        """))
            #expect(try await jaga.run("reload").code == 0)
            try await waitUntil("the stopped server is noticed") { try await jaga.value("min(pg_up)") == 0 }
            try await waitForReadings(jaga, of: ["redis/cache", "host/\(Self.hostName)"], count: 4)
            let status = try await jaga.run("status")
            #expect(status.code != 0)
            #expect(
                try await jaga.source("postgres/patient")?["lastReadAt"]?.intValue == nil,
                "no reading was under way meanwhile, so this test shows nothing")
            postgres.resume()
            try await waitUntil("the server is read again") { try await jaga.value("min(pg_up)") == 1 }
            await jaga.server.stop()
            await postgres.stop()
            await sleeping.value
            await other.stop()
            folder.remove()
        }

        private static var hostName: String {
            ((try? readText("/proc/sys/kernel/hostname")) ?? "").split(separator: "\n").first.map(String.init) ?? ""
        }

        /// Waits until each source was read `count` times more. Who is held up by the stopped server or by the sleeping query is held up
        /// for as long as this waits.
        private func waitForReadings(_ jaga: JagaServer, of names: [String], count: Int) async throws {
            for name in names {
                var seen: Set<Int64> = []
                try await waitUntil("\(count) more readings of \(name)", timeout: .seconds(120)) {
                    if let last = try await jaga.source(name)?["lastReadAt"]?.intValue { seen.insert(last) }
                    return seen.count > count
                }
            }
        }

        @Test func `a log that was cut in its last record starts, says so, and has all before it`() async throws {
            let jaga = try await JagaServer.start("site: cut\nhost: {interval: 1s}\n")
            try await waitUntil("some samples", timeout: .seconds(60)) {
                try await jaga.value("count_over_time(node_load1[1h])") ?? 0 >= 5
            }
            await jaga.server.kill()
            let folder = "\(jaga.data)/series/wal"
            let newest = "\(folder)/\(try #require(namesIn(folder).last))"
            var facts = stat()
            try #require(stat(newest, &facts) == 0)
            try #require(truncate(newest, facts.st_size - 7) == 0)
            try await jaga.begin()
            #expect(jaga.log.contains("series:"), "nothing is said of the cut:\n\(jaga.log)")
            let kept = try await jaga.value("count_over_time(node_load1[1h])") ?? 0
            #expect(kept >= 4, "only \(kept) samples are left")
            try await waitUntil("new samples", timeout: .seconds(60)) {
                try await jaga.value("count_over_time(node_load1[1h])") ?? 0 > kept
            }
            await jaga.remove()
        }

        @Test func `mail that is refused for a while is delivered after all`() async throws {
            let mail = try await SMTPReceiver.start(.init(login: (user: "jaga", password: Self.password)))
            try mail.behave(.init(failFirst: 2, answer: "451 4.3.0 try again later"))
            let jaga = try await JagaServer.start(
                """
                site: mail
                host: {interval: 1s}
                probes: [{name: nothing, tcp: "127.0.0.1:1", interval: 1s}]
                rules: {interval: 1s, files: [rules.yml], shipped: false}
                alerting: {route: {group_wait: 1s, group_interval: 2s}}
                receivers: {ops: {email: [{to: [ops@shop.example]}]}}
                smtp: {host: localhost, port: \(mail.port), username: jaga, password: "\(Self.password)", ca_file: \(JSONValue.quoted(mail.certificatePath ?? ""))}

                """, folder: try Self.folderWithRules())
            // Sooner than the schedule asks: a minute's patience is the outbox's, not this test's.
            let taken = try await mail.waitForMessages(1, timeout: .seconds(180))
            #expect(taken[0].isEncrypted && taken[0].user == "jaga")
            try await waitUntil("the delivery in the ledger") {
                try await !jaga.ledger("notification.delivered").isEmpty
            }
            let delivered = try await jaga.ledger("notification.delivered")
            // Two were refused; on a busy machine others may have come to no answer in time.
            #expect(delivered[0]["payload"]?["attempt"]?.intValue ?? 0 >= 3, "\(delivered[0].canonicalText)")
            #expect(try mail.messages().count == 1)
            #expect(!jaga.log.contains(Self.password))
            await jaga.remove()
            await mail.stop()
        }

        private static func folderWithRules() throws -> TemporaryFolder {
            let folder = try TemporaryFolder("mail")
            try writeText(
                "groups: [{name: g, rules: [{alert: Nothing, expr: probe_success == 0, labels: {severity: critical}}]}]\n",
                to: folder.file("rules.yml"))
            return folder
        }
    }
}
