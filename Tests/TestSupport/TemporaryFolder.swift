import FoundationEssentials
import SampleStack
import Synchronization
public import SystemPackage

/// A folder for one test, removed with all in it when the value goes away or the test process ends. Servers under other
/// users can reach what is in it.
public final class TemporaryFolder: Sendable {
    private let folder: StackFolder
    public var path: String { folder.path }
    public var filePath: FilePath { FilePath(folder.path) }

    /// - Parameter name: a part of the folder's name. May hold spaces, which paths in the wild do too.
    public init(_ name: String = "test") throws {
        folder = try StackFolder(prefix: "jaga \(name) ")
    }

    /// The path of `name` in the folder.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    public func remove() { folder.remove() }
}

/// Folders of values that are only paths, which may be used long after the value that named them is gone. They stay until
/// they are removed or the test process ends.
enum LastingFolder {
    private static let kept = Mutex<[String: StackFolder]>([:])

    static func make(_ prefix: String) throws -> URL {
        let folder = try StackFolder(prefix: prefix)
        kept.withLock { $0[folder.path] = folder }
        return URL(filePath: folder.path, directoryHint: .isDirectory)
    }

    static func remove(_ folder: URL) {
        var path = folder.path
        if path.hasSuffix("/") { path.removeLast() }
        let taken = kept.withLock { $0.removeValue(forKey: path) }
        taken?.remove()
    }
}
