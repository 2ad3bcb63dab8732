import Testing

@testable import Collectors

/// Goal: each version of PostgreSQL is asked what it knows. Method: the parts that apply to a version, and their SQL.
@Suite struct PostgresPartsTests {
    @Test(arguments: [120_005, 130_000, 140_001, 150_007, 160_000, 170_002])
    func `each part stands once for a version, and speaks its dialect`(version: Int) {
        let parts = postgresParts.filter { $0.versions.contains(version) }
        #expect(Set(parts.map(\.name)).count == parts.count)
        let facts = PostgresFacts(version: version, tableCountMax: 5)
        let sql = parts.map { $0.sql(facts) }.joined(separator: "\n")
        #expect(sql.contains("active_time") == (version >= 140_000))
        #expect(sql.contains("safe_wal_size") == (version >= 130_000))
        #expect(sql.contains("checkpoints_timed") == (version < 170_000))
        #expect(sql.contains("pg_stat_checkpointer") == (version >= 170_000))
    }
}
