import Glibc
import JSONCoding
import TestSupport
import Testing

extension EndToEnd {
    /// A configuration is taken whole or not at all: faults are told all at once with their places, a bad one leaves the
    /// running one as it was, and a good one disturbs nothing that it does not change.
    struct ConfigurationTests {
        private static func text(_ more: String = "", interval: String = "1s") -> String {
            """
            site: configuration-test
            host: {interval: \(interval)}
            processes: [{name: shell, contains: [init]}]
            probes:
              - {name: kept, tcp: "127.0.0.1:1", interval: 1s}
            \(more)

            """
        }

        @Test func `every fault of a file is told at once, with its place`() async throws {
            let folder = try TemporaryFolder("config")
            try writeText(
                """
                site: [not, a, text]
                hots: {interval: 5s}
                host: {interval: 5 minuts}
                postgres:
                  - {name: shop, host: 127.0.0.1, port: 99999, password: "${JAGA_E2E_NOT_SET}"}
                jobs:
                  nightly: {backup: shop, schedule: "61 * * * *"}
                rules: {files: [rules.yml]}

                """, to: folder.file("jaga.yaml"))
            let answer = try await jaga(["config", "check"], folder: folder.path)
            #expect(answer.code == 78, "\(answer)")
            for part in [
                "jaga.yaml:1:", "jaga.yaml:2:1: hots: unknown key; did you mean 'host'?",
                "jaga.yaml:3:18: host.interval: '5 minuts' is not a duration", "jaga.yaml:5:", "99999",
                "JAGA_E2E_NOT_SET", "jaga.yaml:7:",
            ] {
                #expect(answer.errors.contains(part), "no '\(part)' in \(answer.errors)")
            }
            let asJSON = try await jaga(["config", "check", "--json"], folder: folder.path)
            #expect(asJSON.code == 78)
            let faults = try JSONValue(parsing: asJSON.errors)["error"]?["faults"]?.arrayValue ?? []
            #expect(faults.count >= 6, "\(asJSON)")
            // The daemon says the same and does not start.
            let serve = try await jaga(
                ["serve", "--data", folder.file("data"), "--listen", "127.0.0.1:0"], folder: folder.path,
                limit: .seconds(120))
            #expect(serve.code == 78, "\(serve)")
            folder.remove()
        }

        @Test func `a rule file with a fault is refused with its place`() async throws {
            let folder = try TemporaryFolder("rules")
            try writeText("rules: {files: [mine.yml]}\n", to: folder.file("jaga.yaml"))
            try writeText(
                "groups:\n  - name: mine\n    rules:\n      - {alert: Bad, expr: 'sum by (x'}\n",
                to: folder.file("mine.yml"))
            let answer = try await jaga(["config", "check"], folder: folder.path)
            #expect(answer.code == 78 && answer.errors.contains("mine.yml:4"), "\(answer)")
            folder.remove()
        }

        @Test func `a bad reload changes nothing and says why, a good one keeps what it does not change`() async throws
        {
            let jaga = try await JagaServer.start(Self.text())
            try await waitUntil("three readings") {
                try await jaga.value("count_over_time(probe_success[1m])") ?? 0 >= 3
            }
            let before = try await jaga.get("/api/jaga/v1/configuration")

            try jaga.configure(Self.text("prob: 1\nredis: [{name: r, port: none}]"))
            let refused = try await jaga.run("reload")
            #expect(refused.code == 78)
            #expect(
                refused.errors.contains("prob: unknown key") && refused.errors.contains("redis[0].port"), "\(refused)")
            #expect(try await jaga.get("/api/jaga/v1/configuration") == before)
            #expect(try await jaga.ledger("configuration.").last?["kind"]?.stringValue == "configuration.refused")

            // By signal: the same file again, then a good one.
            try #require(kill(jaga.server.pid ?? 0, SIGHUP) == 0)
            try await waitUntil("the second refusal") {
                try await jaga.ledger("configuration.refused").count == 2
            }
            try jaga.configure(Self.text("redis: [{name: cache, port: 1, interval: 1s}]"))
            try #require(kill(jaga.server.pid ?? 0, SIGHUP) == 0)
            try await waitUntil("the new source") { try await jaga.source("redis/cache") != nil }
            let last = try await jaga.ledger("configuration.").last
            #expect(last?["kind"]?.stringValue == "configuration.loaded")
            #expect(last?["actorName"]?.stringValue == "SIGHUP")

            // What was not changed went on: its failures are counted from the first reading to the last, and none is left out.
            func counts() async throws -> [String] {
                let series = try await jaga.query("jaga_probe_consecutive_failures{probe=\"kept\"}[1h]").first
                return (series?["values"]?.arrayValue ?? []).compactMap { $0[1]?.stringValue }
            }
            let atReload = try await counts().count
            try await waitUntil("two readings after the reload") { try await counts().count >= atReload + 2 }
            let counted = try await counts()
            #expect(counted == (1...counted.count).map { "\($0)" })
            let probes = try await jaga.get("/api/jaga/v1/probes")
            #expect(probes[0]?["failuresInRow"]?.intValue ?? 0 >= counted.count, "\(probes.canonicalText)")
            #expect(jaga.server.isRunning)
            await jaga.remove()
        }

        @Test func `a second daemon on one data folder is told who has it`() async throws {
            let jaga = try await JagaServer.start(Self.text())
            let second = try await EndToEndTests.jaga(
                ["serve", "--config", jaga.configurationPath, "--data", jaga.data, "--listen", "127.0.0.1:0"],
                limit: .seconds(120))
            #expect(second.code == 11, "\(second)")
            #expect(second.errors.contains("process \(jaga.server.pid ?? 0)"), "\(second)")
            #expect(try await jaga.get("/api/jaga/v1/version")["processID"]?.intValue == Int64(jaga.server.pid ?? 0))
            // The lock goes with its holder, however that ends.
            await jaga.server.kill()
            try await jaga.begin()
            await jaga.remove()
        }
    }
}
