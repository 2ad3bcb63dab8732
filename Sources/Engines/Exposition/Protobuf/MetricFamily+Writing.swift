import Series

/// Writes families as a page of the protobuf exposition.
public func writeMetricFamilies(_ families: [MetricFamily]) -> [UInt8] {
    var page = ProtobufWriter()
    for family in families {
        page.delimited { message in
            message.text(1, family.name)
            message.text(2, family.help)
            message.unsigned(3, number(of: family.type))
            for metric in family.metrics { message.message(4) { write(metric, family.type, to: &$0) } }
            message.text(5, family.unit)
        }
    }
    return page.bytes
}

private func number(of type: MetricType) -> UInt64 {
    switch type {
    case .counter: 0
    case .gauge, .info, .stateSet: 1
    case .summary: 2
    case .untyped: 3
    case .histogram: 4
    case .gaugeHistogram: 5
    }
}

private func write(_ metric: MetricFamily.Metric, _ type: MetricType, to message: inout ProtobufWriter) {
    for pair in metric.labels.pairs {
        message.message(1) { write(pair, to: &$0) }
    }
    switch metric.value {
    case .number(let value):
        let field =
            switch type {
            case .counter: 3
            case .gauge, .info, .stateSet: 2
            default: 5
            }
        message.message(field) { counter in
            counter.double(1, value, always: true)
            guard type == .counter else { return }
            if let exemplar = metric.exemplars.first { counter.message(2) { write(exemplar, to: &$0) } }
            if let time = metric.createdTime { counter.message(3) { write(time, to: &$0) } }
        }
    case .summary(let count, let sum, let quantiles):
        message.message(4) { summary in
            summary.count(1, count, always: true)
            summary.double(2, sum, always: true)
            for quantile in quantiles {
                summary.message(3) {
                    $0.double(1, quantile.quantile)
                    $0.double(2, quantile.value)
                }
            }
            if let time = metric.createdTime { summary.message(4) { write(time, to: &$0) } }
        }
    case .histogram(let count, let sum, let buckets, let native):
        message.message(7) { write(metric, count, sum, buckets, native, to: &$0) }
    }
    if let time = metric.timestamp { message.signed(6, time, always: true) }
}

private func write(
    _ metric: MetricFamily.Metric, _ count: Double, _ sum: Double, _ buckets: [MetricFamily.Bucket],
    _ native: NativeHistogram?, to histogram: inout ProtobufWriter
) {
    let isWhole = native?.isWhole ?? (count == count.rounded())
    if isWhole { histogram.count(1, count, always: true) } else { histogram.double(4, count) }
    histogram.double(2, sum, always: true)
    for bucket in buckets {
        histogram.message(3) { message in
            let isWhole = bucket.cumulativeCount == bucket.cumulativeCount.rounded()
            if isWhole {
                message.count(1, bucket.cumulativeCount, always: true)
            } else {
                message.double(4, bucket.cumulativeCount)
            }
            message.double(2, bucket.upperBound)
            if let exemplar = bucket.exemplar { message.message(3) { write(exemplar, to: &$0) } }
        }
    }
    if let native {
        histogram.zigzag(5, Int64(native.schema), always: true)
        histogram.double(6, native.zeroThreshold)
        if isWhole { histogram.count(7, native.zeroCount) } else { histogram.double(8, native.zeroCount) }
        for span in native.negativeSpans { histogram.message(9) { write(span, to: &$0) } }
        if isWhole {
            histogram.packedVarints(10, NativeHistogram.deltas(native.negativeBuckets))
        } else {
            histogram.packedDoubles(11, native.negativeBuckets)
        }
        // Without any span a reader would take an empty native histogram for a classic one.
        let isBare =
            native.positiveSpans.isEmpty && native.negativeSpans.isEmpty && native.zeroThreshold == 0
            && native.zeroCount == 0
        for span in isBare ? [.init(offset: 0, length: 0)] : native.positiveSpans {
            histogram.message(12) { write(span, to: &$0) }
        }
        if isWhole {
            histogram.packedVarints(13, NativeHistogram.deltas(native.positiveBuckets))
        } else {
            histogram.packedDoubles(14, native.positiveBuckets)
        }
    }
    if let time = metric.createdTime { histogram.message(15) { write(time, to: &$0) } }
    for exemplar in metric.exemplars { histogram.message(16) { write(exemplar, to: &$0) } }
}

func write(_ span: NativeHistogram.Span, to message: inout ProtobufWriter) {
    message.zigzag(1, Int64(span.offset))
    message.unsigned(2, UInt64(span.length))
}

private func write(_ pair: Labels.Label, to message: inout ProtobufWriter) {
    message.text(1, pair.name)
    message.text(2, pair.value)
}

private func write(_ exemplar: MetricFamily.Example, to message: inout ProtobufWriter) {
    for pair in exemplar.labels.pairs { message.message(1) { write(pair, to: &$0) } }
    message.double(2, exemplar.value)
    if let time = exemplar.timestamp { message.message(3) { write(time, to: &$0) } }
}

/// Milliseconds as a `google.protobuf.Timestamp`.
private func write(_ time: Int64, to message: inout ProtobufWriter) {
    let seconds = time >= 0 ? time / 1000 : (time - 999) / 1000
    message.signed(1, seconds)
    message.signed(2, (time - seconds * 1000) * 1_000_000)
}
