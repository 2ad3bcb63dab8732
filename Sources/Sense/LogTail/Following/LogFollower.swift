import Glibc

// A log is followed as the file it is (device and inode), not as its name. Each call to `readNewLines`:
//
//   1. reads what was added to the open file;
//   2. looks whether the name means another file now. If so the old one was renamed (logrotate's usual way): it is kept open
//      for one more call, because the server goes on writing to it until it reopens its logs, and the new one is read from its
//      first byte;
//   3. if the file is shorter than what was read, or other bytes stand where the last ones stood, it was cut off
//      (copytruncate): reading begins again at its first byte. What was written between our last look and the cut is lost,
//      which nobody can prevent; `cutCount` tells how often.
//
// After a restart the kept position names the file by device and inode. If the name means another file, the old one is looked
// for in the same folder (`access.log.1`) and read to its end first. A file that is gone by then (compressed, deleted) is
// counted in `gapCount`.
//
// A name that means no file is nothing unusual at one look: the server has not reopened its logs yet. At the second look in a
// row it is a fault, since nothing would ever be counted again.
//
// A line counts when its line feed is there. The rest waits, and `position` stands before it.

/// Follows one log through its rotations. Not shared between tasks.
struct LogFollower {
    let path: String
    private(set) var cutCount = 0
    private(set) var rotationCount = 0
    private(set) var gapCount = 0
    /// Lines longer than `lineByteCountMax`, which were skipped.
    private(set) var overlongCount = 0
    /// Bytes that are there and were not read, since one call reads at most `byteCountMax`.
    private(set) var unreadByteCount: Int64 = 0

    /// nginx's own buffer for a request line and its headers is 32 KiB by default; a longer line is no access-log line.
    static let lineByteCountMax = 64 * 1024

    private var current: OpenLog?
    /// The file before the last rotation.
    private var previous: OpenLog?
    /// Looks in a row at which the name meant no file.
    private var missingCount = 0
    private let startsAtBeginning: Bool
    private var kept: LogPosition?

    /// - Parameters:
    ///   - kept: where an earlier process stopped; nil for a log that was never followed.
    ///   - startsAtBeginning: whether a log that was never followed is read from its first line, or from its end.
    init(path: String, resumingAt kept: LogPosition?, startsAtBeginning: Bool = false) {
        self.path = path
        self.kept = kept
        self.startsAtBeginning = startsAtBeginning
    }

    /// Where a later process should go on; nil before the first successful call. While a renamed file may still get lines, it
    /// is the new file's position that is kept.
    var position: LogPosition? { current?.position }

    /// Hands every complete new line, without its line feed, to `take`.
    /// - Parameter byteCountMax: reads at most about so many bytes; the rest is for the next call.
    /// - Throws: `unreadable`.
    mutating func readNewLines(byteCountMax: Int, _ take: (UnsafeRawBufferPointer) -> Void) throws(LogTailError) {
        var left = byteCountMax
        if current == nil { try openFirst(&left, take) }
        if var old = previous {
            read(&old, &left, take)
            // Nothing can be added any more once the server has reopened its logs; one call is ample time for that.
            previous = old.unread > 0 ? old : nil
        }
        guard var log = current else { throw LogTailError(.unreadable, path, "the file does not exist") }
        if log.wasCut() {
            cutCount += 1
            log.startAgain()
        }
        read(&log, &left, take)
        current = log
        if let newer = try openIfReplaced(log) {
            rotationCount += 1
            if let previous, previous.unread > 0 { gapCount += 1 }
            previous = log
            var fresh = newer
            read(&fresh, &left, take)
            current = fresh
        }
        unreadByteCount = (current?.unread ?? 0) + (previous?.unread ?? 0)
        guard missingCount < 2 else { throw LogTailError(.unreadable, path, "the file does not exist") }
    }

    private mutating func read(_ log: inout OpenLog, _ left: inout Int, _ take: (UnsafeRawBufferPointer) -> Void) {
        overlongCount += log.readLines(&left, take)
    }

    /// The first look of this process at the log.
    private mutating func openFirst(_ left: inout Int, _ take: (UnsafeRawBufferPointer) -> Void) throws(LogTailError) {
        guard var log = OpenLog(path: path) else {
            throw LogTailError(.unreadable, path, String(cString: strerror(errno)))
        }
        defer { kept = nil }
        guard let kept else {
            if !startsAtBeginning { log.skipToEnd() }
            current = log
            return
        }
        if log.isSameFile(as: kept) {
            log.resume(at: kept)
            current = log
            return
        }
        if var old = OpenLog(inFolderOf: path, sameFileAs: kept) {
            rotationCount += 1
            old.resume(at: kept)
            read(&old, &left, take)
            previous = old.unread > 0 ? old : nil
        } else {
            gapCount += 1
        }
        current = log
    }

    /// - Returns: the file that the name means now, when it is another one; nil also while there is none, as in the moment
    ///   between the renaming and the new file.
    private mutating func openIfReplaced(_ log: OpenLog) throws(LogTailError) -> OpenLog? {
        guard let candidate = OpenLog(path: path) else {
            missingCount += 1
            return nil
        }
        missingCount = 0
        return candidate.isSameFile(as: log.position) ? nil : candidate
    }
}
