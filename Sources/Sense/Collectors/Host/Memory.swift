import Series

/// `/proc/meminfo`: every field under its own name; kB become bytes.
func readMemory(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    var isTotalKnown = false
    for line in try files.read("/proc/meminfo").lines {
        let words = line.words
        guard words.count >= 2, words[0].last == ":", let value = Double(words[1]) else { continue }
        // Active(anon) becomes Active_anon.
        let field = words[0].dropLast().map { $0 == "(" ? "_" : $0 }.filter { $0 != ")" }
        let name = String(field)
        if name == "MemTotal" { isTotalKnown = true }
        if words.count > 2 {
            batch.gauge("node_memory_\(name)_bytes", "Memory information field \(name)_bytes.", value * 1024)
        } else {
            batch.gauge("node_memory_\(name)", "Memory information field \(name).", value)
        }
    }
    guard isTotalKnown else {
        throw CollectorError(.unexpectedContent, files.root + "/proc/meminfo", "has no MemTotal")
    }
}

func readVirtualMemory(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    for (name, value) in try files.read("/proc/vmstat").firstNumbers {
        let isWanted =
            name.hasPrefix("oom_kill") || name.hasPrefix("pgpg") || name.hasPrefix("pswp")
            || (name.hasPrefix("pg") && (name.hasSuffix("fault") || name.hasPrefix("pgmajfault")))
        if isWanted { batch.untyped("node_vmstat_\(name)", "/proc/vmstat information field \(name).", value) }
    }
}

func readFileDescriptors(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    let words = try files.read("/proc/sys/fs/file-nr").lines.first?.words ?? []
    guard words.count == 3 else {
        throw CollectorError(.unexpectedContent, files.root + "/proc/sys/fs/file-nr", "has not three numbers")
    }
    batch.gauge("node_filefd_allocated", "File descriptors in use.", Double(words[0]))
    batch.gauge("node_filefd_maximum", "File descriptors that may be in use.", Double(words[2]))
}
