import Glibc
import Series
import TimeSeriesStore
import Units

// Measures the series store alone: pages of a node_exporter, one file a second, appended by number for many targets as scrapes of the same
// second would be. Prints samples per second and core, bytes per sample in the log and in a block, resident memory, the time of a
// start after kill -9, and of a few reads.
//
//     store-bench FOLDER-OF-PAGES|- [targets [series [seconds]]] [--only-append]
//
// `-` stands for made pages, of whose series a third moves from one second to the next. With `--only-append` it ends before anything is
// read, so that two runs differ by nothing but samples.

struct Page {
    var labels: [Labels]
    var values: [Double]
}

func read(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&part, 1, part.count, file)
        if count == 0 { return bytes }
        bytes += part[..<count]
    }
}

/// Enough of the text format for a page of node_exporter.
func parse(_ bytes: [UInt8]) -> Page {
    var page = Page(labels: [], values: [])
    for line in bytes.split(separator: 10) where line.first != 35 {
        guard let space = line.lastIndex(of: 32),
            let value = Double(String(decoding: line[(space + 1)...], as: UTF8.self))
        else { continue }
        let text = String(decoding: line[..<space], as: UTF8.self)
        guard let brace = text.firstIndex(of: "{") else {
            page.labels.append(Labels(text))
            page.values.append(value)
            continue
        }
        var labels = Labels(String(text[..<brace]))
        for part in text[text.index(after: brace)...].dropLast().split(separator: "\",") {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            labels[String(pair[0])] = pair[1].split(separator: "\"").first.map { String($0) } ?? ""
        }
        page.labels.append(labels)
        page.values.append(value)
    }
    return page
}

func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func residentMegabytes() -> String {
    let status = String(decoding: read("/proc/self/status"), as: UTF8.self)
    func field(_ name: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return Int(line?.split(separator: " ").dropLast().last ?? "0") ?? 0
    }
    return "\(field("VmRSS") / 1024) MiB, peak \(field("VmHWM") / 1024) MiB"
}

func measured<Value>(_ name: String, _ body: () async throws -> Value) async rethrows -> Value {
    let start = cpuSeconds()
    let value = try await body()
    print("\(name): \(((cpuSeconds() - start) * 1e6).rounded() / 1000) ms of processor time")
    return value
}

/// Counters and gauges; each third one moves, by whole numbers or by hundredths.
func madePage(_ second: Int, _ seriesCount: Int) -> Page {
    var page = Page(labels: [], values: [])
    for index in 0..<seriesCount {
        page.labels.append(
            Labels("node_made_\(index / 16)_total", ["device": "eth\(index % 16)", "cpu": "\(index % 16)"]))
        let moved = index % 3 == 0 ? second * (1 + index % 7) : 0
        page.values.append(
            index % 2 == 0 ? Double(index * 1_000 + moved) : (Double(index * 100 + moved * 3) / 100))
    }
    return page
}

func reads(_ store: TimeSeriesStore, _ what: String, metric: String) async throws {
    let all = try await measured("\(what): all samples") {
        try await store.select(
            [try LabelMatcher("__name__", .matches, ".+")], from: .distantPast, through: .distantFuture)
    }
    print("    \(all.count) series, \(all.reduce(0) { $0 + $1.times.count }) samples")
    let one = try await measured("\(what): one metric") {
        try await store.select(
            [LabelMatcher("__name__", equals: metric)], from: .distantPast, through: .distantFuture)
    }
    print("    \(one.count) series")
    _ = try await measured("\(what): names of labels") {
        try await store.labelNames([], from: .distantPast, through: .distantFuture)
    }
}
/// Measures as `arguments` say; gives the exit status.
func bench(_ arguments: [String]) async throws -> Int32 {
    let onlyAppends = arguments.contains("--only-append")
    let arguments = arguments.filter { $0 != "--only-append" }
    guard arguments.count > 1 else {
        print("usage: store-bench FOLDER-OF-PAGES|- [targets [series [seconds]]] [--only-append]")
        return 64
    }
    let targetCount = arguments.count > 2 ? Int(arguments[2])! : 30
    let seriesCount = arguments.count > 3 ? Int(arguments[3])! : 1024
    let seconds = arguments.count > 4 ? Int(arguments[4])! : 300

    let temporary = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(temporary)/store-bench-XXXXXX".utf8CString)
    let folder = String(cString: mkdtemp(&template)!)
    let store = try TimeSeriesStore.open(folder: folder)
    var pages: [Page] = []
    if arguments[1] == "-" {
        pages = (0..<60).map { madePage($0, seriesCount) }
    } else {
        for number in 0..<10_000 {
            let digits = String(number)
            let path = "\(arguments[1])/p\(String(repeating: "0", count: max(0, 3 - digits.count)))\(digits).txt"
            guard access(path, R_OK) == 0 else { break }
            pages.append(parse(read(path)))
        }
    }
    guard var base = pages.first else {
        print("no pages p000.txt, p001.txt … in \(arguments[1])")
        return 1
    }
    // A page with fewer series than asked for is repeated under other names.
    let own = base.labels.count
    while base.labels.count < seriesCount {
        let copy = base.labels.count / own
        var labels = base.labels[base.labels.count % own]
        labels["copy"] = "\(copy)"
        base.labels.append(labels)
    }
    var places: [Labels: Int] = [:]
    for (place, labels) in base.labels[..<own].enumerated() { places[labels] = place }
    /// One row of values for each second.
    var rows: [[Double]] = []
    for page in pages {
        var row = rows.last ?? [Double](repeating: 0, count: seriesCount)
        for (labels, value) in zip(page.labels, page.values) {
            if let place = places[labels], place < seriesCount { row[place] = value }
        }
        for place in own..<max(own, seriesCount) { row[place] = row[place % own] }
        rows.append(row)
    }
    print("pages read: \(rows.count); resident \(residentMegabytes())")

    var references: [[SeriesReference]] = []
    try await measured("references of \(targetCount * seriesCount) series") {
        for target in 0..<targetCount {
            let labels = base.labels[..<seriesCount].map {
                $0.merging(Labels([("instance", "10.0.0.\(target):9100"), ("job", "node")]))
            }
            references.append(try await store.references(of: labels).compactMap { $0 })
        }
    }

    let hour: Int64 = 3_600_000
    let begin: Int64 = 1_800_000_000_000 / (2 * hour) * (2 * hour)
    var stored = 0
    let start = cpuSeconds()
    for second in 0..<seconds {
        // Each target is at another page, so that no two have the same numbers.
        for target in 0..<targetCount {
            let row = rows[(second + target * 9) % rows.count]
            let time = begin + Int64(second) * 1000 + Int64(target * 33)
            let block = SampleBlock(
                timestamp: Timestamp(millisecondsSinceEpoch: time), references: references[target], values: row)
            stored += try await store.append(block).outcome.stored
        }
    }
    let used = cpuSeconds() - start
    print("stored \(stored) samples in \(used) s of processor time: \(Int(Double(stored) / used)) a second and core")
    let stats = store.stats
    print("log: \(stats.logByteCount) bytes, \(Double(stats.logByteCount) / Double(stored)) a sample")
    print("head: \(stats.headByteCount) bytes in chunks, rows and columns; \(stats.seriesCount) series")
    print("resident \(residentMegabytes())")
    if onlyAppends { return 0 }

    let metric = base.labels[seriesCount / 2]["__name__"] ?? ""
    try await reads(store, "head", metric: metric)
    let again = try await measured("start after kill -9") { try TimeSeriesStore.open(folder: folder) }
    print("    \(again.stats.counts.samplesReplayed) samples read back; resident \(residentMegabytes())")
    _ = try await measured("writing the block") {
        try await store.maintain(at: Timestamp(millisecondsSinceEpoch: begin + 3 * hour))
    }
    let after = store.stats
    print(
        "block: \(after.blockByteCount) bytes, \(Double(after.blockByteCount) / Double(max(1, after.blockSampleCount))) a sample"
    )
    try await reads(store, "block", metric: metric)
    print("resident \(residentMegabytes())")
    return 0
}
