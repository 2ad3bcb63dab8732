public import Series
public import Units

/// Reads a page of metrics.
/// - Parameters:
///   - now: the instant of the reading, for samples without a time of their own.
///   - keepsRepeats: of OpenMetrics whether lines that repeat a series at the same time are in the answer as well, for who counts them.
/// - Throws: `ExpositionError` with line and column; the page is refused as a whole.
public func parseExposition(
    _ page: [UInt8], _ format: ExpositionFormat, at now: Timestamp, limits: ExpositionLimits = ExpositionLimits(),
    keepsRepeats: Bool = false
) throws(ExpositionError) -> SampleBatch {
    guard page.count <= limits.byteCountMax else {
        throw ExpositionError(
            .tooMuch, line: 1, column: 1,
            "the page has \(page.count) bytes, more than the \(limits.byteCountMax) that are read")
    }
    switch format {
    case .text: return try parseText(page, at: now, limits: limits)
    case .openMetrics: return try parseOpenMetrics(page, at: now, limits: limits, keepsRepeats: keepsRepeats)
    case .protobuf:
        let batch = SampleBatch(try parseMetricFamilies(page, limits: limits), at: now)
        guard batch.rows.count <= limits.sampleCountMax else {
            throw ExpositionError(
                .tooMuch, line: 1, column: 1, "the page has more than \(limits.sampleCountMax) samples")
        }
        return batch
    }
}

private func parseText(
    _ page: [UInt8], at now: Timestamp, limits: ExpositionLimits
) throws(ExpositionError) -> SampleBatch {
    var cursor = LineCursor(page, limits: limits)
    var batch = SampleBatch(at: now)
    var spelling = BoundSpelling()
    while cursor.nextLine() {
        cursor.skipBlanks()
        if cursor.isAtLineEnd || cursor.rest.elementsEqual(carriageReturn) { continue }
        if cursor.take("#") {
            try readComment(&cursor, into: &batch.metadata)
            spelling.see(cursor.wholeLine)
            continue
        }
        let labels = spelling.spelled(try cursor.metric(strict: false).labels)
        cursor.skipBlanks()
        let valuePlace = cursor.place
        let (value, time) = try cursor.valueAndTime()
        let row = SampleBatch.Row(
            labels: labels, value: value, timestamp: time.map(Timestamp.init(millisecondsSinceEpoch:)))
        guard batch.rows.count < limits.sampleCountMax else {
            throw cursor.fail(.tooMuch, "the page has more than \(limits.sampleCountMax) samples", at: valuePlace)
        }
        batch.rows.append(row)
    }
    return batch
}

let carriageReturn: [UInt8] = [0x0D]

extension LineCursor {
    /// What follows the labels in the older format, up to the end of the line: a number, and maybe a time in milliseconds.
    mutating func valueAndTime() throws(ExpositionError) -> (value: Double, time: Int64?) {
        let valuePlace = place
        guard let value = parseNumber(word()) else { throw fail("a number must stand here", at: valuePlace) }
        skipBlanks()
        if isAtLineEnd { return (value, nil) }
        let timePlace = place
        guard let time = Int64(String(decoding: word(), as: UTF8.self)) else {
            throw fail("a time in whole milliseconds must stand here", at: timePlace)
        }
        skipBlanks()
        guard isAtLineEnd else { throw fail("nothing may follow the time") }
        return (value, time)
    }
}

private let typesOfText: [String: MetricType] = [
    "counter": .counter, "gauge": .gauge, "histogram": .histogram, "summary": .summary, "untyped": .untyped,
    "unknown": .untyped,
]

/// `HELP`, `TYPE` or any other comment; the cursor stands behind the `#`.
func readComment(_ cursor: inout LineCursor, into metadata: inout MetadataByName) throws(ExpositionError) {
    cursor.skipBlanks()
    let keyword = cursor.word()
    let isHelp = keyword.elementsEqual("HELP".utf8)
    guard isHelp || keyword.elementsEqual("TYPE".utf8) else { return }
    cursor.skipBlanks()
    let name =
        cursor.next == UInt8(ascii: "\"") ? try cursor.quoted() : try cursor.name(colons: true)
    cursor.skipBlanks()
    var entry = metadata[name] ?? MetricMetadata(name, .untyped, "")
    if isHelp {
        entry.help = try cursor.help(cursor.rest, quotes: false)
    } else {
        let place = cursor.place
        let word = String(decoding: cursor.word(), as: UTF8.self)
        guard let type = typesOfText[word] else {
            throw cursor.fail(
                "'\(word)' is no type; it must be counter, gauge, histogram, summary or untyped", at: place)
        }
        entry.type = type
    }
    metadata[name] = entry
}
