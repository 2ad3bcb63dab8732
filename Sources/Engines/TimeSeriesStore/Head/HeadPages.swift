import BinaryCoding
import DurableFiles

// Finished chunks stand in pages of 64 KiB. A page that is full is written to a file without a name and leaves memory: most chunks of the
// head are never asked for before they go to a block, and what is asked for lies in the kernel's cache. The file is no record of
// anything. The log has every sample; a start makes the pages anew from it. So nothing is synced, and a page that cannot be written
// stays in memory.
//
// The samples of a query are read by `pread`, not through a mapping: a disk that cannot give the bytes back is an error of that query
// then, and not the end of the process.

/// A stretch of memory for finished chunks, filled from the front. Behind each stand four bytes of its checksum.
///
/// `@unchecked Sendable`: bytes below `used` never change after they were written. `append` is called under the store's `state` lock
/// alone; a reader takes its ranges under that lock, and only they are read later, from any thread.
final class BytePage: @unchecked Sendable {
    static let byteCount = 64 << 10
    static let checksumByteCount = 4
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var used = 0

    /// - Parameter capacity: more than a page's for a chunk that is longer than one.
    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    /// - Returns: where the bytes stand; nil where they do not fit any more.
    func append(_ bytes: [UInt8]) -> Int? {
        guard used + bytes.count + Self.checksumByteCount <= capacity else { return nil }
        bytes.withUnsafeBytes { (base + used).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        (base + used + bytes.count).storeBytes(of: Checksum.of(bytes).littleEndian, as: UInt32.self)
        defer { used += bytes.count + Self.checksumByteCount }
        return used
    }

    /// - Parameter body: may use the bytes during the call only.
    func withBytes<Value>(_ offset: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        body(UnsafeRawBufferPointer(start: base + offset, count: count))
    }

    fileprivate var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: used)) }
}

/// A file of finished chunks: the pages of one span, without a name, gone with the last who holds it; or the stretches of a segment.
///
/// `@unchecked Sendable`: `write` is called under the store's `state` lock alone; what was written is read from any thread, at
/// positions.
final class PageFile: @unchecked Sendable {
    private let file: any OpenFile
    private var byteCount: Int64 = 0
    private var isUsable = true

    private static let name = "head.pages"
    /// Where it is, or was before its name was removed.
    let path: String

    /// Whether this is the path of such a file.
    static func isPath(_ path: String) -> Bool { path.hasSuffix("/" + name) || path.hasSuffix(".chunks") }

    /// - Returns: nil where there cannot be one: pages stay in memory then.
    init?(_ files: any FileSystem, in folder: String) {
        path = joined(folder, Self.name)
        // Without the file everything works as well, in more memory; whoever writes the log tells of a disk that takes nothing.
        guard let file = try? files.open(path, .replace) else { return nil }
        self.file = file
        try? files.remove(path)
    }

    /// A file that stays: of the stretches of a segment.
    init?(named path: String, _ files: any FileSystem) {
        guard let file = try? files.open(path, .replace) else { return nil }
        self.file = file
        self.path = path
    }

    /// A file that was written by an earlier process. Nothing is added to it.
    init?(reading path: String, _ files: any FileSystem) {
        guard let file = try? files.open(path, .read) else { return nil }
        self.file = file
        self.path = path
        isUsable = false
    }

    deinit {
        // Nothing in it is missed.
        try? file.close()
    }

    /// - Returns: where the page begins; nil where it could not be written.
    func write(_ bytes: [UInt8]) -> Int64? {
        guard isUsable else { return nil }
        let start = byteCount
        var done = 0
        while done < bytes.count {
            // A disk that is full or failing is told by whoever writes the log; the page stays in memory.
            guard let written = try? file.write(bytes.span.bytes.extracting(done..<bytes.count)) else {
                isUsable = false
                return nil
            }
            done += written
            byteCount += Int64(written)
        }
        return start
    }

    // Of a file whose length nobody knows nothing is read: the log has the samples.
    var size: Int64? { try? file.size() }

    func bytes(at offset: Int64, count: Int) throws(FileError) -> [UInt8] { try file.read(at: offset, count: count) }

    fileprivate func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(StoreError) -> Int {
        do throws(FileError) {
            return try file.read(at: offset, into: buffer)
        } catch {
            throw StoreError(.fileFailed, path, cause: error)
        }
    }
}

/// Gives each span that has a full page a file for its pages. History that is sent for months back has thousands of spans for a
/// while, and a process has only so many open files: what comes past the limit stays in memory until another span has gone.
///
/// `@unchecked Sendable`: used under the store's `state` lock alone.
final class PageFiles: @unchecked Sendable {
    private struct Given {
        weak var file: PageFile?
    }

    static let countMax = 16
    private let files: any FileSystem
    private let folder: String
    private var given: [Given] = []

    init(_ files: any FileSystem, in folder: String) {
        self.files = files
        self.folder = folder
    }

    /// - Returns: nil where there cannot be one more: pages stay in memory then.
    func next() -> PageFile? {
        given.removeAll { $0.file == nil }
        guard given.count < Self.countMax, let file = PageFile(files, in: folder) else { return nil }
        given.append(Given(file: file))
        return file
    }
}

/// Where a page of finished chunks is.
enum HeadPage: Sendable {
    case memory(BytePage)
    /// From `start` on in the file.
    case file(PageFile, start: Int64, byteCount: Int)

    /// A page that is full, in the file if that takes it.
    static func written(_ page: BytePage, to file: PageFile?) -> HeadPage {
        guard let file, let start = file.write(page.bytes) else { return .memory(page) }
        return .file(file, start: start, byteCount: page.used)
    }
}

/// Reads chunks of pages during one query. For one thread.
///
/// The chunks of series that lie side by side lie side by side in a page, so that whoever reads on from where the last chunk ended
/// gets a longer stretch at once.
final class HeadPageReader {
    /// A stretch of a page that was read last.
    private struct Window {
        /// The file, and where in it the page begins; nil for none. Each span has a file of its own.
        var file: PageFile?
        var pageStart: Int64 = 0
        var start = 0
        var end = 0
    }

    private static let windowCount = 32
    private static let windowByteCount = 16 << 10
    /// A gap up to which reading on is cheaper than reading anew.
    private static let gapMax = 2 << 10
    /// A page has one place, by its number.
    private var windows: [Window] = []
    private var room: [UInt8] = []
    /// For a chunk that is longer than a window.
    private var long: [UInt8] = []

    /// - Parameters:
    ///   - number: of the page in its span.
    ///   - body: may use the bytes during the call only.
    /// - Throws: `StoreError` of code `fileFailed` or `damaged`, of a page in a file.
    func withBytes<Value>(
        _ page: HeadPage, number: UInt32, _ offset: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(StoreError) -> Value {
        switch page {
        case .memory(let page): return page.withBytes(offset, count, body)
        case .file(let file, let pageStart, let byteCount):
            let end = offset + count + BytePage.checksumByteCount
            guard end - offset <= Self.windowByteCount else {
                long = [UInt8](repeating: 0, count: end - offset)
                try fill(&long, 0..<long.count, from: file, at: pageStart + Int64(offset))
                return try checked(long, 0, count, file, pageStart + Int64(offset), body)
            }
            if windows.isEmpty {
                windows = [Window](repeating: Window(), count: Self.windowCount)
                room = [UInt8](repeating: 0, count: Self.windowCount * Self.windowByteCount)
            }
            let place = Int(number) % Self.windowCount
            let first = place * Self.windowByteCount
            var window = windows[place]
            let isKnown = window.file === file && window.pageStart == pageStart
            if !isKnown || offset < window.start || end > window.end {
                let readsOn = isKnown && offset >= window.start && offset < window.end + Self.gapMax
                let windowEnd = min(byteCount, readsOn ? offset + Self.windowByteCount : end)
                guard end <= windowEnd else {
                    throw StoreError(.damaged, file.path, at: pageStart + Int64(offset))
                }
                windows[place].file = nil
                window = Window(file: file, pageStart: pageStart, start: offset, end: windowEnd)
                try fill(&room, first..<first + windowEnd - offset, from: file, at: pageStart + Int64(offset))
                windows[place] = window
            }
            return try checked(room, first + offset - window.start, count, file, pageStart + Int64(offset), body)
        }
    }

    private func fill(
        _ bytes: inout [UInt8], _ range: Range<Int>, from file: PageFile, at offset: Int64
    ) throws(StoreError) {
        let result = bytes.withUnsafeMutableBytes { buffer -> Result<Int, StoreError> in
            do throws(StoreError) {
                return .success(
                    try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[range])))
            } catch {
                return .failure(error)
            }
        }
        guard try result.get() == range.count else { throw StoreError(.damaged, file.path, at: offset) }
    }

    private func checked<Value>(
        _ bytes: [UInt8], _ start: Int, _ count: Int, _ file: PageFile, _ place: Int64,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(StoreError) -> Value {
        let value: Value? = bytes.withUnsafeBytes { bytes in
            let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
            let stored = bytes.loadUnaligned(fromByteOffset: start + count, as: UInt32.self)
            return Checksum.of(RawSpan(_unsafeBytes: chunk)) == UInt32(littleEndian: stored) ? body(chunk) : nil
        }
        guard let value else { throw StoreError(.damaged, file.path, at: place) }
        return value
    }
}
