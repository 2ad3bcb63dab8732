import Glibc

/// A process as the kernel lists it in `/proc/ID/stat` (proc_pid_stat(5)).
struct ProcessEntry: Sendable, Hashable {
    let id: Int32
    let parent: Int32
    let group: Int32
    let session: Int32
    /// In clock ticks since the machine was started: with the id it names one process, since an id that is given again
    /// begins later.
    let startTicks: UInt64
    let isZombie: Bool

    /// - Returns: nil when there is no such process.
    static func read(_ id: Int32) -> ProcessEntry? {
        readProcFile("/proc/\(id)/stat", limit: 4096).flatMap { ProcessEntry(stat: $0) }
    }

    /// Every process that can be seen now.
    static func all() -> [ProcessEntry] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [ProcessEntry] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let id = Int32(name), let process = read(id) { found.append(process) }
        }
        return found
    }

    /// The program's name stands in parentheses and may hold any byte, so the fields begin after the last one.
    init?(stat: [UInt8]) {
        guard let opening = stat.firstIndex(of: UInt8(ascii: "(")), let closing = stat.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = stat[(closing + 1)...].split(separator: UInt8(ascii: " ")).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let id = Int32(String(decoding: stat[..<opening], as: UTF8.self).filter { $0 != " " }),
            fields.count >= 20,
            let parent = Int32(fields[1]), let group = Int32(fields[2]), let session = Int32(fields[3]),
            let startTicks = UInt64(fields[19])
        else { return nil }
        self.id = id
        self.parent = parent
        self.group = group
        self.session = session
        self.startTicks = startTicks
        isZombie = fields[0] == "Z" || fields[0] == "X"
    }

    /// Whether the process is still the one that was listed, and alive.
    var isAlive: Bool {
        guard let now = Self.read(id) else { return false }
        return now.startTicks == startTicks && !now.isZombie
    }

    /// Whether the environment that the process was started with has `variable`, as in `NAME=value`. False where it may not
    /// be read.
    func hasVariable(_ variable: String) -> Bool {
        guard let bytes = readProcFile("/proc/\(id)/environ", limit: 1 << 20) else { return false }
        let wanted = Array(variable.utf8)
        return bytes.split(separator: 0).contains { $0.elementsEqual(wanted) }
    }
}

/// The id that the kernel gave this run of the machine; ids and start times of processes mean nothing in another.
func currentBootID() -> String {
    let bytes = readProcFile("/proc/sys/kernel/random/boot_id", limit: 64) ?? []
    return String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
}

/// A file of `/proc` says no size, so it is read until its end.
private func readProcFile(_ path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count < limit {
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { return nil }
        if count == 0 { break }
        bytes += buffer[..<count]
    }
    return bytes
}
