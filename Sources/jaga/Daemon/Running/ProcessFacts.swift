import Glibc

/// This process's resident memory, from /proc/self/statm (proc(5): pages). Nil when it cannot be read.
func residentBytes() -> Int64? {
    guard let file = fopen("/proc/self/statm", "re") else { return nil }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 128)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Int64(fields[1]) else { return nil }
    return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
}

/// Processor time of this process, user and system, in seconds (getrusage(2)).
func processorSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The memory that the machine, the control group (cgroups(7), versions 2 and 1) and RLIMIT_AS (getrlimit(2)) leave to this process, in bytes.
///
/// - Parameter root: where `proc` and `sys` are.
func usableMemoryBytes(root: String = "") -> Int {
    var least = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < UInt(Int.max) {
        least = min(least, Int(limit.rlim_cur))
    }
    for file in memoryLimitFiles(root: root) {
        // A group without a limit says "max", one of version 1 a number past all memory; the root group has no file.
        guard let text = try? readText(file), let bytes = Int(text.filter { $0.isNumber }), bytes > 0 else { continue }
        least = min(least, bytes)
    }
    return least
}

/// The files with the limits of this process's control group and of those around it.
private func memoryLimitFiles(root: String) -> [String] {
    // Without control groups there is none.
    guard let groups = try? readText("\(root)/proc/self/cgroup") else { return [] }
    var files: [String] = []
    for line in groups.split(separator: "\n") {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, fields[1].isEmpty || fields[1].split(separator: ",").contains("memory") else {
            continue
        }
        let (folder, name) = fields[1].isEmpty ? ("", "memory.max") : ("/memory", "memory.limit_in_bytes")
        var path = fields[2].split(separator: "/")
        while true {
            files.append("\(root)/sys/fs/cgroup\(folder)/" + (path + [Substring(name)]).joined(separator: "/"))
            if path.popLast() == nil { break }
        }
    }
    return files
}
