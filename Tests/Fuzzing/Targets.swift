import Compression
import Exposition
import Glibc
import PromQL
import Series
import Units

/// All targets, by the names that `scripts/fuzz` takes.
public let fuzzTargets: [FuzzTarget] = pageTargets + packedTargets + messageTargets + [queryTarget]

/// A file of the project; the corpus is what the other tests read too.
func projectFile(_ path: String) -> [UInt8] {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    guard let file = fopen("\(root)/\(path)", "rb") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
}

private func expect(_ isTrue: Bool, _ message: @autoclosure () -> String) throws {
    if !isTrue { throw FuzzFinding(message()) }
}

/// What is written, read and written again is the same.
private func expectStable(_ first: [UInt8], _ again: ([UInt8]) throws -> [UInt8]) throws {
    let second: [UInt8]
    do {
        second = try again(first)
    } catch {
        throw FuzzFinding("what was written is refused: \(error)")
    }
    try expect(first == second, "what was written reads as something else")
}

// MARK: Pages

private let pageTargets = [
    FuzzTarget(
        name: "text", corpus: [projectFile("Tests/ExpositionTests/Golden/node_exporter.txt"), textPage],
        words: pageWords, run: { try runPage($0, .text) }),
    FuzzTarget(name: "openmetrics", corpus: openMetricsPages, words: pageWords, run: { try runPage($0, .openMetrics) }),
    FuzzTarget(name: "protobuf", corpus: [protobufPage], words: [], run: runFamilies),
]

private let pageWords = [
    "\n", " ", "\t", "{", "}", "\"", "\\", "\\n", "=", ",", "#", "# TYPE ", "# HELP ", "# UNIT ", "# EOF\n", "NaN",
    "+Inf",
    "-0", "1e400", "0x1", "1_0", "le=\"+Inf\"", "_total", "_bucket", " 1520879607789", "{\"a.b\"}", "é", "\u{0}",
    " # {a=\"b\"} 1", "counter\n", "histogram\n", "9223372036854775808", "18446744073709551616.5e-3",
]

private let textPage = Array(
    """
    # HELP a A "help" with \\\\ and \\n
    # TYPE a counter
    a{b="c",d="e\\"f"} 1027 1395066363000
    a 3e5
    {"quoted.name","a label"="x"} .5
    h_bucket{le="0.5"} 1
    h_bucket{le="+Inf"} 2
    h_sum -0
    h_count 2

    """.utf8)

private let openMetricsPages = [
    """
    # TYPE foo_seconds counter
    # UNIT foo_seconds seconds
    # HELP foo_seconds A "quoted\\" help
    foo_seconds_total{a="b"} 17.0 1520879607.789 # {trace="x"} 0.5 1520879607.7
    foo_seconds_created{a="b"} 1520872607.123 1520879607.789
    # EOF

    """,
    """
    # TYPE h histogram
    h_bucket{le="0.5"} 1 # {t="x"} 0.4
    h_bucket{le="+Inf"} 2
    h_count 2
    h_sum 1.5
    # TYPE s stateset
    s{s="on"} 1
    s{s="off"} 0
    # TYPE i info
    i_info{version="1"} 1
    # TYPE q summary
    q{quantile="0.5"} 3
    q_count 7
    q_sum 4
    # TYPE g gaugehistogram
    g_bucket{le="+Inf"} 2
    g_gcount 2
    g_gsum -1
    u 4
    {"quoted.name",a="b"} 1
    # EOF

    """,
].map { Array($0.utf8) }

/// The page alone, and after pages that are nearly the same, give the same samples.
private func runPage(_ input: [UInt8], _ format: ExpositionFormat) throws {
    let limits = ExpositionLimits(sampleCountMax: 5000)
    let now = Timestamp(millisecondsSinceEpoch: 0)
    let whole = Result { try parseExposition(input, format, at: now, limits: limits) }
    var page = ScrapePage(limits: limits)
    // Half of it, then all of it, then all of it again, by the quick way, after a digit changed.
    var other = input
    if let digit = other.lastIndex(where: { $0 == UInt8(ascii: "1") }) { other[digit] = UInt8(ascii: "3") }
    for neighbour in [Array(input.prefix(input.count / 2)), input, other, input] {
        let isSame = neighbour == input
        var isTaken = true
        do {
            _ = try page.read(neighbour, format)
        } catch {
            isTaken = false
            if isSame, case .failure(let fault as ExpositionError) = whole {
                try expect(error == fault, "refused for '\(error)' and for '\(fault)'")
            }
        }
        guard isSame else { continue }
        guard case .success(let batch) = whole else {
            try expect(!isTaken, "a page that is refused alone is taken after another")
            continue
        }
        try expect(isTaken, "a page that is taken alone is refused after another")
        let labels = page.labels(ofSamples: page.slots.indices)
        try expect(
            labels.count == page.slots.count && page.values.count == page.slots.count, "columns differ in length")
        let mine = Set(page.slots.indices.map { "\(labels[$0]!) \(page.values[$0].bitPattern)" })
        var seen: Set<Labels> = []
        let theirs = batch.rows.filter { seen.insert($0.labels).inserted || $0.timestamp != nil }
        // A series that is spelled in two ways in one page stands twice in the columns; the store tells.
        try expect(mine.isSuperset(of: theirs.map { "\($0.labels) \($0.value.bitPattern)" }), "samples differ")
    }
    if case .success(var batch) = whole, format == .text || batch.rows.allSatisfy({ $0.timestamp == nil }) {
        // What a type demands of a family is not kept by the samples of another format.
        if format == .openMetrics { batch.metadata = [:] }
        try expectStable(writeExposition(batch, format)) {
            var again = try parseExposition($0, format, at: now)
            if format == .openMetrics { again.metadata = [:] }
            return writeExposition(again, format)
        }
    }
}

private let protobufPage: [UInt8] = {
    let batch = try! parseExposition(textPage, .text, at: Timestamp(millisecondsSinceEpoch: 0))
    var native = NativeHistogram(schema: 2)
    native.count = 5
    native.sum = 2.5
    native.zeroCount = 1
    native.positiveSpans = [.init(offset: 0, length: 1), .init(offset: 2, length: 1)]
    native.positiveBuckets = [3, 1]
    let family = MetricFamily(
        name: "native", type: .histogram,
        metrics: [.init(labels: ["a": "b"], value: .histogram(count: 5, sum: 2.5, buckets: [], native: native))])
    return writeExposition(batch, .protobuf) + writeMetricFamilies([family])
}()

@Sendable private func runFamilies(_ input: [UInt8]) throws {
    let limits = ExpositionLimits(sampleCountMax: 5000)
    guard let families = try? parseMetricFamilies(input, limits: limits) else { return }
    // Written once, nothing is left that the writer does not know.
    let once = try stableStart { try parseMetricFamilies(writeMetricFamilies(families)) }
    try expectStable(writeMetricFamilies(once)) { writeMetricFamilies(try parseMetricFamilies($0)) }
    var page = ScrapePage(limits: limits)
    _ = try? page.read(input, .protobuf)
    _ = try? page.read(input, .protobuf)
}

private func stableStart<Result>(_ body: () throws -> Result) throws -> Result {
    do {
        return try body()
    } catch {
        throw FuzzFinding("what was written is refused: \(error)")
    }
}

// MARK: Packed bodies

private let packedTargets = [
    FuzzTarget(
        name: "snappy", corpus: [Snappy.compress(textPage), Snappy.compress([UInt8](repeating: 7, count: 9999)), []],
        words: [],
        run: { input in
            guard let content = try? Snappy.decompress(input, limit: 1 << 20) else { return }
            try expect(content.count <= 1 << 20, "the limit was passed")
            try expect((try? Snappy.decompress(Snappy.compress(content), limit: 1 << 20)) == content, "content changed")
        }),
    FuzzTarget(
        name: "gzip", corpus: [try! Gzip.compress(textPage), try! Gzip.compress([UInt8](repeating: 7, count: 99_999))],
        words: [],
        run: { input in
            guard let content = try? Gzip.decompress(input, limit: 1 << 20) else { return }
            try expect(content.count <= 1 << 20, "the limit was passed")
            try expect((try? Gzip.decompress(Gzip.compress(content), limit: 1 << 20)) == content, "content changed")
        }),
]

// MARK: Messages

private let writeCorpus: WriteRequest = {
    var custom = NativeHistogram(schema: NativeHistogram.customBucketsSchema)
    custom.count = 3
    custom.customBounds = [0.5, 1, 2.5]
    custom.positiveSpans = [.init(offset: 0, length: 1), .init(offset: 2, length: 1)]
    custom.positiveBuckets = [1, 2]
    let counter = Labels("requests_total", ["code": "200"])
    return WriteRequest(series: [
        WrittenSeries(
            columns: SeriesColumns(labels: counter, times: [1, 2, 3], values: [1, .infinity, staleMarker]),
            exemplars: [Exemplar(series: counter, labels: ["trace_id": "ab"], value: 0.5, timestamp: 7)],
            metadata: MetricMetadata("requests_total", .counter, "All requests", unit: "requests"), createdTime: 5),
        WrittenSeries(
            columns: SeriesColumns(
                labels: Labels("h"), times: [1, 2], values: [.nan, 3], histograms: [.init(index: 0, histogram: custom)])
        ),
    ])
}()

private let messageTargets =
    RemoteWriteVersion.allCases.map { version in
        FuzzTarget(
            name: version == .v1 ? "remote-write-1" : "remote-write-2",
            corpus: [writeWriteRequest(writeCorpus, version)],
            words: [], run: { try runWrite($0, version) })
    }
    + [
        FuzzTarget(name: "remote-read", corpus: readCorpus, words: [], run: runRead),
        FuzzTarget(
            name: "otlp-protobuf", corpus: [projectFile("Tests/ExpositionTests/Golden/otlp-metrics.pb")], words: [],
            run: { try runOTLP($0, .protobuf) }),
        FuzzTarget(
            name: "otlp-json", corpus: [projectFile("Tests/ExpositionTests/Golden/otlp-metrics.json")],
            words: [
                "{", "}", "[", "]", "\"", ",", ":", "null", "true", "-1", "1e999", "\"NaN\"", "\"asInt\":", "\\u0000",
            ],
            run: { try runOTLP($0, .json) }),
    ]

@Sendable private func runWrite(_ input: [UInt8], _ version: RemoteWriteVersion) throws {
    guard let request = try? parseWriteRequest(input, version, limits: .init(sampleCountMax: 5000)) else { return }
    try expectSorted(request)
    let once = try stableStart { try parseWriteRequest(writeWriteRequest(request, version), version) }
    try expectStable(writeWriteRequest(once, version)) {
        writeWriteRequest(try parseWriteRequest($0, version), version)
    }
}

private func expectSorted(_ request: WriteRequest) throws {
    for series in request.series {
        let columns = series.columns
        try expect(zip(columns.times, columns.times.dropFirst()).allSatisfy { $0 <= $1 }, "times fall")
        try expect(
            columns.histograms.allSatisfy { columns.times.indices.contains($0.index) }, "a histogram without a time")
        try expect(series.fault != nil || !columns.labels.name.isEmpty, "a series without a name")
    }
}

private let readCorpus: [[UInt8]] = {
    let series = writeCorpus.series[0].columns
    let query = ReadQuery(
        [LabelMatcher("__name__", equals: "a")], from: Timestamp(millisecondsSinceEpoch: 1),
        through: Timestamp(millisecondsSinceEpoch: 9))
    return [
        writeReadRequest(ReadRequest(queries: [query], acceptedTypes: [.streamedChunks])),
        writeReadResponse([[series]]),
        StreamedChunkWriter().frames(of: series, query: 0).flatMap { $0 },
    ]
}()

@Sendable private func runRead(_ input: [UInt8]) throws {
    if let request = try? parseReadRequest(input) {
        try expectStable(writeReadRequest(request)) { writeReadRequest(try parseReadRequest($0)) }
    }
    if let response = try? parseReadResponse(input) {
        try expectStable(writeReadResponse(response)) { writeReadResponse(try parseReadResponse($0)) }
    }
    _ = try? parseStreamedChunks(input, queryCount: 1)
}

@Sendable private func runOTLP(_ input: [UInt8], _ encoding: OTLPEncoding) throws {
    guard let outcome = try? parseOTLPMetrics(input, encoding, limits: .init(sampleCountMax: 5000)) else { return }
    _ = writeOTLPResponse(outcome, encoding)
    let once = try stableStart { try parseWriteRequest(writeWriteRequest(outcome.request, .v2), .v2) }
    try expectStable(writeWriteRequest(once, .v2)) { writeWriteRequest(try parseWriteRequest($0, .v2), .v2) }
}

// MARK: Queries

private let queryTarget = FuzzTarget(
    name: "promql", corpus: queryCorpus,
    words: [
        "(", ")", "{", "}", "[", "]", ",", "=~", "!=", "by", "without", "on", "ignoring", "group_left", "bool",
        "offset", "@",
        "start()", "end()", "5m", "-1", "0x1f", "1e3", "NaN", "Inf", "sum", "rate", "topk", "\"", "'", "`", "\\", "and",
        "unless",
        "atan2", "^", "%", "[5m:1m]", "{\"a.b\"}", "é", "#", "\n",
    ], run: runQuery)

private let queryCorpus: [[UInt8]] =
    [
        "sum by (job) (rate(http_requests_total{code=~\"5..\"}[5m] offset 1h)) / on(job) group_left(env) up == bool 1",
        "histogram_quantile(0.9, sum without (instance) (rate(a_bucket[5m:30s] @ end())))",
        "topk(3, -a ^ 2 unless b or {__name__=\"x\", \"a.b\"!=\"c\"} and 1 % -2 atan2 3e4)",
        "label_replace(up, \"a\", \"$1\", `b`, 'c.*') > 0x1F + Inf - 1h30m",
        "max_over_time(deriv(rate(distance_covered_total[5s])[30s:5s])[10m:]) * scalar(vector(time()))",
    ].map { Array($0.utf8) }

@Sendable private func runQuery(_ input: [UInt8]) throws {
    guard let text = String(validating: input, as: UTF8.self), let query = try? Expression.parse(text) else { return }
    let printed = "\(query)"
    // As in the reference, infinity is printed with its sign, which in front of `^` reads as an operator that is printed once more.
    if printed.contains("+Inf ^") { return }
    let again = try stableStart { try Expression.parse(printed) }
    try expect("\(again)" == printed, "'\(printed)' is printed again as '\(again)'")
}
