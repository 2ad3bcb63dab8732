import JSONCoding
public import Series

/// The pieces of the Prometheus HTTP API's JSON.
public enum PrometheusJSON {
    public static func quoted(_ text: String) -> String { JSONValue.quoted(text) }

    public static func write(labels: Labels, to json: inout String) {
        json += "{"
        for (index, label) in labels.pairs.enumerated() {
            if index > 0 { json += "," }
            json += "\(quoted(label.name)):\(quoted(label.value))"
        }
        json += "}"
    }

    static func writePoint(_ ms: Int64, _ value: Double, to json: inout String) {
        json += "["
        json += seconds(ms)
        json += ",\""
        json += text(value)
        json += "\"]"
    }

    /// Seconds with a fraction only where there is one: `1435781451.781`, `1435781451`.
    public static func seconds(_ ms: Int64) -> String {
        let fraction = ms.magnitude % 1000
        guard fraction != 0 else { return String(ms / 1000) }
        let digits = String(fraction)
        let zeros = String(repeating: "0", count: 3 - digits.count)
        return "\(ms < 0 ? "-" : "")\(ms.magnitude / 1000).\(zeros)\(digits)"
    }

    /// The shortest text that reads back as the same number; `NaN`, `+Inf`, `-Inf`.
    public static func text(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        if value.magnitude < 1e15, let whole = Int64(exactly: value) {
            return whole == 0 && value.sign == .minus ? "-0" : String(whole)
        }
        let shortest = "\(value)"
        return shortest.hasSuffix(".0") ? String(shortest.dropLast(2)) : shortest
    }

    public static func number(_ text: String) -> Double? {
        switch text {
        case "NaN": .nan
        case "+Inf", "Inf": .infinity
        case "-Inf": -.infinity
        default: Double(text)
        }
    }
}

/// The envelope around every answer of `/api/v1`, for reading.
public struct PrometheusReply<Data: Decodable & Sendable>: Decodable, Sendable {
    public var status: String
    public var data: Data?
    public var errorType: String?
    public var error: String?
    public var warnings: [String]?
}
