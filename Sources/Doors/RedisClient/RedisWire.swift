import BlockingCalls
import CHiredis
import Glibc

/// hiredis' context and the one thread that may use it at a time.
final class RedisWire: Sendable {
    private let target: String
    private let connection: ExclusiveHandle<UnsafeMutablePointer<redisContext>>

    /// Connects. Blocks until it worked or failed, at most until `deadline` and a name look-up.
    init(_ settings: RedisSettings, deadline: ContinuousClock.Instant, interrupt: Interrupt) throws {
        target = settings.target
        let made =
            settings.socket.map { redisConnectUnixNonBlock($0) }
            ?? redisConnectNonBlock(settings.host, Int32(settings.port))
        guard let context = made else { throw RedisError(.connectionFailed, target: target, "out of memory") }
        do {
            guard context.pointee.err == 0 else { throw Self.failure(of: context, target) }
            _ = try waitUntilReady(context.pointee.fd, Int32(POLLOUT), deadline: deadline, interrupt: interrupt)
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            guard getsockopt(context.pointee.fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
                throw Self.failure(code: code, target)
            }
            context.pointee.flags |= REDIS_CONNECTED
        } catch {
            redisFree(context)
            throw WaitEnd.explained(error, timedOut: RedisError.timedOut(target))
        }
        connection = ExclusiveHandle(context) { redisFree($0) }
    }

    var isOpen: Bool { connection.isOpen }

    /// Marks the connection as closed, and frees it now or when the call in flight ends.
    func close() { connection.close() }

    /// Sends the commands and reads as many answers. Blocks until `deadline` at most.
    func exchange(_ commands: [[String]], deadline: ContinuousClock.Instant, interrupt: Interrupt) throws
        -> [RedisReply]
    {
        do {
            return try connection.use(until: deadline) { context in
                do {
                    return try replies(to: commands, by: context, deadline, interrupt)
                } catch {
                    // An answer may still come, and would be taken for that of the next command.
                    close()
                    throw error
                }
            }
        } catch is HandleClosed {
            throw RedisError(.connectionLost, target: target, "the connection is closed")
        } catch {
            throw WaitEnd.explained(error, timedOut: RedisError.timedOut(target))
        }
    }

    /// Runs in this thread's turn.
    private func replies(
        to commands: [[String]], by context: UnsafeMutablePointer<redisContext>, _ deadline: ContinuousClock.Instant,
        _ interrupt: Interrupt
    ) throws -> [RedisReply] {
        for command in commands { append(command, to: context) }
        var isSent: Int32 = commands.isEmpty ? 1 : 0
        var replies: [RedisReply] = []
        while replies.count < commands.count {
            if isSent == 0, withoutBrokenPipeSignal({ redisBufferWrite(context, &isSent) }) != REDIS_OK {
                throw lost(context)
            }
            var answer: UnsafeMutableRawPointer?
            guard redisGetReplyFromReader(context, &answer) == REDIS_OK else { throw lost(context) }
            if let answer {
                defer { freeReplyObject(answer) }
                replies.append(RedisReply(answer.assumingMemoryBound(to: redisReply.self)))
                continue
            }
            let wanted = isSent == 0 ? Int32(POLLIN) | Int32(POLLOUT) : Int32(POLLIN)
            let ready = try waitUntilReady(context.pointee.fd, wanted, deadline: deadline, interrupt: interrupt)
            if ready & ~Int32(POLLOUT) != 0, redisBufferRead(context) != REDIS_OK { throw lost(context) }
        }
        return replies
    }

    private func append(_ words: [String], to context: UnsafeMutablePointer<redisContext>) {
        let copies = words.map { strdup($0) }
        let lengths = words.map { $0.utf8.count }
        defer {
            // A password's copy does not stay in freed memory.
            for (copy, length) in zip(copies, lengths) {
                if let copy { explicit_bzero(copy, length) }
                free(copy)
            }
        }
        var texts = copies.map { UnsafePointer<CChar>($0) }
        redisAppendCommandArgv(context, Int32(words.count), &texts, lengths)
    }

    private func lost(_ context: UnsafeMutablePointer<redisContext>) -> RedisError {
        RedisError(.connectionLost, target: target, Self.message(of: context))
    }

    private static func failure(of context: UnsafeMutablePointer<redisContext>, _ target: String) -> RedisError {
        let message = message(of: context)
        if context.pointee.err == REDIS_ERR_OTHER { return RedisError(.hostUnknown, target: target, message) }
        return isRefusal(errno)
            ? RedisError(.connectionRefused, target: target, message)
            : RedisError(.connectionFailed, target: target, message)
    }

    private static func failure(code: Int32, _ target: String) -> RedisError {
        RedisError(
            isRefusal(code) ? .connectionRefused : .connectionFailed, target: target, String(cString: strerror(code)))
    }

    private static func isRefusal(_ code: Int32) -> Bool {
        [ECONNREFUSED, ENOENT, EHOSTUNREACH, ENETUNREACH].contains(code)
    }

    private static func message(of context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafeBytes(of: context.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// Runs `body` so that writing to a connection that the peer has closed is an error and not the end of the process. hiredis
/// writes with `write`, which raises SIGPIPE; a library may not change the whole process's mind about that signal.
private func withoutBrokenPipeSignal<Result>(_ body: () -> Result) -> Result {
    var brokenPipe = sigset_t()
    var before = sigset_t()
    sigemptyset(&brokenPipe)
    sigaddset(&brokenPipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
    defer {
        if sigismember(&before, SIGPIPE) == 0 {
            // The signal that was raised meanwhile waits for this thread, and is taken away before it is let through again.
            var noTime = timespec()
            while sigtimedwait(&brokenPipe, nil, &noTime) == -1 && errno == EINTR {}
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
    }
    return body()
}
