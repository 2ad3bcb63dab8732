import Series

// Collectors write samples through these, so that a metric's type and help are stated where its value is.

extension SampleBatch {
    mutating func gauge(
        _ name: String, _ help: String, _ value: Double?, _ labels: KeyValuePairs<String, String> = [:]
    ) {
        put(name, .gauge, help, value, Labels(name, labels))
    }

    mutating func counter(
        _ name: String, _ help: String, _ value: Double?, _ labels: KeyValuePairs<String, String> = [:]
    ) {
        put(name, .counter, help, value, Labels(name, labels))
    }

    mutating func untyped(
        _ name: String, _ help: String, _ value: Double?, _ labels: KeyValuePairs<String, String> = [:]
    ) {
        put(name, .untyped, help, value, Labels(name, labels))
    }

    /// `labels` holds the metric's name. A missing value leaves no sample: unknown is not zero.
    mutating func put(_ name: String, _ type: MetricType, _ help: String, _ value: Double?, _ labels: Labels) {
        guard let value else { return }
        if metadata[name] == nil { metadata[name] = MetricMetadata(name, type, help) }
        rows.append(Row(labels: labels, value: value))
    }
}
