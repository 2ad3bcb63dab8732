import Glibc
import TestSupport

/// `artefacts` in the repository's root, which keeps what a person wants to look at after the tests. Not committed.
func artefactsFolder(_ file: StaticString = #filePath) throws -> String {
    let parts = "\(file)".split(separator: "/")
    let root = "/" + parts[..<(parts.lastIndex(of: "Tests") ?? 0)].joined(separator: "/")
    let folder = root + "/artefacts"
    try makeFolder(folder)
    return folder
}

/// Makes one folder; it may be there already.
func makeFolder(_ path: String) throws {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
        throw TestProgramAnswered(status: Int(errno), text: "cannot make \(path)")
    }
}

/// What is in a folder, sorted; empty when it is not there.
func namesIn(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

func isFolder(_ path: String) -> Bool {
    var facts = stat()
    return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
}

/// The command lines of processes whose arguments or environment hold `text`, but for this one.
func processes(mentioning text: String) -> [String] {
    namesIn("/proc").compactMap { Int32($0) }.filter { $0 != getpid() }.compactMap { pid in
        let arguments = (try? readText("/proc/\(pid)/cmdline")) ?? ""
        let environment = (try? readText("/proc/\(pid)/environ")) ?? ""
        guard arguments.contains(text) || environment.contains(text) else { return nil }
        return "\(pid) \(arguments.split(separator: "\0").joined(separator: " "))"
    }
}
