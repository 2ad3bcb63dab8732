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
              - {name: shop, host: 127.0.0.1, port: \(port), database: postgres, user: postgres, password: "\(password)", interval: 1s, timeout: 900ms}
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
            let error = try #require(try await jaga.source("postgres/shop")?["error"]?.stringValue)
            #expect(error.contains("password"), "\(error)")
            #expect(!error.contains("planted"), "\(error)")
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
            let jaga = try await JagaServer.start(
                Self.configuration(
                    port: postgres.port, "redis: [{name: cache, port: \(other.port), interval: 1s}]"
                ).replacing(
                    "probes:",
                    // Nearly always in the middle of a reading that waits for its whole time, once the server is stopped.
                    with: """
                          - {name: patient, host: 127.0.0.1, port: \(postgres.port), database: postgres, user: postgres, password: "\(Self.password)", interval: 12s, timeout: 11900ms}
                        probes:
                        """),
                folder: folder)
            try await waitUntil("the first readings") {
                let up = try await jaga.value("pg_up"), redis = try await jaga.value("redis_up")
                return up == 1 && redis == 1
            }
            // A client that sleeps in the server is nobody's trouble.
            async let sleeping: Void = {
                _ = try? await postgres.run(sql: "SELECT pg_sleep(12)")
            }()
            try await expectReadings(jaga, of: ["postgres/shop", "redis/cache"], count: 3)
            await sleeping

            postgres.pause()
            try await waitUntil("the stopped server is noticed", timeout: .seconds(60)) {
                try await jaga.value("pg_up") == 0
            }
            try await expectReadings(jaga, of: ["redis/cache", "host/\(Self.hostName)"], count: 4)
            let started = ContinuousClock.now
            let status = try await jaga.run("status")
            #expect(status.code != 0)
            #expect(started.duration(to: .now) < .seconds(10), "the status waited for the stopped server")
            postgres.resume()
            try await waitUntil("the server is read again", timeout: .seconds(60)) {
                try await jaga.value("pg_up") == 1
            }
            await jaga.server.stop()
            await postgres.stop()
            await other.stop()
            folder.remove()
        }

        private static var hostName: String {
            ((try? readText("/proc/sys/kernel/hostname")) ?? "").split(separator: "\n").first.map(String.init) ?? ""
        }

        /// Waits until each source was read `count` times more. Who was held up by the stopped server or by the sleeping query
        /// was held up for twelve seconds; a busy machine makes less of a second's interval.
        private func expectReadings(_ jaga: JagaServer, of names: [String], count: Int) async throws {
            for name in names {
                func times() async throws -> [Int64] {
                    try await jaga.source(name)?["lastReadAt"]?.intValue.map { [$0] } ?? []
                }
                var seen: [Int64] = try await times()
                try await waitUntil("\(count) more readings of \(name)", timeout: .seconds(120)) {
                    if let last = try await times().first, last != seen.last { seen.append(last) }
                    return seen.count > count
                }
                let gap = zip(seen, seen.dropFirst()).map { $1 - $0 }.max() ?? 0
                #expect(gap < 9000, "\(name) was held up: \(seen)")
            }
        }

        @Test func `a log that was cut in its last record starts, says so, and has all before it`() async throws {
            let jaga = try await JagaServer.start("site: cut\nhost: {interval: 1s}\n")
            try await waitUntil("some samples", timeout: .seconds(60)) {
                try await jaga.value("count_over_time(node_load1[1m])") ?? 0 >= 5
            }
            await jaga.server.kill()
            let folder = "\(jaga.data)/series/wal"
            let newest = "\(folder)/\(try #require(namesIn(folder).last))"
            var facts = stat()
            try #require(stat(newest, &facts) == 0)
            try #require(truncate(newest, facts.st_size - 7) == 0)
            try await jaga.begin()
            #expect(jaga.log.contains("series:"), "nothing is said of the cut:\n\(jaga.log)")
            let kept = try await jaga.value("count_over_time(node_load1[5m])") ?? 0
            #expect(kept >= 4, "only \(kept) samples are left")
            try await waitUntil("new samples", timeout: .seconds(60)) {
                try await jaga.value("count_over_time(node_load1[5m])") ?? 0 > kept
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
            #expect(delivered[0]["payload"]?["attempt"]?.intValue == 3, "\(delivered[0].canonicalText)")
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
