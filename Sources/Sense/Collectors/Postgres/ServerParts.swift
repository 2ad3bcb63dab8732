import PostgresClient
import Series

/// What the server is and how it is set.
let serverParts: [PostgresPart] = [
    PostgresPart("static") { _ in
        "SELECT version() AS version, current_setting('server_version') AS short_version,"
            + " coalesce(inet_server_addr()::text, 'local') || ':' || current_setting('port') AS server"
    } read: { row, batch in
        batch.untyped(
            "pg_static", "Always 1; the labels tell the version.", 1,
            [
                "version": row["version"] ?? "", "short_version": row["short_version"] ?? "",
                "server": row["server"] ?? "",
            ])
    },
    PostgresPart(
        "postmaster",
        metrics: [
            .gauge("started", "pg_postmaster_start_time_seconds", "When the server started, in seconds since 1970.")
        ]
    ) { _ in "SELECT extract(epoch FROM pg_postmaster_start_time())::float8 AS started" },
    PostgresPart("settings") { _ in
        "SELECT name, setting, coalesce(unit, '') AS unit, vartype FROM pg_settings"
            + " WHERE vartype IN ('bool', 'integer', 'real') AND name NOT LIKE '%.%'"
    } read: { row, batch in
        try readSetting(row, &batch)
    },
]

/// `8kB` and its kin in bytes, `ms` and its kin in seconds; -1 means "none" in many settings and stays.
private func readSetting(_ row: PostgresRow, _ batch: inout SampleBatch) throws {
    let name = try row.get("name", as: String.self)
    let text = try row.get("setting", as: String.self)
    let unit = try row.get("unit", as: String.self)
    var metric = "pg_settings_" + String(name.map { $0 == "." || $0 == "-" ? "_" : $0 })
    guard var value = text == "on" ? 1 : text == "off" ? 0 : Double(text) else { return }
    if let seconds = ["us": 1e-6, "ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400][unit] {
        metric += "_seconds"
        if value != -1 { value *= seconds }
    } else if let bytes = byteCount(ofUnit: unit) {
        metric += "_bytes"
        if value != -1 { value *= bytes }
    }
    batch.gauge(metric, "Server parameter \(name).", value)
}

private func byteCount(ofUnit unit: String) -> Double? {
    let digits = unit.prefix { $0.isASCII && $0.isNumber }
    let factor = digits.isEmpty ? 1 : Double(digits) ?? 1
    let size: [Substring: Double] = ["B": 1, "kB": 1024, "MB": 1_048_576, "GB": 1_073_741_824, "TB": 1_099_511_627_776]
    return size[unit.dropFirst(digits.count)].map { $0 * factor }
}
