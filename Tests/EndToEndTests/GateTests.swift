import JSONCoding
import Outbound
import TestSupport
import Testing

extension EndToEnd {
    /// Nothing is learned from outside without a login. Every address that the API's own description lists, the pages, and
    /// addresses that do not exist are asked over the network, with no login and with wrong ones.
    struct GateTests {
        /// What may answer, and how.
        private static let open: Set<String> = [
            "GET /healthz", "GET /-/healthy", "GET /-/ready", "GET /login", "POST /login", "GET /setup-link",
            "POST /setup-link",
        ]

        @Test func `nothing but health, login, set-up link and their assets answers without a login`() async throws {
            let jaga = try await JagaServer.start("site: gate\nhost: {interval: 1s}\n")
            let document = try await jaga.get("/api/openapi.json")
            var addresses = Self.pages
            for (path, methods) in try #require(document["paths"]?.objectValue) {
                for method in try #require(methods.objectValue).keys {
                    addresses.append((method.uppercased(), path))
                }
            }
            #expect(addresses.count > 50, "\(addresses.count) addresses")
            let client = HTTPClient()
            let disguises: [[(String, String)]] = [
                [], [("Authorization", "Bearer jaga_not-a-token")], [("Cookie", "jaga_session=not-a-session")],
            ]
            for (method, pattern) in addresses {
                let path = Self.filled(pattern)
                guard !Self.open.contains("\(method) \(path)") else { continue }
                for headers in disguises {
                    let answer = try await client.send(
                        HTTPRequest(
                            url: jaga.url + path, method: method, headers: HTTPHeaders(headers), timeout: .seconds(60)))
                    if answer.status == 303 {
                        let place = answer.headers["location"] ?? ""
                        #expect(place.hasPrefix("/login"), "\(method) \(path) leads to \(place)")
                    } else {
                        #expect(answer.status == 401, "\(method) \(path) answers \(answer.status) without a login")
                    }
                    #expect(!answer.text.contains("gate"), "\(method) \(path) says the site's name")
                }
            }
            for path in ["/healthz", "/-/healthy", "/-/ready", "/login", "/assets/app.css", "/assets/app.js"] {
                let answer = try await client.send(HTTPRequest(url: jaga.url + path))
                #expect(answer.status == 200, "\(path) answers \(answer.status)")
            }
            // The same addresses with a token, so that the test cannot pass because nothing works.
            let token = try await jaga.run("user", "add-token", "gate-test")
            #expect(token.code == 0, "\(token)")
            let secret = token.output.split(separator: "\n").first.map(String.init) ?? ""
            for path in ["/api/jaga/v1/status", "/api/v1/query?query=up", "/metrics", "/"] {
                let answer = try await client.send(
                    HTTPRequest(url: jaga.url + path, headers: ["Authorization": "Bearer \(secret)"]))
                #expect(answer.status == 200, "\(path) answers \(answer.status) with a token")
            }
            await jaga.remove()
        }

        private static let pages: [(String, String)] =
            [
                "/", "/host", "/databases", "/source", "/probes", "/alerts", "/jobs", "/jobs/x", "/jobs/x/runs/y",
                "/backups", "/ledger", "/query", "/series", "/jaga", "/api", "/actions/x", "/account", "/users",
                "/no/such/page",
                "/api/no/such", "/api/v1/no", "/.env", "/../etc/passwd", "//etc/passwd", "/assets/../app",
                "/%2e%2e/jaga.db",
            ].map { ("GET", $0) }
            + [
                "/actions/reload", "/ledger/verify", "/logout", "/account/password", "/theme", "/users", "/tokens", "/",
            ].map { ("POST", $0) } + [("DELETE", "/api/jaga/v1/users/admin"), ("PUT", "/api/jaga/v1/users/admin")]

        /// `/jobs/{name}` becomes `/jobs/x`.
        private static func filled(_ pattern: String) -> String {
            pattern.split(separator: "/", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("{") ? "x" : $0 }.joined(separator: "/")
        }
    }
}
