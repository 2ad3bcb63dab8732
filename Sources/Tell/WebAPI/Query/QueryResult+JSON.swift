import Series
import Units

// A chart of an hour has some thousand points. Going through `Encoder` costs a microsecond or two for each and a tree of
// boxes; these few lines write the same bytes straight into a string.

extension QueryResult {
    /// The name that the API gives to the kind: `vector`, `matrix`, `scalar`, `string`.
    public var typeName: String {
        switch self {
        case .vector: "vector"
        case .matrix: "matrix"
        case .scalar: "scalar"
        case .string: "string"
        }
    }

    /// `{"resultType":"vector","result":[{"metric":{…},"value":[1435781451.781,"1"]}]}`
    public func write(to json: inout String) {
        json += "{\"resultType\":\"\(typeName)\",\"result\":"
        switch self {
        case .vector(let samples):
            json += "["
            for (index, sample) in samples.enumerated() {
                if index > 0 { json += "," }
                json += "{\"metric\":"
                PrometheusJSON.write(labels: sample.labels, to: &json)
                json += ",\"value\":"
                PrometheusJSON.writePoint(sample.at.millisecondsSinceEpoch, sample.value, to: &json)
                json += "}"
            }
            json += "]"
        case .matrix(let series):
            json += "["
            for (index, columns) in series.enumerated() {
                if index > 0 { json += "," }
                json += "{\"metric\":"
                PrometheusJSON.write(labels: columns.labels, to: &json)
                json += ",\"values\":["
                for row in columns.times.indices {
                    if row > 0 { json += "," }
                    PrometheusJSON.writePoint(columns.times[row], columns.values[row], to: &json)
                }
                json += "]}"
            }
            json += "]"
        case .scalar(let value, let at):
            PrometheusJSON.writePoint(at.millisecondsSinceEpoch, value, to: &json)
        case .string(let text, let at):
            json += "[\(PrometheusJSON.seconds(at.millisecondsSinceEpoch)),"
            json += PrometheusJSON.quoted(text)
            json += "]"
        }
        json += "}"
    }
}

extension QueryResult: Decodable {
    private enum Keys: String, CodingKey {
        case resultType, result
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let type = try container.decode(String.self, forKey: .resultType)
        switch type {
        case "vector":
            let rows = try container.decode([VectorRow].self, forKey: .result)
            self = .vector(
                try rows.map { row in
                    if let found = row.histogram {
                        return Sample(
                            labels: Labels(row.metric.map { ($0.key, $0.value) }),
                            at: Timestamp(millisecondsSinceEpoch: found.ms), value: .nan,
                            histogram: found.text)
                    }
                    guard let point = row.value else {
                        throw DecodingError.dataCorruptedError(
                            forKey: .result, in: container, debugDescription: "an element has no value")
                    }
                    return Sample(
                        labels: Labels(row.metric.map { ($0.key, $0.value) }),
                        at: Timestamp(millisecondsSinceEpoch: point.ms), value: point.number)
                })
        case "matrix":
            let rows = try container.decode([MatrixRow].self, forKey: .result)
            self = .matrix(
                rows.map { row in
                    let points = row.values ?? []
                    var columns = Columns(
                        labels: Labels(row.metric.map { ($0.key, $0.value) }), times: points.map(\.ms),
                        values: points.map(\.number))
                    columns.histograms = (row.histograms ?? []).map {
                        .init(time: $0.ms, text: $0.text, count: $0.count)
                    }
                    return columns
                })
        case "scalar":
            let point = try container.decode(Point.self, forKey: .result)
            self = .scalar(point.number, at: Timestamp(millisecondsSinceEpoch: point.ms))
        case "string":
            let point = try container.decode(Point.self, forKey: .result)
            self = .string(point.text, at: Timestamp(millisecondsSinceEpoch: point.ms))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .resultType, in: container, debugDescription: "unknown result type '\(type)'")
        }
    }
}

private struct VectorRow: Decodable {
    let metric: [String: String]
    let value: Point?
    let histogram: HistogramPoint?
}

private struct MatrixRow: Decodable {
    let metric: [String: String]
    let values: [Point]?
    let histograms: [HistogramPoint]?
}

/// `[seconds, {"count": "…", "sum": "…", "buckets": […]}]`
private struct HistogramPoint: Decodable {
    let ms: Int64
    let text: String
    let count: Double

    private struct Body: Decodable {
        let count: String
        let sum: String
        let buckets: [Bucket]?
    }

    /// `[boundary rule, left, right, count]`
    private struct Bucket: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            let rule = try container.decode(Int.self)
            let (left, right) = (try container.decode(String.self), try container.decode(String.self))
            // 0: open on the left, 1: open on the right, 2: open on both sides, 3: closed on both.
            let begin = rule == 0 || rule == 2 ? "(" : "["
            let end = rule == 1 || rule == 2 ? ")" : "]"
            text = "\(begin)\(left),\(right)\(end):\(try container.decode(String.self))"
        }
    }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        ms = Int64((try container.decode(Double.self) * 1000).rounded())
        let body = try container.decode(Body.self)
        count = PrometheusJSON.number(body.count) ?? .nan
        let parts = ["count:\(body.count)", "sum:\(body.sum)"] + (body.buckets ?? []).map(\.text)
        text = "{\(parts.joined(separator: ", "))}"
    }
}

/// `[seconds, "value"]`
private struct Point: Decodable {
    let ms: Int64
    let text: String

    var number: Double { PrometheusJSON.number(text) ?? .nan }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        ms = Int64((try container.decode(Double.self) * 1000).rounded())
        text = try container.decode(String.self)
    }
}
