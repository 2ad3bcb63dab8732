import Diagnostics
import Glibc
import JSONCoding
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// Acknowledged means durable. The daemon watches a database that comes and goes, takes backups of it and sends messages
    /// about it, and is ended with SIGKILL at moments that a seed chooses. Whatever it had said it knew before a kill it must
    /// know after: each round compares the daemon's answers before and after.
    ///
    /// `JAGA_KILL_ROUNDS` says how often (12 unless set), `JAGA_KILL_SEED` repeats a run.
    struct KillTests {
        private static let rounds = environment("JAGA_KILL_ROUNDS").flatMap { Int($0) } ?? 12

        @Test func `nothing acknowledged is lost when the daemon is killed at random moments`() async throws {
            let seed = environment("JAGA_KILL_SEED").flatMap { UInt64($0) } ?? .random(in: 1...999_999)
            print("kill test: JAGA_KILL_SEED=\(seed) JAGA_KILL_ROUNDS=\(Self.rounds)")
            var random = SeededGenerator(seed: seed)
            let folder = try TemporaryFolder("kill")
            let password = Secret("kill-test-password")
            let postgres = try await PostgresServer.start(
                in: folder.path, .init(authentication: .scram(password: password)))
            try await postgres.createDatabase("shop")
            try await postgres.run(
                sql: "CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 5000) n", database: "shop")
            let webhook = try await WebhookReceiver.start()
            let jaga = try JagaServer(
                Self.configuration(port: postgres.port, webhook: webhook.url),
                environment: ["KILL_TEST_PASSWORD": password.reveal()], folder: folder)
            try writeText(Self.rules, to: folder.file("rules.yml"))

            var known = Known()
            for round in 1...Self.rounds {
                try await jaga.begin()
                try await known.expectKept(by: jaga, "round \(round), seed \(seed)")
                // The story: down, up, down …, with a backup now and then while it is up.
                if random.next() % 2 == 0 {
                    if postgres.isRunning { await postgres.kill() } else { try await postgres.start() }
                }
                if postgres.isRunning, random.next() % 2 == 0 { try await orderBackup(jaga) }
                let span = Duration.milliseconds(Int.random(in: 200...3500, using: &random))
                let end = ContinuousClock.now + span
                repeat {
                    try await known.look(at: jaga)
                    try await Task.sleep(for: .milliseconds(50))
                } while ContinuousClock.now < end
                await jaga.server.kill()
            }
            // The last act is seen to its end: down until it is told, up until that is told too.
            try await jaga.begin()
            try await known.expectKept(by: jaga, "the end, seed \(seed)")
            if !postgres.isRunning { try await postgres.start() }
            try await waitUntil("the alert is resolved", timeout: .seconds(180)) { try await jaga.firing().isEmpty }
            await postgres.kill()
            try await waitUntil("the alert fires", timeout: .seconds(180)) {
                try await jaga.firing().contains("DatabaseGone")
            }
            try await waitUntilQuiet(jaga)
            try await postgres.start()
            try await waitUntil("the alert is resolved", timeout: .seconds(180)) { try await jaga.firing().isEmpty }
            try await expectSoundStory(storyAtRest(jaga, webhook), "seed \(seed)")
            try await expectSoundBackups(jaga, known)
            let verified = try await jaga.run("ledger", "verify")
            #expect(verified.code == 0, "\(verified)")
            await jaga.server.stop()
            await postgres.stop()
            await webhook.stop()
            folder.remove()
        }

        /// Orders a backup and does not wait for it.
        private func orderBackup(_ jaga: JagaServer) async throws {
            _ = try? await EndToEndTests.jaga(
                ["backup", "run", "shop", "--data", jaga.data], limit: .milliseconds(400))
        }

        /// The last message is on its way or delivered, and no other is due.
        private func waitUntilQuiet(_ jaga: JagaServer) async throws {
            var firing = try await jaga.firing().contains("DatabaseGone")
            try await waitUntil("the last message is delivered", timeout: .seconds(180), every: .milliseconds(200)) {
                firing = try await jaga.firing().contains("DatabaseGone")
                let last = try await jaga.ledger("notification.queued").last
                let pending = try await jaga.get("/api/jaga/v1/notifications")["pending"]?.intValue
                return last?["payload"]?["status"]?.stringValue == (firing ? "firing" : "resolved") && pending == 0
            }
        }

        /// All that the ledger says at a moment when the alert is over and each message has arrived. At least once each: those that were
        /// sent and not yet recorded came again, under the same id. A busy machine may make the database look gone once more, and then the
        /// story goes on for a while.
        private func storyAtRest(_ jaga: JagaServer, _ webhook: WebhookReceiver) async throws -> [JSONValue] {
            var story: [JSONValue] = []
            try await waitUntil("the story is at its end", timeout: .seconds(180), every: .milliseconds(200)) {
                story = try await jaga.ledger()
                let alert = story.last { $0["kind"]?.stringValue?.hasPrefix("alert.") == true }
                let queued = story.filter { $0["kind"]?.stringValue == "notification.queued" }.map {
                    $0["payload"] ?? .null
                }
                let arrived = try webhook.requests().filter { $0.status == 200 }
                return alert?["kind"]?.stringValue == "alert.resolved"
                    && queued.last?["status"]?.stringValue == "resolved"
                    && Set(arrived.compactMap { $0.headers["idempotency-key"] })
                        == Set(queued.compactMap { $0["id"]?.stringValue })
            }
            return story
        }

        /// The alert alternates between firing and resolved, and is told once for each change.
        private func expectSoundStory(_ story: [JSONValue], _ note: Comment) throws {
            let alerts = story.filter {
                $0["kind"]?.stringValue?.hasPrefix("alert.") == true && $0.canonicalText.contains("DatabaseGone")
            }
            var isFiring = false
            for entry in alerts {
                switch entry["kind"]?.stringValue {
                case "alert.fired":
                    #expect(!isFiring, "fired twice without an end, \(note)")
                    isFiring = true
                case "alert.resolved":
                    #expect(isFiring, "resolved without having fired, \(note)")
                    isFiring = false
                default: break
                }
            }
            #expect(!isFiring, "\(note)")
            let queued = story.filter { $0["kind"]?.stringValue == "notification.queued" }.map {
                $0["payload"] ?? .null
            }
            let ids = queued.compactMap { $0["id"]?.stringValue }
            #expect(Set(ids).count == ids.count, "\(note)")
            var last: [String: String] = [:]
            for payload in queued {
                let group = payload["group"]?.stringValue ?? ""
                let content = Self.content(of: payload["message"] ?? .null)
                #expect(last[group] != content, "the same was queued twice: \(content), \(note)")
                last[group] = content
            }
        }

        /// What a message says: which alerts, in which state, since when.
        private static func content(of message: JSONValue) -> String {
            (message["alerts"]?.arrayValue ?? []).map { alert in
                ["fingerprint", "status", "startsAt", "endsAt"].map { alert[$0]?.canonicalText ?? "-" }
                    .joined(separator: " ")
            }.sorted().joined(separator: "; ")
        }

        private func expectSoundBackups(_ jaga: JagaServer, _ known: Known) async throws {
            for id in known.backups.keys.sorted() {
                let answer = try await jaga.run("backup", "verify", id)
                #expect(answer.code == 0, "\(answer)")
            }
        }

        static func configuration(port: Int, webhook: String) -> String {
            """
            site: kill-test
            host: {interval: 1s}
            postgres:
              - {name: shop, host: 127.0.0.1, port: \(port), database: shop, user: postgres, password: "${KILL_TEST_PASSWORD}", interval: 1s, timeout: 900ms}
            rules: {interval: 1s, files: [rules.yml], shipped: false}
            alerting: {route: {group_wait: 1s, group_interval: 2s, repeat_interval: 4h}}
            receivers: {ops: {webhook: [{url: "\(webhook)"}]}}
            backup:
              targets:
                shop: {host: 127.0.0.1, port: \(port), database: shop, user: postgres, password: "${KILL_TEST_PASSWORD}", keep_last: 100}
            jobs:
              tick: {command: ["true"], schedule: "every 1s"}

            """
        }

        static let rules = """
            groups:
              - name: kill
                rules:
                  - {alert: DatabaseGone, expr: pg_up == 0, for: 1s, labels: {severity: critical}, annotations: {summary: gone}}

            """
    }
}

/// What the daemon has shown, and so may not forget.
private struct Known {
    /// Entries by their place.
    var entries: [Int64: String] = [:]
    /// Samples of some series: time as text, then value.
    var samples: [String: String] = [:]
    /// The digest of each complete backup.
    var backups: [String: String] = [:]

    static let queries = ["pg_up[1h]", "node_load1[1h]", "jaga_ledger_entries_total[1h]"]

    mutating func look(at jaga: JagaServer) async throws {
        let newest = try await jaga.get("/api/jaga/v1/ledger?limit=1000")["entries"]?.arrayValue ?? []
        for entry in newest { entries[entry["sequence"]?.intValue ?? -1] = entry.canonicalText }
        samples.merge(try await Self.samples(of: jaga)) { $1 }
        for backup in try await jaga.get("/api/jaga/v1/backups")["backups"]?.arrayValue ?? [] {
            backups[backup["id"]?.stringValue ?? ""] = backup["sha256"]?.stringValue
        }
    }

    private static func samples(of jaga: JagaServer) async throws -> [String: String] {
        var found: [String: String] = [:]
        for query in queries {
            for series in try await jaga.query(query) {
                for value in series["values"]?.arrayValue ?? [] {
                    found["\(series["metric"]?.canonicalText ?? "") \(value[0]?.canonicalText ?? "")"] =
                        value[1]?.stringValue
                }
            }
        }
        return found
    }

    /// Compares all of it with what the daemon says now.
    func expectKept(by jaga: JagaServer, _ note: String) async throws {
        let now = Dictionary(
            try await jaga.ledger().map { ($0["sequence"]?.intValue ?? -1, $0.canonicalText) }, uniquingKeysWith: { $1 }
        )
        for (place, text) in entries { #expect(now[place] == text, "entry \(place), \(note)") }
        let samplesNow = try await Self.samples(of: jaga)
        let missing = samples.filter { samplesNow[$0.key] != $0.value }
        let example = missing.keys.sorted().first ?? ""
        #expect(missing.isEmpty, "\(missing.count) of \(samples.count) samples, as \(example), \(note)")
        let copies = try await jaga.get("/api/jaga/v1/backups")["backups"]?.arrayValue ?? []
        for (id, digest) in backups {
            let copy = copies.first { $0["id"]?.stringValue == id }
            #expect(copy?["sha256"]?.stringValue == digest, "backup \(id), \(note)")
        }
    }
}
