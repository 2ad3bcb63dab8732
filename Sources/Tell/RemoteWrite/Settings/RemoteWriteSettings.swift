public import ClientSettings
public import Diagnostics
import Outbound
public import Exposition
public import Relabelling
public import Settings
public import Units

/// An element of `remote_write`, with the keys and meanings of a `prometheus.yml`
/// (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/#remote_write>).
public struct RemoteWriteSettings: SettingsSection, Sendable, Hashable {
    public var url: String
    /// Unique; the address where none is given.
    public var name: String
    public var timeout: Duration
    public var headers: [String: Secret]
    public var client: HTTPClientSettings
    public var version: RemoteWriteVersion
    public var sendsExemplars: Bool
    public var sendsHistograms: Bool
    public var relabelRules: [RelabelRule]
    public var queue: QueueSettings
    public var metadata: MetadataSettings

    public init(_ s: SettingsReader) {
        url = s.address("url", "Where samples are sent, as in https://metrics.example/api/v1/write.") ?? ""
        let written = s.text(
            "name", default: "", "What the queue is called in metrics and on disk, unique; without it, host and port.")
        name = written.isEmpty ? displayedOrigin(of: Secret(url)) : written
        timeout = s.duration(
            "remote_timeout", default: .seconds(30), atLeast: .milliseconds(100),
            "After this long a request has failed.")
        headers = s.secretMap("headers", "Further header fields of each request.")
        client = HTTPClientSettings(s)
        let names = RemoteWriteVersion.names
        let message = s.text(
            "protobuf_message", default: names[0].name, "What is sent: \(names.map(\.name).joined(separator: " or ")).")
        version = names.first { $0.name == message }?.version ?? .v1
        if !names.contains(where: { $0.name == message }) {
            s.fault("protobuf_message", "'\(message)' is not \(names.map(\.name).joined(separator: " or "))")
        }
        sendsExemplars = s.boolean("send_exemplars", default: false, "Whether exemplars are sent.")
        sendsHistograms = s.boolean("send_native_histograms", default: false, "Whether native histograms are sent.")
        relabelRules = s.list(
            "write_relabel_configs", of: RelabelSettings.self, "What is sent, and under which labels."
        ).compactMap(\.rule)
        queue = s.section("queue_config", QueueSettings.self, "How much is sent at once, and what happens on failure.")
        metadata = s.section("metadata_config", MetadataSettings.self, "Types and descriptions of metrics.")
        if !url.hasPrefix("http://") && !url.hasPrefix("https://") {
            s.fault(s.isPresent("url") ? "url" : nil, "'url' must be an address with http:// or https://")
        }
        s.unsupported(["sigv4", "azuread", "google_iam"], "is not supported; use 'authorization' or 'basic_auth'")
        s.unsupported(["round_robin_dns"], "is not supported; name one address, or a load balancer")
    }

    /// - Parameter folder: what paths of files are counted from.
    public func resolved(in folder: String) -> RemoteWriteSettings {
        var copy = self
        copy.client = client.resolved(in: folder)
        return copy
    }

    public struct QueueSettings: SettingsSection, Sendable, Hashable {
        public var capacity: Int
        public var shardsMin: Int
        public var shardsMax: Int
        public var samplesPerSendMax: Int
        public var sendDeadline: Duration
        public var backoffMin: Duration
        public var backoffMax: Duration
        public var retriesOnRateLimit: Bool
        /// Older samples are not sent; zero: all are.
        public var ageLimit: Duration

        public init(_ s: SettingsReader) {
            capacity = s.integer(
                "capacity", default: 10_000, in: 1...10_000_000, "Samples that each shard holds in memory.")
            shardsMax = s.integer(
                "max_shards", default: 16, in: 1...1000,
                "Requests under way at once, at most; 32 even where more is written.")
            shardsMin = s.integer("min_shards", default: 1, in: 1...1000, "Requests under way at once, at least.")
            samplesPerSendMax = s.integer(
                "max_samples_per_send", default: 2000, in: 1...1_000_000, "Samples of one request.")
            sendDeadline = s.duration(
                "batch_send_deadline", default: .seconds(5), atLeast: .milliseconds(10),
                "How long a request waits to become full.")
            backoffMin = s.duration(
                "min_backoff", default: .milliseconds(30), atLeast: .milliseconds(1), "The first wait after a failure.")
            backoffMax = s.duration(
                "max_backoff", default: .seconds(5), atLeast: .milliseconds(1), "The longest wait after a failure.")
            retriesOnRateLimit = s.boolean(
                "retry_on_http_429", default: true, "Whether an answer of 429 is tried again.")
            ageLimit = s.duration("sample_age_limit", default: .zero, "Older samples are not sent. 0s: all are.")
            if shardsMin > shardsMax { s.fault("min_shards", "is more than 'max_shards'") }
            if backoffMin > backoffMax { s.fault("min_backoff", "is longer than 'max_backoff'") }
            // Each is a thread while its request is under way.
            shardsMax = min(shardsMax, 32)
            shardsMin = min(shardsMin, 32)
        }
    }

    public struct MetadataSettings: SettingsSection, Sendable, Hashable {
        public var isSent: Bool
        public var interval: Duration
        public var entriesPerSendMax: Int

        public init(_ s: SettingsReader) {
            isSent = s.boolean("send", default: true, "Whether they are sent.")
            interval = s.duration("send_interval", default: .seconds(60), atLeast: .seconds(1), "How often.")
            entriesPerSendMax = s.integer(
                "max_samples_per_send", default: 2000, in: 1...1_000_000, "Metrics of one request.")
        }
    }
}

/// How much of what could not be sent yet is kept on disk, for all addresses together.
public struct RemoteQueueSettings: SettingsSection, Sendable, Hashable {
    public var sizeMax: ByteCount
    public var ageMax: Duration

    public init(_ s: SettingsReader) {
        sizeMax = s.bytes(
            "max_size", default: ByteCount(4 << 30), "Past this the oldest samples are lost, counted and alarmed.")
        ageMax = s.duration(
            "max_age", default: .seconds(7 * 86_400), atLeast: .seconds(60), "Past this too.")
        if sizeMax.bytes < 64 << 20 { s.fault("max_size", "is less than 64 MB, which a few minutes would fill") }
    }
}

extension RemoteWriteVersion {
    static let names: [(name: String, version: RemoteWriteVersion)] = [
        ("prometheus.WriteRequest", .v1), ("io.prometheus.write.v2.Request", .v2),
    ]
}
