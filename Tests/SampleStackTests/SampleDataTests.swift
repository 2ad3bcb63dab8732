import SampleStack
import TestSupport
import Testing

/// Goal: equal seeds give equal rows, quickly, in the tables that the guides speak of.
/// Method: two databases of one server.
@Suite struct SampleDataTests {
    private func fingerprint(_ data: SampleData) async throws -> String {
        let (server, name) = try await SharedPostgres.database(data.sql)
        let parts = data.rowCounts.keys.sorted().map {
            "SELECT '\($0)', count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM \($0) AS t"
        }
        return try await server.run(sql: parts.joined(separator: " UNION ALL "), database: name)
    }

    @Test func `a seed and an instant decide every row`() async throws {
        let data = SampleData(seed: 42, referenceTime: "2026-11-21 03:00:00+00")
        let first = try await fingerprint(data)
        #expect(try await fingerprint(data) == first)
        let other = try await fingerprint(SampleData(seed: 43, referenceTime: "2026-11-21 03:00:00+00"))
        #expect(other != first)
        for (table, count) in data.rowCounts { #expect(first.contains("\(table)|\(count)|")) }
    }

    @Test func `a small shop has jobs, logins and prints of each kind`() async throws {
        let (server, name) = try await SharedPostgres.database()
        try await server.run(sql: SampleData().sql, database: name)
        let kinds = """
            SELECT (SELECT count(DISTINCT status) FROM jobs), (SELECT count(DISTINCT success) FROM login_attempts),
                   (SELECT count(DISTINCT is_suspicious) FROM utils_requestfingerprint),
                   (SELECT count(*) > 0 FROM utils_requestfingerprint WHERE created_at < now() - interval '90 days'),
                   (SELECT count(*) > 0 FROM pages_pagevisit WHERE created_at < now() - interval '180 days')
            """
        #expect(try await server.run(sql: kinds, database: name) == "3|2|2|t|t")
    }
}
