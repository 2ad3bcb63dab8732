import Access
import Testing
import WebAPI

@testable import Web

/// Goal: what is not known never looks healthy. Method: every page over a site of which nothing is known.
struct UnknownTests {
    @Test func `no page marks anything as ok when nothing is known`() async throws {
        let clock = StandingClock()
        let fixture = try WebFixture(clock: clock, serving: UnknownSite(now: clock.now))
        let session = try await fixture.session(.administrator)
        let targets = [
            "/", "/host", "/databases", "/source?name=postgres/x", "/source?name=x&kind=application", "/probes",
            "/alerts",
            "/jobs", "/jobs/x", "/jobs/x/runs/r1", "/backups", "/ledger", "/query?expr=up", "/series", "/jaga",
            "/actions/a",
        ]
        for target in targets {
            let reply = await fixture.get(target, session: session)
            let html = reply.text
            #expect(reply.status == 200, "\(target)")
            for style in ["badge ok", "headline ok", "strip ok", "area ok", ">✓<"] {
                #expect(!html.contains(style), "\(target) has \(style)")
            }
        }
        let overview = await fixture.get("/", session: session).text
        #expect(overview.contains("headline unknown") && overview.contains("Unknown"))
    }

    @Test func `what is not known reads unknown, not zero`() async throws {
        let clock = StandingClock()
        let fixture = try WebFixture(clock: clock, serving: UnknownSite(now: clock.now))
        let session = try await fixture.session(.viewer)
        #expect(await fixture.get("/", session: session).text.contains(">unknown</a>"))
        #expect(await fixture.get("/databases", session: session).text.contains("<td class=\"num\">unknown</td>"))
    }
}
