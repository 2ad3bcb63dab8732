import Glibc

let fileTooLarge = EFBIG

/// A file that grows at its end. It has one owner; close it, or it is closed when it goes out of scope.
public struct AppendFile: ~Copyable, Sendable {
    private let file: any OpenFile
    private var isOpen = true

    init(_ file: any OpenFile) {
        self.file = file
    }

    deinit {
        // The net for a handle that nobody closed: whoever wants to hear of errors calls `close`.
        if isOpen { try? file.close() }
    }

    /// Writes everything, in as many calls as the system needs. When it throws, an unknown part has been written: `truncate`
    /// to the length before, or give the file up.
    public mutating func write(_ bytes: [UInt8]) throws(FileError) {
        try write(bytes.span.bytes)
    }

    public mutating func write(_ bytes: RawSpan) throws(FileError) {
        var done = 0
        while done < bytes.byteCount {
            done += try file.write(bytes.extracting(done..<bytes.byteCount))
        }
    }

    public mutating func sync() throws(FileError) { try file.sync() }
    public mutating func truncate(to length: Int64) throws(FileError) { try file.truncate(to: length) }
    public func size() throws(FileError) -> Int64 { try file.size() }

    public consuming func close() throws(FileError) {
        isOpen = false
        try file.close()
    }
}

/// A file read at positions. Closed when it goes out of scope.
public struct ReadFile: ~Copyable, Sendable {
    private let file: any OpenFile

    init(_ file: any OpenFile) {
        self.file = file
    }

    deinit {
        // Reading leaves nothing behind that a failed close could lose.
        try? file.close()
    }

    /// - Returns: up to `count` bytes from `offset`; fewer only where the file ends.
    public func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        try file.read(at: offset, count: count)
    }

    public func size() throws(FileError) -> Int64 { try file.size() }
}

/// The right to a data folder; given back when it goes out of scope.
public struct FolderLock: ~Copyable, Sendable {
    private let file: any OpenFile
    private var isOpen = true

    init(_ file: any OpenFile) {
        self.file = file
    }

    deinit {
        // The net for a handle that nobody closed: whoever wants to hear of errors calls `close`.
        if isOpen { try? file.close() }
    }

    public consuming func release() throws(FileError) {
        isOpen = false
        try file.close()
    }
}
