/// A new temporary folder that servers under other users can reach. It is removed by `remove()`, when the value goes
/// away, or after this process ended, whichever is first.
public final class StackFolder: Sendable {
    public let path: String

    public init(prefix: String = "jaga-stack-") throws {
        path = try Files.makeTemporaryFolder(prefix: prefix)
        Caretaker.shared.adopt(folder: path)
    }

    public func remove() {
        Files.remove(path)
        Caretaker.shared.release(folder: path)
    }

    deinit { remove() }
}
