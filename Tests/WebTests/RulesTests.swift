import Synchronization
import Access
import JSONCoding
import Testing
import WebAPI

@testable import Web

/// Goal: the rules' address takes the reference's filters and pages, and the page names rules that match nothing. Method: requests
/// over a site with two groups. That whole answers are the reference's is a test of the built program.
@Suite struct RulesTests {
    private func groups(_ query: String) async throws -> [(group: String, rules: [String])] {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let reply = await fixture.get("/api/v1/rules?\(query)", token: token)
        #expect(reply.status == 200, "\(query): \(reply.text)")
        let found = try JSONValue(parsing: reply.text)["data"]?["groups"]?.arrayValue ?? []
        return found.map { group in
            let rules = group["rules"]?.arrayValue ?? []
            return (group["name"]?.stringValue ?? "", rules.compactMap { $0["name"]?.stringValue })
        }
    }

    @Test func `rules are chosen by type, name, group, file and labels`() async throws {
        #expect(try await groups("").map(\.group) == ["own", "postgres"])
        #expect(try await groups("rule_group%5B%5D=postgres").map(\.group) == ["postgres"])
        #expect(try await groups("rule_name%5B%5D=PostgresDown").flatMap(\.rules) == ["PostgresDown"])
        #expect(try await groups("file%5B%5D=pack/postgres.yml").map(\.group) == ["postgres"])
        #expect(try await groups("match%5B%5D=%7Bseverity%3D%22none%22%7D").isEmpty)
        #expect(try await groups("type=record").flatMap(\.rules).contains("PostgresDown") == false)
        #expect(try await groups("type=alert").flatMap(\.rules).contains("PostgresDown"))
    }

    @Test func `groups come in pages`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        let first = try JSONValue(parsing: await fixture.get("/api/v1/rules?group_limit=1", token: token).text)["data"]
        let next = try #require(first?["groupNextToken"]?.stringValue)
        #expect(first?["groups"]?.arrayValue?.count == 1)
        let reply = await fixture.get("/api/v1/rules?group_limit=1&group_next_token=\(next)", token: token)
        let second = try JSONValue(parsing: reply.text)["data"]
        #expect(second?["groups"]?[0]?["name"]?.stringValue == "postgres")
        #expect(second?["groupNextToken"] == nil)
    }

    @Test(
        arguments: [
            "type=x", "group_limit=x", "group_limit=-1", "group_limit=0", "group_limit=0&group_next_token=00",
            "group_next_token=0123", "exclude_alerts=perhaps",
            "match%5B%5D=%7B",
        ])
    func `a parameter that makes no sense is refused as the reference refuses it`(query: String) async throws {
        let fixture = try WebFixture()
        let reply = await fixture.get("/api/v1/rules?\(query)", token: try await fixture.token(.viewer))
        #expect(reply.status == 400, "\(reply.text)")
        #expect(try JSONValue(parsing: reply.text)["errorType"]?.stringValue == "bad_data")
    }

    /// With a page of none the token would lead to the same page for ever.
    @Test(arguments: [
        ("0", "group_limit needs to be greater than 0"), ("-1", "group_limit needs to be greater than 0"),
        ("x", "group_limit needs to be a valid number: 'x'"),
    ])
    func `a page holds a group at least`(limit: String, message: String) async throws {
        let fixture = try WebFixture()
        let reply = await fixture.get("/api/v1/rules?group_limit=\(limit)", token: try await fixture.token(.viewer))
        #expect(
            try JSONValue(parsing: reply.text)["error"]?.stringValue
                == "invalid parameter \"group_limit\": \(message)", "\(reply.text)")
    }

    @Test func `alerts are left out on request`() async throws {
        let fixture = try WebFixture()
        let token = try await fixture.token(.viewer)
        func alerts(_ query: String) async throws -> Int {
            let reply = await fixture.get("/api/v1/rules?rule_name%5B%5D=PostgresDown\(query)", token: token)
            return try JSONValue(parsing: reply.text)["data"]?["groups"]?[0]?["rules"]?[0]?["alerts"]?.arrayValue?.count
                ?? -1
        }
        #expect(try await alerts("") > 0)
        #expect(try await alerts("&exclude_alerts=true") == 0)
    }

    @Test(
        arguments: [
            (1, "1e+00"), (0, "0e+00"), (12_345_678.5, "1.23456785e+07"), (0.00025, "2.5e-04"), (-1e300, "-1e+300"),
            (.nan, "NaN"), (.infinity, "+Inf"), (100, "1e+02"),
        ] as [(Double, String)])
    func `an alert's value has an exponent`(value: Double, text: String) {
        #expect(WebSite.exponential(value) == text)
    }

    @Test func `the page names the rules that match no series`() async throws {
        let fixture = try WebFixture()
        let page = await fixture.get("/rules", session: try await fixture.session(.viewer)).text
        #expect(page.contains("Rules that match no series"))
        #expect(page.contains("no series has this name; did you mean pg_up_total?"))
        // Whoever looks for a slip of their own need not read what the shipped rules miss.
        let parts = page.split(separator: "<details class=\"group\"", maxSplits: 1)
        #expect(parts.count == 2 && !parts[0].contains("pg_up_total"))
        #expect(parts.last?.contains("<summary>1 shipped rule</summary>") == true)
        let reply = await fixture.get(APIPath.rules, token: try await fixture.token(.viewer))
        let groups = try APIJSON.decode([RuleGroupStatus].self, from: Array(reply.text.utf8))
        #expect(groups.flatMap(\.rules).first { $0.name == "PostgresDown" }?.unmatched?.first?.selector == "pg_up")
    }

    @Test func `when the store cannot be asked what matches, the page and the API show the rules all the same`()
        async throws
    {
        let fixture = try WebFixture()
        fixture.service.isStoreAway.store(true, ordering: .relaxed)
        let page = await fixture.get("/rules", session: try await fixture.session(.viewer))
        #expect(page.status == 200 && page.text.contains("PostgresDown"))
        #expect(!page.text.contains("Rules that match no series"))
        let reply = await fixture.get(APIPath.rules, token: try await fixture.token(.viewer))
        let groups = try APIJSON.decode([RuleGroupStatus].self, from: Array(reply.text.utf8))
        #expect(groups.flatMap(\.rules).allSatisfy { $0.unmatched == nil })
    }
}
