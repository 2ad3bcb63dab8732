import Series
import Units

// Classic histograms are several series: buckets that count what is at most their bound, a sum and a count. As one native histogram
// with bounds by hand they are one series and need a fraction of the room. Which samples belong to a histogram is known from its
// declared type. One whose buckets contradict each other stays as it is.
//
//     h_bucket{le="1"} 2   h_bucket{le="5"} 5   h_bucket{le="+Inf"} 6   h_sum 19   h_count 6
//     ──▶  h  bounds 1, 5  buckets 2, 3, 1  sum 19  count 6

extension SampleBatch {
    /// These samples with classic histograms turned into native ones.
    /// - Parameter keepsClassic: leaves the classic samples beside them.
    func convertingClassicHistograms(keepsClassic: Bool) -> SampleBatch {
        var groups: [Labels: ClassicHistogram] = [:]
        var order: [Labels] = []
        var others: [Row] = []
        for row in rows {
            guard let (identity, part) = classicPart(of: row) else {
                others.append(row)
                continue
            }
            if groups[identity] == nil { order.append(identity) }
            groups[identity, default: ClassicHistogram()].take(row, part)
        }
        var converted = self
        converted.rows = others
        for identity in order {
            let group = groups[identity]!
            let native = group.native
            if native == nil || keepsClassic { converted.rows += group.rows }
            if let native {
                converted.rows.append(Row(labels: identity, histogram: native, timestamp: group.timestamp))
            }
        }
        return converted
    }

    private func classicPart(of row: Row) -> (identity: Labels, ClassicHistogram.Part)? {
        guard row.histogram == nil else { return nil }
        let name = row.labels.name
        for part in ClassicHistogram.Part.allCases where name.hasSuffix(part.rawValue) {
            let base = String(name.dropLast(part.rawValue.count))
            guard metadata[base]?.type == .histogram else { continue }
            var identity = row.labels
            identity[Labels.metricName] = base
            if part == .bucket {
                guard identity["le"] != nil else { return nil }
                identity["le"] = nil
            }
            return (identity, part)
        }
        return nil
    }
}

/// The samples of one classic histogram.
private struct ClassicHistogram {
    enum Part: String, CaseIterable {
        case bucket = "_bucket"
        case sum = "_sum"
        case count = "_count"
    }

    var rows: [SampleBatch.Row] = []
    var timestamp: Timestamp?
    private var buckets: [(bound: Double, count: Double)] = []
    private var sum = 0.0
    private var count: Double?
    private var isSound = true

    mutating func take(_ row: SampleBatch.Row, _ part: Part) {
        rows.append(row)
        timestamp = timestamp ?? row.timestamp
        switch part {
        case .sum: sum = row.value
        case .count: count = row.value
        case .bucket:
            let text = row.labels["le"] ?? ""
            guard let bound = ["+Inf", "Inf", "inf", "+inf"].contains(text) ? .infinity : Double(text), !bound.isNaN
            else {
                isSound = false
                return
            }
            buckets.append((bound, row.value))
        }
    }

    /// Nil where the parts contradict each other.
    var native: NativeHistogram? {
        guard isSound, !buckets.isEmpty || count != nil else { return nil }
        var sorted = buckets.sorted { $0.bound < $1.bound }
        let total = count ?? sorted.last!.count
        if sorted.last?.bound != .infinity { sorted.append((.infinity, total)) }
        guard sorted.last!.count == total else { return nil }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.bound == next.bound || one.count > next.count {
            return nil
        }
        guard sorted.allSatisfy({ $0.count.isFinite && $0.count >= 0 }) else { return nil }
        var histogram = NativeHistogram(schema: NativeHistogram.customBucketsSchema)
        histogram.customBounds = sorted.map(\.bound).filter { $0.isFinite }
        histogram.count = total
        histogram.sum = sum
        var before = 0.0
        var next: Int32 = 0
        for (index, bucket) in sorted.enumerated() {
            let own = bucket.count - before
            before = bucket.count
            guard own > 0 else { continue }
            let place = Int32(index)
            if place == next, !histogram.positiveSpans.isEmpty {
                histogram.positiveSpans[histogram.positiveSpans.count - 1].length += 1
            } else {
                histogram.positiveSpans.append(.init(offset: place - next, length: 1))
            }
            histogram.positiveBuckets.append(own)
            next = place + 1
        }
        return histogram
    }
}
