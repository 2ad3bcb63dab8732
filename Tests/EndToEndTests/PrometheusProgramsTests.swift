import JSONCoding
import Outbound
import Processes
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// Goal: programs written for Prometheus work against Jaga as they are. Method: the programs themselves, as Debian and PyPI have
    /// them, with nothing of theirs changed but the address and the token.
    struct PrometheusProgramsTests {
        private static let quiet = "site: programs\nhost: {interval: 1s}\nrules: {shipped: false}\n"

        private func hasReading(_ jaga: JagaServer) async throws {
            try await waitUntil("a reading") { try await jaga.value("node_load1") != nil }
        }

        private func token(_ jaga: JagaServer, role: String) async throws -> String {
            let made = try await jaga.run("user", "add-token", "program", "--role", role)
            try #require(made.code == 0, "\(made)")
            return String(made.output.split(separator: "\n").last ?? "")
        }

        /// Debian's Prometheus with the `prometheus.yml` of the folder.
        private func startPrometheus(on port: Int, in folder: TemporaryFolder) async throws -> ProgramServer {
            let prometheus = ProgramServer(
                "prometheus",
                [
                    "/usr/bin/prometheus", "--config.file=\(folder.file("prometheus.yml"))",
                    "--storage.tsdb.path=\(folder.file("prometheus"))", "--web.listen-address=127.0.0.1:\(port)",
                ], port: port, in: folder.path)
            try await prometheus.start()
            return prometheus
        }

        @Test func `promtool asks, and finds nothing wrong with our own metrics`() async throws {
            let jaga = try await JagaServer.start(Self.quiet)
            let address = "http://any:\(try await token(jaga, role: "viewer"))@127.0.0.1:\(jaga.server.port)"
            try await hasReading(jaga)
            func ask(_ arguments: String...) async throws -> String {
                let outcome = try await Command("promtool", ["query"] + arguments, timeLimit: .seconds(120)).run()
                #expect(outcome.exitCode == 0, "\(arguments): \(outcome.errors.text)")
                return outcome.output.text
            }
            #expect(try await ask("instant", address, "node_load1 * 0 + 42").contains("=> 42 @["))
            let range = try await ask("range", address, "vector(7)", "--start=60", "--end=120", "--step=30s")
            #expect(range == "{} =>\n7 @[60]\n7 @[90]\n7 @[120]\n")
            #expect(try await ask("labels", address, "__name__").split(separator: "\n").contains("node_load1"))
            #expect(try await ask("series", address, "--match=node_load1").contains("__name__=\"node_load1\""))
            let wrong = try await Command("promtool", ["query", "instant", address, "sum("], timeLimit: .seconds(120))
                .run()
            #expect(wrong.exitCode == 1 && wrong.errors.text.contains("parse error"), "\(wrong.errors.text)")

            let page = try await jaga.text("/metrics")
            let lint = try await Command(
                "promtool", ["check", "metrics"], input: .bytes(Array(page.utf8)), timeLimit: .seconds(120)
            ).run()
            #expect(lint.exitCode == 0, "\(lint.errors.text)\(lint.output.text)")
            await jaga.remove()
        }

        /// What is refused, by path under `/api/v1/`.
        private static let refused = [
            "query?query=up&time=abc", "query?query=up&timeout=abc", "query", "query_range?query=up",
            "query_range?query=up&start=x",
            "query_range?query=up&start=1&end=2", "query_range?query=up&start=1&end=2&step=0",
            "query_range?query=up&start=3&end=2&step=1", "query_range?query=up&start=1&end=2&step=1e300",
            "labels?match[]=%7B",
            "labels?match[]=%7B%7D", "labels?start=x", "label/job/values?match[]=foo(", "series?match[]=sum(x)",
            "series?match[]=1%2B1",
            "series?match[]=", "series?match[]=%7B%7D", "series", "targets/metadata?limit=x",
            "targets/metadata?match_target=%7B",
            "metadata?limit=x", "query_exemplars?query=up&start=9&end=1", "query_exemplars?query=up(",
            "format_query?query=up(",
            "rules?type=x", "query?query=1%3D%3D1", "query?query=rate(x%20offset%205m%20%5B5m%5D)",
            "query?query=%7Bl%3D~%22a%7B5,2%7D%22%7D", "query?query=sum(", "query?query=nosuch(x)", "query?query=up)",
            "query?query=rate(x%5B5m%5D,)", "query?query=x%20%40%201%20%40%202",
        ]

        @Test func `what is wrong with a question is told as Prometheus tells it`() async throws {
            let jaga = try await JagaServer.start(Self.quiet)
            let secret = try await token(jaga, role: "viewer")
            try writeText("scrape_configs: []\n", to: jaga.folder.file("prometheus.yml"))
            let port = try ProgramServer.freePort()
            let prometheus = try await startPrometheus(on: port, in: jaga.folder)
            let client = HTTPClient()
            // It listens before it is ready, and says 503 in between.
            try await waitUntil("Prometheus is ready", timeout: .seconds(60)) {
                try await client.send(HTTPRequest(url: "http://127.0.0.1:\(port)/-/ready", timeout: .seconds(60)))
                    .status
                    == 200
            }
            func ask(_ base: String, _ path: String) async throws -> (status: Int, type: String?, text: String) {
                let answer = try await client.send(
                    HTTPRequest(url: base + path, headers: ["Authorization": "Bearer \(secret)"], timeout: .seconds(60))
                )
                // Version 2.42 begins this one with a capital, version 3 does not.
                // Go writes these two signs as escapes, which is the same to whoever reads JSON.
                let text = answer.text.replacing("Invalid time value", with: "invalid time value")
                    .replacing("\\u003c", with: "<").replacing("\\u003e", with: ">")
                return (answer.status, answer.headers["content-type"], text)
            }
            let federated = [
                "/federate", "/federate?match[]=%7B", "/federate?match[]=sum(x)", "/federate?match[]=nosuch",
            ]
            for path in Self.refused.map({ "/api/v1/\($0)" }) + federated {
                let wanted = try await ask("http://127.0.0.1:\(port)", path)
                let found = try await ask("http://127.0.0.1:\(jaga.server.port)", path)
                #expect(found == wanted, "\(path)")
                #expect(wanted.status == 400 || path.hasPrefix("/federate"), "\(path)")
            }
            await prometheus.stop()
            await jaga.remove()
        }

        /// A batch with a time that goes back, and a series above the limit.
        @Test func `an answer to samples names the first series that was not stored`() async throws {
            let jaga = try await JagaServer.start("\(Self.quiet)series: {series_per_metric_max: 1}\n")
            let secret = try await token(jaga, role: "operator")
            func write(_ instances: [String], _ seconds: Int) async throws -> String {
                let points = instances.map {
                    #"{"timeUnixNano":"\#(seconds)000000000","asDouble":1,"#
                        + #""attributes":[{"key":"shop","value":{"stringValue":"\#($0)"}}]}"#
                }
                let body =
                    #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"sent","gauge":{"dataPoints":["#
                    + points.joined(separator: ",") + "]}}]}]}]}"
                return try await HTTPClient().send(
                    HTTPRequest(
                        url: "http://127.0.0.1:\(jaga.server.port)/api/v1/otlp/v1/metrics", method: "POST",
                        headers: ["Authorization": "Bearer \(secret)", "Content-Type": "application/json"],
                        body: Array(body.utf8))
                ).text
            }
            let now = Int(try await jaga.value("vector(time())") ?? 0)
            let limited = try await write(["a", "b"], now)
            #expect(
                limited.contains("1 sample was not stored") && limited.contains(#"the first of sent{shop=\"b\"}"#),
                "\(limited)")
            let late = try await write(["a"], now - 100_000)
            #expect(late.contains("out of order or too old, the first of sent{shop=\\\"a\\\"}"), "\(late)")
            let early = try await write(["a"], now + 3600)
            #expect(
                early.contains(
                    "1 sample was not stored: too far in the future, more than 10m ahead of this machine's clock, "
                        + "the first of sent{shop=\\\"a\\\"}"), "\(early)")
            // The same refused series again counts again.
            _ = try await write(["a", "b"], now + 1)
            #expect(try await jaga.value("sent") == 1)
            try await waitUntil("both refusals are counted") {
                try await jaga.value("jaga_series_limit_refusals_total") ?? 0 >= 2
            }
            await jaga.remove()
        }

        @Test func `vmalert reads from us and writes its results back`() async throws {
            let jaga = try await JagaServer.start(Self.quiet)
            let secret = try await token(jaga, role: "operator")
            try await hasReading(jaga)
            try writeText(
                """
                groups:
                  - name: recorded
                    interval: 1s
                    rules: [{record: "load:doubled", expr: "node_load1 * 0 + 2", labels: {by: vmalert}}]

                """, to: jaga.folder.file("vm-rules.yml"))
            try writeText(secret, to: jaga.folder.file("token"))
            let port = try ProgramServer.freePort()
            let url = "http://127.0.0.1:\(jaga.server.port)"
            let vmalert = ProgramServer(
                "vmalert",
                [
                    "/usr/bin/vmalert", "-rule=\(jaga.folder.file("vm-rules.yml"))",
                    "-httpListenAddr=127.0.0.1:\(port)",
                    "-datasource.url=\(url)", "-datasource.bearerTokenFile=\(jaga.folder.file("token"))",
                    "-remoteWrite.url=\(url)", "-remoteWrite.bearerTokenFile=\(jaga.folder.file("token"))",
                    "-remoteWrite.flushInterval=200ms", "-notifier.url=http://127.0.0.1:9", "-datasource.queryStep=1s",
                ], port: port, in: jaga.folder.path)
            try await vmalert.start()
            try await waitUntil("vmalert's result is here", timeout: .seconds(60)) {
                try await jaga.value("load:doubled{by=\"vmalert\"}") == 2
            }
            await vmalert.stop()
            await jaga.remove()
        }

        @Test(
            .enabled(if: environment("JAGA_TEST_PYTHON") != nil, "prometheus-api-client is installed by scripts/test"))
        func `the Python client connects, lists, asks and reads ranges`() async throws {
            let jaga = try await JagaServer.start(Self.quiet)
            try await waitUntil("some readings") { try await jaga.value("count_over_time(node_load1[1m])") ?? 0 >= 3 }
            let script = """
                import datetime, os, sys
                from prometheus_api_client import PrometheusConnect
                client = PrometheusConnect(url=sys.argv[1], headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
                assert client.check_prometheus_connection()
                assert "node_load1" in client.all_metrics()
                assert "__name__" in client.get_label_names()
                assert len(client.get_current_metric_value("node_load1")) == 1
                assert client.custom_query("vector(3)")[0]["value"][1] == "3"
                end = datetime.datetime.now()
                start = end - datetime.timedelta(minutes=1)
                steps = client.custom_query_range("vector(1)", start, end, "15s")[0]["values"]
                assert len(steps) == 5, steps
                raw = client.get_metric_range_data("node_load1", start_time=start, end_time=end)
                assert len(raw[0]["values"]) >= 3, raw
                print("all well")

                """
            try writeText(script, to: jaga.folder.file("client.py"))
            let outcome = try await Command(
                environment("JAGA_TEST_PYTHON")!,
                [jaga.folder.file("client.py"), "http://127.0.0.1:\(jaga.server.port)"],
                environment: .inherit(changes: ["TOKEN": try await token(jaga, role: "viewer")]),
                timeLimit: .seconds(300)
            ).run()
            #expect(outcome.output.text == "all well\n", "\(outcome.errors.text)")
            await jaga.remove()
        }

        /// `JAGA_REMOTE_WRITE_SECONDS` says how long Prometheus writes (20 unless set), `JAGA_REMOTE_WRITE_KILLS` how often the
        /// daemon is killed meanwhile (2).
        @Test func `no sample of remote write is missing when the daemon is killed in between`() async throws {
            let seconds = environment("JAGA_REMOTE_WRITE_SECONDS").flatMap { Int($0) } ?? 20
            let kills = environment("JAGA_REMOTE_WRITE_KILLS").flatMap { Int($0) } ?? 2
            let jaga = try await JagaServer.start("site: receiver\nhost: {enabled: false}\nrules: {shipped: false}\n")
            let port = try ProgramServer.freePort()
            try writeText(
                """
                global: {scrape_interval: 1s}
                scrape_configs:
                  - job_name: prometheus
                    static_configs: [{targets: ['127.0.0.1:\(port)']}]
                remote_write:
                  - url: http://127.0.0.1:\(jaga.server.port)/api/v1/write
                    authorization: {credentials: \(try await token(jaga, role: "operator"))}
                    queue_config: {batch_send_deadline: 500ms, max_backoff: 1s}

                """, to: jaga.folder.file("prometheus.yml"))
            let prometheus = try await startPrometheus(on: port, in: jaga.folder)
            let clock = ContinuousClock()
            let begin = clock.now
            for kill in 1...max(1, kills) where kills > 0 {
                let next = begin + .seconds(seconds) * kill / (kills + 1)
                try await waitUntil("the moment of kill \(kill)", timeout: .seconds(seconds + 5)) { clock.now >= next }
                await jaga.server.kill()
                try await jaga.begin()
            }
            try await waitUntil("the end", timeout: .seconds(seconds + 5)) { clock.now >= begin + .seconds(seconds) }

            // What Prometheus has until now must be here soon, to the sample. It may itself still be writing some of that time.
            let until = try await prometheusTime(port)
            let range = "[1h] @ \(until)"
            var theirs: [String: [String]] = [:]
            var ours: [String: [String]] = [:]
            // Not a wait that throws: what there is in the end is what the message should say.
            try? await waitUntil("the last sample has come", every: .milliseconds(300)) {
                theirs = try await samples("{job=\"prometheus\"}\(range)") { expression in
                    try JSONValue(parsing: try await text(port, "/api/v1/query?query=\(percentEncoded(expression))"))
                }
                ours = try await samples("{job=\"prometheus\"}\(range)") { expression in
                    try await jaga.get("/api/v1/query?query=\(percentEncoded(expression))")
                }
                return theirs.allSatisfy { ours[$0.key] == $0.value }
            }
            #expect(theirs.count > 300)
            var compared = 0
            for (series, points) in theirs {
                #expect(ours[series] == points, "\(series)")
                compared += points.count
            }
            print(
                "remote write: \(compared) samples of \(theirs.count) series compared after \(kills) kills in \(seconds) s"
            )
            await prometheus.stop()
            await jaga.remove()
        }

        private func text(_ port: Int, _ path: String) async throws -> String {
            try await HTTPClient().send(
                HTTPRequest(url: "http://127.0.0.1:\(port)\(path)", timeout: .seconds(60), bodyBytesMax: 64 << 20)
            ).text
        }

        private func prometheusTime(_ port: Int) async throws -> Int {
            let answer = try JSONValue(parsing: try await text(port, "/api/v1/query?query=time()"))
            return Int(answer["data"]?["result"]?[1]?.stringValue.flatMap { Double($0) } ?? 0)
        }

        /// The points of each series as JSON text.
        private func samples(
            _ expression: String, _ ask: (String) async throws -> JSONValue
        ) async throws -> [String: [String]] {
            var found: [String: [String]] = [:]
            for series in try await ask(expression)["data"]?["result"]?.arrayValue ?? [] {
                let name = series["metric"]?.canonicalText ?? ""
                found[name] = series["values"]?.arrayValue?.map(\.canonicalText) ?? []
            }
            return found
        }
    }
}
