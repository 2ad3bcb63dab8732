import BlockingCalls
import Glibc
public import Series
import Synchronization
public import Units

// Groups of processes under the names of process-exporter (https://github.com/ncabatoff/process-exporter). A group with no
// process is zero processes, not an absence: that is how a worker that died is seen.

/// Which processes belong to a group. All conditions that are given must hold.
public struct ProcessGroup: Sendable, Hashable {
    public var name: String
    /// The program's name: the last part of the path of the first word, or what the kernel calls it.
    public var program: String?
    /// Each of these texts stands somewhere in the command line.
    public var contains: [String]
    /// A regular expression that the whole command line matches.
    public var pattern: String?

    public init(name: String, program: String? = nil, contains: [String] = [], pattern: String? = nil) {
        self.name = name
        self.program = program
        self.contains = contains
        self.pattern = pattern
    }
}

public final class ProcessGroupsSource: SampleSource {
    public let name: String
    public let labels: Labels
    public let interval: Duration
    public let deadline: Duration
    public let upMetric = "jaga_process_groups_up"
    private let files: KernelFiles
    private let matchers: [GroupMatcher]
    private let state = Mutex(State())

    private struct State {
        /// Groups of a process, by number and start, so that command lines are read once.
        var groups: [ProcessKey: [Int]] = [:]
        var tallies: [GroupTally]?
    }

    /// - Throws: `PatternFault` when a pattern is no regular expression.
    public init(
        name: String = "processes", labels: Labels, groups: [ProcessGroup], interval: Duration = .seconds(15),
        deadline: Duration = .seconds(10), root: String = ""
    ) throws(PatternFault) {
        self.name = name
        self.labels = labels
        self.interval = interval
        self.deadline = min(deadline, interval)
        files = KernelFiles(root: root)
        var matchers: [GroupMatcher] = []
        for group in groups { matchers.append(try GroupMatcher(group)) }
        self.matchers = matchers
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        try await BlockingThreads.shared.run { try self.readNow(at: now) }
    }

    func readNow(at now: Timestamp) throws -> SampleBatch {
        guard let bootText = try files.read("/proc/stat").firstNumbers.first(where: { $0.name == "btime" }) else {
            throw CollectorError(.unexpectedContent, files.root + "/proc/stat", "does not say when the machine started")
        }
        let numbers = files.processNumbers
        guard !numbers.isEmpty else {
            throw CollectorError(.unreadableFile, files.root + "/proc", "no process can be read")
        }
        return state.withLock { state in
            var found = matchers.map { _ in GroupReading() }
            var kept: [ProcessKey: [Int]] = [:]
            for number in numbers {
                guard let facts = files.facts(ofProcess: number) else { continue }
                let key = ProcessKey(number: number, startTicks: facts.startTicks)
                // A program that was just started may still change its command line by exec; its name then changes too.
                let groups = state.groups[key] ?? groups(of: number, facts)
                if state.groups[key] != nil
                    || now.secondsSinceEpoch - bootText.value - Double(facts.startTicks) / clockTicksPerSecond > 5
                {
                    kept[key] = groups
                }
                for group in groups { found[group].add(key, facts, files) }
            }
            state.groups = kept
            var tallies = state.tallies ?? matchers.map { _ in GroupTally() }
            for index in matchers.indices { tallies[index].take(found[index].processes) }
            state.tallies = tallies
            for index in found.indices { found[index].addSharedMemory(files) }
            var batch = SampleBatch(at: now)
            for (matcher, (reading, tally)) in zip(matchers, zip(found, tallies)) {
                reading.write(matcher.group.name, tally, bootTime: bootText.value, to: &batch)
            }
            return batch
        }
    }

    private func groups(of number: Int, _ facts: ProcessFacts) -> [Int] {
        let arguments = files.arguments(ofProcess: number)
        let line = arguments.joined(separator: " ")
        let program = arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        return matchers.indices.filter { matchers[$0].matches(program, facts.name, line) }
    }
}

struct ProcessKey: Hashable {
    var number: Int
    var startTicks: UInt64
}

private struct GroupMatcher {
    var group: ProcessGroup
    var pattern: AnchoredPattern?

    init(_ group: ProcessGroup) throws(PatternFault) {
        self.group = group
        if let text = group.pattern { pattern = try AnchoredPattern(text) }
    }

    func matches(_ program: String?, _ kernelName: String, _ line: String) -> Bool {
        if let wanted = group.program, wanted != kernelName {
            // Servers write their state behind the name: `nginx: worker process`.
            guard let program, program == wanted || program == wanted + ":" else { return false }
        }
        guard group.contains.allSatisfy({ occurs($0, in: line) }) else { return false }
        return pattern.map { $0.matches(line) } ?? true
    }

    private func occurs(_ part: String, in line: String) -> Bool {
        let part = Array(part.utf8)
        let line = Array(line.utf8)
        guard part.count <= line.count else { return false }
        return (0...(line.count - part.count)).contains { line[$0..<($0 + part.count)].elementsEqual(part) }
    }
}

/// What one look found of a group.
private struct GroupReading {
    var processes: [ProcessKey: (user: Double, system: Double)] = [:]
    var threadCount = 0
    var residentBytes = 0.0
    var virtualBytes = 0.0
    var swappedBytes = 0.0
    var proportionalBytes: Double?
    var openFiles: Int?
    var oldestTicks: UInt64?

    mutating func add(_ key: ProcessKey, _ facts: ProcessFacts, _ files: KernelFiles) {
        processes[key] = (facts.userSeconds, facts.systemSeconds)
        threadCount += facts.threadCount
        residentBytes += facts.residentBytes
        virtualBytes += facts.virtualBytes
        oldestTicks = min(oldestTicks ?? facts.startTicks, facts.startTicks)
        // Other users' files may only be counted by root.
        if let names = namesInFolder("\(files.root)/proc/\(key.number)/fd") {
            openFiles = (openFiles ?? 0) + names.count
        }
        // A process may have ended since it was listed; what cannot be read is left out.
        if let status = try? files.read("/proc/\(key.number)/status"),
            let swap = status.firstNumbers.first(where: { $0.name == "VmSwap" })
        {
            swappedBytes += swap.value * 1024
        }
    }

    /// The kernel walks a process's whole memory for this figure, so it is only asked for of small groups.
    static let proportionalProcessCountMax = 16

    /// Memory in which a page shared by n processes counts as 1/n for each. Adding up resident memory would count what forked
    /// workers share once for each of them.
    mutating func addSharedMemory(_ files: KernelFiles) {
        guard (1...Self.proportionalProcessCountMax).contains(processes.count) else { return }
        var sum = 0.0
        for key in processes.keys {
            // Gone, or another user's: then the sum would be short, and none is given.
            guard let text = try? files.read("/proc/\(key.number)/smaps_rollup"),
                let share = text.firstNumbers.first(where: { $0.name == "Pss" })
            else { return }
            sum += share.value * 1024
        }
        proportionalBytes = sum
    }

    func write(_ group: String, _ tally: GroupTally, bootTime: Double, to batch: inout SampleBatch) {
        func gauge(_ name: String, _ help: String, _ value: Double?) {
            batch.gauge("namedprocess_namegroup_\(name)", help, value, ["groupname": group])
        }
        gauge("num_procs", "Processes of the group.", Double(processes.count))
        gauge("num_threads", "Threads of the group.", Double(threadCount))
        for (kind, value) in [("resident", residentBytes), ("virtual", virtualBytes), ("swapped", swappedBytes)] {
            batch.gauge(
                "namedprocess_namegroup_memory_bytes", "Memory of the group.", value,
                ["groupname": group, "memtype": kind])
        }
        batch.gauge(
            "namedprocess_namegroup_memory_bytes", "Memory of the group.", proportionalBytes,
            ["groupname": group, "memtype": "proportionalResident"])
        for (mode, value) in [("user", tally.userSeconds), ("system", tally.systemSeconds)] {
            batch.counter(
                "namedprocess_namegroup_cpu_seconds_total", "Processor time of the group.", value,
                ["groupname": group, "mode": mode])
        }
        gauge("open_filedesc", "Open files of the group.", openFiles.map { Double($0) })
        gauge(
            "oldest_start_time_seconds", "When the oldest process of the group started, in seconds since 1970.",
            oldestTicks.map { bootTime + Double($0) / clockTicksPerSecond })
    }
}

/// Processor time over the lives of all of a group's processes. A sum over those alive would fall when one ends.
private struct GroupTally {
    var userSeconds = 0.0
    var systemSeconds = 0.0
    private var last: [ProcessKey: (user: Double, system: Double)] = [:]

    mutating func take(_ processes: [ProcessKey: (user: Double, system: Double)]) {
        for (key, times) in processes {
            userSeconds += max(0, times.user - (last[key]?.user ?? 0))
            systemSeconds += max(0, times.system - (last[key]?.system ?? 0))
        }
        last = processes
    }
}
