public import Series

/// A native histogram as the query API writes it: count and sum as texts, and the populated buckets from the lowest to the highest, each with a
/// number for which of its bounds belong to it, its bounds and its count.
/// <https://prometheus.io/docs/prometheus/latest/querying/api/#native-histograms>
public func histogramJSON(_ histogram: NativeHistogram) -> String {
    var json = "{\"count\":\"\(sampleValueText(histogram.count))\",\"sum\":\"\(sampleValueText(histogram.sum))\""
    let buckets = histogram.buckets
    if !buckets.isEmpty {
        json += ",\"buckets\":["
        for (index, bucket) in buckets.enumerated() {
            json += index > 0 ? ",[" : "["
            json += "\(bucket.boundaryCode),\"\(sampleValueText(bucket.lower))\","
            json += "\"\(sampleValueText(bucket.upper))\",\"\(sampleValueText(bucket.count))\"]"
        }
        json += "]"
    }
    return json + "}"
}
