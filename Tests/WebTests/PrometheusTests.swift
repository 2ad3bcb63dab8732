import Access
import BinaryCoding
import JSONCoding
import Logging
import Synchronization
import Testing
import Units
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
        ("query_range?query=up&start=0&end=1&step=NaN", "zero or negative query resolution step"),
        ("query_range?query=up&start=0&end=1&step=1e10", #"cannot parse \"1e10\" to a valid duration. It overflows"#),
        ("query_range?query=up&start=0&end=1&step=0x10", #"cannot parse \"0x10\" to a valid duration"#),
        ("query_range?query=up&start=0&end=1&step=1e400", #"cannot parse \"1e400\" to a valid duration"#),
        ("query?query=up&time=0x10", #"cannot parse \"0x10\" to a valid timestamp"#),
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

    /// The answers are those of Prometheus 2.42. 13.7, 0.57 and 2.3 lie just below their decimals as binary numbers; the product of 8.2 and 10⁹
    /// does as well, and there the reference has a millisecond less too.
    @Test(arguments: [
        ("13.7", [1000, 1013.7, 1027.4, 1041.1]), ("2.3", [1000, 1002.3, 1004.6, 1006.9]),
        ("4.35", [1000, 1004.35, 1008.7, 1013.05]), ("0.57", [1000, 1000.57, 1001.14, 1001.71]),
        ("1.0005", [1000, 1001, 1002, 1003]), ("8.2", [1000, 1008.199, 1016.398, 1024.597]),
        ("+.5", [1000, 1000.5, 1001, 1001.5]), ("0x1p-2", [1000, 1000.25, 1000.5, 1000.75]),
        ("8s200ms", [1000, 1008.2, 1016.4, 1024.6]),
    ])
    func `a step that is no whole number of seconds is the one that the reference takes`(
        _ step: String, _ times: [Double]
    ) async throws {
        let fixture = try WebFixture()
        let text = APIPath.escaped(step)
        let reply = await fixture.get(
            "/api/v1/query_range?query=up&start=1000&end=1041.1&step=\(text)", token: try await fixture.token(.viewer))
        let data = try APIJSON.decode(PrometheusReply<QueryResult>.self, from: Array(reply.text.utf8)).data
        guard case .matrix(let series)? = data, let found = series.first?.times else {
            Issue.record("\(reply.text.prefix(200))")
            return
        }
        #expect(found.prefix(4).map { Double($0) / 1000 } == times)
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

    @Test func `what the gate refuses of federation is plain text too`() async throws {
        var options = WebOptions()
        options.hostNames = []
        let fixture = try WebFixture(options: options)
        let token = try await fixture.token(.viewer)
        for (reply, status, words) in [
            (await fixture.get("/federate?match[]=up"), 401, "this needs a login; send 'Authorization: Bearer TOKEN'"),
            (
                await fixture.get("/federate?match[]=up", token: token, headers: ["host": "vm:9797"]), 421,
                "this server is not called 'vm:9797'; set web.public_url"
            ),
        ] {
            #expect(reply.status == status && reply.header("content-type") == "text/plain; charset=utf-8")
            #expect(reply.text.hasPrefix(words) && reply.text.hasSuffix("\n"), "\(reply.text)")
        }
        #expect(await fixture.send(.options, "/federate").status == 401)
    }

    @Test func `a refusal of the gate says in the envelope what to do`() async throws {
        var options = WebOptions()
        options.hostNames = ["jaga.example"]
        let fixture = try WebFixture(options: options)
        let token = try await fixture.token(.viewer)
        for (reply, status, message) in [
            (
                await fixture.send(.post, "/api/v1/write", token: token, headers: ["host": "vm:9797"]), 421,
                "this server is not called 'vm:9797'; set web.public_url to the address that people use, or list the proxy in web.trusted_proxies"
            ),
            (
                await fixture.get("/api/v1/query?query=up"), 401,
                "this needs a login; send 'Authorization: Bearer TOKEN' or log in at /login"
            ),
            (
                await fixture.send(.post, "/api/v1/write", token: token), 403,
                "the role viewer may not do this; ask an administrator for another role"
            ),
        ] {
            #expect(reply.status == status && Self.error(in: reply) == message, "\(reply.text)")
        }
    }

    @Test func `the other addresses answer in the same envelope`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.operator)
        for (path, data) in [
            ("format_query?query=a%2Bb", "\"formatted a+b\""), ("parse_query?query=up", "{\"expression\":\"up\"}"),
            ("query_exemplars?query=up", "[]"), ("targets", "{\"pool\":\"\",\"state\":\"any\"}"),
            ("targets?state=active&scrapePool=node", "{\"pool\":\"node\",\"state\":\"active\"}"),
            ("targets?state=Dropped", "{\"pool\":\"\",\"state\":\"dropped\"}"),
            ("targets?state=bogus", "{\"pool\":\"\",\"state\":\"bogus\"}"),
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
        #expect(await room("/api/v1/query", viewer) == 4 << 20)
        #expect(await room("/api/v1/write", nil) == fixture.site.options.strangerBodyBytesMax)
    }

    /// Go's servers take forms of ten million bytes, and an expression of a mebibyte is three of them when each byte is written as `%XX`.
    @Test func `an expression of a mebibyte comes as a form, and what is larger is refused in the envelope of the API`()
        async throws
    {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        try await withServer(fixture) { port in
            let head =
                "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n"
                + "Content-Type: application/x-www-form-urlencoded\r\n"
            let body = "query=up" + String(repeating: "%20", count: 1 << 20)
            let taken = try await RawClient(port: port).answer(
                to: head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body)
            #expect(taken.hasPrefix("HTTP/1.1 200 "), "\(taken.prefix(300))")
            let client = try RawClient(port: port)
            await client.send(head + "Content-Length: \((4 << 20) + 1)\r\n\r\n")
            let refused = try await client.readToTheEnd()
            #expect(refused.hasPrefix("HTTP/1.1 413 "), "\(refused.prefix(300))")
            #expect(
                refused.hasSuffix(
                    #"{"status":"error","errorType":"bad_data","error":"the request is larger than 4194304 bytes"}"#),
                "\(refused.suffix(200))")
        }
    }

    @Test func `labels and series without times are those of all times`() throws {
        func filter(_ target: String) throws -> SeriesFilter {
            try PrometheusParameters(WebRequest(method: .get, target: target)).filter()
        }
        let open = try filter("/api/v1/labels")
        #expect(open.from == .distantPast && open.through == .distantFuture)
        let half = try filter("/api/v1/labels?end=100")
        #expect(half.from == .distantPast && half.through == Timestamp(secondsSinceEpoch: 100))
        // Of times with parts of a millisecond the reference rounds the part of a second by itself.
        for (text, ms) in [("1.0005", 1000), ("1.0006", 1001), ("-1.0006", -1001), ("0.0005", 1)] {
            #expect(try filter("/api/v1/labels?start=\(text)").from.millisecondsSinceEpoch == ms, "\(text)")
        }
    }

    @Test(arguments: [
        ("labels", "[\"__name__\"]"), ("label/job/values", "[\"a\"]"),
        ("series?match[]=up", "[{\"__name__\":\"up\",\"instance\":\"web1\"}]"),
    ])
    func `a limit that leaves something out is told`(path: String, first: String) async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let mark = path.contains("?") ? "&" : "?"
        let cut = await fixture.get("/api/v1/\(path)\(mark)limit=1", token: token).text
        #expect(cut == "{\"status\":\"success\",\"data\":\(first),\"warnings\":[\"results truncated due to limit\"]}")
        // What is missing is told beside.
        let lost = await fixture.get("/api/v1/\(path)\(mark)limit=1&start=86400", token: token).text
        #expect(lost.hasSuffix(",\"warnings\":[\"samples may be missing\",\"results truncated due to limit\"]}"))
        for limit in [0, 1000] {
            let whole = await fixture.get("/api/v1/\(path)\(mark)limit=\(limit)", token: token).text
            #expect(!whole.contains("warnings") && whole.contains(first.dropLast() + ","), "\(whole)")
        }
    }

    @Test func `names that Unicode holds for the same one are two`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let series = await fixture.get("/api/v1/series?match[]=up", token: token).text
        #expect(
            series.utf8.elementsEqual(
                "{\"status\":\"success\",\"data\":[{\"__name__\":\"up\",\"instance\":\"web1\"},{\"__name__\":\"up\",\"cafe\u{301}\":\"2\",\"caf\u{E9}\":\"1\"}]}"
                    .utf8), "\(series)")
        let all = await fixture.get("/api/v1/metadata", token: token).text
        #expect(
            all.utf8.elementsEqual(
                ("{\"status\":\"success\",\"data\":{\"cafe\u{301}\":[{\"help\":\"Another.\",\"type\":\"unknown\",\"unit\":\"bytes\"}],"
                    + "\"caf\u{E9}\":[{\"help\":\"One.\",\"type\":\"counter\",\"unit\":\"\"}],"
                    + "\"up\":[{\"help\":\"Whether it could be read.\",\"type\":\"gauge\",\"unit\":\"\"}]}}").utf8),
            "\(all)")
        let one = await fixture.get("/api/v1/metadata?metric=caf%C3%A9", token: token).text
        #expect(one.contains("One.") && !one.contains("Another."), "\(one)")
    }

    @Test func `a caller who goes away is no error`() async throws {
        let fixture = try WebFixture()
        let lines = LogLines()
        let site = WebSite(
            service: fixture.service, access: fixture.access, clock: fixture.clock, options: WebOptions(),
            logger: Logger(label: "test") { _ in lines })
        let request = WebRequest(method: .get, target: "/api/v1/query?query=up")
        let reply = site.failure(CancellationError(), request, .prometheus)
        #expect(reply.status == 503 && reply.text.contains("\"errorType\":\"canceled\""), "\(reply.text)")
        #expect(site.failure(CancellationError(), request, .api).status == 503)
        #expect(lines.levels.allSatisfy { $0 == .debug } && lines.levels.count == 2)
        // What goes wrong as the request is given up says nothing about the site either.
        struct Torn: Error {}
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = site.failure(Torn(), request, .prometheus)
        }.value
        #expect(!lines.levels.contains(.error))
        _ = site.failure(Torn(), request, .prometheus)
        #expect(lines.levels.last == .error)
    }

    @Test func `a question that takes too long is given up, whoever's task it is in`() async throws {
        var options = WebOptions()
        options.queryTimeLimit = .milliseconds(20)
        let fixture = try WebFixture(options: options)
        let token = try await fixture.token(.viewer)
        let request = WebRequest(
            method: .get, target: "/api/v1/query?query=endless", headers: ["authorization": "Bearer \(token)"])
        let plain = await fixture.site.respond(to: request)
        let presence = PeerPresence()
        let own = await presence.whilePresent { await fixture.site.respond(to: request, in: $0) }
        for reply in [plain, own] {
            #expect(reply.status == 503 && reply.text.contains("\"errorType\":\"timeout\""), "\(reply.text)")
        }
        // What answers in time is not touched, and has as much of it as any machine needs.
        options.queryTimeLimit = .seconds(600)
        let patient = try WebFixture(options: options)
        let quick = try await WebRequest(
            method: .get, target: "/api/v1/query?query=up",
            headers: ["authorization": "Bearer \(patient.token(.viewer))"])
        let answer = await PeerPresence().whilePresent { await patient.site.respond(to: quick, in: $0) }
        #expect(answer.status == 200)
        #expect(!Task.isCancelled)
    }

    @Test func `a task that has not begun yet is cancelled as soon as it has`() {
        let canceller = TaskCanceller()
        canceller.cancel()
        let count = Atomic(0)
        canceller.take { count.add(1, ordering: .relaxed) }
        #expect(count.load(ordering: .relaxed) == 1)
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
