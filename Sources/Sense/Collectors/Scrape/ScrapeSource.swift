import Diagnostics
public import Outbound
public import Series
public import Units

/// Reads the text that a target serves into samples.
public typealias MetricsTextReader =
    @Sendable (_ text: [UInt8], _ contentType: String?, _ now: Timestamp) throws -> SampleBatch

/// An address that serves Prometheus metrics (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
public struct ScrapeSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "up"
    private let request: HTTPRequest
    private let limits: Limits
    private let readText: MetricsTextReader

    /// A target that answers more than this is a failure: half of its samples would be worse than none.
    public struct Limits: Sendable, Hashable {
        public var body: ByteCount
        public var sampleCount: Int

        public init(body: ByteCount = ByteCount(10 << 20), sampleCount: Int = 20_000) {
            self.body = body
            self.sampleCount = sampleCount
        }
    }

    public init(
        name: String, labels: Labels, _ request: HTTPRequest, limits: Limits = Limits(),
        interval: Duration = .seconds(15), deadline: Duration = .seconds(10), readText: @escaping MetricsTextReader
    ) {
        self.name = name
        self.labels = labels
        self.interval = interval
        self.deadline = min(deadline, interval)
        self.limits = limits
        self.readText = readText
        var limited = request
        limited.timeout = self.deadline
        limited.connectTimeout = self.deadline
        limited.bodyBytesMax = Int(limits.body.bytes)
        limited.redirectsMax = 3
        if limited.headers["Accept"] == nil {
            limited.headers = HTTPHeaders(
                limited.headers.fields + [
                    .init(
                        "Accept",
                        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1")
                ])
        }
        self.request = limited
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let started = ContinuousClock.now
        let response = try await HTTPClient().send(request)
        guard response.status == 200 else {
            throw CollectorError(.unexpectedStatus, name, "the target answered \(response.status)")
        }
        var batch = try readText(response.body, response.headers["Content-Type"], now)
        let count = batch.rows.count
        guard count <= limits.sampleCount else {
            throw CollectorError(
                .limitExceeded, name, "the target gave \(count) samples, more than the limit of \(limits.sampleCount)")
        }
        // A target's own `up` or `scrape_…` would stand in for ours.
        batch.rows.removeAll { ["up", "scrape_duration_seconds", "scrape_samples_scraped"].contains($0.labels.name) }
        renameContradictedLabels(in: &batch)
        batch.gauge("up", "Whether the target could be scraped.", 1)
        batch.gauge(
            "scrape_duration_seconds", "Time that the scrape took.", started.duration(to: .now).inSeconds)
        batch.gauge("scrape_samples_scraped", "Samples that the target gave.", Double(count))
        return batch
    }

    /// Our labels count; a target's label of the same name is kept as `exported_<name>`, as Prometheus does without
    /// `honor_labels`.
    private func renameContradictedLabels(in batch: inout SampleBatch) {
        let ours = labels.pairs.map(\.name)
        for index in batch.rows.indices {
            for name in ours {
                guard let value = batch.rows[index].labels[name] else { continue }
                batch.rows[index].labels["exported_\(name)"] = value
                batch.rows[index].labels[name] = nil
            }
        }
    }
}
