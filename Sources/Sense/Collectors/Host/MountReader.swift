import BlockingCalls
import Glibc
import Series
import Synchronization
import Units

// `statvfs` on a dead network file system never returns. So each mount is asked on a thread of its own for a limited time.
// One that did not answer is not asked again while its call hangs: it would only take another thread with it.

/// A line of `/proc/self/mounts` that is reported on.
struct Mount: Sendable, Hashable {
    var device: String
    var path: String
    var type: String
    var isReadOnly: Bool
}

final class MountReader: Sendable {
    private let files: KernelFiles
    private let deadline: Duration
    private let hanging = Mutex<Set<String>>([])
    /// A parameter so that a test has a mount that hangs.
    private let ask: @Sendable (String) -> MountAnswer

    init(
        files: KernelFiles, deadline: Duration, ask: @escaping @Sendable (String) -> MountAnswer = askFileSystem
    ) {
        self.files = files
        self.deadline = deadline
        self.ask = ask
    }

    func read(at now: Timestamp) async -> SampleBatch {
        let started = ContinuousClock.now
        var batch = SampleBatch(at: now)
        do {
            let mounts = parseMounts(try files.read("/proc/self/mounts"))
            let answers = await withTaskGroup(of: (Int, MountAnswer).self) { group in
                for (index, mount) in mounts.enumerated() { group.addTask { (index, await self.answer(of: mount)) } }
                return await group.reduce(into: [MountAnswer?](repeating: nil, count: mounts.count)) { $0[$1.0] = $1.1 }
            }
            for (mount, answer) in zip(mounts, answers) { add(mount, answer ?? .failed("no answer"), to: &batch) }
            batch.noteScrape(of: "filesystem", true, ContinuousClock.now - started)
        } catch {
            batch.noteScrape(of: "filesystem", false, ContinuousClock.now - started)
        }
        return batch
    }

    private func answer(of mount: Mount) async -> MountAnswer {
        guard hanging.withLock({ $0.insert(mount.path).inserted }) else { return .failed("mountpoint timeout") }
        let ask = ask
        do {
            // Cancelling the call leaves its thread behind, which tells when it comes back after all.
            return try await withDeadline(deadline) {
                try await BlockingThreads.shared.run {
                    let answer = ask(mount.path)
                    self.hanging.withLock { _ = $0.remove(mount.path) }
                    return answer
                }
            }
        } catch {
            return .failed("mountpoint timeout")
        }
    }

    private func add(_ mount: Mount, _ answer: MountAnswer, to batch: inout SampleBatch) {
        func gauge(_ name: String, _ help: String, _ value: Double, error: String = "") {
            batch.gauge(
                "node_filesystem_\(name)", help, value,
                ["device": mount.device, "mountpoint": mount.path, "fstype": mount.type, "device_error": error])
        }
        switch answer {
        case .failed(let reason):
            gauge("device_error", "1 where the file system did not answer.", 1, error: reason)
            gauge("readonly", "1 where the file system is mounted read-only.", mount.isReadOnly ? 1 : 0, error: reason)
        case .answered(let size):
            gauge("device_error", "1 where the file system did not answer.", 0)
            gauge("readonly", "1 where the file system is mounted read-only.", mount.isReadOnly ? 1 : 0)
            gauge("size_bytes", "Size of the file system.", size.bytes)
            gauge("free_bytes", "Free space, with what is kept for root.", size.freeBytes)
            gauge("avail_bytes", "Free space for everyone.", size.availableBytes)
            gauge("files", "Inodes.", size.files)
            gauge("files_free", "Free inodes.", size.freeFiles)
        }
    }
}

enum MountAnswer: Sendable {
    struct Size: Sendable {
        var bytes, freeBytes, availableBytes, files, freeFiles: Double
    }

    case answered(Size)
    case failed(String)
}

/// Asks the kernel about the file system at `path`. May block for good.
@Sendable func askFileSystem(_ path: String) -> MountAnswer {
    var facts = statvfs()
    guard statvfs(path, &facts) == 0 else { return .failed(String(cString: strerror(errno))) }
    let block = Double(facts.f_frsize)
    return .answered(
        MountAnswer.Size(
            bytes: Double(facts.f_blocks) * block, freeBytes: Double(facts.f_bfree) * block,
            availableBytes: Double(facts.f_bavail) * block, files: Double(facts.f_files),
            freeFiles: Double(facts.f_ffree)))
}

private let typesLeftOut: Set<String> = [
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl",
    "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs", "securityfs",
    "selinuxfs", "squashfs", "erofs", "sysfs", "tracefs",
]

/// Reads `/proc/self/mounts` (fstab(5)) and keeps what node_exporter keeps by default. The root is kept whatever its type,
/// since in a container it is an overlay and still the disk that fills up.
func parseMounts(_ text: KernelText) -> [Mount] {
    var mounts: [Mount] = []
    var seen: Set<String> = []
    for line in text.lines {
        let words = line.words
        guard words.count >= 4 else { continue }
        let path = unescaped(words[1])
        guard path == "/" || (!typesLeftOut.contains(words[2]) && !isLeftOut(mountPoint: path)) else { continue }
        let options = words[3].split(separator: ",")
        let mount = Mount(
            device: unescaped(words[0]), path: path, type: words[2], isReadOnly: options.contains("ro"))
        // Of two mounts at one place the later covers the earlier.
        if seen.insert(path).inserted {
            mounts.append(mount)
        } else if let index = mounts.firstIndex(where: { $0.path == path }) {
            mounts[index] = mount
        }
    }
    return mounts
}

/// `^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`
func isLeftOut(mountPoint path: String) -> Bool {
    for folder in ["/dev", "/proc", "/sys"] where path == folder || path.hasPrefix(folder + "/") { return true }
    for folder in ["/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/"]
    where path.hasPrefix(folder) && path.count > folder.count {
        return true
    }
    return false
}

/// The kernel writes space, tabulator, line feed and backslash as `\040`, `\011`, `\012`, `\134`.
private func unescaped(_ word: String) -> String {
    guard word.utf8.contains(0x5C) else { return word }
    var bytes: [UInt8] = []
    var rest = Array(word.utf8)[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        if byte == 0x5C, digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }),
            let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
        {
            bytes.append(value)
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
