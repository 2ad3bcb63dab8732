// The part of OpenTelemetry's metrics protocol that matters here, as values:
// <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto>. Both encodings, protobuf and JSON, are
// read into it; `OTLPTranslation` makes series of it.

/// `ExportMetricsServiceRequest`.
struct OTLPRequest: Equatable {
    var resources: [OTLPResource] = []
}

/// `ResourceMetrics`, with the metrics of all scopes.
struct OTLPResource: Equatable {
    var attributes: [OTLPAttribute] = []
    var metrics: [OTLPMetric] = []
}

/// An attribute whose value is text already, as `pcommon.Value.AsString` writes it.
struct OTLPAttribute: Equatable {
    var key: String
    var value: String
}

struct OTLPMetric: Equatable {
    var name = ""
    var description = ""
    var unit = ""
    var data = Data.none

    enum Data: Equatable {
        case none
        case gauge([OTLPNumber])
        case sum([OTLPNumber], Temporality, isMonotonic: Bool)
        case histogram([OTLPHistogram], Temporality)
        case exponential([OTLPExponential], Temporality)
        case summary([OTLPSummary])
    }

    enum Temporality: UInt64 { case unspecified, delta, cumulative }
}

/// What every kind of data point has.
struct OTLPPoint: Equatable {
    var attributes: [OTLPAttribute] = []
    /// Nanoseconds since the epoch; 0 where not given.
    var startNanoseconds: UInt64 = 0
    var nanoseconds: UInt64 = 0
    /// Bit 0: the series ended.
    var flags: UInt64 = 0
    var exemplars: [OTLPExemplar] = []

    var isGone: Bool { flags & 1 == 1 }
    var milliseconds: Int64 { Int64(clamping: nanoseconds / 1_000_000) }
}

struct OTLPNumber: Equatable {
    var point = OTLPPoint()
    var value = 0.0
}

struct OTLPHistogram: Equatable {
    var point = OTLPPoint()
    var count: UInt64 = 0
    var sum: Double?
    var bucketCounts: [UInt64] = []
    var bounds: [Double] = []
}

struct OTLPExponential: Equatable {
    struct Buckets: Equatable {
        var offset: Int64 = 0
        var counts: [UInt64] = []
    }

    var point = OTLPPoint()
    var count: UInt64 = 0
    var sum: Double?
    var scale: Int64 = 0
    var zeroCount: UInt64 = 0
    var zeroThreshold = 0.0
    var positive = Buckets()
    var negative = Buckets()
}

struct OTLPSummary: Equatable {
    struct Quantile: Equatable {
        var quantile = 0.0
        var value = 0.0
    }

    var point = OTLPPoint()
    var count: UInt64 = 0
    var sum = 0.0
    var quantiles: [Quantile] = []
}

struct OTLPExemplar: Equatable {
    var attributes: [OTLPAttribute] = []
    var nanoseconds: UInt64 = 0
    var value = 0.0
    /// Hexadecimal; empty where not given.
    var traceID = ""
    var spanID = ""
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
