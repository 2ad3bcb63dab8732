import Diagnostics
import Glibc

/// The host's files below a root folder: `/` in earnest, a folder of fixtures in a test.
public struct HostTree: Sendable {
    /// Without a slash at the end; empty for the real root.
    let root: String

    public init(root: String = "") {
        self.root = root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    func real(_ path: String) -> String { root + path }

    /// The file's text, or nil when it cannot be read. Bytes that are not UTF-8 are replaced.
    /// - Parameter byteCountMax: the rest is left out. Files in /proc have no size to ask for beforehand.
    func text(_ path: String, byteCountMax: Int = 1 << 20) -> String? {
        let descriptor = open(real(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < byteCountMax {
            let count = read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes.prefix(byteCountMax), as: UTF8.self)
    }

    /// Names in a folder, sorted, without `.` and `..`; empty when it cannot be read.
    func names(in folder: String) -> [String] { namesIfReadable(in: folder) ?? [] }

    /// The same; nil when the folder cannot be read.
    func namesIfReadable(in folder: String) -> [String]? {
        guard let directory = opendir(real(folder)) else { return nil }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The user a file belongs to.
    func owner(of path: String) -> UInt32? {
        var facts = stat()
        return stat(real(path), &facts) == 0 ? facts.st_uid : nil
    }

    func exists(_ path: String) -> Bool { access(real(path), F_OK) == 0 }

    /// Where a symbolic link points, or nil.
    func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { readlink(real(path), $0.baseAddress!, $0.count) }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
