import Series
import Units

/// What an address counts, under the reference's names.
struct SenderTally: Sendable {
    var samples = 0
    var histograms = 0
    var exemplars = 0
    var metadata = 0
    var failedSamples = 0
    var failedMetadata = 0
    var retriedSamples = 0
    var relabelledAway = 0
    var tooOld = 0
    var lost = 0
    var unwanted = 0
    var bytes = 0
    var requests = 0
    var requestSeconds = 0.0
    var shards = 1
    var desiredShards = 1
    var pending = 0
    var newestSentTime = Int64.min
    /// When the sender came to be, in milliseconds since the epoch.
    var startTime = Int64.min
    /// Why the last request failed; nil when it worked.
    var lastError: String?

    func report(into batch: inout SampleBatch, _ settings: RemoteWriteSettings, url: String, newestTime: Int64) {
        func put(_ name: String, _ type: MetricType, _ help: String, _ value: Double, _ more: (String, String)? = nil) {
            let full = "prometheus_remote_storage_\(name)"
            var labels = Labels(full, ["remote_name": settings.name, "url": url])
            if let more { labels[more.0] = more.1 }
            batch.rows.append(.init(labels: labels, value: value))
            // Parts of a summary have no metadata of their own.
            let family = type == .summary ? String(full.dropLast(full.hasSuffix("_sum") ? 4 : 6)) : full
            batch.metadata[family] = MetricMetadata(family, type, help)
        }
        put("samples_total", .counter, "Samples sent.", Double(samples))
        put("histograms_total", .counter, "Native histograms sent.", Double(histograms))
        put("exemplars_total", .counter, "Exemplars sent.", Double(exemplars))
        put("metadata_total", .counter, "Metadata entries sent.", Double(metadata))
        put("samples_failed_total", .counter, "Samples that the receiver refused for good.", Double(failedSamples))
        put("metadata_failed_total", .counter, "Metadata entries that the receiver refused.", Double(failedMetadata))
        put("samples_retried_total", .counter, "Samples that were sent again.", Double(retriedSamples))
        let dropped = "Samples that were not sent: dropped by a rule, too old, not wanted, or lost by a full queue."
        put("samples_dropped_total", .counter, dropped, Double(relabelledAway), ("reason", "dropped_series"))
        put("samples_dropped_total", .counter, dropped, Double(tooOld), ("reason", "too_old"))
        put("samples_dropped_total", .counter, dropped, Double(unwanted), ("reason", "native_histogram"))
        put("samples_dropped_total", .counter, dropped, Double(lost), ("reason", "queue_full"))
        put("samples_pending", .gauge, "Samples that are being sent.", Double(pending))
        put("bytes_total", .counter, "Bytes sent, packed.", Double(bytes))
        put("shards", .gauge, "Requests that may be under way at once.", Double(shards))
        put("shards_desired", .gauge, "How many the backlog asks for.", Double(desiredShards))
        put("shards_max", .gauge, "The most there may be.", Double(settings.queue.shardsMax))
        put("shards_min", .gauge, "The least there are.", Double(settings.queue.shardsMin))
        put("shard_capacity", .gauge, "Samples that each shard holds in memory.", Double(settings.queue.capacity))
        put("max_samples_per_send", .gauge, "Samples of one request.", Double(settings.queue.samplesPerSendMax))
        put("sent_batch_duration_seconds_sum", .summary, "Time that requests took.", requestSeconds)
        put("sent_batch_duration_seconds_count", .summary, "Time that requests took.", Double(requests))
        // An address that never took anything is behind by all the time that it was tried, not by none.
        let sentTime = newestSentTime > .min ? newestSentTime : startTime
        if sentTime > .min {
            put(
                "queue_highest_sent_timestamp_seconds", .gauge,
                "The newest sample that was sent; while there is none, when sending began.", Double(sentTime) / 1000)
        }
        if newestTime > .min {
            put(
                "queue_highest_timestamp_seconds", .gauge, "The newest sample in the queue.", Double(newestTime) / 1000)
        }
    }
}
