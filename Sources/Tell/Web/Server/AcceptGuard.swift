import Glibc
import Logging
import NIOCore

// A process may have only so many files and connections open (RLIMIT_NOFILE, getrlimit(2)). When all are used up, a connection that
// waits cannot be accepted, and goes on waiting: whoever looks at once again finds it again, and does nothing else any more. So the
// listener looks away for a moment, and for longer each time, as Go's net/http does. The kernel keeps who waits in its queue.
//
// It does so while some are still free. Whatever else opens a file for a moment needs one; above all libdispatch, which reads
// `/proc/self/task/…/stat` every second while work waits for a thread, and ends the process when it cannot (`_dispatch_workq_monitor_pools`).

/// For how long a listener looks away after connections could not be accepted. Pure; `AcceptGuard` acts on it.
struct AcceptBackoff: Hashable {
    static let first = Duration.milliseconds(5)
    /// By this much the answer is late, at most, once there are descriptors again.
    static let longest = Duration.seconds(1)

    /// Tries that failed since a connection was accepted.
    private(set) var failureCount = 0
    private var next = Self.first

    /// - Returns: how long to look away.
    mutating func failed() -> Duration {
        failureCount += 1
        defer { next = min(next * 2, Self.longest) }
        return next
    }

    /// - Returns: how many tries failed before this one.
    mutating func succeeded() -> Int {
        defer { self = AcceptBackoff() }
        return failureCount
    }
}

/// Keeps a listener calm that cannot accept. Stands before all other handlers of the listening channel and lives on its event loop.
///
/// The library has a handler that puts the next read off; but it leaves the socket in the selector, which reports it again at once.
final class AcceptGuard: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    /// So many descriptors are left to others. As many connections as NIO accepts at once (4) may still come out of them.
    static let spareCount = 8

    private let place: String
    private let logger: Logger
    private var backoff = AcceptBackoff()
    private var pause: Scheduled<Void>?

    /// - Parameter place: where it listens, for the log.
    init(place: String, logger: Logger) {
        self.place = place
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, Self.passes(error.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        // Who came and went before being accepted takes nothing away.
        guard error.errnoCode != ECONNABORTED, pause == nil else { return }
        lookAway(error.errnoCode, context)
    }

    private func lookAway(_ code: CInt, _ context: ChannelHandlerContext) {
        let span = backoff.failed()
        if backoff.failureCount == 1 { logger.error("\(Self.line(code, at: place))") }
        read(false, context)
        // Handlers run on their event loop only, which is what is assumed here and checked at run time.
        pause = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(span)) { [weak self] in
            guard let self else { return }
            pause = nil
            if Self.hasRoom() { self.read(true, context) } else { lookAway(EMFILE, context) }
        }
    }

    /// Whether more descriptors are free than those that are left to others: the kernel gives the lowest that is.
    private static func hasRoom() -> Bool {
        let next = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard next >= 0 else { return false }
        Glibc.close(next)
        return Int(next) < descriptorCountMax() - spareCount
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let failureCount = backoff.succeeded()
        if failureCount > 0 {
            logger.warning("connections at \(place) are accepted again", metadata: ["failed-tries": "\(failureCount)"])
        }
        context.fireChannelRead(data)
        if pause == nil, !Self.hasRoom() { lookAway(EMFILE, context) }
    }

    /// What is asked for meanwhile is done when the pause is over.
    func read(context: ChannelHandlerContext) {
        if pause == nil { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        pause?.cancel()
        context.fireChannelInactive()
    }

    /// Takes the socket out of the selector, or puts it back.
    private func read(_ isOn: Bool, _ context: ChannelHandlerContext) {
        // A channel that has been closed takes no option and needs none.
        try? context.channel.syncOptions?.setOption(.autoRead, value: isOn)
    }

    /// Errors of accept(2) after which the listener is as good as before.
    private static func passes(_ code: CInt) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED].contains(code)
    }

    static func line(_ code: CInt, at place: String) -> String {
        let remedy =
            switch code {
            case EMFILE:
                "this program may have \(descriptorCountMax()) open at once: raise LimitNOFILE= of its service, or ulimit -n"
            case ENFILE: "the machine has as many open as fs.file-max allows: end what holds them, or raise it"
            default: "the machine has no memory left for connections: end what takes it"
            }
        return "no connection can be accepted at \(place): \(String(cString: strerror(code))); \(remedy)"
    }
}

/// How many files and connections this process may have open (RLIMIT_NOFILE, getrlimit(2)).
public func descriptorCountMax() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
}
