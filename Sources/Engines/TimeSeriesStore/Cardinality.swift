import Series

/// Series that were refused because a limit was reached, by what they have in common. Bounded: the first hundred are named.
struct RefusedSeries: Sendable {
    private static let countMax = 100
    private(set) var byMetric: [ByteText: Int64] = [:]
    private(set) var byTarget: [ByteText: Int64] = [:]
    /// Samples of all of them, beyond the named ones too.
    private(set) var total: Int64 = 0

    /// Counts samples whose series were named before.
    mutating func note(sampleCount: Int) { total += Int64(sampleCount) }

    /// Names a series that was offered.
    mutating func note(_ labels: Labels) {
        Self.note(labels.name, in: &byMetric)
        Self.note("\(labels["job"] ?? "")/\(labels["instance"] ?? "")", in: &byTarget)
    }

    /// What is refused for its length is not kept at its length.
    private static let keyByteCountMax = 300

    private static func note(_ text: String, in counts: inout [ByteText: Int64]) {
        let key = ByteText(text.utf8.count <= keyByteCountMax ? text : "\(text.prefix(80))…")
        guard counts[key] != nil || counts.count < countMax else { return }
        counts[key, default: 0] += 1
    }
}

extension TimeSeriesStore.State {
    /// The number of the series with these labels, made if missing.
    /// - Returns: nil where a limit forbids one more, or one with labels as long as these.
    mutating func number(of labels: Labels, _ settings: StoreSettings) -> Int? {
        if let known = head.find(labels) { return known }
        guard mayAdd(labels, settings) else {
            refused.note(labels)
            return nil
        }
        return head.insert(labels)
    }

    private func mayAdd(_ labels: Labels, _ settings: StoreSettings) -> Bool {
        // Longer ones would fit no record of the log.
        guard labels.textByteCount <= LogFormat.labelsByteCountMax else { return false }
        if settings.seriesMax > 0, head.liveCount >= settings.seriesMax { return false }
        if settings.seriesPerMetricMax > 0, let pair = head.table.pair(Labels.metricName, labels.name),
            head.seriesCount(of: pair) >= settings.seriesPerMetricMax
        {
            return false
        }
        if settings.seriesPerTargetMax > 0 {
            let target = Head.Target(
                job: head.table.pair("job", labels["job"] ?? "") ?? .max,
                instance: head.table.pair("instance", labels["instance"] ?? "") ?? .max)
            if head.targets[target] ?? 0 >= settings.seriesPerTargetMax { return false }
        }
        return true
    }
}
