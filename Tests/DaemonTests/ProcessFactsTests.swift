import Foundation
import TestSupport
import Testing

@testable import Daemon

/// Goal: what the daemon may take is the least of what machine and control groups leave. Method: the files of the system in a folder of our own.
@Suite struct ProcessFactsTests {
    private let root: TemporaryFolder

    init() throws { root = try TemporaryFolder("facts") }

    private func file(_ path: String, _ text: String) throws {
        let file = URL(filePath: root.file(path))
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @Test func `a control group of version 2 and those around it count`() throws {
        let whole = usableMemoryBytes(root: root.path)
        #expect(whole > 64 << 20)
        try file("proc/self/cgroup", "0::/site.slice/jaga.service\n")
        try file("sys/fs/cgroup/site.slice/jaga.service/memory.max", "max\n")
        #expect(usableMemoryBytes(root: root.path) == whole)
        try file("sys/fs/cgroup/site.slice/memory.max", "50000000\n")
        #expect(usableMemoryBytes(root: root.path) == 50_000_000)
        try file("sys/fs/cgroup/site.slice/jaga.service/memory.max", "40000000\n")
        #expect(usableMemoryBytes(root: root.path) == 40_000_000)
    }

    @Test func `a control group of version 1 counts, and one without a limit does not`() throws {
        let whole = usableMemoryBytes(root: root.path)
        try file("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/box\n0::/\n")
        try file("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n")
        #expect(usableMemoryBytes(root: root.path) == whole)
        try file("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "30000000\n")
        #expect(usableMemoryBytes(root: root.path) == 30_000_000)
    }
}
