public import Series
import Units

/// Writes a batch as a page, for the program's own `/metrics`.
///
/// Families stand in the order of their names, samples in the order of their labels, buckets in the order of their bounds. The family of
/// a sample is found by the metadata: its own name, or that name without `_bucket`, `_count`, `_sum`, `_total`, `_created` or `_info`.
/// Times are written only where a row has one of its own. Native histograms stand in protobuf alone; the text formats have no form for them.
public func writeExposition(_ batch: SampleBatch, _ format: ExpositionFormat) -> [UInt8] {
    var families: [ByteText: [SampleBatch.Row]] = [:]
    for row in batch.rows where row.histogram == nil || format == .protobuf {
        families[ByteText(familyName(of: row.labels.name, batch.metadata, format)), default: []].append(row)
    }
    if format == .protobuf {
        return writeMetricFamilies(
            families.sorted { $0.key < $1.key }.map { name, rows in
                MetricFamily(
                    batch.metadata[name.text] ?? MetricMetadata(name.text, .untyped, ""), rows.sorted(by: precedes))
            })
    }
    var page: [UInt8] = []
    page.reserveCapacity(batch.rows.count * 80)
    for (key, rows) in families.sorted(by: { $0.key < $1.key }) {
        let name = key.text
        let metadata = batch.metadata[name] ?? batch.metadata[name + "_total"]
        if let metadata { writeMetadata(metadata, as: name, format, to: &page) }
        let isTotalMissing = format == .openMetrics && metadata?.type == .counter
        for row in rows.sorted(by: precedes) {
            let sampleName = row.labels.name
            let suffix = isTotalMissing && sampleName == name ? "_total" : ""
            writeSeries(sampleName + suffix, row.labels, to: &page)
            page.append(UInt8(ascii: " "))
            page += numberText(row.value).utf8
            if let time = row.timestamp?.millisecondsSinceEpoch {
                page += (format == .text ? " \(time)" : " \(Double(time) / 1000)").utf8
            }
            page.append(UInt8(ascii: "\n"))
        }
    }
    if format == .openMetrics { page += "# EOF\n".utf8 }
    return page
}

private func familyName(
    of name: String, _ metadata: MetadataByName, _ format: ExpositionFormat
) -> String {
    if let entry = metadata[name] {
        // OpenMetrics names a counter's family without the suffix that its sample has.
        let isCounter = format == .openMetrics && entry.type == .counter && name.hasSuffix("_total")
        return isCounter ? String(name.dropLast(6)) : name
    }
    for suffix in ["_bucket", "_count", "_sum", "_total", "_created", "_info"] where name.hasSuffix(suffix) {
        let family = String(name.dropLast(suffix.count))
        if metadata[family] != nil { return family }
    }
    return name
}

private func writeMetadata(
    _ entry: MetricMetadata, as name: String, _ format: ExpositionFormat, to page: inout [UInt8]
) {
    let shown = isClassicName(name, colons: true) ? name : "\"\(Labels.escaped(name))\""
    if !entry.help.isEmpty {
        let escaped = format == .openMetrics ? Labels.escaped(entry.help) : escapedHelp(entry.help)
        page += "# HELP \(shown) \(escaped)\n".utf8
    }
    let type =
        switch (format, entry.type) {
        case (.openMetrics, .untyped): "unknown"
        // The older format has neither of these.
        case (.text, .info), (.text, .stateSet): MetricType.gauge.rawValue
        case (.text, .gaugeHistogram): MetricType.histogram.rawValue
        case (_, let type): type.rawValue
        }
    page += "# TYPE \(shown) \(type)\n".utf8
}

private func escapedHelp(_ help: String) -> String {
    var text = ""
    for scalar in help.unicodeScalars {
        switch scalar {
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        default: text.unicodeScalars.append(scalar)
        }
    }
    return text
}

/// The metric with its labels. A name that the older rules do not allow stands among the labels, in quotation marks.
private func writeSeries(_ name: String, _ labels: Labels, to page: inout [UInt8]) {
    var isOpen = false
    if isClassicName(name, colons: true) {
        page += name.utf8
    } else {
        page += "{\"\(Labels.escaped(name))\"".utf8
        isOpen = true
    }
    for pair in labels.pairs where pair.name != Labels.metricName {
        page += (isOpen ? "," : "{").utf8
        isOpen = true
        let label = isClassicName(pair.name, colons: false) ? pair.name : "\"\(Labels.escaped(pair.name))\""
        page += "\(label)=\"\(Labels.escaped(pair.value))\"".utf8
    }
    if isOpen { page.append(UInt8(ascii: "}")) }
}

/// Whether a name needs no quotation marks.
private func isClassicName(_ name: String, colons: Bool) -> Bool {
    guard !name.isEmpty else { return false }
    var isFirst = true
    for byte in name.utf8 {
        guard isNameByte(byte, first: isFirst, colons: colons) else { return false }
        isFirst = false
    }
    return true
}

/// Whole numbers without a fraction, others with the fewest digits that give the same number again.
private func numberText(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), value.magnitude < 1e15, !(value == 0 && value.sign == .minus) {
        return "\(Int64(value))"
    }
    return "\(value)"
}

/// Label sets together, and within one the buckets by their bounds and in front of sum and count.
private func precedes(_ left: SampleBatch.Row, _ right: SampleBatch.Row) -> Bool {
    let leftSet = left.labels.dropping([Labels.metricName, "le", "quantile"])
    let rightSet = right.labels.dropping([Labels.metricName, "le", "quantile"])
    if leftSet != rightSet { return leftSet < rightSet }
    if left.labels.name != right.labels.name { return left.labels.name < right.labels.name }
    return bound(left.labels) < bound(right.labels)
}

private func bound(_ labels: Labels) -> Double {
    (labels["le"] ?? labels["quantile"]).flatMap { parseNumber(Array($0.utf8)[...]) } ?? -.infinity
}
