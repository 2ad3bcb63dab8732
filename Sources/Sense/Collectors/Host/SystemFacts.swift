import Glibc
import Series
import Units

let pageByteCount = Double(sysconf(Int32(_SC_PAGESIZE)))

func readKernelName(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    var system = utsname()
    uname(&system)
    let machine = withUnsafeBytes(of: system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    func word(_ name: String) throws(CollectorError) -> String {
        guard let word = files.word("/proc/sys/kernel/\(name)") else {
            throw CollectorError(
                .unreadableFile, "\(files.root)/proc/sys/kernel/\(name)", String(cString: strerror(errno)))
        }
        return word
    }
    batch.gauge(
        "node_uname_info", "Always 1; the labels tell.", 1,
        [
            "sysname": try word("ostype"), "release": try word("osrelease"), "version": try word("version"),
            "machine": machine, "nodename": try word("hostname"), "domainname": try word("domainname"),
        ])
}

/// `/etc/os-release` (os-release(5)).
func readSystemName(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    var labels = Labels("node_os_info")
    let known: Set<String> = [
        "BUILD_ID", "ID", "ID_LIKE", "NAME", "PRETTY_NAME", "VARIANT", "VARIANT_ID", "VERSION", "VERSION_CODENAME",
        "VERSION_ID",
    ]
    for line in try files.read("/etc/os-release").lines {
        let text = String(decoding: line.bytes, as: UTF8.self)
        guard let equals = text.firstIndex(of: "="), known.contains(String(text[..<equals])) else { continue }
        labels[text[..<equals].lowercased()] = text[text.index(after: equals)...].filter { $0 != "\"" && $0 != "'" }
    }
    batch.put("node_os_info", .gauge, "Always 1; the labels tell.", 1, labels)
}

func readTime(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    batch.gauge("node_time_seconds", "The machine's time in seconds since 1970.", batch.timestamp.secondsSinceEpoch)
}

func readProcessCounts(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    var states: [String: Int] = [:]
    var threadCount = 0
    var processCount = 0
    for process in files.processNumbers {
        // A process may end between the look at the folder and this one.
        guard let facts = files.facts(ofProcess: process) else { continue }
        processCount += 1
        threadCount += facts.threadCount
        states[facts.state, default: 0] += 1
    }
    guard processCount > 0 else {
        throw CollectorError(.unreadableFile, files.root + "/proc", "no process can be read")
    }
    batch.gauge("node_processes_pids", "Processes.", Double(processCount))
    batch.gauge("node_processes_threads", "Threads.", Double(threadCount))
    for (state, count) in states.sorted(by: { $0.key < $1.key }) {
        batch.gauge("node_processes_state", "Processes in each state.", Double(count), ["state": state])
    }
    batch.gauge("node_processes_max_processes", "Processes that may be.", files.number("/proc/sys/kernel/pid_max"))
    batch.gauge("node_processes_max_threads", "Threads that may be.", files.number("/proc/sys/kernel/threads-max"))
}
