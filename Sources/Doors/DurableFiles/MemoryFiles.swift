import Glibc
import Synchronization

/// A file system in memory that knows what has been synced: for tests of what a power cut leaves behind.
///
/// Contents become durable by `sync` of the file, names by `syncFolder` of their folder. `powerCut` goes back to what is
/// durable; `endProcess` only gives the locks back, as a killed process does.
public final class MemoryFiles: FileSystem {
    /// What a power cut does with that which was not synced. Real disks may do any of these.
    public enum Loss: Sendable, CaseIterable {
        /// Names and contents that were not synced are gone.
        case everything
        /// Names are as the program left them, contents only as synced: a file renamed before its sync is empty.
        case contents
        /// Names as left, and of unsynced contents the first half is there: the last write is torn.
        case halfOfContents
    }

    fileprivate final class Node {
        var bytes: [UInt8] = []
        var syncedBytes: [UInt8] = []
        /// Nil for a file. Full paths are the keys of `State.names`, so a folder is only a mark.
        let isFolder: Bool
        let inode: UInt64

        init(isFolder: Bool, inode: UInt64) {
            self.isFolder = isFolder
            self.inode = inode
        }
    }

    /// `@unchecked Sendable`: reached only inside `state`'s lock.
    fileprivate struct State: @unchecked Sendable {
        var names: [String: Node] = [:]
        var syncedNames: [String: Node] = [:]
        /// Folders that have another name than on the disk, by the new one.
        var movedFolders: [String: String] = [:]
        var locks: [String: Int32] = [:]
        var lastInode: UInt64 = 1
        var capacityBytes: Int64
    }

    fileprivate let state: Mutex<State>

    /// - Parameter capacityBytes: writes past this fail with ENOSPC.
    public init(capacityBytes: Int64 = .max) {
        let root = Node(isFolder: true, inode: 1)
        state = Mutex(State(names: ["/": root], syncedNames: ["/": root], capacityBytes: capacityBytes))
    }

    /// Makes the disk smaller or larger.
    public func setCapacity(bytes: Int64) {
        state.withLock { $0.capacityBytes = bytes }
    }

    /// What the disk holds after the power came back. Handles opened before must no longer be used.
    public func powerCut(_ loss: Loss = .everything) {
        state.withLock { state in
            if loss == .everything { state.names = state.syncedNames }
            for node in state.names.values where node.bytes != node.syncedBytes {
                let written = node.bytes
                node.bytes = node.syncedBytes
                if loss == .halfOfContents, written.count > node.syncedBytes.count {
                    let unsynced = written.count - node.syncedBytes.count
                    node.bytes = Array(written.prefix(node.syncedBytes.count + unsynced / 2))
                }
                node.syncedBytes = node.bytes
            }
            state.syncedNames = state.names
            state.movedFolders = [:]
            state.locks = [:]
        }
    }

    /// What the end of the process does: locks are free again, everything written is there.
    public func endProcess() {
        state.withLock { $0.locks = [:] }
    }

    /// Changes one bit of a file, synced or not: a decaying disk.
    public func flipBit(_ bit: Int, at offset: Int, of path: String) {
        state.withLock { state in
            guard let node = state.names[path] else { preconditionFailure("no file \(path)") }
            node.bytes[offset] ^= 1 << UInt8(bit)
            node.syncedBytes = node.bytes
        }
    }

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        let node = try attempt { state throws(FileError) in
            let existing = state.names[path]
            if let existing, existing.isFolder { throw FileError(.open, path, errorNumber: EISDIR) }
            switch (mode, existing) {
            case (.read, nil): throw FileError(.open, path, errorNumber: ENOENT)
            case (.create, .some): throw FileError(.open, path, errorNumber: EEXIST)
            case (_, let node?):
                if mode == .replace { node.bytes = [] }
                return Opened(node: node)
            case (_, nil): return Opened(node: try state.make(path, isFolder: false, .open))
            }
        }
        return MemoryFile(self, node.node, path)
    }

    public func createFolder(_ path: String) throws(FileError) {
        try attempt { state throws(FileError) in
            if let existing = state.names[path] {
                guard existing.isFolder else { throw FileError(.createFolder, path, errorNumber: EEXIST) }
                return
            }
            _ = try state.make(path, isFolder: true, .createFolder)
        }
    }

    public func list(_ folder: String) throws(FileError) -> [String] {
        try attempt { state throws(FileError) in
            guard state.names[folder]?.isFolder == true else { throw FileError(.list, folder, errorNumber: ENOENT) }
            return state.children(of: folder).map { String($0.dropFirst(joined(folder, "").count)) }.sorted()
        }
    }

    public func status(of path: String) throws(FileError) -> FileStatus? {
        state.withLock { state in
            state.names[path].map {
                FileStatus(
                    kind: $0.isFolder ? .folder : .file, byteCount: Int64($0.bytes.count), modifiedAt: 0,
                    inode: $0.inode)
            }
        }
    }

    public func remove(_ path: String) throws(FileError) {
        try attempt { state throws(FileError) in
            guard let node = state.names[path] else { throw FileError(.remove, path, errorNumber: ENOENT) }
            if node.isFolder, !state.children(of: path).isEmpty {
                throw FileError(.remove, path, errorNumber: ENOTEMPTY)
            }
            state.names[path] = nil
            state.movedFolders[path] = nil
        }
    }

    public func rename(_ old: String, to new: String) throws(FileError) {
        try attempt { state throws(FileError) in
            guard let node = state.names[old], state.names[parentFolder(of: new)] != nil else {
                throw FileError(.rename, old, errorNumber: ENOENT)
            }
            let inside = state.names.keys.filter { $0.hasPrefix(joined(old, "")) }
            for path in inside { state.names[new + path.dropFirst(old.count)] = state.names.removeValue(forKey: path) }
            state.names[old] = nil
            state.names[new] = node
            if node.isFolder { state.movedFolders[new] = state.movedFolders.removeValue(forKey: old) ?? old }
        }
    }

    public func link(_ old: String, to new: String) throws(FileError) {
        try attempt { state throws(FileError) in
            guard let node = state.names[old], state.names[parentFolder(of: new)] != nil else {
                throw FileError(.link, old, errorNumber: ENOENT)
            }
            guard state.names[new] == nil else { throw FileError(.link, new, errorNumber: EEXIST) }
            state.names[new] = node
        }
    }

    public func syncFolder(_ path: String) throws(FileError) {
        try attempt { state throws(FileError) in
            guard state.names[path]?.isFolder == true else {
                throw FileError(.syncFolder, path, errorNumber: ENOENT)
            }
            for name in Set(state.names.keys).union(state.syncedNames.keys) where parentFolder(of: name) == path {
                state.syncedNames[name] = state.names[name]
                // What was synced inside of a folder goes with it.
                guard let old = state.movedFolders.removeValue(forKey: name) else { continue }
                for inside in state.syncedNames.keys where inside.hasPrefix(joined(old, "")) {
                    state.syncedNames[name + inside.dropFirst(old.count)] = state.syncedNames.removeValue(
                        forKey: inside)
                }
            }
        }
    }

    public func space(at path: String) throws(FileError) -> FileSpace {
        state.withLock { state in
            FileSpace(availableBytes: max(0, state.capacityBytes - state.usedBytes), totalBytes: state.capacityBytes)
        }
    }

    public func lock(_ path: String, holder: Int32) throws(FileError) -> any OpenFile {
        let opened = try attempt { state throws(FileError) in
            if let other = state.locks[path] { throw FileError(locked: path, by: other) }
            let node: Node
            if let existing = state.names[path] {
                node = existing
            } else {
                node = try state.make(path, isFolder: false, .lock)
            }
            node.bytes = Array("\(holder)\n".utf8)
            state.locks[path] = holder
            return Opened(node: node)
        }
        return MemoryFile(self, opened.node, path, unlocksOnClose: true)
    }

    /// `Mutex.withLock` with a typed error.
    fileprivate func attempt<Value: Sendable>(
        _ body: (inout State) throws(FileError) -> Value
    ) throws(FileError) -> Value {
        try state.withLock { state -> Result<Value, FileError> in
            do throws(FileError) { return .success(try body(&state)) } catch { return .failure(error) }
        }.get()
    }

    /// `@unchecked Sendable`: the node is used only inside the lock again.
    fileprivate struct Opened: @unchecked Sendable {
        let node: Node
    }
}

extension MemoryFiles.State {
    fileprivate var usedBytes: Int64 { names.values.reduce(0) { $0 + Int64($1.bytes.count) } }

    fileprivate func children(of folder: String) -> [String] {
        names.keys.filter { $0 != folder && parentFolder(of: $0) == folder }
    }

    fileprivate mutating func make(
        _ path: String, isFolder: Bool, _ operation: FileError.Operation
    ) throws(FileError) -> MemoryFiles.Node {
        guard names[parentFolder(of: path)]?.isFolder == true else {
            throw FileError(operation, path, errorNumber: ENOENT)
        }
        lastInode += 1
        let node = MemoryFiles.Node(isFolder: isFolder, inode: lastInode)
        names[path] = node
        return node
    }
}

/// `@unchecked Sendable`: the node is reached only inside the file system's lock.
private final class MemoryFile: OpenFile, @unchecked Sendable {
    private let files: MemoryFiles
    private let node: MemoryFiles.Node
    private let path: String
    private let unlocksOnClose: Bool

    init(_ files: MemoryFiles, _ node: MemoryFiles.Node, _ path: String, unlocksOnClose: Bool = false) {
        self.files = files
        self.node = node
        self.path = path
        self.unlocksOnClose = unlocksOnClose
    }

    func write(_ bytes: RawSpan) throws(FileError) -> Int {
        let wanted = bytes.withUnsafeBytes { Array($0) }
        return try files.attempt { state throws(FileError) in
            // As a real disk does: what still fits is written, and the next write fails.
            let room = max(0, state.capacityBytes - state.usedBytes)
            let taken = wanted.prefix(Int(min(room, Int64(wanted.count))))
            guard !taken.isEmpty || wanted.isEmpty else { throw FileError(.write, path, errorNumber: ENOSPC) }
            node.bytes += taken
            return taken.count
        }
    }

    func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        files.state.withLock { _ in Array(node.bytes.dropFirst(Int(offset)).prefix(count)) }
    }

    func sync() throws(FileError) {
        files.state.withLock { _ in node.syncedBytes = node.bytes }
    }

    func truncate(to length: Int64) throws(FileError) {
        files.state.withLock { _ in
            let missing = Int(length) - node.bytes.count
            if missing > 0 { node.bytes += [UInt8](repeating: 0, count: missing) }
            node.bytes.removeLast(max(0, -missing))
        }
    }

    func size() throws(FileError) -> Int64 {
        files.state.withLock { _ in Int64(node.bytes.count) }
    }

    func close() throws(FileError) {
        if unlocksOnClose { files.state.withLock { $0.locks[path] = nil } }
    }
}
