import JSONCoding
import Outbound
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// Goal: with `series: {engine: remote}` everything that is measured goes to the other store, rules, pages and the API read from there, and
    /// while it is away nothing counts as fine. Method: the built program with Debian's Prometheus and VictoriaMetrics, which are
    /// killed and started again.
    struct RemoteEngineTests {
        private static func configuration(_ store: MetricsStore, target: Int) -> String {
            """
            site: far
            host: {interval: 1s}
            series: {engine: remote, url: '\(store.url)', timeout: 30s}
            rules: {shipped: false, files: [rules.yml], interval: 1s}
            scrape_configs:
              - job_name: pages
                scrape_interval: 1s
                static_configs: [{targets: ['127.0.0.1:\(target)'], labels: {shelf: top}}]

            """
        }

        private static let rules = """
            groups:
              - name: far
                rules:
                  - {record: 'shelf:doubled', expr: 'apples * 2'}
                  - {alert: FewApples, expr: 'apples < 5', labels: {severity: warning}, annotations: {summary: few}}

            """

        /// A page of metrics with a number that a test sets by a file.
        private static let page = """
            import http.server, os, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                def log_message(self, *rest): pass
                def do_GET(self):
                    body = ('# TYPE apples gauge\\napples ' + open(sys.argv[1]).read().strip() + '\\n').encode()
                    self.send_response(200)
                    self.send_header('Content-Type', 'text/plain; version=0.0.4')
                    self.send_header('Content-Length', str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
            server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
            print(server.server_address[1], os.getpid(), flush=True)
            server.serve_forever()
            """

        /// What the store itself answers.
        private func ask(_ store: MetricsStore, _ expression: String) async throws -> JSONValue {
            let response = try await HTTPClient().send(
                HTTPRequest(url: "\(store.url)/api/v1/query?query=\(percentEncoded(expression))"))
            return try JSONValue(parsing: response.body)["data"]?["result"] ?? .null
        }

        /// What the area of alerts says: whether the rules see all well.
        /// When the target of pages was scraped last, as text.
        private func lastScrape(_ jaga: JagaServer) async throws -> String? {
            try await jaga.get("/api/v1/targets")["data"]?["activeTargets"]?.arrayValue?.first {
                $0["scrapePool"]?.stringValue == "pages"
            }?["lastScrape"]?.stringValue
        }

        private func alerts(_ jaga: JagaServer) async throws -> JSONValue? {
            try await jaga.get("/api/jaga/v1/status")["areas"]?.arrayValue?.first {
                $0["kind"]?.stringValue == "alerts"
            }
        }

        @Test(arguments: MetricsStore.Kind.installed)
        func `samples, rules, pages and the API live in the other store, and its absence is unknown`(
            kind: MetricsStore.Kind
        ) async throws {
            let folder = try TemporaryFolder("remote")
            try writeText("7", to: folder.file("apples"))
            let target = try LoopbackServer(Self.page, [folder.file("apples")])
            let store = try MetricsStore(kind)
            defer { store.kill() }
            try await waitUntil("\(kind) answers", timeout: .seconds(60), every: .milliseconds(100)) {
                (try? await ask(store, "vector(1)"))?.arrayValue?.isEmpty == false
            }
            try writeText(Self.rules, to: folder.file("rules.yml"))
            let jaga = try await JagaServer.start(
                Self.configuration(store, target: target.port), folder: folder)

            // What is scraped and measured arrives there, under the site's name, and is asked for there.
            try await waitUntil("the store has what was scraped", timeout: .seconds(60)) {
                try await ask(store, "apples{shelf=\"top\",site=\"far\"}")[0]?["value"]?[1]?.stringValue == "7"
            }
            try await waitUntil("the API reads it", timeout: .seconds(60)) {
                try await jaga.value("apples{site=\"far\"}") == 7
            }
            #expect(try await jaga.get("/api/v1/label/shelf/values")["data"]?.arrayValue == ["top"])
            let names = try await jaga.get("/api/v1/series?match[]=apples")["data"]?.arrayValue ?? []
            #expect(names.first?["job"]?.stringValue == "pages", "\(names)")
            // The mark of a sample that was never scraped here: whoever sees it reads the other store.
            try await waitUntil("a recording rule's result comes back from there", timeout: .seconds(60)) {
                try await jaga.value("max_over_time(shelf:doubled{site=\"far\"}[1m])") == 14
            }
            #expect(try await ask(store, "shelf:doubled")[0]?["value"]?[1]?.stringValue == "14")
            let command = try await jaga.run("query", "apples + 1")
            #expect(command.code == 0 && command.output.contains("8"), "\(command)")
            #expect(try await jaga.text("/query?expr=apples").contains("shelf"))
            try await waitUntil("a page has its charts from there") { try await jaga.text("/host").contains("<svg") }
            #expect(try await jaga.text("/series").contains("read \(store.url)"))

            try writeText("3", to: folder.file("apples"))
            try await waitUntil("the rule fires", timeout: .seconds(60)) {
                try await jaga.firing() == ["FewApples"]
            }
            try writeText("9", to: folder.file("apples"))
            try await waitUntil("and is resolved", timeout: .seconds(60)) { try await jaga.firing().isEmpty }
            try await waitUntil("all is well", timeout: .seconds(60)) {
                try await alerts(jaga)?["verdict"]?.stringValue == "ok"
            }

            // Away: queries fail, rules say so, and the whole is not fine.
            store.kill()
            try await waitUntil("its absence is seen", timeout: .seconds(60)) {
                let groups = try await jaga.get("/api/v1/rules")["data"]?["groups"]?.arrayValue ?? []
                return groups.flatMap { $0["rules"]?.arrayValue ?? [] }.allSatisfy {
                    $0["health"]?.stringValue == "err"
                }
            }
            await #expect(throws: TestProgramAnswered.self) { try await jaga.query("apples") }
            // Whoever asks is told why, whatever is asked.
            for path in [
                "query?query=apples", "labels", "label/job/values", "series?match[]=apples", "metadata",
            ] {
                let answer = try await jaga.answer("/api/v1/\(path)")
                let said = try JSONValue(parsing: answer.body)
                #expect(answer.status == 500 && said["errorType"]?.stringValue == "internal", "\(path): \(said)")
                #expect(
                    said["error"]?.stringValue?.hasPrefix("reading series failed: connection to \(store.url) ") == true,
                    "\(path): \(said)")
            }
            let federated = try await jaga.answer("/federate?match[]=apples")
            #expect(federated.status == 500 && federated.headers["content-type"] == "text/plain; charset=utf-8")
            #expect(
                federated.text.hasPrefix("reading series failed: connection to \(store.url) "), "\(federated.text)")
            let unknown = try await alerts(jaga)
            #expect(unknown?["verdict"]?.stringValue == "unknown", "\(unknown as Any)")
            #expect(unknown?["reason"]?.stringValue?.contains("2 rules cannot be evaluated") == true)
            #expect(try await jaga.run("status").code != 0)
            #expect(try await jaga.text("/rules").contains("fault"))
            // No page breaks: each says what it does not know.
            for page in ["/", "/host", "/alerts", "/query?expr=apples", "/series", "/jaga", "/databases"] {
                #expect(try await !jaga.text(page).contains("badge ok\">✓ apples"), "\(page)")
            }
            #expect(try await jaga.text("/query?expr=apples").contains("fault"))
            try writeText("11", to: folder.file("apples"))
            for _ in 1...2 {
                let before = try await lastScrape(jaga)
                try await waitUntil("it was scraped meanwhile") { try await lastScrape(jaga) != before }
            }

            // Back: what was scraped meanwhile is there, and all is well again.
            try store.start()
            try await waitUntil("what was measured meanwhile arrived", timeout: .seconds(120)) {
                (try? await jaga.value("apples")) == 11
            }
            try await waitUntil("all is well again", timeout: .seconds(60)) {
                try await alerts(jaga)?["verdict"]?.stringValue == "ok"
            }
            await jaga.remove()
        }
    }
}
