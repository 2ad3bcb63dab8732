import Glibc
import TestSupport
import Testing

@testable import LogTail

/// Goal: every line is read once, through rotations and restarts, and what is lost is counted. Method: real files that are
/// written, renamed and cut off as logrotate does.
@Suite struct LogFollowerTests {
    private let folder: TemporaryFolder
    private let log: String

    init() throws {
        folder = try TemporaryFolder()
        log = folder.path + "/access.log"
    }

    private func append(_ text: String, to path: String? = nil) throws {
        let file = try #require(fopen(path ?? log, "a"))
        fputs(text, file)
        fclose(file)
    }

    private func lines(_ follower: inout LogFollower, byteCountMax: Int = 1 << 20) throws -> [String] {
        var lines: [String] = []
        try follower.readNewLines(byteCountMax: byteCountMax) { lines.append(String(decoding: $0, as: UTF8.self)) }
        return lines
    }

    private func newFollower(_ kept: LogPosition? = nil) -> LogFollower {
        LogFollower(path: log, resumingAt: kept, startsAtBeginning: true)
    }

    @Test func `lines are read once, and one without its end waits`() throws {
        try append("a\nb\nhal")
        var follower = newFollower()
        #expect(try lines(&follower) == ["a", "b"])
        #expect(try lines(&follower) == [])
        try append("f\n\nc\n")
        #expect(try lines(&follower) == ["half", "", "c"])
    }

    @Test func `a log that was never followed is read from its end`() throws {
        try append("old\nhal")
        var follower = LogFollower(path: log, resumingAt: nil)
        #expect(try lines(&follower) == [])
        try append("f\nnew\n")
        #expect(try lines(&follower) == ["half", "new"])
    }

    @Test func `a renamed log is read to its end, also what is written to it late`() throws {
        try append("a\n")
        var follower = newFollower()
        #expect(try lines(&follower) == ["a"])
        try append("b\n")
        rename(log, log + ".1")
        #expect(try lines(&follower) == ["b"])
        try append("late\n", to: log + ".1")
        try append("c\n")
        #expect(try lines(&follower) == ["late", "c"])
        #expect(follower.rotationCount == 1)
        // The server may write to the old file until it reopens its logs.
        try append("later\n", to: log + ".1")
        #expect(try lines(&follower) == ["later"])
        try append("d\n")
        #expect(try lines(&follower) == ["d"])
    }

    @Test func `a log that was cut off is read from its start again`() throws {
        try append("a\nb\n")
        var follower = newFollower()
        #expect(try lines(&follower) == ["a", "b"])
        truncate(log, 0)
        try append("c\n")
        #expect(try lines(&follower) == ["c"])
        #expect(follower.cutCount == 1)
        // Cut off, and grown past the old length before anybody looked.
        truncate(log, 0)
        try append("new one\nnew two\n")
        #expect(try lines(&follower) == ["new one", "new two"])
        #expect(follower.cutCount == 2)
    }

    @Test func `a later process goes on where the first one stopped`() throws {
        try append("a\n")
        var first = newFollower()
        #expect(try lines(&first) == ["a"])
        let kept = try #require(first.position)
        #expect(LogPosition(text: kept.text) == kept)
        try append("b\n")
        var second = newFollower(kept)
        #expect(try lines(&second) == ["b"])
    }

    @Test func `a rotation while nobody looked loses nothing as long as the file is there`() throws {
        try append("a\n")
        var first = newFollower()
        #expect(try lines(&first) == ["a"])
        let kept = first.position
        try append("b\n")
        rename(log, log + ".1")
        try append("c\n")
        var second = newFollower(kept)
        #expect(try lines(&second) == ["b", "c"])
        #expect(second.gapCount == 0)
        unlink(log + ".1")
        var third = newFollower(kept)
        #expect(try lines(&third) == ["c"])
        #expect(third.gapCount == 1)
    }

    @Test func `a line longer than the limit is skipped and counted, those around it are not`() throws {
        try append("a\n" + String(repeating: "x", count: 500_000) + "\nb\n")
        var follower = newFollower()
        #expect(try lines(&follower) == ["a", "b"])
        #expect(follower.overlongCount == 1)
    }

    @Test func `a limit on one reading leaves the rest for the next`() throws {
        try append(String(repeating: String(repeating: "y", count: 99) + "\n", count: 5000))
        var follower = newFollower()
        let first = try lines(&follower, byteCountMax: 150_000).count
        #expect(first > 0 && first < 5000)
        #expect(follower.unreadByteCount == Int64(5000 - first) * 100)
        #expect(try lines(&follower).count == 5000 - first)
        #expect(follower.unreadByteCount == 0)
    }

    @Test func `a half line is neither lost by a renaming nor glued to another file's by a cut`() throws {
        try append("a\nhal")
        var follower = newFollower()
        #expect(try lines(&follower) == ["a"])
        rename(log, log + ".1")
        try append("f\n", to: log + ".1")
        try append("c\nhal")
        #expect(try lines(&follower) == ["half", "c"])
        truncate(log, 0)
        try append("new\n")
        #expect(try lines(&follower) == ["new"])
        #expect(follower.rotationCount == 1 && follower.cutCount == 1)
    }

    @Test func `bytes that are no text, empty lines and carriage returns pass as they are`() throws {
        let file = try #require(fopen(log, "w"))
        let bytes: [UInt8] = [0xFF, 0xFE, 0x41, 10, 0, 0, 10, 10, 0x42, 13, 10]
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        var follower = newFollower()
        var seen: [[UInt8]] = []
        try follower.readNewLines(byteCountMax: 1 << 20) { seen.append(Array($0)) }
        #expect(seen == [[0xFF, 0xFE, 0x41], [0, 0], [], [0x42, 13]])
    }

    @Test func `a server that goes on writing behind a cut leaves one unreadable line`() throws {
        // Without O_APPEND the writer keeps its place, and the file begins with a hole of zeros.
        let writer = try #require(fopen(log, "w"))
        fputs("a\nb\n", writer)
        fflush(writer)
        var follower = newFollower()
        #expect(try lines(&follower) == ["a", "b"])
        truncate(log, 0)
        fputs("c\nd\n", writer)
        fclose(writer)
        let seen = try lines(&follower)
        #expect(seen == ["\0\0\0\0c", "d"])
        #expect(follower.cutCount == 1)
    }

    @Test func `an overlong line that comes in pieces is skipped to its end, also over readings`() throws {
        var follower = newFollower()
        try append("a\n" + String(repeating: "x", count: 200_000))
        #expect(try lines(&follower) == ["a"])
        try append(String(repeating: "x", count: 200_000))
        #expect(try lines(&follower) == [])
        try append("x\nb\n")
        #expect(try lines(&follower) == ["b"])
        #expect(follower.overlongCount == 1)
    }

    @Test func `a log whose name is gone for longer than a rotation takes is not healthy`() throws {
        try append("a\n")
        var follower = newFollower()
        #expect(try lines(&follower) == ["a"])
        rename(log, log + ".1")
        try append("late\n", to: log + ".1")
        // In the moment between the renaming and the new file nothing is wrong.
        #expect(try lines(&follower) == ["late"])
        #expect(throws: LogTailError.self) { try lines(&follower) }
        #expect(throws: LogTailError.self) { try lines(&follower) }
        try append("b\n")
        #expect(try lines(&follower) == ["b"])
        #expect(try lines(&follower) == [])
    }

    @Test func `what a second rotation leaves unread is counted as a gap`() throws {
        try append(String(repeating: String(repeating: "y", count: 99) + "\n", count: 20_000))
        var follower = newFollower()
        _ = try lines(&follower, byteCountMax: 150_000)
        for _ in 0..<2 {
            rename(log, log + ".\(follower.rotationCount + 1)")
            try append("new\n")
            _ = try lines(&follower, byteCountMax: 150_000)
        }
        #expect(follower.gapCount == 1)
    }

    @Test func `a log that is not there says so and is read when it comes`() throws {
        var follower = newFollower()
        #expect(throws: LogTailError.self) { try lines(&follower) }
        try append("a\n")
        #expect(try lines(&follower) == ["a"])
    }
}
