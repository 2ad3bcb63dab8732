import Glibc

/// The folder of the shop's uploads: as root a tmpfs of 16 MB, which can be filled without harm; else a plain folder.
final class Storage: Sendable {
    let path: String
    let isMounted: Bool

    private static let sizeMB = 16

    init(in folder: String) throws(StackError) {
        path = "\(folder)/storage"
        try Files.makeFolder(path)
        // Told before it happens, so that no moment leaves a mount behind.
        Caretaker.shared.adopt(mount: path)
        let mounted = geteuid() == 0 && mount("jaga-demo", path, "tmpfs", 0, "size=\(Self.sizeMB)m,mode=755") == 0
        isMounted = mounted
        if !mounted { Caretaker.shared.release(mount: path) }
    }

    deinit { remove() }

    /// Writes until nothing more fits.
    func fill() throws(StackError) {
        guard isMounted else {
            throw StackError(
                .faultUnavailable, "the disk cannot be filled: \(path) is no file system of its own",
                hint: "Start as root, who may mount the small file system that this fault fills.")
        }
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StackError(.fileFailed, "cannot write \(ballast): \(errorText())") }
        defer { close(descriptor) }
        lseek(descriptor, 0, SEEK_END)
        for size in [1 << 20, 1 << 12] {
            let block = [UInt8](repeating: 0x20, count: size)
            // Four times the size is never reached: the loop ends when the file system is full.
            for _ in 0..<(Self.sizeMB * 4 << 20) / size {
                guard block.withUnsafeBytes({ write(descriptor, $0.baseAddress!, $0.count) }) == size else { break }
            }
        }
    }

    func empty() { unlink(ballast) }

    func remove() {
        if isMounted { umount2(path, Int32(MNT_DETACH)) }
        Files.remove(path)
        if isMounted { Caretaker.shared.release(mount: path) }
    }

    private var ballast: String { "\(path)/ballast" }
}

func errorText() -> String { String(cString: strerror(errno)) }
