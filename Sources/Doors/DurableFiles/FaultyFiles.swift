import Glibc
import Synchronization

// Runs any program through every failure of its disk: count the calls of a run without a fault, then run it again with the
// first call failing, the second, and so on, once or for good, and look each time at what is left.

/// A file system that passes calls on to another one and fails those it is told to.
public final class FaultyFiles: FileSystem {
    /// What is to go wrong.
    public struct Fault: Sendable {
        public enum Kind: Sendable, Hashable {
            /// The call fails with this number (EIO, ENOSPC …) and does nothing.
            case error(Int32)
            /// A write takes only half of its bytes and reports so, which is legal; other calls are not disturbed.
            case shortWrite
        }

        public var kind: Kind
        /// Which of the counted calls fails; 1 is the first after `arm`.
        public var call: Int
        /// Whether later calls fail as well.
        public var lasts: Bool
        /// The operations that count and can fail.
        public var operations: Set<FileError.Operation>

        public init(
            _ kind: Kind, call: Int, lasts: Bool = false,
            operations: Set<FileError.Operation> = Set(FileError.Operation.allCases)
        ) {
            self.kind = kind
            self.call = call
            self.lasts = lasts
            self.operations = operations
        }
    }

    /// The operations that a full disk refuses.
    public static let operationsThatNeedSpace: Set<FileError.Operation> = [.write, .createFolder, .open]
    /// The operations that change something.
    public static let changes: Set<FileError.Operation> = [
        .open, .write, .sync, .truncate, .createFolder, .rename, .remove, .link, .syncFolder, .close,
    ]

    private struct State {
        var fault: Fault?
        var callCount = 0
        var failedCount = 0
    }

    private let base: any FileSystem
    private let state = Mutex(State())

    public init(_ base: any FileSystem) {
        self.base = base
    }

    /// Counts from zero again, with this fault or with none.
    public func arm(_ fault: Fault?) {
        state.withLock { $0 = State(fault: fault) }
    }

    /// Calls counted since `arm`: those among the fault's operations, or all where there is none.
    public var callCount: Int { state.withLock { $0.callCount } }
    /// Calls disturbed since `arm`. Zero says that the program ended before the fault's turn came.
    public var failedCount: Int { state.withLock { $0.failedCount } }

    /// - Returns: whether a write is to be short.
    @discardableResult
    fileprivate func pass(_ operation: FileError.Operation, _ path: String) throws(FileError) -> Bool {
        let kind: Fault.Kind? = state.withLock { state in
            if let fault = state.fault, !fault.operations.contains(operation) { return nil }
            state.callCount += 1
            guard let fault = state.fault, fault.lasts ? state.callCount >= fault.call : state.callCount == fault.call
            else { return nil }
            state.failedCount += 1
            return fault.kind
        }
        switch kind {
        case nil: return false
        case .shortWrite: return operation == .write
        case .error(let number): throw FileError(operation, path, errorNumber: number)
        }
    }

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile {
        try pass(.open, path)
        return FaultyFile(self, try base.open(path, mode), path)
    }

    public func createFolder(_ path: String) throws(FileError) {
        try pass(.createFolder, path)
        try base.createFolder(path)
    }

    public func list(_ folder: String) throws(FileError) -> [String] {
        try pass(.list, folder)
        return try base.list(folder)
    }

    public func status(of path: String) throws(FileError) -> FileStatus? {
        try pass(.status, path)
        return try base.status(of: path)
    }

    public func remove(_ path: String) throws(FileError) {
        try pass(.remove, path)
        try base.remove(path)
    }

    public func rename(_ old: String, to new: String) throws(FileError) {
        try pass(.rename, old)
        try base.rename(old, to: new)
    }

    public func link(_ old: String, to new: String) throws(FileError) {
        try pass(.link, old)
        try base.link(old, to: new)
    }

    public func syncFolder(_ path: String) throws(FileError) {
        try pass(.syncFolder, path)
        try base.syncFolder(path)
    }

    public func space(at path: String) throws(FileError) -> FileSpace {
        try pass(.space, path)
        return try base.space(at: path)
    }

    public func lock(_ path: String, holder: Int32) throws(FileError) -> any OpenFile {
        try pass(.lock, path)
        return FaultyFile(self, try base.lock(path, holder: holder), path)
    }
}

private final class FaultyFile: OpenFile {
    private let files: FaultyFiles
    private let base: any OpenFile
    private let path: String

    init(_ files: FaultyFiles, _ base: any OpenFile, _ path: String) {
        self.files = files
        self.base = base
        self.path = path
    }

    func write(_ bytes: RawSpan) throws(FileError) -> Int {
        let short = try files.pass(.write, path)
        guard short, bytes.byteCount > 1 else { return try base.write(bytes) }
        return try base.write(bytes.extracting(0..<bytes.byteCount / 2))
    }

    func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        try files.pass(.read, path)
        return try base.read(at: offset, count: count)
    }

    func sync() throws(FileError) {
        try files.pass(.sync, path)
        try base.sync()
    }

    func truncate(to length: Int64) throws(FileError) {
        try files.pass(.truncate, path)
        try base.truncate(to: length)
    }

    func size() throws(FileError) -> Int64 {
        try files.pass(.status, path)
        return try base.size()
    }

    func close() throws(FileError) {
        // A failed close has closed all the same, as on Linux.
        defer { try? base.close() }
        try files.pass(.close, path)
    }
}
