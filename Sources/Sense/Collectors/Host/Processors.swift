import Glibc
import Series

private let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
private let modes = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]

/// `/proc/stat` (proc_stat(5)): processor times, interrupts, switches, processes.
func readProcessors(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    for line in try files.read("/proc/stat").lines {
        if line.hasPrefix("cpu") {
            let words = line.words
            let cpu = words[0].dropFirst(3)
            // The line without a number is the sum of the others.
            guard !cpu.isEmpty else { continue }
            let times = words.dropFirst().compactMap(Double.init).map { $0 / ticksPerSecond }
            guard times.count >= 4 else {
                throw CollectorError(.unexpectedContent, files.root + "/proc/stat", "line \(words[0]) is too short")
            }
            for (mode, time) in zip(modes, times) {
                batch.counter(
                    "node_cpu_seconds_total", "Seconds the processors spent in each mode.", time,
                    ["cpu": String(cpu), "mode": mode])
            }
            for (mode, time) in zip(["user", "nice"], times.dropFirst(modes.count)) {
                batch.counter(
                    "node_cpu_guest_seconds_total", "Seconds the processors spent in guests, for each mode.", time,
                    ["cpu": String(cpu), "mode": mode])
            }
            continue
        }
        // The numbers after the first one of `intr` are one for each interrupt, thousands on some machines.
        let words = line.words(atMost: 2)
        guard words.count == 2, let value = Double(words[1]) else { continue }
        switch words[0] {
        case "intr": batch.counter("node_intr_total", "Interrupts serviced.", value)
        case "ctxt": batch.counter("node_context_switches_total", "Context switches.", value)
        case "btime": batch.gauge("node_boot_time_seconds", "When the machine started, in seconds since 1970.", value)
        case "processes": batch.counter("node_forks_total", "Forks.", value)
        case "procs_running": batch.gauge("node_procs_running", "Processes in runnable state.", value)
        case "procs_blocked": batch.gauge("node_procs_blocked", "Processes that wait for input or output.", value)
        default: break
        }
    }
}

func readLoad(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    let words = try files.read("/proc/loadavg").lines.first?.words ?? []
    guard words.count >= 3 else {
        throw CollectorError(.unexpectedContent, files.root + "/proc/loadavg", "has fewer than three numbers")
    }
    for (minutes, word) in zip(["1", "5", "15"], words) {
        batch.gauge("node_load\(minutes)", "Load average over \(minutes) min.", Double(word))
    }
}

/// `/proc/pressure/*` (the kernel's Documentation/accounting/psi.rst); microseconds become seconds.
func readPressure(_ files: KernelFiles, _ batch: inout SampleBatch) throws {
    for resource in ["cpu", "io", "memory", "irq"] where files.exists("/proc/pressure/\(resource)") {
        for line in try files.read("/proc/pressure/\(resource)").lines {
            let words = line.words
            guard let total = words.last, total.hasPrefix("total="), let value = Double(total.dropFirst(6)) else {
                continue
            }
            // The kernel writes "full" for processors too, where it is always zero.
            let kind = words[0] == "some" ? "waiting" : "stalled"
            if resource == "cpu" && kind == "stalled" { continue }
            batch.counter(
                "node_pressure_\(resource)_\(kind)_seconds_total",
                "Seconds in which \(kind == "waiting" ? "some" : "all") tasks waited for \(resource).", value / 1e6)
        }
    }
}
