import Synchronization

/// Counts requests and their durations, and prints them in the Prometheus text format, version 0.0.4.
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
final class RequestMetrics: Sendable {
    private struct Key: Hashable, Comparable {
        let method: String
        let route: String
        let status: Int

        static func < (left: Key, right: Key) -> Bool {
            (left.route, left.method, left.status) < (right.route, right.method, right.status)
        }
    }

    private struct Histogram {
        /// Requests in each bucket alone, the last being those above all bounds.
        var counts = [Int](repeating: 0, count: RequestMetrics.bounds.count + 1)
        var sum = 0.0
    }

    private struct State {
        var requests: [Key: Int] = [:]
        /// By route.
        var durations: [String: Histogram] = [:]
    }

    /// In seconds; the client libraries' usual ones.
    private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let state = Mutex(State())

    func observe(method: String, route: String, status: Int, duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let value = Double(seconds) + Double(attoseconds) * 1e-18
        let bucket = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.requests[Key(method: method, route: route, status: status), default: 0] += 1
            state.durations[route, default: Histogram()].counts[bucket] += 1
            state.durations[route, default: Histogram()].sum += value
        }
    }

    var text: String {
        let (requests, durations) = state.withLock { ($0.requests, $0.durations) }
        var text = "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n"
        for (key, count) in requests.sorted(by: { $0.key < $1.key }) {
            text +=
                "http_requests_total{method=\"\(key.method)\",route=\"\(key.route)\",status=\"\(key.status)\"} \(count)\n"
        }
        text += "# HELP http_request_duration_seconds Time to answer.\n# TYPE http_request_duration_seconds histogram\n"
        for (route, histogram) in durations.sorted(by: { $0.key < $1.key }) {
            var total = 0
            for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], histogram.counts) {
                total += count
                text += "http_request_duration_seconds_bucket{route=\"\(route)\",le=\"\(bound)\"} \(total)\n"
            }
            text += "http_request_duration_seconds_sum{route=\"\(route)\"} \(histogram.sum)\n"
            text += "http_request_duration_seconds_count{route=\"\(route)\"} \(total)\n"
        }
        return text
    }
}
