import Diagnostics
import Glibc
import Outbound
import SampleStack
import TestSupport
import Testing

extension EndToEnd {
    /// Goal: no query ends the daemon or keeps it busy for nobody. Method: queries that are too long, too deep or too large at once, over the
    /// network, and one whose client goes away; the daemon must answer each, and do nothing more for who left.
    struct HostileQueryTests {
        private static let configuration = """
            site: hostile
            host: {interval: 1s}
            rules: {shipped: false}
            queries: {features: [promql-experimental-functions, promql-duration-expr], timeout: 10s}

            """

        private static let all = "{__name__=~\".+\"}"

        private static var queries: [String] {
            [
                String(repeating: "(", count: 50_000), String(repeating: "-", count: 50_000) + "1",
                Array(repeating: all, count: 200).joined(separator: " or "),
                Array(repeating: "1", count: 10_000).joined(separator: "+"),
                "{__name__=~\"(.*a){500}(.*b){400}\"}", "{__name__=~\"((a{1,100}){1,100}){1,100}\"}",
                "{__name__=~\"\(String(repeating: "(", count: 5000))a\(String(repeating: ")", count: 5000))\"}",
                "sum_over_time(vector(1)[10y:1ms])", "count_over_time(\(all)[10h:100ms])",
                "max_over_time(max_over_time(vector(1)[600s:1ms])[3600s:1ms])", "count_values(\"a\", \(all))",
                "\(all) * on() group_left \(all)", "topk(1e18, \(all))", "limitk(-1e18, \(all))", "topk(1e19, \(all))",
                "quantile(1e308, \(all))", "round(\(all), 5e-324)", "up offset 292277y", "up[9e18]", "up @ -9e15",
                "up[2 ^ 1000]",
                "up[5m / 0]", "hour(vector(1e308)) + year(vector(-1e18)) + days_in_month(vector(NaN))",
                "\"\\U00110000\"",
                "label_replace(\(all), \"a\", \"\(String(repeating: "$1", count: 30_000))\", \"__name__\", \"(.*)\")",
                "sum by (\((0..<20_000).map { "l\($0)" }.joined(separator: ","))) (\(all))",
            ]
        }

        @Test func `every query has an answer, and the daemon goes on`() async throws {
            let jaga = try await JagaServer.start(Self.configuration)
            try await waitUntil("a reading") { try await jaga.value("node_load1") != nil }
            let pid = jaga.server.process.pid
            let token = try await token(jaga)
            for query in Self.queries {
                for path in ["query?", "query_range?start=1700000000&end=1700003600&step=1&"] {
                    let answer = try await ask(jaga, path, query, token, timeout: .seconds(120))
                    #expect([200, 400, 422, 503].contains(answer.status), "\(query.prefix(80)): \(answer.status)")
                    #expect(answer.text.hasPrefix("{\"status\":"), "\(query.prefix(80)): \(answer.text.prefix(200))")
                }
            }
            #expect(jaga.server.process.pid == pid)
            #expect(try await jaga.value("vector(1)") == 1)
            await jaga.remove()
        }

        @Test func `a query ends when its client goes`() async throws {
            let jaga = try await JagaServer.start(
                "site: hostile\nhost: {enabled: false}\nrules: {shipped: false}\nqueries: {timeout: 10m}\n")
            let pid = try #require(jaga.server.process.pid)
            let token = try await token(jaga)
            // A search that takes many minutes.
            let text = String(repeating: "a", count: 60_000)
            let query =
                "label_replace(label_replace(vector(1), \"a\", \"\(text)\", \"\", \"\"), \"b\", \"$1\", \"a\", \"(.*)(a?){900}b{900}(.*a){80}\")"
            await #expect(throws: (any Error).self) {
                try await ask(jaga, "query?", query, token, timeout: .seconds(2))
            }
            // Nobody waits now, so nothing may be done any more.
            try await waitUntilAtRest(pid)
            #expect(try await jaga.value("vector(1)") == 1)
            await jaga.remove()
        }

        @Test
        func `queries at the same time and answers that are read slowly stay within the memory that they may have`()
            async throws
        {
            let jaga = try await JagaServer.start(
                "site: hostile\nhost: {enabled: false}\nrules: {shipped: false}\nqueries: {memory_max: 64MB}\n")
            let pid = try #require(jaga.server.process.pid)
            let token = try await token(jaga)
            // Each alone takes some 40 MB.
            let query = "vector(time())[800000s:1s]"
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await ask(jaga, "query?", query, token, timeout: .seconds(120)).status }
                }
                var statuses: [Int] = []
                for try await status in group { statuses.append(status) }
                return statuses
            }
            // Those that had no room at first have their turn.
            #expect(Set(statuses).isSubset(of: [200, 503]) && statuses.contains(200), "\(statuses)")
            #expect(try await ask(jaga, "query?", query, token, timeout: .seconds(120)).status == 200)
            let tooLarge = try await ask(jaga, "query?", "vector(time())[9000000s:1s]", token, timeout: .seconds(120))
            #expect(
                tooLarge.status == 422 && tooLarge.text.contains("at most 67108864 are allowed"), "\(tooLarge.text)")
            // Its samples fit, and so would its text, but not both.
            let both = try await ask(jaga, "query?", "vector(time())[1400000s:1s]", token, timeout: .seconds(120))
            #expect(both.status == 422 && both.text.contains("at most 67108864 are allowed"), "\(both.status)")
            // Some who ask for much and read none of it.
            var deaf: [Int32] = []
            let request =
                "GET /api/v1/query?query=\(percentEncoded(query)) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token.reveal())\r\n\r\n"
            try await waitUntil("answers hold the memory", timeout: .seconds(240)) {
                // Who reads nothing is cut off after a while, so others take their places for as long as it needs.
                if deaf.count == 8 { close(deaf.removeFirst()) }
                let socket = try connected(to: jaga.server.port)
                deaf.append(socket)
                #expect(send(socket, request, request.utf8.count, 0) == request.utf8.count)
                var byte: UInt8 = 0
                try await waitUntil("its answer begins", timeout: .seconds(120)) {
                    recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) >= 0
                }
                return try await ask(jaga, "query?", query, token, timeout: .seconds(120)).status == 503
            }
            #expect(try await jaga.value("vector(1)") == 1)
            for socket in deaf { close(socket) }
            try await waitUntil("the memory is there again", timeout: .seconds(240)) {
                try await ask(jaga, "query?", query, token, timeout: .seconds(120)).status == 200
            }
            let peak = try readText("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmHWM") }
            #expect(Int(peak?.split(separator: " ").dropLast().last ?? "") ?? .max < 400_000, "\(peak ?? "")")
            await jaga.remove()
        }

        private func token(_ jaga: JagaServer) async throws -> Secret {
            let made = try await jaga.run("user", "add-token", "program", "--role", "viewer")
            return Secret(String(made.output.split(separator: "\n").last ?? ""))
        }

        @discardableResult
        private func ask(
            _ jaga: JagaServer, _ path: String, _ query: String, _ token: Secret, timeout: Duration
        ) async throws -> HTTPResponse {
            let body = "query=\(percentEncoded(query))"
            return try await HTTPClient().send(
                HTTPRequest(
                    url: "\(jaga.url)/api/v1/\(path)", method: "POST",
                    headers: ["Content-Type": "application/x-www-form-urlencoded"], body: Array(body.utf8),
                    credentials: .bearer(token), timeout: timeout, bodyBytesMax: 256 << 20))
        }
    }
}
