import Logging
import Synchronization
import Testing
import Units

@testable import Daemon

/// Goal: a loop that fails each second does not fill the log, and nothing that changes is held back. Method: a log that writes
/// into memory, a clock moved by hand.
@Suite struct RepeatLimitTests {
    private final class Log: WallClock {
        private let state = Mutex((now: Timestamp(millisecondsSinceEpoch: 1_767_225_600_000), lines: [String]()))

        var now: Timestamp { state.withLock { $0.now } }
        var lines: [String] { state.withLock { $0.lines } }

        func advance(_ seconds: Int) { state.withLock { $0.now = $0.now + .seconds(seconds) } }
        func add(_ line: String) { state.withLock { $0.lines.append(line) } }

        /// Every logger is a copy of one handler, as in the daemon.
        func logger() -> Logger {
            let handler = LineLog(level: .info, clock: self) { [self] in add($0) }
            return Logger(label: "test") { _ in handler }
        }
    }

    @Test func `a failure of each second is written once a minute, with its count`() {
        let log = Log()
        let logger = log.logger()
        for _ in 0..<121 {
            logger.error("the disk is full", metadata: ["what": "samples"])
            log.advance(1)
        }
        #expect(
            log.lines == [
                "[2026-01-01 00:00:00] [ERROR] the disk is full what=samples\n",
                "[2026-01-01 00:01:00] [ERROR] the disk is full what=samples repeated=59\n",
                "[2026-01-01 00:02:00] [ERROR] the disk is full what=samples repeated=59\n",
            ])
    }

    @Test func `what reads differently is written at once, also when it goes to and fro`() {
        let log = Log()
        let logger = log.logger()
        for _ in 0..<3 {
            logger.warning("a")
            logger.warning("b")
            logger.error("a")
        }
        #expect(log.lines.map { $0.dropFirst(22) } == ["[WARN] a\n", "[WARN] b\n", "[ERROR] a\n"])
    }

    @Test func `what was held back comes with the next line after the minute, when it has ended`() {
        let log = Log()
        let logger = log.logger()
        for _ in 0..<4 { logger.warning("a") }
        log.advance(61)
        logger.info("all is well")
        log.advance(61)
        logger.info("all is well")
        #expect(
            log.lines.map { $0.dropFirst(22) } == [
                "[WARN] a\n", "[WARN] a repeated=3\n", "[INFO] all is well\n", "[INFO] all is well\n",
            ])
    }

    @Test func `a clock that is set back silences nothing`() {
        var limit = RepeatLimit()
        let now = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)
        #expect(limit.admit("a", at: now) == 0)
        #expect(limit.admit("a", at: now + .seconds(1)) == nil)
        #expect(limit.admit("a", at: now - .seconds(86_400)) == 1)
    }

    @Test func `ever new lines take no more memory`() {
        var limit = RepeatLimit()
        let now = Timestamp(millisecondsSinceEpoch: 1_767_225_600_000)
        for number in 0..<1000 { #expect(limit.admit("\(number)", at: now + .milliseconds(number)) == 0) }
        #expect(limit.admit("999", at: now + .seconds(2)) == nil)
        #expect(limit.admit("0", at: now + .seconds(2)) == 0, "an old line was kept beyond the limit")
    }
}
