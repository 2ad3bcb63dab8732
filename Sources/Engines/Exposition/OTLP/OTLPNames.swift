// OpenTelemetry names metrics `http.server.request.duration` and says the unit beside it; Prometheus names them
// `http_server_request_duration_seconds`. The rules are those of Prometheus' default, `UnderscoreEscapingWithSuffixes`
// (<https://prometheus.io/docs/guides/opentelemetry/>,
// <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>).

private let units: [String: String] = [
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
    "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters",
    "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz", "1": "",
    "%": "percent",
]

private let perUnits: [String: String] = [
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
]

/// The name that a metric of OpenTelemetry has as a series.
func prometheusName(_ name: String, unit: String, isCounter: Bool, isGauge: Bool) -> String {
    var words = words(of: name)
    let parts = unit.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map { part in
        String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    // Annotations such as {packets} are not units.
    if let main = parts.first, !main.contains("{"), !main.contains("}") {
        let suffix = joinedWords(units[main] ?? main)
        if !suffix.isEmpty, !words.contains(suffix) { words.append(suffix) }
    }
    if parts.count > 1, !parts[1].contains("{"), !parts[1].contains("}"), !parts[1].isEmpty {
        let suffix = joinedWords(perUnits[parts[1]] ?? parts[1])
        if !suffix.isEmpty, !words.contains(suffix) {
            words.removeAll { $0 == "per" }
            words += ["per", suffix]
        }
    }
    if isCounter { words = words.filter { $0 != "total" } + ["total"] }
    if isGauge, unit == "1" { words = words.filter { $0 != "ratio" } + ["ratio"] }
    let joined = words.joined(separator: "_")
    return joined.utf8.first.map { $0 &- 48 < 10 } == true ? "_" + joined : joined
}

private func words(of name: String) -> [String] {
    name.unicodeScalars.split { !isNameCharacter($0) || $0 == "_" }.map { String(String.UnicodeScalarView($0)) }
}

private func joinedWords(_ unit: String) -> String { words(of: unit).joined(separator: "_") }

private func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", ":": true
    default: false
    }
}

/// The name that an attribute has as a label: `service.name` is `service_name`, `1st` is `key_1st`.
func prometheusLabel(_ key: String) -> String {
    var name = ""
    for scalar in key.unicodeScalars {
        name.unicodeScalars.append(isNameCharacter(scalar) && scalar != ":" ? scalar : "_")
    }
    return name.utf8.first.map { $0 &- 48 < 10 } == true ? "key_" + name : name
}
