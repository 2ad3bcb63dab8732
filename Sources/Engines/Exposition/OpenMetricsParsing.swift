import Series
import Units

// OpenMetrics is strict where the older format is lenient: one space between the parts, no blank lines, `# EOF` at the end, and
// rules on what a type may contain. A page is a list of families; a family's metadata comes first, then its samples, all of one
// label set ("group") together. `Family` holds what has been seen of the current one and judges each sample; when the next one
// begins, or the page ends, it judges the whole.

func parseOpenMetrics(
    _ page: [UInt8], at now: Timestamp, limits: ExpositionLimits
) throws(ExpositionError) -> SampleBatch {
    var cursor = LineCursor(page, limits: limits)
    var batch = SampleBatch(at: now)
    var family: Family?
    var namesTaken: Set<String> = []
    var hasEnded = false
    while cursor.nextLine() {
        guard !hasEnded else { throw cursor.fail("nothing may follow '# EOF'") }
        if cursor.wholeLine.elementsEqual("# EOF".utf8) {
            hasEnded = true
        } else if cursor.next == UInt8(ascii: "#") {
            let (keyword, name) = try metadataStart(&cursor)
            if family?.name != name {
                try family?.finish(cursor, &namesTaken, &batch)
                family = Family(name: name)
            }
            try family!.read(keyword, &cursor)
        } else {
            let sample = try parseSample(&cursor)
            if family?.takes(sample.name) != true {
                try family?.finish(cursor, &namesTaken, &batch)
                family = Family(name: sample.name)
                family!.type = .unknown
            }
            guard batch.rows.count < limits.sampleCountMax else {
                throw cursor.fail(.tooMuch, "the page has more than \(limits.sampleCountMax) samples", at: cursor.place)
            }
            if try family!.admit(sample, cursor) {
                batch.rows.append(
                    .init(labels: sample.labels, value: sample.value, timestamp: sample.seconds.map(timestamp)))
            }
        }
    }
    guard hasEnded else { throw cursor.fail("the page must end with '# EOF'") }
    try family?.finish(cursor, &namesTaken, &batch)
    return batch
}

/// Seconds to milliseconds; far times are clamped to what 63 bits of milliseconds hold.
private func timestamp(_ seconds: Double) -> Timestamp {
    Timestamp(millisecondsSinceEpoch: Int64(max(-9e18, min(9e18, (seconds * 1000).rounded()))))
}

struct OpenMetricsSample {
    var name: String
    var labels: Labels
    var value: Double
    var seconds: Double?
    var hasExemplar: Bool
}

/// `# TYPE name `, the cursor then stands on the rest.
private func metadataStart(_ cursor: inout LineCursor) throws(ExpositionError) -> (keyword: String, name: String) {
    cursor.advance()
    guard cursor.take(" ") else { throw cursor.fail("a space must follow '#'") }
    let place = cursor.place
    let keyword = String(decoding: cursor.word(), as: UTF8.self)
    guard ["TYPE", "HELP", "UNIT"].contains(keyword) else {
        throw cursor.fail("TYPE, HELP, UNIT or EOF must stand here", at: place)
    }
    guard cursor.take(" ") else { throw cursor.fail("a metric's name must stand here") }
    let name = cursor.next == UInt8(ascii: "\"") ? try cursor.quoted() : try cursor.name(colons: true)
    guard cursor.take(" ") else { throw cursor.fail("a space must follow the metric's name") }
    return (keyword, name)
}

private func parseSample(_ cursor: inout LineCursor) throws(ExpositionError) -> OpenMetricsSample {
    let (name, labels) = try cursor.metric(strict: true)
    guard cursor.take(" ") else { throw cursor.fail("one space and a number must stand here") }
    var sample = OpenMetricsSample(
        name: name, labels: labels, value: try number(&cursor), seconds: nil, hasExemplar: false)
    if cursor.take(" "), cursor.next != UInt8(ascii: "#") {
        sample.seconds = try finiteNumber(&cursor)
        if cursor.isAtLineEnd { return sample }
        guard cursor.take(" ") else { throw cursor.fail("nothing but an exemplar may follow the time") }
    } else if cursor.isAtLineEnd, cursor.wholeLine.last != UInt8(ascii: " ") {
        return sample
    }
    try readExemplar(&cursor)
    sample.hasExemplar = true
    return sample
}

private func number(_ cursor: inout LineCursor) throws(ExpositionError) -> Double {
    let place = cursor.place
    guard let number = parseNumber(cursor.word()) else { throw cursor.fail("a number must stand here", at: place) }
    return number
}

private func finiteNumber(_ cursor: inout LineCursor) throws(ExpositionError) -> Double {
    let place = cursor.place
    let value = try number(&cursor)
    guard value.isFinite else { throw cursor.fail("a time in seconds must stand here", at: place) }
    return value
}

/// `# {labels} value [time]`: checked, and not kept.
private func readExemplar(_ cursor: inout LineCursor) throws(ExpositionError) {
    guard cursor.take("#"), cursor.take(" "), cursor.take("{") else {
        throw cursor.fail("an exemplar is written '# {labels} value'")
    }
    let start = cursor.place
    var noName = "exemplar"
    let labels = try cursor.labels(strict: true, name: &noName)
    let length = labels.reduce(0) { $0 + $1.0.unicodeScalars.count + $1.1.unicodeScalars.count }
    guard length <= 128 else {
        throw cursor.fail(.meaning, "an exemplar's labels have at most 128 characters, here \(length)", at: start)
    }
    guard cursor.take(" ") else { throw cursor.fail("one space and a number must stand here") }
    _ = try number(&cursor)
    guard !cursor.isAtLineEnd else { return }
    guard cursor.take(" ") else { throw cursor.fail("one space and a time must stand here") }
    _ = try finiteNumber(&cursor)
    guard cursor.isAtLineEnd else { throw cursor.fail("nothing may follow the exemplar") }
}
