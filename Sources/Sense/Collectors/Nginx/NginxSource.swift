import Diagnostics
public import Outbound
public import Series
public import Units

// nginx's `stub_status` page (https://nginx.org/en/docs/http/ngx_http_stub_status_module.html) under the names of
// nginx-prometheus-exporter (https://github.com/nginx/nginx-prometheus-exporter).

/// A web server with a status page.
public struct NginxSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "nginx_up"
    private let request: HTTPRequest

    /// - Parameter request: the status page. Its time limit is set to the deadline.
    public init(
        name: String, labels: Labels, _ request: HTTPRequest, interval: Duration = .seconds(15),
        deadline: Duration = .seconds(5)
    ) {
        self.name = name
        self.labels = labels
        self.interval = interval
        self.deadline = min(deadline, interval)
        var limited = request
        limited.timeout = self.deadline
        limited.connectTimeout = self.deadline
        // A page of five numbers takes 100 bytes; more is some other page.
        limited.bodyBytesMax = 64 * 1024
        self.request = limited
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let response = try await HTTPClient().send(request)
        guard response.status == 200 else {
            throw CollectorError(.unexpectedStatus, name, "the status page answered \(response.status)")
        }
        guard let status = StubStatus(response.text) else {
            throw CollectorError(.unexpectedContent, name, "the answer is no stub_status page")
        }
        var batch = SampleBatch(at: now)
        batch.gauge("nginx_up", "Whether the status page answered.", 1)
        batch.counter("nginx_connections_accepted", "Connections accepted.", status.accepted)
        batch.gauge("nginx_connections_active", "Connections open.", status.active)
        batch.counter("nginx_connections_handled", "Connections handled.", status.handled)
        batch.gauge("nginx_connections_reading", "Connections whose request is being read.", status.reading)
        batch.gauge("nginx_connections_waiting", "Idle connections.", status.waiting)
        batch.gauge("nginx_connections_writing", "Connections whose answer is being written.", status.writing)
        batch.counter("nginx_http_requests_total", "Requests.", status.requests)
        return batch
    }
}

/// The seven numbers of the page:
///
///     Active connections: 291
///     server accepts handled requests
///      16630948 16630948 31070465
///     Reading: 6 Writing: 179 Waiting: 106
struct StubStatus: Equatable {
    var active, accepted, handled, requests, reading, writing, waiting: Double

    init?(_ text: String) {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 16, words[0...1] == ["Active", "connections:"],
            words[3...6] == ["server", "accepts", "handled", "requests"], words[10] == "Reading:",
            words[12] == "Writing:", words[14] == "Waiting:"
        else { return nil }
        let numbers = [2, 7, 8, 9, 11, 13, 15].compactMap { Double(words[$0]) }
        guard numbers.count == 7 else { return nil }
        (active, accepted, handled, requests) = (numbers[0], numbers[1], numbers[2], numbers[3])
        (reading, writing, waiting) = (numbers[4], numbers[5], numbers[6])
    }
}
