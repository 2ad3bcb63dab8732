import PromQL
import Series

/// Reads series as unit tests of rules write them: in the notation of the query language's own scripts.
/// <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series>
enum SeriesNotation {
    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    /// `name{label="value"}`
    static func labels(_ text: String) throws -> Labels { try definition(text, "").labels }

    /// `1 2.5 _ stale 4x2 1+2x3`, native histograms among them.
    static func values(_ text: String) throws -> [QueryScript.Value] { try definition("x", text).values }

    private static func definition(_ series: String, _ values: String) throws -> QueryScript.Definition {
        do {
            return try QueryScript.series(series, values)
        } catch {
            throw Fault(description: error.message)
        }
    }

    /// A number as YAML files write it.
    static func number(_ text: String) -> Double? {
        switch text.lowercased() {
        case "nan", ".nan": .nan
        case "inf", "+inf", ".inf", "+.inf": .infinity
        case "-inf", "-.inf": -.infinity
        default: Double(text)
        }
    }
}
