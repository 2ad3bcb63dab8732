import PostgresClient

/// What a database held in one snapshot: the measure of a restore.
struct DatabaseFacts: Sendable, Hashable {
    var rows: [String: Int64] = [:]
    var assertions: [String: BackupManifest.Assertion] = [:]

    /// Reads on `connection`, within its transaction.
    /// - Parameter timeLimit: of each query; counting the rows of a large table reads all of it.
    static func read(
        _ connection: PostgresConnection, assertions: [String: String], timeLimit: Duration
    ) async throws -> DatabaseFacts {
        var facts = DatabaseFacts()
        // Tables of extensions are made by the extension, and pg_dump leaves their rows out.
        let tables = try await connection.query(
            """
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND c.relpersistence <> 't'
                AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
            ORDER BY 1
            """, timeout: timeLimit)
        for row in tables.rows {
            let name: String = try row.get("name")
            let count = try await connection.query("SELECT count(*)::text AS n FROM ONLY \(name)", timeout: timeLimit)
            facts.rows[name] = Int64(try count.onlyRow().get("n", as: String.self)) ?? 0
        }
        for (name, sql) in assertions.sorted(by: { $0.key < $1.key }) {
            let result = try await connection.query(sql, timeout: timeLimit)
            facts.assertions[name] = BackupManifest.Assertion(sql: sql, value: result.rows.first?.texts.first ?? nil)
        }
        return facts
    }
}

/// `name` as an identifier of SQL.
func quotedIdentifier(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
