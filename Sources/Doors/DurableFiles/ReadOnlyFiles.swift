import Glibc

/// A file system that can be read and not changed: what would change it fails as on a disk that is mounted read-only. Whoever is given this one
/// leaves no trace, whatever it would like to put right on its way.
public struct ReadOnlyFiles: FileSystem {
    private let base: any FileSystem

    public init(_ base: any FileSystem) {
        self.base = base
    }

    private func refusal(_ operation: FileError.Operation, _ path: String) -> FileError {
        FileError(operation, path, errorNumber: EROFS)
    }

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        guard mode == .read else { throw refusal(.open, path) }
        return try base.open(path, mode)
    }

    public func createFolder(_ path: String) throws(FileError) { throw refusal(.createFolder, path) }
    public func list(_ folder: String) throws(FileError) -> [String] { try base.list(folder) }
    public func status(of path: String) throws(FileError) -> FileStatus? { try base.status(of: path) }
    public func remove(_ path: String) throws(FileError) { throw refusal(.remove, path) }
    public func rename(_ old: String, to new: String) throws(FileError) { throw refusal(.rename, old) }
    public func link(_ old: String, to new: String) throws(FileError) { throw refusal(.link, old) }
    public func syncFolder(_ path: String) throws(FileError) { throw refusal(.syncFolder, path) }
    public func space(at path: String) throws(FileError) -> FileSpace { try base.space(at: path) }
    public func lock(_ path: String, holder: Int32) throws(FileError) -> any OpenFile { throw refusal(.lock, path) }
}
