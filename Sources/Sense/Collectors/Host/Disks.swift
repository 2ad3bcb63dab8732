import Series

private struct DiskField {
    var name: String
    var help: String
    var scale: Double
    var isGauge = false
}

// A sector is 512 bytes here whatever the device says (the kernel's Documentation/admin-guide/iostats.rst); times are in ms.
private let fields = [
    DiskField(name: "reads_completed_total", help: "Reads completed.", scale: 1),
    DiskField(name: "reads_merged_total", help: "Reads merged.", scale: 1),
    DiskField(name: "read_bytes_total", help: "Bytes read.", scale: 512),
    DiskField(name: "read_time_seconds_total", help: "Seconds spent by all reads.", scale: 0.001),
    DiskField(name: "writes_completed_total", help: "Writes completed.", scale: 1),
    DiskField(name: "writes_merged_total", help: "Writes merged.", scale: 1),
    DiskField(name: "written_bytes_total", help: "Bytes written.", scale: 512),
    DiskField(name: "write_time_seconds_total", help: "Seconds spent by all writes.", scale: 0.001),
    DiskField(name: "io_now", help: "Requests in progress.", scale: 1, isGauge: true),
    DiskField(name: "io_time_seconds_total", help: "Seconds spent doing input or output.", scale: 0.001),
    DiskField(name: "io_time_weighted_seconds_total", help: "Seconds spent, weighted by requests.", scale: 0.001),
    DiskField(name: "discards_completed_total", help: "Discards completed.", scale: 1),
    DiskField(name: "discards_merged_total", help: "Discards merged.", scale: 1),
    DiskField(name: "discarded_sectors_total", help: "Sectors discarded.", scale: 1),
    DiskField(name: "discard_time_seconds_total", help: "Seconds spent by all discards.", scale: 0.001),
    DiskField(name: "flush_requests_total", help: "Flush requests.", scale: 1),
    DiskField(name: "flush_requests_time_seconds_total", help: "Seconds spent by all flushes.", scale: 0.001),
]

func readDisks(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    for line in try files.read("/proc/diskstats").lines {
        let words = line.words
        guard words.count > 3, !isLeftOut(words[2]) else { continue }
        for (field, word) in zip(fields, words.dropFirst(3)) {
            let name = "node_disk_\(field.name)"
            batch.put(
                name, field.isGauge ? .gauge : .counter, field.help, Double(word).map { $0 * field.scale },
                Labels(name, ["device": words[2]]))
        }
    }
}

/// node_exporter's default: `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`, which are RAM disks, loops, floppies and
/// partitions.
func isLeftOut(_ device: String) -> Bool {
    var rest = Substring(device)
    let digits = rest.reversed().prefix { $0.isASCII && $0.isNumber }.count
    guard digits > 0 else { return false }
    rest = rest.dropLast(digits)
    if ["ram", "zram", "loop", "fd"].contains(rest) { return true }
    for bus in ["hd", "sd", "vd", "xvd"] where rest.hasPrefix(bus) {
        let letters = rest.dropFirst(bus.count)
        if letters.count == 1, let letter = letters.first, ("a"..."z").contains(letter) { return true }
    }
    guard rest.hasPrefix("nvme"), rest.last == "p" else { return false }
    let parts = rest.dropFirst(4).dropLast().split(separator: "n", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
}
