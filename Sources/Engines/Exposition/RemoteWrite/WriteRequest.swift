public import Diagnostics
public import Series

// Remote write carries samples from one program to another: a message of protocol buffers, packed with Snappy's block format, in
// the body of a POST. Version 1 (`prometheus.WriteRequest`) writes every label as text; version 2 (`io.prometheus.write.v2.Request`) has
// a table of texts in front and writes labels as places in it, and carries metadata, exemplars and the time of creation with each series.
//
// Specifications: <https://prometheus.io/docs/specs/prw/remote_write_spec/>, <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.

/// The messages that a request of remote write may hold.
public enum RemoteWriteVersion: Sendable, Hashable, CaseIterable {
    case v1, v2

    /// The version that a request's `Content-Type` names; nil for one that the receiver must answer with 415.
    public init?(contentType: String?) {
        let parts = (contentType ?? "").split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
        guard parts.first == "application/x-protobuf" else { return nil }
        switch parts.dropFirst().first(where: { $0.hasPrefix("proto=") }) {
        case nil, "proto=prometheus.writerequest": self = .v1
        case "proto=io.prometheus.write.v2.request": self = .v2
        default: return nil
        }
    }

    public var contentType: String {
        switch self {
        case .v1: "application/x-protobuf"
        case .v2: "application/x-protobuf;proto=io.prometheus.write.v2.Request"
        }
    }

    /// The value of `X-Prometheus-Remote-Write-Version`.
    public var header: String { self == .v1 ? "0.1.0" : "2.0.0" }
}

/// What a request of remote write holds, whichever version it came in.
public struct WriteRequest: Sendable, Hashable {
    public var series: [WrittenSeries]
    /// Only version 1 sends metadata apart from the series.
    public var metadata: [MetricMetadata]
    /// What was left out beside whole series, and why: exemplars and metadata whose texts are none.
    public var faults: [String] = []

    public init(series: [WrittenSeries] = [], metadata: [MetricMetadata] = []) {
        self.series = series
        self.metadata = metadata
    }

    public var sampleCount: Int { series.reduce(0) { $0 + $1.columns.times.count - $1.columns.histograms.count } }
    public var histogramCount: Int { series.reduce(0) { $0 + $1.columns.histograms.count } }
    public var exemplarCount: Int { series.reduce(0) { $0 + $1.exemplars.count } }
}

/// One series of a request with its samples, times rising as the sender has them.
public struct WrittenSeries: Sendable, Hashable {
    public var columns: SeriesColumns
    public var exemplars: [Exemplar]
    /// Version 2: of the series' metric.
    public var metadata: MetricMetadata?
    /// Version 2: when counting began, in milliseconds since the epoch.
    public var createdTime: Int64?
    /// What is wrong with the labels, so that this series must not be stored. The others of the request may be.
    public var fault: String?

    public init(
        columns: SeriesColumns, exemplars: [Exemplar] = [], metadata: MetricMetadata? = nil, createdTime: Int64? = nil
    ) {
        self.columns = columns
        self.exemplars = exemplars
        self.metadata = metadata
        self.createdTime = createdTime
    }
}

/// How much of a message is read.
public struct WriteLimits: Sendable, Hashable {
    /// Bytes of the message after unpacking. Prometheus' senders stay far below.
    public var byteCountMax: Int
    public var seriesCountMax: Int
    /// Samples and histograms.
    public var sampleCountMax: Int
    /// Of one series; where it has more, that series is not stored.
    public var labelCountMax: Int
    /// Of all names and values of one series, as many as a store takes.
    public var labelByteCountMax: Int

    public init(
        byteCountMax: Int = 32 << 20, seriesCountMax: Int = 100_000, sampleCountMax: Int = 1_000_000,
        labelCountMax: Int = 1024, labelByteCountMax: Int = 64 << 10
    ) {
        self.byteCountMax = byteCountMax
        self.seriesCountMax = seriesCountMax
        self.sampleCountMax = sampleCountMax
        self.labelCountMax = labelCountMax
        self.labelByteCountMax = labelByteCountMax
    }
}

/// Why a message could not be read at all. A receiver answers 400: the sender must not send it again.
public struct WireError: Failure, Hashable {
    public enum Code: String, Sendable {
        /// The bytes are not of the message.
        case syntax = "wire-syntax"
        /// The message is well formed and says something impossible.
        case meaning = "wire-meaning"
        /// More than the limits allow.
        case tooMuch = "wire-too-much"
    }

    public let code: Code
    /// The message at fault, as in `prometheus.WriteRequest`.
    public let message: String
    public let reason: String
    /// From the beginning of the unpacked message.
    public let byteOffset: Int

    init(_ code: Code, _ message: String, at byteOffset: Int, _ reason: String) {
        self.code = code
        self.message = message
        self.byteOffset = byteOffset
        self.reason = reason
    }

    public var codeName: String { code.rawValue }
    public var summary: String { "\(message) cannot be read at byte \(byteOffset): \(reason)" }
}
