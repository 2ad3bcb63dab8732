import Exposition
import Glibc
import Series
import Units

// How fast pages of metrics are read. `Benchmarks/parsing` builds and runs this.
//
//     parse-bench [PAGE] [--mode MODE] [--seconds 2] [--reads N]
//
// PAGE is a page of text; without one, 1,024 series in the shape of a node_exporter's are made. Of a page 16 versions are made before the clock
// starts, which differ in their values as those of a busy machine do: a third of the samples moves from one to the next (`quick`), or
// each of them (`all-moving`). `moved` puts one series more into every second page; `first` reads each page without knowing one before;
// `whole` is `parseExposition`. `openmetrics` and `openmetrics-moved` are `quick` and `moved` in that format, whose rules are strict. `write` is a request of
// remote write with those samples.

struct Arguments {
    var page: String?
    var mode: String?
    var seconds = 2.0
    var reads: Int?

    init() {
        var rest = CommandLine.arguments.dropFirst()
        while let word = rest.popFirst() {
            switch word {
            case "--mode": mode = rest.popFirst()
            case "--seconds": seconds = rest.popFirst().flatMap(Double.init) ?? seconds
            case "--reads": reads = rest.popFirst().flatMap { Int($0) }
            default: page = word
            }
        }
    }
}

func file(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
}

func madePage() -> [String] {
    var lines: [String] = []
    for cpu in 0..<64 {
        if cpu == 0 { lines += ["# HELP node_cpu_seconds_total Seconds.", "# TYPE node_cpu_seconds_total counter"] }
        for mode in ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"] {
            lines.append("node_cpu_seconds_total{cpu=\"\(cpu)\",mode=\"\(mode)\"} \(cpu * 977 + 31).\(cpu % 90 + 10)")
        }
    }
    for family in 0..<64 {
        let name = "node_network_something_\(family)_bytes"
        lines += ["# HELP \(name) Statistic \(name).", "# TYPE \(name) gauge"]
        for device in 0..<8 {
            lines.append("\(name){device=\"eth\(device)\"} \(family * 1_234_567 + device)")
        }
    }
    return lines
}

/// Moves the values of the lines that `step` chooses.
func move(_ lines: inout [String], every stride: Int, step: Int) {
    for index in lines.indices where !lines[index].hasPrefix("#") && (index + step) % stride == 0 {
        guard let blank = lines[index].lastIndex(of: " ") else { continue }
        let text = lines[index][lines[index].index(after: blank)...]
        guard let value = Double(text) else { continue }
        let isWhole = !text.contains(".") && !text.contains("e")
        let next = value * 1.0001 + Double(step % 7) + 1
        let written = isWhole ? "\(Int64(min(next, 9e17)))" : "\((next * 100).rounded() / 100)"
        lines[index] = lines[index][...blank] + written
    }
}

func pages(_ mode: String, _ arguments: Arguments) -> [[UInt8]] {
    var lines: [String]
    if let path = arguments.page {
        guard let bytes = file(path) else {
            print("cannot read \(path)")
            exit(66)
        }
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    } else {
        lines = madePage()
    }
    return (0..<16).map { step in
        move(&lines, every: mode == "all-moving" ? 1 : 3, step: step)
        let more = mode.hasSuffix("moved") && step % 2 == 1 ? ["one_more_series{a=\"b\"} 1"] : []
        // Without types every family is of the kind that has no rules on names.
        let kept = mode.hasPrefix("openmetrics") ? lines.filter { !$0.hasPrefix("#") } + ["# EOF"] : lines
        let page = Array((more + kept).joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
        guard mode == "write" else { return page }
        let batch = try! parseExposition(page, .text, at: Timestamp(millisecondsSinceEpoch: 1_700_000_000_000))
        let series = batch.rows.map {
            WrittenSeries(columns: SeriesColumns(labels: $0.labels, times: [1_700_000_000_000], values: [$0.value]))
        }
        return writeWriteRequest(WriteRequest(series: series), .v1)
    }
}

func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

let arguments = Arguments()
for mode in arguments.mode.map({ [$0] }) ?? [
    "quick", "all-moving", "moved", "first", "whole", "openmetrics", "openmetrics-moved", "write",
] {
    let pages = pages(mode, arguments)
    var page = ScrapePage()
    var samples = 0
    var bytes = 0
    var reads = 0
    var sum = 0.0
    let format = mode.hasPrefix("openmetrics") ? ExpositionFormat.openMetrics : .text
    if mode != "write" { _ = try page.read(pages[15], format) }
    let start = now()
    while arguments.reads.map({ reads < $0 }) ?? (now() - start < arguments.seconds) {
        let text = pages[reads % 16]
        switch mode {
        case "whole":
            samples += try parseExposition(text, .text, at: Timestamp(millisecondsSinceEpoch: 0)).rows.count
        case "first":
            var fresh = ScrapePage()
            _ = try fresh.read(text, .text)
            samples += fresh.values.count
        case "write": samples += try parseWriteRequest(text, .v1).sampleCount
        default:
            _ = try page.read(text, format)
            samples += page.values.count
            sum += page.values[reads % page.values.count]
        }
        bytes += text.count
        reads += 1
    }
    let seconds = now() - start
    func figure(_ value: Double) -> String { "\(Double(Int64(value * 100)) / 100)" }
    print(
        "\(mode): \(samples / reads) samples and \(bytes / reads) bytes a page,",
        "\(figure(Double(samples) / seconds / 1e6)) M samples/s, \(figure(Double(bytes) / seconds / 1e6)) MB/s,",
        "\(figure(seconds / Double(samples) * 1e9)) ns a sample")
    if sum.isZero, mode == "quick" { print("nothing was read") }
}
