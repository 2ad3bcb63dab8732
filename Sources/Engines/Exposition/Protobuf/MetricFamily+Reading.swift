import Series

/// Reads a page of the protobuf exposition.
/// - Throws: `ExpositionError` whose column is the byte of the page, from 1.
public func parseMetricFamilies(
    _ page: [UInt8], limits: ExpositionLimits = ExpositionLimits()
) throws(ExpositionError) -> [MetricFamily] {
    guard page.count <= limits.byteCountMax else {
        throw ExpositionError(
            .tooMuch, line: 1, column: 1,
            "the page has \(page.count) bytes, more than the \(limits.byteCountMax) that are read")
    }
    do {
        return try withProtobuf(page) { reader throws(ProtobufFault) in
            var families: [MetricFamily] = []
            var metricCount = 0
            while var message = try reader.delimited() {
                let family = try readFamily(&message)
                metricCount += family.metrics.count
                guard metricCount <= limits.sampleCountMax else {
                    throw message.fault("the page has more than \(limits.sampleCountMax) samples")
                }
                families.append(family)
            }
            return families
        }
    } catch {
        throw ExpositionError(.syntax, line: 1, column: error.offset + 1, error.message)
    }
}

private let types: [MetricType] = [.counter, .gauge, .summary, .untyped, .histogram, .gaugeHistogram]

private func readFamily(_ message: inout ProtobufReader) throws(ProtobufFault) -> MetricFamily {
    var family = MetricFamily(name: "", type: .counter)
    while let field = try message.field() {
        switch field {
        case 1: family.name = try message.text()
        case 2: family.help = try message.text()
        case 3:
            let number = try message.unsigned()
            guard number < types.count else { throw message.fault("\(number) is no type of metric") }
            family.type = types[Int(number)]
        case 4:
            var metric = try message.message()
            family.metrics.append(try readMetric(&metric))
        case 5: family.unit = try message.text()
        default: try message.skip()
        }
    }
    guard !family.name.isEmpty else { throw message.fault("a metric family has no name") }
    return family
}

private func readMetric(_ message: inout ProtobufReader) throws(ProtobufFault) -> MetricFamily.Metric {
    var metric = MetricFamily.Metric(labels: Labels(), value: .number(0))
    var pairs: [(String, String)] = []
    while let field = try message.field() {
        switch field {
        case 1: pairs.append(try readLabel(&message))
        case 2, 5: metric.value = .number(try readNumber(&message))
        case 3: try readCounter(&message, &metric)
        case 4: try readSummary(&message, &metric)
        case 6: metric.timestamp = try message.signed()
        case 7: try readHistogram(&message, &metric)
        default: try message.skip()
        }
    }
    for (place, pair) in pairs.enumerated() {
        guard pair.0 != Labels.metricName else { throw message.fault("the metric's name stands among the labels") }
        guard !pairs[..<place].contains(where: { $0.0.hasSameBytes(as: pair.0) }) else {
            throw message.fault("the label '\(pair.0)' stands twice")
        }
    }
    metric.labels = Labels(pairs)
    return metric
}

private func readLabel(_ reader: inout ProtobufReader) throws(ProtobufFault) -> (String, String) {
    var message = try reader.message()
    var pair = ("", "")
    while let field = try message.field() {
        switch field {
        case 1: pair.0 = try message.text()
        case 2: pair.1 = try message.text()
        default: try message.skip()
        }
    }
    guard !pair.0.isEmpty else { throw message.fault("a label has no name") }
    return pair
}

/// `Gauge` and `Untyped`.
private func readNumber(_ reader: inout ProtobufReader) throws(ProtobufFault) -> Double {
    var message = try reader.message()
    var value = 0.0
    while let field = try message.field() {
        if field == 1 { value = try message.double() } else { try message.skip() }
    }
    return value
}

private func readCounter(
    _ reader: inout ProtobufReader, _ metric: inout MetricFamily.Metric
) throws(ProtobufFault) {
    var message = try reader.message()
    var value = 0.0
    while let field = try message.field() {
        switch field {
        case 1: value = try message.double()
        case 2: metric.exemplars = [try readExample(&message)]
        case 3: metric.createdTime = try readTime(&message)
        default: try message.skip()
        }
    }
    metric.value = .number(value)
}

private func readSummary(
    _ reader: inout ProtobufReader, _ metric: inout MetricFamily.Metric
) throws(ProtobufFault) {
    var message = try reader.message()
    var count = 0.0
    var sum = 0.0
    var quantiles: [MetricFamily.Quantile] = []
    while let field = try message.field() {
        switch field {
        case 1: count = Double(try message.unsigned())
        case 2: sum = try message.double()
        case 3:
            var inner = try message.message()
            var quantile = MetricFamily.Quantile(0, 0)
            while let field = try inner.field() {
                switch field {
                case 1: quantile.quantile = try inner.double()
                case 2: quantile.value = try inner.double()
                default: try inner.skip()
                }
            }
            quantiles.append(quantile)
        case 4: metric.createdTime = try readTime(&message)
        default: try message.skip()
        }
    }
    metric.value = .summary(count: count, sum: sum, quantiles: quantiles)
}

private func readHistogram(
    _ reader: inout ProtobufReader, _ metric: inout MetricFamily.Metric
) throws(ProtobufFault) {
    var message = try reader.message()
    var histogram = NativeHistogram(schema: 0)
    var positive = WireBuckets()
    var negative = WireBuckets()
    var classic: [MetricFamily.Bucket] = []
    while let field = try message.field() {
        switch field {
        case 1: histogram.count = max(histogram.count, Double(try message.unsigned()))
        case 2: histogram.sum = try message.double()
        case 3:
            var inner = try message.message()
            classic.append(try readBucket(&inner))
        case 4:
            let count = try message.double()
            if count > 0 { histogram.count = count }
        case 5:
            guard let schema = Int8(exactly: try message.zigzag()) else { throw message.fault("a schema is too large") }
            histogram.schema = schema
        case 6: histogram.zeroThreshold = try message.double()
        case 7: histogram.zeroCount = max(histogram.zeroCount, Double(try message.unsigned()))
        case 8:
            let count = try message.double()
            if count > 0 { histogram.zeroCount = count }
        case 9: try negative.readSpan(&message)
        case 10: try message.varints(into: &negative.deltas)
        case 11: try message.doubles(into: &negative.counts)
        case 12: try positive.readSpan(&message)
        case 13: try message.varints(into: &positive.deltas)
        case 14: try message.doubles(into: &positive.counts)
        case 15: metric.createdTime = try readTime(&message)
        case 16: metric.exemplars.append(try readExample(&message))
        default: try message.skip()
        }
    }
    // The reference's test for "is native": a client that makes none leaves all of these at their defaults.
    let isNative =
        !positive.spans.isEmpty || !negative.spans.isEmpty || histogram.zeroThreshold > 0 || histogram.zeroCount > 0
    var native: NativeHistogram?
    if isNative {
        // An empty span makes a histogram native that has no observation yet.
        positive.dropEmptySpans()
        negative.dropEmptySpans()
        histogram.positiveSpans = positive.spans
        histogram.negativeSpans = negative.spans
        histogram.positiveBuckets = try positive.buckets(message)
        histogram.negativeBuckets = try negative.buckets(message)
        if let fault = histogram.fault { throw message.fault(fault) }
        native = histogram
    }
    metric.value = .histogram(count: histogram.count, sum: histogram.sum, buckets: classic, native: native)
}

private func readBucket(_ message: inout ProtobufReader) throws(ProtobufFault) -> MetricFamily.Bucket {
    var bucket = MetricFamily.Bucket(0, 0)
    while let field = try message.field() {
        switch field {
        case 1: bucket.cumulativeCount = max(bucket.cumulativeCount, Double(try message.unsigned()))
        case 2: bucket.upperBound = try message.double()
        case 3: bucket.exemplar = try readExample(&message)
        case 4:
            let count = try message.double()
            if count > 0 { bucket.cumulativeCount = count }
        default: try message.skip()
        }
    }
    return bucket
}

private func readExample(_ reader: inout ProtobufReader) throws(ProtobufFault) -> MetricFamily.Example {
    var message = try reader.message()
    var pairs: [(String, String)] = []
    var example = MetricFamily.Example(labels: Labels(), value: 0)
    while let field = try message.field() {
        switch field {
        case 1: pairs.append(try readLabel(&message))
        case 2: example.value = try message.double()
        case 3: example.timestamp = try readTime(&message)
        default: try message.skip()
        }
    }
    example.labels = Labels(pairs)
    return example
}

/// A `google.protobuf.Timestamp` in milliseconds.
private func readTime(_ reader: inout ProtobufReader) throws(ProtobufFault) -> Int64 {
    var message = try reader.message()
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0
    while let field = try message.field() {
        switch field {
        case 1: seconds = try message.signed()
        case 2: nanoseconds = try message.signed()
        default: try message.skip()
        }
    }
    guard seconds.magnitude < 1 << 50, (0..<1_000_000_000).contains(nanoseconds) else {
        throw message.fault("a time is out of its range")
    }
    return seconds * 1000 + nanoseconds / 1_000_000
}
