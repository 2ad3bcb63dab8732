/// The text formats in which programs expose their metrics.
public enum ExpositionFormat: String, Sendable, CaseIterable {
    /// Prometheus text 0.0.4 <https://prometheus.io/docs/instrumenting/exposition_formats/>.
    case text
    /// OpenMetrics 1.0 <https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>.
    case openMetrics
    /// Messages `io.prometheus.client.MetricFamily`, each behind its length.
    case protobuf

    /// The format that an answer of this content type has. Unknown types are read as text, as Prometheus 2 does, since many
    /// exporters name a wrong one.
    public init(contentType: String?) {
        let parts = (contentType ?? "").lowercased().split(separator: ";").map { $0.filter { $0 != " " } }
        switch parts.first {
        case "application/openmetrics-text": self = .openMetrics
        case "application/vnd.google.protobuf"
        where parts.contains("encoding=delimited") && parts.contains("proto=io.prometheus.client.metricfamily"):
            self = .protobuf
        default: self = .text
        }
    }

    /// Text or protobuf, whichever a header `Accept` prefers; text where it names neither.
    /// <https://www.rfc-editor.org/rfc/rfc9110#name-accept>
    public static func preferred(by accept: String?) -> ExpositionFormat {
        var best: (format: ExpositionFormat, weight: Double) = (.text, 0)
        for entry in (accept ?? "").lowercased().split(separator: ",") {
            let parts = entry.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\"" } }
            let weight = parts.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            let format: ExpositionFormat
            switch parts.first {
            case "application/vnd.google.protobuf"
            where parts.contains("proto=io.prometheus.client.metricfamily") && parts.contains("encoding=delimited"):
                format = .protobuf
            case "text/plain": format = .text
            default: continue
            }
            if weight > best.weight { best = (format, weight) }
        }
        return best.format
    }

    /// The header `Accept` as Prometheus 3 sends it.
    /// - Parameter protobuf: asks for that first, which is what gives native histograms.
    public static func accept(protobuf: Bool = false) -> String {
        var types = [
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
            "application/openmetrics-text;version=0.0.1",
            "text/plain;version=1.0.0;escaping=allow-utf-8",
            "text/plain;version=0.0.4",
        ]
        if protobuf {
            types.insert(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", at: 0)
        }
        var weight = 6
        var fields: [String] = []
        for type in types + ["*/*"] {
            fields.append("\(type);q=0.\(weight)")
            weight -= 1
        }
        return fields.joined(separator: ",")
    }

    public var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        case .protobuf:
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
        }
    }
}

/// How much of a page is read before it is refused: a target must not fill the memory of what watches it.
public struct ExpositionLimits: Sendable, Hashable {
    /// A page of 1,000 series has about 100 KB.
    public var byteCountMax: Int
    public var sampleCountMax: Int
    /// Labels of one sample.
    public var labelCountMax: Int
    /// Bytes of one name or value.
    public var textByteCountMax: Int

    /// For pages that were accepted before.
    static let none = ExpositionLimits(
        byteCountMax: .max, sampleCountMax: .max, labelCountMax: .max, textByteCountMax: .max)

    public init(
        byteCountMax: Int = 32 << 20, sampleCountMax: Int = 100_000, labelCountMax: Int = 64,
        textByteCountMax: Int = 4096
    ) {
        self.byteCountMax = byteCountMax
        self.sampleCountMax = sampleCountMax
        self.labelCountMax = labelCountMax
        self.textByteCountMax = textByteCountMax
    }
}
