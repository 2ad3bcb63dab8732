public import Series
import Synchronization
import Units

extension TimeSeriesStore {
    /// 1 while samples are taken, 0 while they are refused.
    static let writableMetric = "jaga_series_writable"
    static let diskFullMetric = "jaga_series_disk_full"

    /// Adds what the store says of itself, for `/metrics` and for the rules that watch it.
    public func report(into batch: inout SampleBatch) {
        let stats = stats
        func add(
            _ name: String, _ type: MetricType, _ help: String, _ labels: KeyValuePairs<String, String> = [:],
            _ value: Double
        ) {
            batch.metadata[name] = MetricMetadata(name, type, help)
            batch.rows.append(.init(labels: Labels(name, labels).merging(selfLabels), value: value))
        }
        let health = stats.health
        add("jaga_series_writable", .gauge, "Whether samples are taken.", [:], health.isWritable ? 1 : 0)
        add(
            "jaga_series_disk_full", .gauge, "Whether samples are refused for want of space.", [:],
            health.isDiskFull ? 1 : 0)
        add(
            "jaga_series_maintenance_failing", .gauge, "Whether the last sync, block or removal failed.", [:],
            health.maintenanceFault == nil ? 0 : 1)
        add(
            "jaga_series_head_files_failing", .gauge,
            "Whether full chunks stay in memory because the files beside the log cannot be written.", [:],
            health.headFilesFault == nil ? 0 : 1)
        add(
            "jaga_series_over_retention_size", .gauge,
            "Whether the newest block and the files of the head alone take more than retention_size.", [:],
            health.isOverRetentionSize ? 1 : 0)
        add(
            "jaga_series_problems", .gauge, "Places of damage and missing files found since the start.", [:],
            Double(health.problems.count(where: \.isDamage)))
        add("jaga_series_in_memory", .gauge, "Series in memory.", [:], Double(stats.seriesCount))
        add("jaga_series_head_samples", .gauge, "Samples in memory.", [:], Double(stats.headSampleCount))
        add("jaga_series_head_bytes", .gauge, "Compressed samples in memory.", [:], Double(stats.headByteCount))
        add("jaga_series_log_bytes", .gauge, "Size of the write-ahead log.", [:], Double(stats.logByteCount))
        add(
            "jaga_series_head_file_bytes", .gauge, "Size of the files of full chunks beside the log.", [:],
            Double(stats.headFileByteCount))
        add("jaga_series_blocks", .gauge, "Blocks on disk.", [:], Double(stats.blockCount))
        add("jaga_series_block_bytes", .gauge, "Size of the blocks.", [:], Double(stats.blockByteCount))
        if let oldest = stats.oldest {
            add("jaga_series_oldest_timestamp_seconds", .gauge, "Oldest sample kept.", [:], oldest.secondsSinceEpoch)
        }
        if let newest = stats.newest {
            add("jaga_series_newest_timestamp_seconds", .gauge, "Newest sample.", [:], newest.secondsSinceEpoch)
        }
        let counts = stats.counts
        add("jaga_series_samples_stored_total", .counter, "Samples taken.", [:], Double(counts.samplesStored))
        let refused = "jaga_series_samples_refused_total"
        let refusedHelp = "Samples refused, by reason."
        add(refused, .counter, refusedHelp, ["reason": "out_of_order"], Double(counts.samplesOutOfOrder))
        add(refused, .counter, refusedHelp, ["reason": "duplicate"], Double(counts.samplesDuplicate))
        add(refused, .counter, refusedHelp, ["reason": "over_limit"], Double(counts.samplesOverLimit))
        add(
            "jaga_series_limit_refusals_total", .counter,
            "Samples refused because of a limit on the number of series or the length of their labels.", [:],
            Double(state.withLock { $0.refused.total }))
        add(
            "jaga_series_batches_refused_total", .counter, "Batches refused because the log could not be written.", [:],
            Double(counts.batchesRefused))
        add(
            "jaga_series_sync_failures_total", .counter, "Syncs of the log that failed.", [:],
            Double(counts.syncFailures))
    }
}
