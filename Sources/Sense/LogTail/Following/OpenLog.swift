import Glibc

/// One open log file with the place up to which it was read.
struct OpenLog {
    private let file: FileDescriptorOwner
    private(set) var position: LogPosition
    /// After an overlong line began, bytes are skipped up to the next line feed.
    private var isSkipping = false

    init?(path: String) {
        // A pipe under the log's name may not stop us.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        file = FileDescriptorOwner(descriptor)
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            errno = EINVAL
            return nil
        }
        position = LogPosition(
            device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino), offset: 0, tailSum: LogPosition.sum([]))
    }

    /// Looks for a renamed log among its neighbours.
    init?(inFolderOf path: String, sameFileAs kept: LogPosition) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[..<$0]) } ?? "."
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        guard let listing = opendir(folder.isEmpty ? "/" : folder) else { return nil }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            guard UInt64(entry.pointee.d_ino) == kept.inode else { continue }
            let neighbour = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // Inode numbers are used again; a rotated log still begins with the log's name.
            guard neighbour.hasPrefix(name.split(separator: ".").first ?? name),
                let log = OpenLog(path: "\(folder)/\(neighbour)"), log.isSameFile(as: kept), log.tailFits(kept)
            else { continue }
            self = log
            return
        }
        return nil
    }

    func isSameFile(as other: LogPosition) -> Bool {
        position.device == other.device && position.inode == other.inode
    }

    private var size: Int64 {
        var facts = stat()
        return fstat(file.descriptor, &facts) == 0 ? Int64(facts.st_size) : 0
    }

    var unread: Int64 { max(0, size - position.offset) }

    func wasCut() -> Bool { size < position.offset || !tailFits(position) }

    /// Whether the bytes before the place are those that were read there.
    private func tailFits(_ place: LogPosition) -> Bool { tailSum(before: place.offset) == place.tailSum }

    private func tailSum(before offset: Int64) -> UInt64 {
        let count = Int(min(offset, Int64(LogPosition.tailByteCount)))
        guard count > 0 else { return LogPosition.sum([]) }
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, pread(file.descriptor, buffer.baseAddress, count, off_t(offset) - off_t(count)))
        }
        return LogPosition.sum(bytes)
    }

    mutating func startAgain() {
        position.offset = 0
        position.tailSum = LogPosition.sum([])
        isSkipping = false
    }

    mutating func skipToEnd() {
        // The last line may be half written; it is read whole when it is done.
        var end = size
        var byte: UInt8 = 0
        let earliest = max(0, end - Int64(LogFollower.lineByteCountMax))
        while end > earliest, pread(file.descriptor, &byte, 1, off_t(end) - 1) == 1, byte != 10 { end -= 1 }
        position.offset = end
        position.tailSum = tailSum(before: end)
    }

    mutating func resume(at kept: LogPosition) {
        position.offset = kept.offset
        position.tailSum = kept.tailSum
    }

    /// Hands on complete lines from the place on, and moves it behind them.
    /// - Parameter left: how many bytes may still be read; is counted down.
    /// - Returns: how many lines were too long.
    mutating func readLines(_ left: inout Int, _ take: (UnsafeRawBufferPointer) -> Void) -> Int {
        var overlong = 0
        var offset = position.offset
        let chunkByteCount = 2 * LogFollower.lineByteCountMax
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkByteCount, alignment: 8)
        defer { chunk.deallocate() }
        while left > 0 {
            let count = pread(file.descriptor, chunk.baseAddress, chunkByteCount, off_t(offset))
            guard count > 0 else { break }
            var start = 0
            while start < count, let lineFeed = memchr(chunk.baseAddress! + start, 10, count - start) {
                let end = UnsafeRawPointer(lineFeed) - UnsafeRawPointer(chunk.baseAddress!)
                if isSkipping {
                    isSkipping = false
                } else {
                    take(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(chunk)[start..<end]))
                }
                start = end + 1
            }
            if start == 0 {
                // No line feed in a whole chunk: no line. Short of that it is one that is still being written.
                guard count > LogFollower.lineByteCountMax else { break }
                if !isSkipping { overlong += 1 }
                isSkipping = true
                start = count
            }
            offset += Int64(start)
            left -= start
        }
        if offset != position.offset {
            position.offset = offset
            position.tailSum = tailSum(before: offset)
        }
        return overlong
    }
}

/// Closes a file when nobody needs it any more.
private final class FileDescriptorOwner: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}
