import Access
import Testing
import WebAPI

@testable import Web

/// Goal: whoever has too many series sees which metric, label and target it is, what the limits are and what was refused. Method: the page
/// and the API over a site with refused series, with none, and with nothing stored at all.
@Suite struct SeriesPageTests {
    @Test func `the offenders, the limits and the refusals are named`() async throws {
        let fixture = try WebFixture()
        let html = await fixture.get("/series", session: try await fixture.session(.viewer)).text
        for text in [
            "31,872 series", "410,000,000 samples in 12 blocks", "Series that are refused", "1,234 times",
            "1,000,000 in all, 5,000 of one metric, no limit of one target", "http_requests_total", "shop/web1:9100",
            "session_id", "at its limit", "Pages, rules and queries read http://victoria:8428",
        ] {
            #expect(html.contains(text), "\(text)")
        }
        #expect(html.contains("strip warning"))
        // Neither a job nor a target has an empty name.
        #expect(html.ranges(of: "<span class=\"code\">–</span>").count == 2)
        // A name of a metric leads to the query for it, whatever it holds.
        #expect(html.contains("/query?expr=count%28%7B__name__%3D%22odd%20%5C%22name%5C%22%22%7D%29"))
        #expect(!html.contains("<script>alert"))
    }

    @Test func `with nothing refused nothing is said of refusals`() async throws {
        let fixture = try WebFixture(isCalm: true)
        let html = await fixture.get("/series?limit=1", session: try await fixture.session(.viewer)).text
        #expect(!html.contains("Series that are refused") && !html.contains("read http://victoria"))
        #expect(html.contains("strip ok") && html.contains("http_requests_total"))
        #expect(!html.contains("odd &quot;name"), "the limit counts")
    }

    @Test func `a store that has nothing yet is not ok`() async throws {
        let clock = StandingClock()
        let fixture = try WebFixture(clock: clock, serving: UnknownSite(now: clock.now))
        let html = await fixture.get("/series", session: try await fixture.session(.viewer)).text
        #expect(html.contains("strip unknown") && html.contains("no data"))
    }

    @Test func `the page is reached from the one about Jaga, and needs a login`() async throws {
        let fixture = try WebFixture()
        #expect(
            await fixture.get("/jaga", session: try await fixture.session(.viewer)).text.contains("href=\"/series\""))
        #expect(await fixture.get("/series").status == 303)
        #expect(await fixture.get(APIPath.series).status == 401)
    }

    @Test func `the API gives the same, as many as are asked for`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let reply = await fixture.get("\(APIPath.series)?limit=2", token: token)
        let overview = try APIJSON.decode(SeriesOverview.self, from: Array(reply.text.utf8))
        #expect(overview.metrics.map(\.count) == [5000, 7] && overview.refusals == 1234)
        #expect(overview.limits.perTarget == nil && overview.limits.perMetric == 5000)
        #expect(await fixture.get("\(APIPath.series)?limit=0", token: token).status == 400)
        #expect(await fixture.get("\(APIPath.series)?limit=x", token: token).status == 400)
    }
}
