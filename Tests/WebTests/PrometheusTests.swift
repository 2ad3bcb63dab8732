import Access
import BinaryCoding
import JSONCoding
import Testing
import WebAPI

@testable import Web

/// Goal: programs written for Prometheus find its addresses, forms, envelopes and statuses. Method: each address over a fake site that
/// gives back what it was asked; what the engine makes of it is tested where the engine is.
@Suite struct PrometheusTests {
    private let form = ["content-type": "application/x-www-form-urlencoded"]

    @Test func `a query may come in the address or as a form, and says what it noticed`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        for path in ["query?query=up", "query_range?query=up&start=0&end=60&step=15"] {
            let asked = await fixture.get("/api/v1/\(path)", token: token)
            let parts = path.split(separator: "?")
            let sent = await fixture.send(
                .post, "/api/v1/\(parts[0])", token: token, headers: form, body: String(parts[1]))
            #expect(asked.status == 200 && sent.text == asked.text)
            #expect(asked.text.hasSuffix(",\"infos\":[\"about up\"]}"), "\(asked.text.suffix(80))")
        }
    }

    @Test(arguments: [
        (
            "query?query=up&time=abc",
            #"invalid parameter \"time\": invalid time value for 'time': cannot parse \"abc\" to a valid timestamp"#
        ),
        ("query?query=up&limit=-1", #"invalid parameter \"limit\": limit must be non-negative"#),
        ("query?query=up&limit=x", #"invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"#),
        (
            "query?query=up&limit=99999999999999999999",
            #"strconv.Atoi: parsing \"99999999999999999999\": value out of range"#
        ),
        ("query?query=up&timeout=soon", #"invalid parameter \"timeout\": cannot parse \"soon\" to a valid duration"#),
        ("query?query=up&timeout=1e300", #"cannot parse \"1e300\" to a valid duration. It overflows int64"#),
        (
            "query?query=up&lookback_delta=x",
            #"error parsing lookback delta duration: cannot parse \"x\" to a valid duration"#
        ),
        ("query_range?query=up&end=1&step=1", #"invalid parameter \"start\": cannot parse \"\" to a valid timestamp"#),
        (
            "query_range?query=up&start=0&end=x&step=1",
            #"invalid parameter \"end\": cannot parse \"x\" to a valid timestamp"#
        ),
        ("query_range?query=up&start=0&end=1", #"invalid parameter \"step\": cannot parse \"\" to a valid duration"#),
        ("labels?start=x", #"invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\""#),
        ("targets/metadata?limit=x", "limit must be a number"),
        ("metadata?limit_per_metric=x", "limit_per_metric must be a number"),
        ("query_range?query=up&start=0&end=1&step=0", "zero or negative query resolution step"),
        ("query_range?query=up&start=2&end=1&step=1", "end timestamp must not be before start time"),
        ("query_range?query=up&start=0&end=20000&step=1", "exceeded maximum resolution of 11,000 points"),
        ("series", "no match[] parameter provided"), ("status/tsdb?limit=0", "limit must be a positive number"),
        ("status/tsdb?limit=10001", "limit must not exceed 10000"),
        ("query_exemplars?query=up&start=9&end=1", "end timestamp must not be before start timestamp"),
    ])
    func `what cannot be asked is bad data, with the parameter's name`(_ path: String, _ message: String) async throws {
        let fixture = try WebFixture()
        let reply = await fixture.get("/api/v1/\(path)", token: try await fixture.token(.viewer))
        #expect(reply.status == 400)
        #expect(
            reply.text.contains("\"errorType\":\"bad_data\"")
                && Self.error(in: reply).contains(message.replacing("\\\"", with: "\"")), "\(reply.text)")
    }

    private static func error(in reply: Reply) -> String {
        (try? JSONValue(parsing: reply.text))?["error"]?.stringValue ?? ""
    }

    @Test(arguments: ["/-/healthy", "/-/ready"])
    func `a load balancer finds health and readiness where Prometheus has them`(_ path: String) async throws {
        let reply = await (try WebFixture()).get(path)
        #expect(reply.status == 200 && reply.header("content-type") == "text/plain; charset=utf-8")
        #expect(reply.text == (path == "/-/ready" ? "Jaga is Ready.\n" : "Jaga is Healthy.\n"))
    }

    @Test func `nothing reloads or ends the program from outside`() async throws {
        let fixture = try WebFixture()
        for path in ["/-/reload", "/-/quit"] {
            for method in [WebRequest.Method.post, .put] {
                #expect(await fixture.send(method, path).status == 401)
                #expect(await fixture.send(method, path, token: try await fixture.token(.administrator)).status == 404)
            }
        }
    }

    /// Prometheus answers so to every path, without a login, and by its default lets the pages of all sites read; here they may not.
    @Test func `OPTIONS is answered, and allows no other site to read`() async throws {
        let fixture = try WebFixture()
        for path in ["/api/v1/query", "/api/v1/no/such/thing", "/api/v1/write"] {
            for headers in [[:], ["origin": "https://grafana.example"]] {
                let reply = await fixture.send(.options, path, headers: headers)
                #expect(reply.status == 204 && reply.text.isEmpty && reply.header("allow") == "GET, POST, OPTIONS")
                #expect(reply.header("access-control-allow-origin") == nil)
            }
        }
        #expect(await fixture.send(.options, "/api/jaga/v1/status").status == 401)
    }

    @Test func `what federation refuses is plain text`() async throws {
        let fixture = try WebFixture()
        let reply = await fixture.get("/federate?match[]=%7B", token: try await fixture.token(.viewer))
        #expect(reply.status == 400 && reply.header("content-type") == "text/plain; charset=utf-8")
        #expect(reply.text == "1:2: parse error: unexpected end of input\n")
    }

    @Test func `the other addresses answer in the same envelope`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.operator)
        for (path, data) in [
            ("format_query?query=a%2Bb", "\"formatted a+b\""), ("parse_query?query=up", "{\"expression\":\"up\"}"),
            ("query_exemplars?query=up", "[]"), ("targets", "{\"pool\":\"\",\"state\":\"any\"}"),
            ("targets?state=active&scrapePool=node", "{\"pool\":\"node\",\"state\":\"active\"}"),
            ("targets/metadata?metric=up", "[{\"metric\":\"up\",\"selector\":\"\"}]"),
            ("alertmanagers", "{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}"),
            ("status/flags", "{\"limit\":10,\"topic\":\"flags\"}"),
            ("status/tsdb?limit=3", "{\"limit\":3,\"topic\":\"tsdb\"}"),
            ("status/config", "{\"limit\":10,\"topic\":\"config\"}"),
        ] {
            let reply = await fixture.get("/api/v1/\(path)", token: token)
            #expect(reply.text == "{\"status\":\"success\",\"data\":\(data)}")
        }
        let page = await fixture.get("/federate?match[]=up&match[]=go", token: token)
        #expect(
            page.text == "federated up go\n"
                && page.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
    }

    @Test func `only an administrator may touch the store`() async throws {
        let fixture = try WebFixture()
        let (op, admin) = (try await fixture.token(.operator), try await fixture.token(.administrator))
        for path in ["delete_series?match[]=up", "clean_tombstones", "snapshot"] {
            #expect(await fixture.send(.post, "/api/v1/admin/tsdb/\(path)", token: op).status == 403)
            let reply = await fixture.send(.post, "/api/v1/admin/tsdb/\(path)", token: admin)
            #expect(reply.status == (path == "snapshot" ? 200 : 204), "\(reply.text)")
            #expect(await fixture.send(.put, "/api/v1/admin/tsdb/\(path)", token: admin).status == reply.status)
        }
        #expect(
            await fixture.send(.post, "/api/v1/admin/tsdb/snapshot?skip_head=true", token: admin).text
                == "{\"status\":\"success\",\"data\":{\"name\":\"blocks-only\"}}")
        let none = await fixture.send(.post, "/api/v1/admin/tsdb/delete_series", token: admin)
        #expect(none.status == 400 && none.text.contains("no match[] parameter provided"))
    }

    @Test func `samples come from those who may write, in larger messages than other requests`() async throws {
        let fixture = try WebFixture()
        let (viewer, writer) = (try await fixture.token(.viewer), try await fixture.token(.operator))
        let headers = ["content-type": "application/x-protobuf"]
        for (path, kind) in [("write", "remoteWrite"), ("otlp/v1/metrics", "otlpMetrics")] {
            let body = String(repeating: "x", count: 1000)
            #expect(
                await fixture.send(.post, "/api/v1/\(path)", token: viewer, headers: headers, body: body).status == 403)
            let reply = await fixture.send(.post, "/api/v1/\(path)", token: writer, headers: headers, body: body)
            #expect(reply.text == "\(kind) as application/x-protobuf")
            #expect(reply.header("X-Prometheus-Remote-Write-Samples-Written") == "1000")
        }
        func room(_ path: String, _ token: String?) async -> Int {
            await fixture.site.bodyBytesMax(
                WebRequest(
                    method: .post, target: path, headers: token.map { ["authorization": "Bearer \($0)"] } ?? [:]))
        }
        #expect(await room("/api/v1/write", writer) == 32 << 20)
        #expect(await room("/api/v1/write", viewer) == fixture.site.options.bodyBytesMax)
        #expect(await room("/api/v1/query", writer) == fixture.site.options.bodyBytesMax)
        #expect(await room("/api/v1/write", nil) == fixture.site.options.strangerBodyBytesMax)
    }

    /// `promtool` takes credentials in the address alone.
    @Test func `a token may come as the password of basic authentication`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        func status(_ header: String) async -> Int {
            await fixture.get("/api/v1/labels", headers: ["authorization": header]).status
        }
        #expect(await status("Basic \(Base64.text(Array("grafana:\(token)".utf8)))") == 200)
        #expect(await status("Basic \(Base64.text(Array(":\(token)".utf8)))") == 200)
        for wrong in [
            "Basic \(Base64.text(Array("grafana:\(token)x".utf8)))", "Basic \(Base64.text(Array(token.utf8)))", "Basic",
            "Basic !",
            "Digest \(token)",
        ] {
            #expect(await status(wrong) == 401, "\(wrong.prefix(8))")
        }
    }
}
