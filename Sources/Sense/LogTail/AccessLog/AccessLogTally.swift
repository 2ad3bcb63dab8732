import Series

/// Counts of an access log since the process started, under the names of prometheus-nginxlog-exporter
/// (https://github.com/martin-helmich/prometheus-nginxlog-exporter).
struct AccessLogTally {
    struct Key: Hashable {
        var method: String
        var status: Int
    }

    struct Counts {
        var responses = 0
        var byteCount: Int64 = 0
        var timedResponses = 0
        var seconds = 0.0
        var buckets = [Int](repeating: 0, count: AccessLogTally.bounds.count)
    }

    /// Upper bounds in seconds, Prometheus' usual ones.
    static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    private static let boundTexts = bounds.map { "\($0)".hasSuffix(".0") ? String("\($0)".dropLast(2)) : "\($0)" }

    private(set) var counts: [Key: Counts] = [:]
    private(set) var parseErrorCount = 0
    private(set) var lineCount = 0

    // A method is the visitor's word; unknown ones together are one label value, or a scanner would make thousands of series.
    private static let knownMethods: Set<String> = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "PROPPATCH",
        "MKCOL",
        "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH",
    ]

    mutating func take(_ line: UnsafeRawBufferPointer) {
        lineCount += 1
        guard let line = AccessLogLine(line) else {
            parseErrorCount += 1
            return
        }
        let key = Key(method: Self.knownMethods.contains(line.method) ? line.method : "OTHER", status: line.status)
        var count = counts[key] ?? Counts()
        count.responses += 1
        count.byteCount += line.sentByteCount
        if let time = line.requestTime {
            count.timedResponses += 1
            count.seconds += time
            if let index = Self.bounds.firstIndex(where: { time <= $0 }) { count.buckets[index] += 1 }
        }
        counts[key] = count
    }

    mutating func noteOverlong(_ count: Int) {
        lineCount += count
        parseErrorCount += count
    }

    func write(to batch: inout SampleBatch) {
        func put(_ name: String, _ labels: Labels, _ value: Double) {
            batch.rows.append(SampleBatch.Row(labels: labels.merging(Labels(name)), value: value))
        }
        for (name, type, help) in [
            ("nginx_http_response_count_total", MetricType.counter, "Responses."),
            ("nginx_http_response_size_bytes_total", .counter, "Bytes of response bodies."),
            ("nginx_http_response_time_seconds", .histogram, "Time that requests took."),
            ("nginx_access_log_parse_errors_total", .counter, "Lines that are not in the log's format."),
            ("nginx_access_log_lines_total", .counter, "Lines read."),
        ] { batch.metadata[name] = MetricMetadata(name, type, help) }
        put("nginx_access_log_parse_errors_total", Labels(), Double(parseErrorCount))
        put("nginx_access_log_lines_total", Labels(), Double(lineCount))
        for (key, count) in counts {
            let labels: Labels = ["method": key.method, "status": "\(key.status)"]
            put("nginx_http_response_count_total", labels, Double(count.responses))
            put("nginx_http_response_size_bytes_total", labels, Double(count.byteCount))
            guard count.timedResponses > 0 else { continue }
            put("nginx_http_response_time_seconds_sum", labels, count.seconds)
            put("nginx_http_response_time_seconds_count", labels, Double(count.timedResponses))
            var below = 0
            for (bound, inBucket) in zip(Self.boundTexts, count.buckets) {
                below += inBucket
                put("nginx_http_response_time_seconds_bucket", labels.merging(["le": bound]), Double(below))
            }
            put("nginx_http_response_time_seconds_bucket", labels.merging(["le": "+Inf"]), Double(count.timedResponses))
        }
    }
}
