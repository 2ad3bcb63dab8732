import Access
import Testing
import Units
import WebAPI

@testable import Web

/// Goal: what is asked in an address is either understood or refused by name, never passed over. Method: every route of the
/// table gets a parameter that it does not know, and each kind of value its bad forms.
struct ParameterTests {
    @Test func `every address refuses a parameter that it does not know, and names it`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.administrator)
        for route in WebSite.allRoutes where route.method == .get && route.family != .prometheus {
            let path =
                "/" + Route.segments(of: route.pattern).map { $0.hasPrefix("{") ? "x" : $0 }.joined(separator: "/")
            let reply = await fixture.get("\(path)?nmae=shop", token: token)
            #expect(reply.status == 400, "\(route.pattern)")
            #expect(reply.text.contains("nmae: there is no such parameter"), "\(route.pattern)")
        }
    }

    @Test(arguments: [
        ("\(APIPath.alerts)?state=firng", "state: &#39;firng&#39; is none of"),
        ("\(APIPath.alerts)?stat=firing", "stat:"),
        ("\(APIPath.ledger)?limit=0", "limit: 0 is not between 1 and 1000"),
        ("\(APIPath.ledger)?limit=1001", "limit: 1001"), ("\(APIPath.ledger)?limit=ten", "limit:"),
        ("\(APIPath.ledger)?limit=5&limit=6", "limit: stands more than once"),
        ("\(APIPath.ledger)?before=-1", "before: -1 is less than 0"), ("\(APIPath.ledger)?before=x", "before:"),
        ("\(APIPath.ledger)?from=yesterday", "from: &#39;yesterday&#39; is not a time"),
        ("\(APIPath.ledger)?from=9223372036854775807", "from:"),
        ("\(APIPath.ledger)?from=2026-02-01&through=2026-01-01", "through: is before"),
        ("\(APIPath.ledger)?kind=alert", "kind:"), ("\(APIPath.ledger)?kind=Alert.Fired", "kind:"),
        ("\(APIPath.jobs)/report?runs=0", "runs:"), ("\(APIPath.jobs)/report?runs=501", "runs:"),
        ("/ledger?limit=0", "limit:"), ("/ledger?before=x", "before:"), ("/?range=2h", "range:"),
        ("/host?range=", ""), ("/source", "name: is missing"), ("/query?expr=up&range=1y", "range:"),
        ("/api/v1/rules?type=alarm", "not supported value"), ("/api/v1/metadata?limit=x", "limit"),
        ("/api/v1/query_range?query=up&start=2&end=1&step=1", "end"),
    ])
    func `a bad value is refused with its name`(target: String, message: String) async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.administrator)
        let reply = await fixture.get(target, token: token)
        let text = reply.text.replacing("&#39;", with: "'")
        // An empty value is a field of a form that was left empty.
        #expect(reply.status == (message.isEmpty ? 200 : 400), "\(target): \(text.prefix(200))")
        #expect(
            message.isEmpty || text.contains(message.replacing("&#39;", with: "'")), "\(target): \(text.prefix(400))")
    }

    @Test func `what the addresses declare is taken`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.administrator)
        for target in [
            "\(APIPath.alerts)?state=firing",
            "\(APIPath.ledger)?kind=alert.&subject=job/&actor=ani&limit=1000&before=7",
            "\(APIPath.ledger)?from=2026-01-01&through=2026-01-02T03:04:05Z",
            "\(APIPath.ledger)?kind=backup.verification_failed",
            "\(APIPath.jobs)/report?runs=500", "/ledger?kind=&subject=&actor=&from=&through=", "/?range=7d",
            "/assets/app.css?v=1", "/api/v1/labels?dedup=true",
        ] {
            #expect(await fixture.get(target, token: token).status == 200, "\(target)")
        }
    }

    @Test func `a stranger learns nothing of parameters`() async throws {
        let fixture = try WebFixture()
        #expect(await fixture.get("\(APIPath.ledger)?nmae=x").status == 401)
        #expect(await fixture.get("/ledger?nmae=x").status == 303)
    }

    @Test func `every link of the overview and of the lists leads to a page`() async throws {
        let fixture = try WebFixture(isCalm: true)
        let session = try await fixture.session(.administrator)
        var seen: Set<String> = []
        for page in ["/", "/databases", "/jobs", "/jaga", "/probes", "/alerts", "/backups", "/ledger"] {
            let html = await fixture.get(page, session: session).text
            for link in html.ranges(of: "href=\"/").map({ "/" + html[$0.upperBound...].prefix { $0 != "\"" } }) {
                let target = link.replacing("&amp;", with: "&").replacing("&quot;", with: "\"").replacing(
                    "&#39;", with: "'")
                guard seen.insert(target).inserted else { continue }
                let reply = await fixture.get(target, session: session)
                #expect(reply.status == 200 || target.contains("/runs/"), "\(page) links to \(target): \(reply.status)")
            }
        }
        #expect(seen.contains { $0.contains("kind=application") })
    }
}
