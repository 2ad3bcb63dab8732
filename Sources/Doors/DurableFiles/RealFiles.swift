import Glibc

/// The machine's file system, through system calls. A call that a signal interrupted is made again.
public struct RealFiles: FileSystem {
    public init() {}

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .append: O_RDWR | O_CREAT | O_APPEND
            case .replace: O_RDWR | O_CREAT | O_APPEND | O_TRUNC
            case .create: O_RDWR | O_CREAT | O_APPEND | O_EXCL
            }
        let descriptor = try call(.open, path) { Glibc.open(path, flags | O_CLOEXEC, 0o600) }
        return RealFile(descriptor, path)
    }

    public func createFolder(_ path: String) throws(FileError) {
        do {
            try call(.createFolder, path) { mkdir(path, 0o700) }
        } catch  where error.errorNumber == EEXIST {
            guard try status(of: path)?.kind == .folder else { throw error }
        }
    }

    public func list(_ folder: String) throws(FileError) -> [String] {
        guard let stream = opendir(folder) else { throw FileError(.list, folder, errorNumber: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw FileError(.list, folder, errorNumber: errno) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    public func status(of path: String) throws(FileError) -> FileStatus? {
        var info = stat()
        do {
            try call(.status, path) { stat(path, &info) }
        } catch  where error.code == .notFound {
            return nil
        }
        let kind: FileStatus.Kind =
            switch info.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            default: .other
            }
        return FileStatus(
            kind: kind, byteCount: Int64(info.st_size),
            modifiedAt: Int64(info.st_mtim.tv_sec) * 1000 + Int64(info.st_mtim.tv_nsec) / 1_000_000,
            inode: UInt64(info.st_ino))
    }

    public func remove(_ path: String) throws(FileError) {
        try call(.remove, path) { Glibc.remove(path) }
    }

    public func rename(_ old: String, to new: String) throws(FileError) {
        try call(.rename, old) { Glibc.rename(old, new) }
    }

    public func link(_ old: String, to new: String) throws(FileError) {
        try call(.link, old) { Glibc.link(old, new) }
    }

    public func syncFolder(_ path: String) throws(FileError) {
        let descriptor = try call(.syncFolder, path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { _ = Glibc.close(descriptor) }
        try call(.syncFolder, path) { fsync(descriptor) }
    }

    public func space(at path: String) throws(FileError) -> FileSpace {
        var info = statvfs()
        try call(.space, path) { statvfs(path, &info) }
        let block = Int64(info.f_frsize)
        return FileSpace(availableBytes: Int64(info.f_bavail) * block, totalBytes: Int64(info.f_blocks) * block)
    }

    public func lock(_ path: String, holder: Int32) throws(FileError) -> any OpenFile {
        let descriptor = try call(.lock, path) { Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
        let file = RealFile(descriptor, path)
        do throws(FileError) {
            do throws(FileError) {
                try call(.lock, path) { flock(descriptor, LOCK_EX | LOCK_NB) }
            } catch  where error.errorNumber == EWOULDBLOCK {
                let text = String(decoding: try file.read(at: 0, count: 16), as: UTF8.self)
                throw FileError(locked: path, by: Int32(text.prefix { $0.isNumber }))
            }
            try file.truncate(to: 0)
            let line = Array("\(holder)\n".utf8)
            do throws(FileError) {
                _ = try file.write(line.span.bytes)
            } catch  where error.isNoSpace {
                // The lock is held all the same; only who is refused by it does not learn the number.
            }
        } catch {
            // The first error is the one to tell, and a failed close has closed all the same.
            try? file.close()
            throw error
        }
        return file
    }
}

/// A file descriptor.
private final class RealFile: OpenFile {
    private let descriptor: Int32
    private let path: String

    init(_ descriptor: Int32, _ path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func write(_ bytes: RawSpan) throws(FileError) -> Int {
        let written = try call(.write, path) {
            bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        }
        // A regular file takes no bytes only when something is very wrong; looping on it would never end.
        guard written > 0 || bytes.byteCount == 0 else { throw FileError(.write, path, errorNumber: EIO) }
        return written
    }

    func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        var failure: FileError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            do throws(FileError) {
                done = try read(
                    at: offset,
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let got = try call(.read, path) {
                pread(descriptor, base + done, buffer.count - done, off_t(offset) + off_t(done))
            }
            if got == 0 { break }
            done += got
        }
        return done
    }

    func sync() throws(FileError) {
        try call(.sync, path) { fdatasync(descriptor) }
    }

    func truncate(to length: Int64) throws(FileError) {
        try call(.truncate, path) { ftruncate(descriptor, off_t(length)) }
    }

    func size() throws(FileError) -> Int64 {
        var info = stat()
        try call(.status, path) { fstat(descriptor, &info) }
        return Int64(info.st_size)
    }

    func close() throws(FileError) {
        // Not made again after EINTR: Linux has closed the descriptor by then, and its number may be another file's.
        guard Glibc.close(descriptor) == 0 || errno == EINTR else {
            throw FileError(.close, path, errorNumber: errno)
        }
    }
}

/// Makes a system call, again while a signal interrupts it.
@discardableResult
private func call<Result: SignedInteger>(
    _ operation: FileError.Operation, _ path: String, _ body: () -> Result
) throws(FileError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        if errno != EINTR { throw FileError(operation, path, errorNumber: errno) }
    }
}
