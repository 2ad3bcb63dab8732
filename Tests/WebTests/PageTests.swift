import Access
import FoundationEssentials
import JSONCoding
import Testing
import Units
import WebAPI

@testable import Web

/// Goal: every page can be read by anybody and trusts nobody. Method: all pages of the table are rendered over a site with all
/// kinds of state, and looked at as text.
@Suite struct PageTests {
    /// Pages without parameters, as an administrator reaches them.
    static let pages = WebSite.allRoutes
        .filter { $0.method == .get && $0.family == .page && !$0.pattern.contains("{") }
        .map(\.pattern).filter {
            !["/healthz", "/metrics", "/events", "/setup-link", "/logout", "/source"].contains($0)
        }

    @Test(arguments: pages) func `a page is whole, escaped and asks nothing from outside`(pattern: String) async throws
    {
        let fixture = try WebFixture()
        let session = try await fixture.session(.administrator)
        let reply = await fixture.get(pattern, session: session)
        guard reply.status == 200 else {
            #expect(reply.status == 303, "\(pattern): \(reply.status) \(reply.text.prefix(300))")
            return
        }
        let html = reply.text
        guard reply.header("content-type")?.hasPrefix("text/html") == true else { return }
        #expect(html.hasPrefix("<!doctype html>") && html.contains("<title>") && html.contains("<main id=\"main\">"))
        #expect(html.contains("lang=\"en\"") && html.contains("name=\"viewport\""))
        for part in ["<script>", "onclick=", "onload=", " style=\"", "http://fonts", "https://cdn"] {
            #expect(!html.contains(part), "\(pattern) holds \(part)")
        }
        for tag in ["main", "table", "form", "section", "nav"] {
            #expect(
                html.ranges(of: "<\(tag)").count == html.ranges(of: "</\(tag)>").count,
                "\(pattern): <\(tag)> is left open")
        }
        let policy = try #require(reply.header("content-security-policy"))
        #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe-inline"))
        #expect(reply.header("x-content-type-options") == "nosniff")
    }

    @Test func `a job that is scraped leads to its target that is not well`() async throws {
        let fixture = try WebFixture()
        let session = try await fixture.session(.administrator)
        let reply = await fixture.get("/source?name=workers&kind=application", session: session)
        #expect(reply.status == 200 && reply.text.contains("<h1>scrape/workers/10.0.0.2:9000</h1>"))
    }

    @Test func `a value that waits for a restart is shown as it runs, with what comes`() async throws {
        let fixture = try WebFixture()
        let reply = await fixture.get("/jaga", session: try await fixture.session(.administrator))
        #expect(reply.text.contains("15d (after a restart: 30d)"))
    }

    @Test func `text from outside cannot become markup`() {
        let hostile = "<script>alert(1)</script>\"'&"
        let markup: Markup = "<p title=\"\(hostile)\">\(hostile)</p>"
        #expect(!markup.html.contains("<script>"))
        #expect(markup.html.contains("&lt;script&gt;"))
    }

    @Test func `a pending alert says when it fires, and no other does`() async throws {
        let fixture = try WebFixture()
        let page = await fixture.get("/alerts", session: try await fixture.session(.viewer)).text
        #expect(page.contains("14 * 86400 (fires in 4m"), "\(page)")
        #expect(page.components(separatedBy: "(fires in").count == 2)
    }

    @Test func `charts are drawn by the server where the browser has no script`() async throws {
        let fixture = try WebFixture(assetsFolder: nil)
        let session = try await fixture.session(.viewer)
        #expect(await fixture.get("/host", session: session).text.contains("<svg"))
    }

    @Test func `a native histogram is shown as text and drawn as its count, and the page says so`() async throws {
        let fixture = try WebFixture()
        let session = try await fixture.session(.viewer)
        let page = await fixture.get("/query?expr=native", session: session).text
        #expect(page.contains("{count:7, sum:3}") && page.contains("how many observations"))
        #expect(
            page.contains(
                "{&quot;my.latency&quot;,&quot;cafe\u{301}&quot;=&quot;2&quot;,&quot;caf\u{E9}&quot;=&quot;1&quot;,&quot;host.name&quot;=&quot;web1&quot;}"
            ))
        #expect(
            page.contains("count</a>") && page.contains("<polyline") || page.contains("<path"), "\(page.suffix(2000))")
        #expect(!(await fixture.get("/query?expr=up", session: session).text.contains("how many observations")))
    }

    @Test func `an answer of the API decodes to its type`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.administrator)
        _ = try await fixture.session(.viewer)
        func read<Answer: Decodable>(_ path: String, _ type: Answer.Type) async throws -> Answer {
            let reply = await fixture.get(path, token: token)
            #expect(reply.status == 200, "\(path): \(reply.text.prefix(200))")
            return try APIJSON.decode(type, from: Array(reply.text.utf8))
        }
        #expect(try await !read(APIPath.status, StatusSummary.self).areas.isEmpty)
        #expect(try await !read(APIPath.sources, [SourceStatus].self).isEmpty)
        #expect(try await !read(APIPath.probes, [ProbeStatus].self).isEmpty)
        #expect(try await !read(APIPath.alerts, [AlertStatus].self).isEmpty)
        #expect(try await !read(APIPath.rules, [RuleGroupStatus].self).isEmpty)
        #expect(try await !read(APIPath.jobs, [JobStatus].self).isEmpty)
        #expect(try await !read(APIPath.backups, BackupOverview.self).targets.isEmpty)
        #expect(try await read(APIPath.ledger, LedgerPage.self).size > 0)
        #expect(try await read(APIPath.users, [UserStatus].self).map(\.role) == ["viewer"])
        _ = try await read(APIPath.notifications, NotificationOverview.self)
        _ = try await read(APIPath.version, VersionInfo.self)
        #expect(try await read(APIPath.whoAmI, WhoAmI.self).role == "administrator")
    }

    @Test func `the query addresses speak as Prometheus does`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let good = await fixture.get("/api/v1/query?query=up", token: token)
        #expect(good.status == 200 && good.text.hasPrefix("{\"status\":\"success\",\"data\":"))
        let missing = await fixture.get("/api/v1/query", token: token)
        #expect(missing.status == 400 && missing.text.contains("\"errorType\":\"bad_data\""))
        let names = await fixture.get("/api/v1/labels", token: token)
        #expect(names.text.contains("\"__name__\""))
    }

    @Test func `the OpenAPI document names every address of the API`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let document = try JSONValue(parsing: await fixture.get("/api/openapi.json", token: token).text)
        let paths = try #require(document["paths"]?.objectValue)
        for route in WebSite.allRoutes where route.family == .api {
            let methods = paths[route.pattern]?.objectValue
            #expect(
                methods?[route.method.rawValue.lowercased()] != nil,
                "\(route.method.rawValue) \(route.pattern) is missing")
        }
    }
}
