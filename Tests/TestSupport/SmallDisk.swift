import Glibc

/// A file system of its own of a few megabytes that can be filled. Only root may mount one, and not in every container.
public final class SmallDisk {
    /// The disk could not be filled, so that a test on it would prove nothing.
    public struct NotFull: Error, CustomStringConvertible {
        public let description: String
    }

    /// Where it is mounted.
    public let path: String
    private let isMounted: Bool
    private var ballast: String { "\(path)/ballast" }

    /// - Parameter byteCount: all that it holds.
    /// - Returns: nil where none can be mounted.
    public init?(at path: String, byteCount: Int) {
        self.path = path
        guard geteuid() == 0, mkdir(path, 0o700) == 0,
            mount("jaga-test", path, "tmpfs", 0, "size=\(byteCount),mode=700") == 0
        else {
            print("cannot mount a small disk here, errno \(errno)")
            return nil
        }
        isMounted = true
    }

    /// Fills it to the last byte.
    /// - Throws: `NotFull`.
    public func fill() throws {
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw NotFull(description: "'\(ballast)' cannot be opened, errno \(errno)") }
        defer { close(descriptor) }
        for size in [1 << 20, 1 << 12, 1] {
            let block = [UInt8](repeating: 1, count: size)
            while block.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == size {}
        }
        guard availableBytes == 0 else { throw NotFull(description: "\(availableBytes) bytes of '\(path)' are left") }
    }

    /// Takes away what `fill` has put there.
    public func makeRoom() { unlink(ballast) }

    /// `UInt.max` where the system does not say.
    public var availableBytes: UInt {
        var facts = statvfs()
        return statvfs(path, &facts) == 0 ? facts.f_bavail * facts.f_frsize : .max
    }

    deinit { if isMounted { umount2(path, Int32(MNT_DETACH)) } }
}
