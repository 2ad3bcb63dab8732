import JSONCoding

// The protobuf encoding. One function for each message, named as the message.

func readOTLPRequest(_ message: inout ProtobufReader) throws(ProtobufFault) -> OTLPRequest {
    var request = OTLPRequest()
    while let field = try message.field() {
        if field == 1 {
            var inner = try message.message()
            request.resources.append(try readResourceMetrics(&inner))
        } else {
            try message.skip()
        }
    }
    return request
}

private func readResourceMetrics(_ message: inout ProtobufReader) throws(ProtobufFault) -> OTLPResource {
    var resource = OTLPResource()
    while let field = try message.field() {
        switch field {
        case 1:
            var inner = try message.message()
            while let field = try inner.field() {
                if field == 1 { resource.attributes.append(try readAttribute(&inner)) } else { try inner.skip() }
            }
        case 2:
            var scope = try message.message()
            while let field = try scope.field() {
                if field == 2 {
                    var inner = try scope.message()
                    resource.metrics.append(try readMetric(&inner))
                } else {
                    try scope.skip()
                }
            }
        default: try message.skip()
        }
    }
    return resource
}

private func readMetric(_ message: inout ProtobufReader) throws(ProtobufFault) -> OTLPMetric {
    var metric = OTLPMetric()
    while let field = try message.field() {
        switch field {
        case 1: metric.name = try message.text()
        case 2: metric.description = try message.text()
        case 3: metric.unit = try message.text()
        case 5: metric.data = .gauge(try readData(&message, readNumber).points)
        case 7:
            let data = try readData(&message, readNumber)
            metric.data = .sum(data.points, data.temporality, isMonotonic: data.isMonotonic)
        case 9:
            let data = try readData(&message, readHistogram)
            metric.data = .histogram(data.points, data.temporality)
        case 10:
            let data = try readData(&message, readExponential)
            metric.data = .exponential(data.points, data.temporality)
        case 11: metric.data = .summary(try readData(&message, readSummary).points)
        default: try message.skip()
        }
    }
    return metric
}

/// `Gauge`, `Sum`, `Histogram`, `ExponentialHistogram`, `Summary`: they number their fields alike.
private func readData<Point>(
    _ reader: inout ProtobufReader, _ readPoint: (inout ProtobufReader) throws(ProtobufFault) -> Point
) throws(ProtobufFault) -> (points: [Point], temporality: OTLPMetric.Temporality, isMonotonic: Bool) {
    var message = try reader.message()
    var points: [Point] = []
    var temporality = OTLPMetric.Temporality.unspecified
    var isMonotonic = false
    while let field = try message.field() {
        switch field {
        case 1:
            var inner = try message.message()
            points.append(try readPoint(&inner))
        case 2: temporality = .init(rawValue: try message.unsigned()) ?? .unspecified
        case 3: isMonotonic = try message.unsigned() != 0
        default: try message.skip()
        }
    }
    return (points, temporality, isMonotonic)
}

private func readNumber(_ message: inout ProtobufReader) throws(ProtobufFault) -> OTLPNumber {
    var number = OTLPNumber()
    while let field = try message.field() {
        switch field {
        case 2: number.point.startNanoseconds = try message.fixed()
        case 3: number.point.nanoseconds = try message.fixed()
        case 4: number.value = try message.double()
        case 5: number.point.exemplars.append(try readExemplar(&message))
        case 6: number.value = Double(Int64(bitPattern: try message.fixed()))
        case 7: number.point.attributes.append(try readAttribute(&message))
        case 8: number.point.flags = try message.unsigned()
        default: try message.skip()
        }
    }
    return number
}

private func readHistogram(_ message: inout ProtobufReader) throws(ProtobufFault) -> OTLPHistogram {
    var histogram = OTLPHistogram()
    while let field = try message.field() {
        switch field {
        case 2: histogram.point.startNanoseconds = try message.fixed()
        case 3: histogram.point.nanoseconds = try message.fixed()
        case 4: histogram.count = try message.fixed()
        case 5: histogram.sum = try message.double()
        case 6: try message.fixeds(into: &histogram.bucketCounts)
        case 7: try message.doubles(into: &histogram.bounds)
        case 8: histogram.point.exemplars.append(try readExemplar(&message))
        case 9: histogram.point.attributes.append(try readAttribute(&message))
        case 10: histogram.point.flags = try message.unsigned()
        default: try message.skip()
        }
    }
    return histogram
}

private func readExponential(_ message: inout ProtobufReader) throws(ProtobufFault) -> OTLPExponential {
    var histogram = OTLPExponential()
    while let field = try message.field() {
        switch field {
        case 1: histogram.point.attributes.append(try readAttribute(&message))
        case 2: histogram.point.startNanoseconds = try message.fixed()
        case 3: histogram.point.nanoseconds = try message.fixed()
        case 4: histogram.count = try message.fixed()
        case 5: histogram.sum = try message.double()
        case 6: histogram.scale = try message.zigzag()
        case 7: histogram.zeroCount = try message.fixed()
        case 8: histogram.positive = try readBuckets(&message)
        case 9: histogram.negative = try readBuckets(&message)
        case 10: histogram.point.flags = try message.unsigned()
        case 11: histogram.point.exemplars.append(try readExemplar(&message))
        case 14: histogram.zeroThreshold = try message.double()
        default: try message.skip()
        }
    }
    return histogram
}

private func readBuckets(_ reader: inout ProtobufReader) throws(ProtobufFault) -> OTLPExponential.Buckets {
    var message = try reader.message()
    var buckets = OTLPExponential.Buckets()
    while let field = try message.field() {
        switch field {
        case 1: buckets.offset = try message.zigzag()
        case 2: try message.varints(into: &buckets.counts)
        default: try message.skip()
        }
    }
    return buckets
}

private func readSummary(_ message: inout ProtobufReader) throws(ProtobufFault) -> OTLPSummary {
    var summary = OTLPSummary()
    while let field = try message.field() {
        switch field {
        case 2: summary.point.startNanoseconds = try message.fixed()
        case 3: summary.point.nanoseconds = try message.fixed()
        case 4: summary.count = try message.fixed()
        case 5: summary.sum = try message.double()
        case 6:
            var inner = try message.message()
            var quantile = OTLPSummary.Quantile()
            while let field = try inner.field() {
                switch field {
                case 1: quantile.quantile = try inner.double()
                case 2: quantile.value = try inner.double()
                default: try inner.skip()
                }
            }
            summary.quantiles.append(quantile)
        case 7: summary.point.attributes.append(try readAttribute(&message))
        case 8: summary.point.flags = try message.unsigned()
        default: try message.skip()
        }
    }
    return summary
}

private func readExemplar(_ reader: inout ProtobufReader) throws(ProtobufFault) -> OTLPExemplar {
    var message = try reader.message()
    var exemplar = OTLPExemplar()
    while let field = try message.field() {
        switch field {
        case 2: exemplar.nanoseconds = try message.fixed()
        case 3: exemplar.value = try message.double()
        case 4: exemplar.spanID = hexadecimal(try message.bytes())
        case 5: exemplar.traceID = hexadecimal(try message.bytes())
        case 6: exemplar.value = Double(Int64(bitPattern: try message.fixed()))
        case 7: exemplar.attributes.append(try readAttribute(&message))
        default: try message.skip()
        }
    }
    return exemplar
}

private func readAttribute(_ reader: inout ProtobufReader) throws(ProtobufFault) -> OTLPAttribute {
    var message = try reader.message()
    let (key, value) = try readKeyValue(&message)
    return OTLPAttribute(key: key, value: value.text)
}

private func readKeyValue(_ message: inout ProtobufReader) throws(ProtobufFault) -> (String, OTLPValue) {
    var key = ""
    var value = OTLPValue.empty
    while let field = try message.field() {
        switch field {
        case 1: key = try message.text()
        case 2: value = try readValue(&message)
        default: try message.skip()
        }
    }
    return (key, value)
}

/// `AnyValue`. The depth of nesting is bounded by the reader.
private func readValue(_ reader: inout ProtobufReader) throws(ProtobufFault) -> OTLPValue {
    var message = try reader.message()
    var value = OTLPValue.empty
    while let field = try message.field() {
        switch field {
        case 1: value = .text(try message.text())
        case 2: value = .other(.bool(try message.unsigned() != 0))
        case 3: value = .other(.integer(try message.signed()))
        case 4: value = .number(try message.double())
        case 5:
            var list = try message.message()
            var items: [OTLPValue] = []
            while let field = try list.field() {
                if field == 1 { items.append(try readValue(&list)) } else { try list.skip() }
            }
            value = .other(.array(items.map(\.json)))
        case 6:
            var list = try message.message()
            var members: [String: JSONValue] = [:]
            while let field = try list.field() {
                if field == 1 {
                    var inner = try list.message()
                    let (key, value) = try readKeyValue(&inner)
                    members[key] = value.json
                } else {
                    try list.skip()
                }
            }
            value = .other(.object(members))
        case 7: value = .bytes(Array(try message.bytes()))
        default: try message.skip()
        }
    }
    return value
}
