import BlockingCalls
import Diagnostics
import Glibc
public import Series
public import Units

// What node_exporter reads, under its names (https://github.com/prometheus/node_exporter). Each part reads its own files and
// fails alone: `node_scrape_collector_success{collector}` then is 0 and its series end, while the others go on. All of it
// runs on a blocking thread, since even files below /proc can make a reader wait.

/// The machine that Jaga runs on.
public final class HostSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "up"
    private let files: KernelFiles
    private let mounts: MountReader

    /// - Parameters:
    ///   - root: where `/proc` and `/sys` are found; "" for the machine's own.
    ///   - mountDeadline: how long one file system may take to answer.
    public init(
        name: String = "host", labels: Labels, interval: Duration = .seconds(15), deadline: Duration = .seconds(10),
        root: String = "", mountDeadline: Duration = .seconds(2)
    ) {
        self.name = name
        self.labels = labels
        self.interval = interval
        self.deadline = min(deadline, interval)
        files = KernelFiles(root: root)
        mounts = MountReader(files: KernelFiles(root: root), deadline: min(mountDeadline, self.deadline / 2))
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let files = files
        // The file systems wait for their answers while the rest is read.
        async let fileSystems = mounts.read(at: now)
        var batch = try await BlockingThreads.shared.run { HostSource.readParts(hostParts, from: files, at: now) }
        let others = await fileSystems
        batch.rows += others.rows
        batch.metadata.merge(others.metadata) { first, _ in first }
        guard batch.rows.contains(where: { $0.labels.name == "node_cpu_seconds_total" }) else {
            throw CollectorError(.unreadableFile, files.root + "/proc/stat", "the processors' times cannot be read")
        }
        return batch
    }

    static func readParts(_ parts: [HostPart], from files: KernelFiles, at now: Timestamp) -> SampleBatch {
        var batch = SampleBatch(at: now)
        for part in parts where part.needs.map(files.exists) ?? true {
            let started = ContinuousClock.now
            let rowCount = batch.rows.count
            var isRead = true
            do {
                try part.read(files, &batch)
            } catch {
                // Half a part could look like a healthy one.
                batch.rows.removeSubrange(rowCount...)
                isRead = false
            }
            batch.noteScrape(of: part.name, isRead, ContinuousClock.now - started)
        }
        return batch
    }
}

extension SampleBatch {
    mutating func noteScrape(of collector: String, _ isRead: Bool, _ duration: Duration) {
        gauge(
            "node_scrape_collector_success", "Whether the part could be read.", isRead ? 1 : 0,
            ["collector": collector])
        gauge(
            "node_scrape_collector_duration_seconds", "Time that reading the part took.", duration.inSeconds,
            ["collector": collector])
    }
}

/// A part of what the host tells.
struct HostPart: Sendable {
    var name: String
    /// A file without which the machine does not have this part at all.
    var needs: String?
    var read: @Sendable (KernelFiles, inout SampleBatch) throws -> Void
}

let hostParts: [HostPart] = [
    HostPart(name: "cpu", read: readProcessors),
    HostPart(name: "loadavg", read: readLoad),
    HostPart(name: "meminfo", read: readMemory),
    HostPart(name: "vmstat", read: readVirtualMemory),
    HostPart(name: "pressure", needs: "/proc/pressure/cpu", read: readPressure),
    HostPart(name: "diskstats", read: readDisks),
    HostPart(name: "netdev", read: readNetworkDevices),
    HostPart(name: "netclass", needs: "/sys/class/net", read: readNetworkClasses),
    HostPart(name: "netstat", read: readNetworkCounters),
    HostPart(name: "sockstat", read: readSockets),
    HostPart(name: "filefd", read: readFileDescriptors),
    HostPart(name: "conntrack", needs: "/proc/sys/net/netfilter/nf_conntrack_count", read: readConnectionTracking),
    HostPart(name: "uname", read: readKernelName),
    HostPart(name: "os", needs: "/etc/os-release", read: readSystemName),
    HostPart(name: "time", read: readTime),
    HostPart(name: "processes", read: readProcessCounts),
]
