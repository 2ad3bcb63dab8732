import Exposition

/// A format that a target may be asked for, under the reference's names.
public enum ScrapeProtocol: String, Sendable, Hashable, CaseIterable {
    case protobuf = "PrometheusProto"
    case text004 = "PrometheusText0.0.4"
    case text100 = "PrometheusText1.0.0"
    case openMetrics001 = "OpenMetricsText0.0.1"
    case openMetrics100 = "OpenMetricsText1.0.0"

    /// In the order in which they are asked for where nothing else is said.
    public static let standard: [ScrapeProtocol] = [.openMetrics100, .openMetrics001, .text100, .text004]
    /// The same where native histograms are wanted, which only protobuf carries.
    public static let withHistograms: [ScrapeProtocol] = [.protobuf] + standard

    var mediaType: String {
        switch self {
        case .protobuf:
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
        case .text004: "text/plain;version=0.0.4"
        case .text100: "text/plain;version=1.0.0"
        case .openMetrics001: "application/openmetrics-text;version=0.0.1"
        case .openMetrics100: "application/openmetrics-text;version=1.0.0"
        }
    }

    var textFormat: ExpositionFormat {
        switch self {
        case .openMetrics001, .openMetrics100: .openMetrics
        case .text004, .text100: .text
        case .protobuf: .protobuf
        }
    }

    /// Whether the format can carry names beyond letters, digits and underscores.
    private var knowsEscaping: Bool { self == .protobuf || self == .text100 || self == .openMetrics100 }

    /// The `Accept` header that asks for `protocols`, the first most.
    static func acceptHeader(_ protocols: [ScrapeProtocol], escaping: String) -> String {
        var weight = protocols.count + 1
        var parts = protocols.map { wanted in
            defer { weight -= 1 }
            return "\(wanted.mediaType)\(wanted.knowsEscaping ? ";escaping=\(escaping)" : "");q=0.\(weight)"
        }
        parts.append("*/*;q=0.\(weight)")
        return parts.joined(separator: ",")
    }

    /// The format that an answer of this content type is in; nil where the type says nothing that is known.
    init?(contentType: String?) {
        guard let contentType else { return nil }
        let parts = contentType.lowercased().split(separator: ";").map { String($0.filter { $0 != " " && $0 != "\t" }) }
        switch parts.first {
        case "application/openmetrics-text":
            self = parts.contains("version=0.0.1") ? .openMetrics001 : .openMetrics100
        case "application/vnd.google.protobuf":
            guard parts.contains("proto=io.prometheus.client.metricfamily"), parts.contains("encoding=delimited") else {
                return nil
            }
            self = .protobuf
        case "text/plain": self = parts.contains("version=1.0.0") ? .text100 : .text004
        default: return nil
        }
    }
}
