// The contract of this door has two layers. Below are the calls that can fail one by one: each stands for one system call, so
// that a test can let exactly the n-th of them fail. Above them, as extensions of the same protocol, stand the recipes that
// programs need (replace a file atomically, append and sync), written once for every implementation.
//
// What survives what:
//
//     write        survives the end of the process (kill -9), since the kernel holds the bytes
//     sync         what was written to this file before survives a power cut
//     syncFolder   names made, renamed and removed in this folder before survive a power cut
//
// The calls block. Long ones belong on a thread that may wait.

/// A file system: the real one, one in memory that can lose power, or one that fails when told to.
public protocol FileSystem: Sendable {
    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any OpenFile
    /// Makes one folder, mode 0700. One that exists already is fine.
    func createFolder(_ path: String) throws(FileError)
    /// Names in a folder, sorted, without `.` and `..`.
    func list(_ folder: String) throws(FileError) -> [String]
    /// - Returns: nil where nothing has this name.
    func status(of path: String) throws(FileError) -> FileStatus?
    /// Removes a file or an empty folder.
    func remove(_ path: String) throws(FileError)
    /// Gives a file another name in one step; a file that has it is replaced.
    func rename(_ old: String, to new: String) throws(FileError)
    /// Gives a file a second name on the same file system; `new` must be free.
    func link(_ old: String, to new: String) throws(FileError)
    func syncFolder(_ path: String) throws(FileError)
    func space(at path: String) throws(FileError) -> FileSpace
    /// Opens `path`, made if missing, locks it against every other process and writes `holder` (a process number) into it.
    /// Closing the file, or the end of the process, gives the lock back.
    /// - Throws: code `locked` with the number of the process that holds it.
    func lock(_ path: String, holder: Int32) throws(FileError) -> any OpenFile
}

/// How a file is opened. New files get mode 0600.
public enum OpenMode: Sendable, Hashable {
    /// Must exist.
    case read
    /// Made if missing; every write goes to the end.
    case append
    /// Made if missing, emptied if there.
    case replace
    /// Must not exist yet; writes go to the end.
    case create
}

/// An open file. Users hold it through `AppendFile` or `ReadFile`, which see that it is closed.
public protocol OpenFile: AnyObject, Sendable {
    /// Writes at the end, perhaps not everything.
    /// - Returns: the bytes written, at least one unless `bytes` is empty.
    func write(_ bytes: RawSpan) throws(FileError) -> Int
    /// - Returns: up to `count` bytes from `offset`; fewer only at the end of the file.
    func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8]
    /// Reads into memory that is there already.
    /// - Returns: how many bytes; fewer than there is room for only at the end of the file.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int
    func sync() throws(FileError)
    func truncate(to length: Int64) throws(FileError)
    func size() throws(FileError) -> Int64
    /// To be called once; the file is unusable afterwards, also when the call throws.
    func close() throws(FileError)
}

extension OpenFile {
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        let bytes = try read(at: offset, count: buffer.count)
        buffer.copyBytes(from: bytes)
        return bytes.count
    }
}

/// What is known of a name in a folder.
public struct FileStatus: Sendable, Hashable {
    public enum Kind: Sendable {
        case file, folder, other
    }

    public var kind: Kind
    public var byteCount: Int64
    /// Milliseconds since the epoch.
    public var modifiedAt: Int64
    /// Tells two files of one name apart: it changes when a log is rotated.
    public var inode: UInt64

    public init(kind: Kind, byteCount: Int64, modifiedAt: Int64, inode: UInt64) {
        self.kind = kind
        self.byteCount = byteCount
        self.modifiedAt = modifiedAt
        self.inode = inode
    }
}

/// Room on a file system.
public struct FileSpace: Sendable, Hashable {
    /// What the calling user may still write.
    public var availableBytes: Int64
    public var totalBytes: Int64

    public init(availableBytes: Int64, totalBytes: Int64) {
        self.availableBytes = availableBytes
        self.totalBytes = totalBytes
    }
}
