import Glibc
import Testing

@testable import Daemon

/// Goal: what is drawn fits the terminal. Method: a pseudo-terminal whose size the test sets.
@Suite struct TerminalWidthTests {
    @Test func `the width is the terminal's own`() throws {
        // Both ends of a pseudo-terminal share its size (pty(7)).
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(terminal >= 0)
        defer { close(terminal) }
        for columns in [132, 47] as [UInt16] {
            var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
            try #require(ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0)
            #expect(terminalWidth(terminal) == Int(columns))
        }
    }

    @Test func `where there is none it is as usual`() throws {
        let nowhere = open("/dev/null", O_RDWR)
        defer { close(nowhere) }
        #expect(getenv("COLUMNS") != nil || terminalWidth(nowhere) == 80)
    }
}
