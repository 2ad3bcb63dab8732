import Glibc
import JSONCoding
import Outbound
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// Rules as a person meets them: the API's answers are the reference's, commands find what is wrong with a file, and what was
    /// true an hour ago can be asked. Where Debian's Prometheus is installed it evaluates the same file beside the daemon.
    struct RulesTests {
        private static let rules = """
            groups:
              - name: own
                interval: 1s
                rules:
                  - record: one:sum
                    expr: vector(1)
                    labels: {team: web}
                  - alert: Always
                    expr: vector(246913.57) * 50
                    labels: {severity: warning}
                    annotations: {summary: 'value {{ $value }} of {{ query "vector(2)" | first | value }}'}
                  - alert: Waiting
                    expr: |
                      vector(0.00025)
                        > 0
                    for: 10m
                  - alert: Never
                    expr: one:sum{team="web"} > 2
                  - alert: Seen
                    expr: one:sum == 1
              - name: limited
                interval: 1s
                limit: 1
                rules:
                  - alert: TooMany
                    expr: label_replace(vector(1), "a", "b", "", "") or vector(2)

            """

        @Test func `one's own rules stand before the shipped ones`() async throws {
            let folder = try TemporaryFolder("rules-order")
            try writeText(Self.rules, to: folder.file("r.yml"))
            let jaga = try await JagaServer.start(
                "site: order\nhost: {interval: 1s}\nrules: {files: [r.yml]}\n", folder: folder)
            let files =
                try await jaga.get("/api/jaga/v1/rules").arrayValue?.compactMap { $0["file"]?.stringValue } ?? []
            #expect(files.count > 3 && files.prefix(2).allSatisfy { $0.hasSuffix("r.yml") }, "\(files)")
            #expect(files.dropFirst(2).allSatisfy { $0.hasPrefix("pack/") }, "\(files)")
            await jaga.remove()
        }

        private static let configuration = """
            site: rules-test
            host: {interval: 1s}
            rules: {files: [r.yml], shipped: false, interval: 1s}

            """

        private func serve(_ folder: TemporaryFolder) async throws -> JagaServer {
            try writeText(Self.rules, to: folder.file("r.yml"))
            return try await JagaServer.start(Self.configuration, folder: folder)
        }

        /// An answer without what differs from one moment, or one folder, to another.
        private func timeless(_ value: JSONValue) -> JSONValue {
            if let items = value.arrayValue { return .array(items.map(timeless)) }
            guard var members = value.objectValue else { return value }
            for name in ["evaluationTime", "lastEvaluation", "activeAt"] where members[name] != nil {
                members[name] = "…"
            }
            if let file = members["file"]?.stringValue {
                members["file"] = .string(String(file.split(separator: "/").last!))
            }
            return .object(members.mapValues(timeless))
        }

        @Test(.enabled(if: access("/usr/bin/prometheus", X_OK) == 0, "Prometheus is not installed"))
        func `rules and alerts read as Prometheus answers them for the same file`() async throws {
            let program = "/usr/bin/prometheus"
            let folder = try TemporaryFolder("rules api")
            let jaga = try await serve(folder)
            try writeText(
                "global: {evaluation_interval: 1s}\nrule_files: [r.yml]\n", to: folder.file("prometheus.yml"))
            let port = try ProgramServer.freePort()
            let reference = ProgramServer(
                "prometheus",
                [
                    program, "--config.file=\(folder.file("prometheus.yml"))",
                    "--storage.tsdb.path=\(folder.file("tsdb"))",
                    "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
                ], port: port, in: folder.path, environment: [:])
            try await reference.start()
            let client = HTTPClient()
            func theirs(_ path: String) async throws -> JSONValue {
                let answer = try await client.send(
                    HTTPRequest(url: "http://127.0.0.1:\(port)\(path)", timeout: .seconds(60), bodyBytesMax: 1 << 20))
                return try JSONValue(parsing: answer.text)
            }
            // It listens before it answers: until then it says 503 in plain words.
            try await waitUntil("Prometheus is ready", timeout: .seconds(60)) {
                let address = "http://127.0.0.1:\(port)/-/ready"
                return try await client.send(HTTPRequest(url: address, timeout: .seconds(60), bodyBytesMax: 1 << 20))
                    .status == 200
            }
            for path in [
                "/api/v1/rules", "/api/v1/alerts", "/api/v1/rules?type=record", "/api/v1/rules?type=alert",
            ] {
                // Both come to the same once each has evaluated every rule.
                try await waitUntil("\(path) is the same", timeout: .seconds(60), every: .milliseconds(300)) {
                    let (ours, other) = (timeless(try await jaga.get(path)), timeless(try await theirs(path)))
                    return normalised(ours) == normalised(other)
                }
            }
            await reference.stop()
            await jaga.remove()
        }

        /// The order of groups and alerts is nobody's promise; the message of a failing rule is each program's own. Groups of which a filter
        /// leaves nothing are left out, as Prometheus 3 does and 2.42 did not yet.
        private func normalised(_ value: JSONValue) -> String {
            func sorted(_ value: JSONValue) -> JSONValue {
                if let items = value.arrayValue {
                    let kept = items.filter { $0["rules"]?.arrayValue?.isEmpty != true }
                    let texts = kept.map { sorted($0) }.sorted { $0.canonicalText < $1.canonicalText }
                    return .array(texts)
                }
                guard var members = value.objectValue else { return value }
                if members["lastError"] != nil { members["lastError"] = "…" }
                return .object(members.mapValues(sorted))
            }
            return sorted(value).canonicalText
        }

        @Test func `filters and pages of the rules' address`() async throws {
            let folder = try TemporaryFolder("rules filters")
            let jaga = try await serve(folder)
            func names(_ query: String) async throws -> [String] {
                let groups = try await jaga.get("/api/v1/rules?\(query)")["data"]?["groups"]?.arrayValue ?? []
                return groups.flatMap { $0["rules"]?.arrayValue ?? [] }.compactMap { $0["name"]?.stringValue }
            }
            #expect(try await names("rule_name%5B%5D=Never&rule_name%5B%5D=TooMany") == ["TooMany", "Never"])
            #expect(try await names("rule_group%5B%5D=limited") == ["TooMany"])
            #expect(try await names("match%5B%5D=%7Bteam%3D%22web%22%7D") == ["one:sum"])
            #expect(try await names("file%5B%5D=nowhere.yml") == [])
            let first = try await jaga.get("/api/v1/rules?group_limit=1")["data"]
            let token = try #require(first?["groupNextToken"]?.stringValue)
            let second = try await jaga.get("/api/v1/rules?group_limit=1&group_next_token=\(token)")["data"]
            #expect(second?["groups"]?.arrayValue?.first?["name"]?.stringValue == "own")
            #expect(second?["groupNextToken"] == nil)
            for query in [
                "type=x", "group_limit=x", "group_next_token=00", "exclude_alerts=perhaps", "match%5B%5D=%7B",
            ] {
                await #expect(throws: TestProgramAnswered.self) { try await jaga.get("/api/v1/rules?\(query)") }
            }
            await jaga.remove()
        }

        @Test func `the command line lists, checks, tests and tries rules`() async throws {
            let folder = try TemporaryFolder("rules command")
            let jaga = try await serve(folder)
            try writeText(
                "groups:\n  - name: g\n    rules:\n      - {alert: NoLoad, expr: 'node_laod1 > 0'}\n      "
                    + "- {alert: Memory, expr: 'node_memory_MemTotal_bytes > 0', for: 2s}\n",
                to: folder.file("more.yml"))
            try writeText(
                "rule_files: [more.yml]\ntests:\n  - input_series: [{series: 'node_laod1', values: '1x3'}]\n    "
                    + "alert_rule_test: [{eval_time: 1m, alertname: NoLoad}]\n",
                to: folder.file("more_test.yml"))
            try jaga.configure(Self.configuration.replacing("files: [r.yml]", with: "files: [more.yml]"))
            #expect(try await jaga.run("reload").code == 0)
            try await waitUntil("the rules were evaluated") { try await jaga.firing().contains("Memory") }
            // The steps of a backtest fall elsewhere than the daemon's evaluations, so it needs more than the two seconds of the alert.
            try await waitUntil("some seconds of history") {
                try await jaga.value("time() - min_over_time(timestamp(node_memory_MemTotal_bytes)[1h:1s])") ?? 0 >= 5
            }

            let list = try await jaga.run("rules", "list")
            #expect(list.code == 0, "\(list)")
            #expect(list.output.contains("no such metric; did you mean node_load1?"), "\(list)")
            let page = try await jaga.text("/rules")
            #expect(page.contains("node_laod1") && page.contains("node_load1"))

            let backtest = try await jaga.run(
                "rules", "backtest", folder.file("more.yml"), "--from", "10m", "--step", "1s")
            #expect(backtest.code == 0 && backtest.output.contains("Memory  20"), "\(backtest)")
            #expect(backtest.output.contains("still open"))
            // Of a step that is no whole number of seconds nothing is cut, or the alert would be found at no step but the first. The two
            // seconds that the daemon has held the alert for are more than the two steps it takes here, however the steps fall.
            try writeText(
                "groups:\n  - name: g\n    rules:\n      "
                    + "- {alert: Memory, expr: 'node_memory_MemTotal_bytes > 0', for: 100ms}\n",
                to: folder.file("odd.yml"))
            let odd = try await jaga.run(
                "rules", "backtest", folder.file("odd.yml"), "--from", "10m", "--step", "700ms")
            #expect(odd.code == 0 && odd.output.contains("Memory  20"), "\(odd)")
            #expect(!odd.output.contains("not fired"), "\(odd)")

            // An alert on what the same file records, and nobody has recorded; by the daemon's samples and by the folder's.
            try writeText(
                """
                groups:
                  - name: both
                    interval: 1s
                    rules:
                      - {record: load:double, expr: 'node_load1 * 0 + mad_over_time(node_load1[1m]) * 0 + 2'}
                      - alert: Doubled
                        expr: load:double == 2
                        annotations: {summary: 'is {{ $value }} here'}

                """, to: folder.file("recorded.yml"))
            let arguments = ["rules", "backtest", folder.file("recorded.yml"), "--from", "10m"]
            let refused = try await EndToEndTests.jaga(
                ["rules", "check", folder.file("recorded.yml")], folder: folder.path)
            #expect(refused.code == 78 || refused.errors.contains("is not enabled"), "\(refused)")
            let flags = ["--enable-feature", "promql-experimental-functions"]
            let online = try await EndToEndTests.jaga(
                arguments + flags + ["--data", jaga.data], folder: folder.path)
            #expect(online.code == 0 && online.output.contains("is 2 here"), "\(online)")
            let busy = try await EndToEndTests.jaga(
                arguments + flags + ["--offline", "--data", jaga.data], folder: folder.path)
            #expect(busy.code == 11, "\(busy)")
            await jaga.server.stop()
            let offline = try await EndToEndTests.jaga(
                arguments + flags + ["--offline", "--data", jaga.data], folder: folder.path)
            #expect(offline.code == 0 && offline.output.contains("is 2 here"), "\(offline)")
            await jaga.remove()
        }

        @Test func `files are checked and tested without a daemon`() async throws {
            let folder = try TemporaryFolder("rules files")
            try writeText(Self.rules, to: folder.file("r.yml"))
            let good = try await jaga(["rules", "check", "r.yml"], folder: folder.path)
            #expect(good.code == 0 && good.output.contains("SUCCESS: 6 rules found"), "\(good)")
            try writeText(
                "groups: [{name: g, rules: [{alert: A, expr: 'sum(', for: 5 minuts}]}]\n", to: folder.file("bad.yml"))
            let bad = try await jaga(["rules", "check", "bad.yml", "r.yml", "--json"], folder: folder.path)
            #expect(bad.code == 78, "\(bad)")
            #expect(try bad.json[0]?["faults"]?.arrayValue?.count == 2, "\(bad)")
            try writeText(
                "rule_files: ['own.yml']\ntests:\n  - alert_rule_test: [{eval_time: 0m, alertname: Always}]\n",
                to: folder.file("test.yml"))
            // A group over its limit would fail the test by itself.
            let own = Self.rules.prefix(upTo: try #require(Self.rules.firstRange(of: "  - name: limited")).lowerBound)
            try writeText(String(own), to: folder.file("own.yml"))
            let failed = try await jaga(["rules", "test", "test.yml"], folder: folder.path)
            #expect(failed.code == 1 && failed.errors.contains("value 1.23456785e+07 of 2"), "\(failed)")
            folder.remove()
        }
    }
}
