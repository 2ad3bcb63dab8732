import Series
import Units

// OpenMetrics is strict where the older format is lenient: one space between the parts, no blank lines, `# EOF` at the end, and
// rules on what a type may contain. A page is a list of families; a family's metadata comes first, then its samples, all of one
// label set ("group") together. `Family` holds what has been seen of the current one and judges each sample; when the next one
// begins, or the page ends, it judges the whole.

func parseOpenMetrics(
    _ page: [UInt8], at now: Timestamp, limits: ExpositionLimits, keepsRepeats: Bool
) throws(ExpositionError) -> SampleBatch {
    var parser = OpenMetricsPage(page, at: now, limits: limits, keepsRepeats: keepsRepeats)
    try parser.read()
    return parser.batch
}

/// An OpenMetrics page while it is read, and what is known of its lines.
struct OpenMetricsPage {
    private var cursor: LineCursor
    private let limits: ExpositionLimits
    /// Whether lines that repeat a series at the same time are samples as well.
    private let keepsRepeats: Bool
    private(set) var batch: SampleBatch
    /// Lines and groups; the slots are for the caller to give.
    private(set) var layout = PageLayout()
    private(set) var exemplars: [ScrapePage.PageExemplar] = []
    /// Lines that repeat a series without a time.
    private(set) var repeated: [Labels] = []
    private var family: Family?
    private var namesTaken: Set<String> = []
    private var hasNegativeBound = false

    init(_ page: [UInt8], at now: Timestamp, limits: ExpositionLimits, keepsRepeats: Bool = false) {
        self.keepsRepeats = keepsRepeats
        cursor = LineCursor(page, limits: limits)
        batch = SampleBatch(at: now)
        self.limits = limits
    }

    mutating func read() throws(ExpositionError) {
        var hasEnded = false
        while cursor.nextLine() {
            guard !hasEnded else { throw cursor.fail("nothing may follow '# EOF'") }
            let start = cursor.place
            if cursor.wholeLine.elementsEqual("# EOF".utf8) {
                hasEnded = true
            } else if cursor.next == UInt8(ascii: "#") {
                try readMetadata()
            } else {
                try readSampleLine(from: start)
                continue
            }
            let byteCount = cursor.lineEnd - start + 1
            layout.lines.append(PageLine(byteCount, prefix: byteCount, sample: -1))
        }
        guard hasEnded else { throw cursor.fail("the page must end with '# EOF'") }
        try family?.finish(cursor, &namesTaken, &batch)
        if layout.groups.isEmpty { layout.groupOfSample = [] }
    }

    private mutating func readMetadata() throws(ExpositionError) {
        let (keyword, name) = try metadataStart(&cursor)
        if family?.name != name {
            try family?.finish(cursor, &namesTaken, &batch)
            family = Family(name: name)
        }
        try family!.read(keyword, &cursor)
    }

    private mutating func readSampleLine(from start: Int) throws(ExpositionError) {
        let (sample, prefix) = try parseSample(&cursor)
        if family?.takes(sample.name) != true {
            try family?.finish(cursor, &namesTaken, &batch)
            family = Family(name: sample.name)
            family!.type = .unknown
        }
        guard batch.rows.count < limits.sampleCountMax else {
            throw cursor.fail(.tooMuch, "the page has more than \(limits.sampleCountMax) samples", at: cursor.place)
        }
        let isNew = try family!.admit(sample, cursor) || keepsRepeats
        let place = isNew ? batch.rows.count : -1
        layout.lines.append(
            PageLine(
                cursor.lineEnd - start + 1, prefix: prefix, sample: place, rule: family!.rule(of: sample),
                mayHaveExemplar: family!.mayHaveExemplar(sample),
                spelling: BoundSpelling(family!.type?.metricType).code(of: cursor.wholeLine.prefix(prefix))))
        if sample.seconds != nil || !isNew { layout.isFragile = true }
        let labels = BoundSpelling(family!.type?.metricType).spelled(sample.labels)
        guard isNew else {
            repeated.append(labels)
            return
        }
        batch.rows.append(
            .init(labels: labels, value: sample.value, timestamp: sample.seconds.map(timestamp)))
        noteGroup(of: sample, at: Int32(place))
        if let exemplar = sample.exemplar {
            let time = exemplar.seconds.map(millisecondsClamped)
            exemplars.append(
                .init(sample: place, labels: exemplar.labels, value: exemplar.value, timestamp: time))
            batch.exemplars.append(
                Exemplar(series: labels, labels: exemplar.labels, value: exemplar.value, timestamp: time))
        }
    }

    /// Notes which samples make up a histogram, so that a change of one can be judged without the text.
    private mutating func noteGroup(of sample: OpenMetricsSample, at place: Int32) {
        let family = family!
        guard family.isHistogram else {
            layout.groupOfSample.append(-1)
            return
        }
        let end = Int32(layout.bucketSamples.count)
        if family.beginsHistogram {
            layout.groups.append(HistogramGroup(buckets: end..<end))
            hasNegativeBound = false
        }
        let number = layout.groups.count - 1
        layout.groupOfSample.append(Int32(number))
        switch family.suffix(of: sample) {
        case "_bucket":
            layout.bucketSamples.append(place)
            layout.groups[number].buckets = layout.groups[number].buckets.lowerBound..<end + 1
            if (family.bound(of: sample) ?? 0) < 0 { hasNegativeBound = true }
            if hasNegativeBound { layout.groups[number].gaugeSum = -1 }
        case "_count", "_gcount": layout.groups[number].count = place
        case "_gsum" where !hasNegativeBound: layout.groups[number].gaugeSum = place
        default: break
        }
    }
}

private func timestamp(_ seconds: Double) -> Timestamp {
    Timestamp(millisecondsSinceEpoch: millisecondsClamped(seconds))
}

/// Seconds to milliseconds; far times are clamped to what 63 bits of milliseconds hold.
func millisecondsClamped(_ seconds: Double) -> Int64 {
    Int64(max(-9e18, min(9e18, (seconds * 1000).rounded())))
}

struct OpenMetricsSample {
    var name: String
    var labels: Labels
    var value: Double
    var seconds: Double?
    var exemplar: OpenMetricsExemplar?
}

struct OpenMetricsExemplar {
    var labels: Labels
    var value: Double
    var seconds: Double?
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

/// A sample, and how many bytes stand in front of its value.
private func parseSample(
    _ cursor: inout LineCursor
) throws(ExpositionError) -> (sample: OpenMetricsSample, prefix: Int) {
    let start = cursor.place
    let (name, labels) = try cursor.metric(strict: true)
    guard cursor.take(" ") else { throw cursor.fail("one space and a number must stand here") }
    let prefix = cursor.place - start
    var sample = OpenMetricsSample(name: name, labels: labels, value: try cursor.number())
    if cursor.take(" "), cursor.next != UInt8(ascii: "#") {
        sample.seconds = try cursor.finiteNumber()
        if cursor.isAtLineEnd { return (sample, prefix) }
        guard cursor.take(" ") else { throw cursor.fail("nothing but an exemplar may follow the time") }
    } else if cursor.isAtLineEnd, cursor.wholeLine.last != UInt8(ascii: " ") {
        return (sample, prefix)
    }
    sample.exemplar = try cursor.exemplar()
    return (sample, prefix)
}

extension LineCursor {
    fileprivate mutating func number() throws(ExpositionError) -> Double {
        let place = self.place
        guard let number = parseNumber(word()) else { throw fail("a number must stand here", at: place) }
        return number
    }

    fileprivate mutating func finiteNumber() throws(ExpositionError) -> Double {
        let place = self.place
        let value = try number()
        guard value.isFinite else { throw fail("a time in seconds must stand here", at: place) }
        return value
    }

    /// `# {labels} value [time]`, up to the end of the line.
    mutating func exemplar() throws(ExpositionError) -> OpenMetricsExemplar {
        guard take("#"), take(" "), take("{") else { throw fail("an exemplar is written '# {labels} value'") }
        let start = place
        var noName = "exemplar"
        let labels = try labels(strict: true, name: &noName)
        let length = labels.reduce(0) { $0 + $1.0.unicodeScalars.count + $1.1.unicodeScalars.count }
        guard length <= 128 else {
            throw fail(.meaning, "an exemplar's labels have at most 128 characters, here \(length)", at: start)
        }
        guard take(" ") else { throw fail("one space and a number must stand here") }
        var exemplar = OpenMetricsExemplar(labels: Labels(labels), value: try number())
        guard !isAtLineEnd else { return exemplar }
        guard take(" ") else { throw fail("one space and a time must stand here") }
        exemplar.seconds = try finiteNumber()
        guard isAtLineEnd else { throw fail("nothing may follow the exemplar") }
        return exemplar
    }
}
