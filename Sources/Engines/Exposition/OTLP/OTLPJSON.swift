import JSONCoding

// The JSON encoding (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>): names in lowerCamelCase, 64-bit numbers as text or as
// numbers, trace and span ids in hexadecimal, numbers without a notation in JSON as "NaN", "Infinity", "-Infinity".

/// Why a JSON request was refused: the path to the member, and what is wrong with it.
struct OTLPJSONFault: Error {
    var reason: String
}

func readOTLPRequest(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPRequest {
    guard json.objectValue != nil else { throw OTLPJSONFault(reason: "the request is no object") }
    var request = OTLPRequest()
    for resource in try list(json, "resourceMetrics") {
        var read = OTLPResource()
        read.attributes = try attributes(resource["resource"] ?? [:], "attributes")
        for scope in try list(resource, "scopeMetrics") {
            for metric in try list(scope, "metrics") { read.metrics.append(try readMetric(metric)) }
        }
        request.resources.append(read)
    }
    return request
}

private func readMetric(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPMetric {
    var metric = OTLPMetric()
    metric.name = try text(json, "name")
    metric.description = try text(json, "description")
    metric.unit = try text(json, "unit")
    if let data = json["gauge"] {
        metric.data = .gauge(try points(data, readNumber))
    } else if let data = json["sum"] {
        let isMonotonic = data["isMonotonic"]?.boolValue ?? false
        metric.data = .sum(try points(data, readNumber), temporality(data), isMonotonic: isMonotonic)
    } else if let data = json["histogram"] {
        metric.data = .histogram(try points(data, readHistogram), temporality(data))
    } else if let data = json["exponentialHistogram"] {
        metric.data = .exponential(try points(data, readExponential), temporality(data))
    } else if let data = json["summary"] {
        metric.data = .summary(try points(data, readSummary))
    }
    return metric
}

private func points<Point>(
    _ data: JSONValue, _ read: (JSONValue) throws(OTLPJSONFault) -> Point
) throws(OTLPJSONFault) -> [Point] {
    var points: [Point] = []
    for point in try list(data, "dataPoints") { points.append(try read(point)) }
    return points
}

private func temporality(_ data: JSONValue) -> OTLPMetric.Temporality {
    switch data["aggregationTemporality"] {
    case .integer(let number): .init(rawValue: UInt64(clamping: number)) ?? .unspecified
    case .string("AGGREGATION_TEMPORALITY_DELTA"): .delta
    case .string("AGGREGATION_TEMPORALITY_CUMULATIVE"): .cumulative
    default: .unspecified
    }
}

private func readPoint(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPPoint {
    var point = OTLPPoint()
    point.attributes = try attributes(json, "attributes")
    point.startNanoseconds = try whole(json, "startTimeUnixNano")
    point.nanoseconds = try whole(json, "timeUnixNano")
    point.flags = try whole(json, "flags")
    for exemplar in try list(json, "exemplars") {
        var read = OTLPExemplar()
        read.attributes = try attributes(exemplar, "filteredAttributes")
        read.nanoseconds = try whole(exemplar, "timeUnixNano")
        read.value = try value(exemplar)
        read.traceID = try text(exemplar, "traceId").lowercased()
        read.spanID = try text(exemplar, "spanId").lowercased()
        point.exemplars.append(read)
    }
    return point
}

/// `asDouble` or `asInt`.
private func value(_ json: JSONValue) throws(OTLPJSONFault) -> Double {
    if let integer = json["asInt"] {
        guard let value = signed(integer) else { throw OTLPJSONFault(reason: "'asInt' is no whole number") }
        return Double(value)
    }
    return try number(json, "asDouble") ?? 0
}

private func readNumber(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPNumber {
    OTLPNumber(point: try readPoint(json), value: try value(json))
}

private func readHistogram(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPHistogram {
    OTLPHistogram(
        point: try readPoint(json), count: try whole(json, "count"), sum: try number(json, "sum"),
        bucketCounts: try wholes(json, "bucketCounts"), bounds: try numbers(json, "explicitBounds"))
}

private func readExponential(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPExponential {
    func buckets(_ name: String) throws(OTLPJSONFault) -> OTLPExponential.Buckets {
        guard let buckets = json[name] else { return .init() }
        return .init(
            offset: buckets["offset"].flatMap(signed) ?? 0, counts: try wholes(buckets, "bucketCounts"))
    }
    return OTLPExponential(
        point: try readPoint(json), count: try whole(json, "count"), sum: try number(json, "sum"),
        scale: json["scale"].flatMap(signed) ?? 0, zeroCount: try whole(json, "zeroCount"),
        zeroThreshold: try number(json, "zeroThreshold") ?? 0, positive: try buckets("positive"),
        negative: try buckets("negative"))
}

private func readSummary(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPSummary {
    var summary = OTLPSummary(
        point: try readPoint(json), count: try whole(json, "count"), sum: try number(json, "sum") ?? 0)
    for quantile in try list(json, "quantileValues") {
        summary.quantiles.append(
            .init(quantile: try number(quantile, "quantile") ?? 0, value: try number(quantile, "value") ?? 0))
    }
    return summary
}

private func attributes(_ json: JSONValue, _ name: String) throws(OTLPJSONFault) -> [OTLPAttribute] {
    var attributes: [OTLPAttribute] = []
    for item in try list(json, name) {
        attributes.append(.init(key: try text(item, "key"), value: try anyValue(item["value"] ?? .null).text))
    }
    return attributes
}

private func anyValue(_ json: JSONValue) throws(OTLPJSONFault) -> OTLPValue {
    if let text = json["stringValue"]?.stringValue { return .text(text) }
    if let bool = json["boolValue"]?.boolValue { return .other(.bool(bool)) }
    if let integer = json["intValue"].flatMap(signed) { return .other(.integer(integer)) }
    if json["doubleValue"] != nil { return .number(try number(json, "doubleValue") ?? 0) }
    // Base64 already.
    if let bytes = json["bytesValue"]?.stringValue { return .text(bytes) }
    if let array = json["arrayValue"] {
        var items: [JSONValue] = []
        for item in try list(array, "values") { items.append(try anyValue(item).json) }
        return .other(.array(items))
    }
    if let map = json["kvlistValue"] {
        var members: [String: JSONValue] = [:]
        for item in try list(map, "values") {
            members[try text(item, "key")] = try anyValue(item["value"] ?? .null).json
        }
        return .other(.object(members))
    }
    return .empty
}

// Members with the default that protobuf gives to what is missing or null.

private func list(_ json: JSONValue, _ name: String) throws(OTLPJSONFault) -> [JSONValue] {
    switch json[name] {
    case nil, .null: return []
    case .array(let items): return items
    default: throw OTLPJSONFault(reason: "'\(name)' is no list")
    }
}

private func text(_ json: JSONValue, _ name: String) throws(OTLPJSONFault) -> String {
    switch json[name] {
    case nil, .null: return ""
    case .string(let text): return text
    default: throw OTLPJSONFault(reason: "'\(name)' is no text")
    }
}

private func signed(_ json: JSONValue) -> Int64? {
    json.intValue ?? json.stringValue.flatMap { Int64($0) }
}

private func unsigned(_ json: JSONValue) -> UInt64? {
    json.intValue.flatMap { UInt64(exactly: $0) } ?? json.stringValue.flatMap { UInt64($0) }
}

private func whole(_ json: JSONValue, _ name: String) throws(OTLPJSONFault) -> UInt64 {
    switch json[name] {
    case nil, .null: return 0
    case let value?:
        guard let number = unsigned(value) else {
            throw OTLPJSONFault(reason: "'\(name)' is no whole number from 0 on")
        }
        return number
    }
}

private func wholes(_ json: JSONValue, _ name: String) throws(OTLPJSONFault) -> [UInt64] {
    var numbers: [UInt64] = []
    for item in try list(json, name) {
        guard let number = unsigned(item) else { throw OTLPJSONFault(reason: "'\(name)' holds no whole numbers") }
        numbers.append(number)
    }
    return numbers
}

private func double(_ json: JSONValue) -> Double? {
    switch json {
    case .string("NaN"): .nan
    case .string("Infinity"): .infinity
    case .string("-Infinity"): -.infinity
    case .string(let text): parseNumber(Array(text.utf8)[...])
    default: json.doubleValue
    }
}

private func number(_ json: JSONValue, _ name: String) throws(OTLPJSONFault) -> Double? {
    switch json[name] {
    case nil, .null: return nil
    case let value?:
        guard let number = double(value) else { throw OTLPJSONFault(reason: "'\(name)' is no number") }
        return number
    }
}

private func numbers(_ json: JSONValue, _ name: String) throws(OTLPJSONFault) -> [Double] {
    var numbers: [Double] = []
    for item in try list(json, name) {
        guard let number = double(item) else { throw OTLPJSONFault(reason: "'\(name)' holds no numbers") }
        numbers.append(number)
    }
    return numbers
}
