import Glibc

/// Wakes a thread that waits in `poll`: a pair of sockets whose one end becomes readable.
public final class Interrupt: Sendable {
    /// -1 where the process has no file descriptor left; `poll` then ignores it and only the deadline counts.
    public let descriptor: Int32
    private let writer: Int32

    public init() {
        var ends: [Int32] = [-1, -1]
        // One call sets close-on-exec too, so that a program started at the same moment inherits neither end.
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        if socketpair(AF_UNIX, Int32(kind), 0, &ends) != 0 { ends = [-1, -1] }
        (descriptor, writer) = (ends[0], ends[1])
    }

    deinit {
        if descriptor >= 0 {
            close(descriptor)
            close(writer)
        }
    }

    public func fire() {
        var byte: UInt8 = 1
        if writer >= 0 { _ = write(writer, &byte, 1) }
    }
}

/// Why a wait ended without the socket being ready.
public enum WaitEnd: Error {
    case timedOut, interrupted

    /// `error`, where it ended a wait in the words of a client: its own error for a time that ran out, `CancellationError`
    /// for an interrupt.
    public static func explained(_ error: any Error, timedOut: @autoclosure () -> any Error) -> any Error {
        switch error as? WaitEnd {
        case .timedOut?: timedOut()
        case .interrupted?: CancellationError()
        case nil: error
        }
    }
}

/// Waits until `socket` is ready for `events` (`POLLIN`, `POLLOUT`).
/// - Returns: what it is ready for; errors and hang-ups count as ready, so that the next call on the socket meets them.
public func waitUntilReady(
    _ socket: Int32, _ events: Int32, deadline: ContinuousClock.Instant, interrupt: Interrupt
) throws(WaitEnd) -> Int32 {
    while true {
        var watched = [
            pollfd(fd: socket, events: Int16(events), revents: 0),
            pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let (seconds, attoseconds) = ContinuousClock.now.duration(to: deadline).components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard milliseconds >= 0, seconds >= 0, attoseconds >= 0 else { throw .timedOut }
        // Rounded up by one, so that the last millisecond is not spent turning in circles.
        let count = poll(&watched, 2, Int32(min(milliseconds + 1, 3_600_000)))
        if count < 0 && errno != EINTR { return events }
        if count > 0 {
            if watched[1].revents != 0 { throw .interrupted }
            if watched[0].revents != 0 { return Int32(watched[0].revents) }
        }
    }
}

extension BlockingThreads {
    /// Runs `body` on a thread of the pool for at most about `timeout`.
    ///
    /// `body` gets an interrupt that fires when the calling task is cancelled; it should end by itself after `timeout`. The
    /// limit here is for what a C library does without asking (looking up a host's name) and for a line of waiting calls.
    /// - Throws: `DeadlineExceeded`, `CancellationError`, or what `body` throws.
    public func run<Result: Sendable>(
        timeout: Duration, _ body: @escaping @Sendable (Interrupt) throws -> Result
    ) async throws -> Result {
        let interrupt = Interrupt()
        return try await withDeadline(timeout + .milliseconds(250)) {
            try await withTaskCancellationHandler {
                try await self.run { try body(interrupt) }
            } onCancel: {
                interrupt.fire()
            }
        }
    }
}
