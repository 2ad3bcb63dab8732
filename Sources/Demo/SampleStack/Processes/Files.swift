import Glibc

/// The few operations on files that the stack needs. Nothing here must survive a crash, so nothing is synced.
enum Files {
    static func write(_ text: String, to path: String, mode: mode_t = 0o644, owner: Account? = nil) throws(StackError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw failure("write", path) }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress!, $0.count) }
            guard count > 0 else { throw failure("write", path) }
            bytes = bytes.dropFirst(count)
        }
        if fchmod(descriptor, mode) != 0 { throw failure("set the mode of", path) }
        if let owner, fchown(descriptor, owner.userID, owner.groupID) != 0 { throw failure("give away", path) }
    }

    /// The whole file, or its last `tailBytes`; empty when it is not there.
    static func read(_ path: String, tailBytes: Int = 1 << 20) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        lseek(descriptor, off_t(max(0, size - tailBytes)), SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Makes the folder, and its parents; one that is there stays as it is.
    static func makeFolder(_ path: String, mode: mode_t = 0o755, owner: Account? = nil) throws(StackError) {
        if mkdir(path, mode) != 0 {
            if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                try makeFolder(String(path[..<slash]))
                return try makeFolder(path, mode: mode, owner: owner)
            }
            guard errno == EEXIST else { throw failure("make the folder", path) }
        }
        if chmod(path, mode) != 0 { throw failure("set the mode of", path) }
        if let owner, chown(path, owner.userID, owner.groupID) != 0 { throw failure("give away", path) }
    }

    /// A new folder `<prefix>XXXXXX` that other users may pass through but not list.
    static func makeTemporaryFolder(prefix: String) throws(StackError) -> String {
        let parent = environmentValue("TMPDIR") ?? "/tmp"
        var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard made else { throw failure("make a folder like", path) }
        if chmod(path, 0o711) != 0 { throw failure("set the mode of", path) }
        return path
    }

    static func names(in folder: String) throws(StackError) -> [String] {
        guard let stream = opendir(folder) else { throw failure("list", folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes what is at `path` with all below it. What cannot be removed stays.
    static func remove(_ path: String) {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return }
        if facts.st_mode & S_IFMT == S_IFDIR {
            // What cannot be listed cannot be removed either, and the folder stays.
            for name in (try? names(in: path)) ?? [] { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func failure(_ verb: String, _ path: String) -> StackError {
        StackError(.fileFailed, "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}
