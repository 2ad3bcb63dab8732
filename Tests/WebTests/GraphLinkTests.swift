import Access
import Testing
import WebAPI

@testable import Web

/// Goal: addresses of Prometheus' expression browser, as `graphLink` and `tableLink` write them into messages, lead to the query page here.
/// Method: the addresses of versions 2 and 3, with and without a login, and what such an address may hold beside the expression.
@Suite struct GraphLinkTests {
    @Test(arguments: [
        ("/graph?g0.expr=rate%28up%5B5m%5D%29&g0.tab=0", "/query?expr=rate%28up%5B5m%5D%29"),
        ("/graph?g0.expr=a+b&g0.tab=1", "/query?expr=a%20b"),
        (
            "/graph?g0.expr=up&g0.tab=0&g0.display_mode=lines&g0.show_exemplars=0&g0.range_input=1h&g0.end_input=2026-01-01%2000%3A00&g1.expr=x",
            "/query?expr=up&range=1h"
        ),
        (
            "/query?g0.expr=up&g0.show_tree=0&g0.tab=graph&g0.range_input=2d&g0.res_type=auto",
            "/query?expr=up&range=24h"
        ),
        ("/graph", "/query"), ("/graph?g0.expr=&g0.tab=1", "/query"), ("/query?g0.tab=table", "/query"),
        ("/graph?g0.expr=up&g0.expr=down", "/query?expr=up"),
        ("/graph?g0.expr=up&g0.range_input=1s", "/query?expr=up&range=15m"),
        ("/graph?g0.expr=up&g0.range_input=30m", "/query?expr=up&range=1h"),
        ("/graph?g0.expr=up&g0.range_input=8h", "/query?expr=up&range=6h"),
        ("/graph?g0.expr=up&g0.range_input=4w", "/query?expr=up&range=7d"),
        ("/graph?g0.expr=up&g0.range_input=0s", "/query?expr=up"),
        ("/graph?g0.expr=up&g0.range_input=soon", "/query?expr=up"),
    ])
    func `it leads to the query page with the expression and the nearest range`(
        target: String, path: String
    ) async throws {
        let fixture = try WebFixture()
        let session = try await fixture.session(.viewer)
        let reply = await fixture.get(target, session: session)
        #expect(reply.status == 303 && reply.header("location") == path, "\(reply.status) \(reply.headers)")
        #expect(await fixture.get(path, session: session).status == 200)
    }

    @Test func `who has no login comes back to it afterwards`() async throws {
        let reply = await (try WebFixture()).get("/graph?g0.expr=up&g0.tab=1")
        #expect(reply.status == 303)
        #expect(reply.header("location") == "/login?next=%2Fgraph%3Fg0.expr%3Dup%26g0.tab%3D1")
    }

    @Test(arguments: [
        "/graph?expr=up", "/graph?g.expr=up", "/graph?gx.expr=up", "/query?g0expr=up", "/alerts?g0.expr=up",
    ])
    func `other parameters are refused as everywhere`(target: String) async throws {
        let fixture = try WebFixture()
        let reply = await fixture.get(target, session: try await fixture.session(.viewer))
        #expect(reply.status == 400 && reply.text.contains("there is no such parameter"), "\(reply.status)")
    }
}
