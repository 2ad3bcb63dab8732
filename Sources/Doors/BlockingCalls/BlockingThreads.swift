public import Diagnostics
import Glibc
import Synchronization

// Calls that block a thread (libpq, hiredis, libcurl, statvfs on a dead NFS server) may not run on Swift's cooperative
// threads: there is one for each core, and two hung servers would stop everything else. They run here, on threads of
// their own. A thread is started when all are busy, up to a limit, and ends after a while without work.
//
// A caller that is cancelled comes back at once. Its call goes on until it ends by itself and its result is dropped, so
// `body` must own what it uses and carry a time limit of its own.

/// A pool of threads for calls that block.
///
/// It is also an executor that tasks can prefer (SE-0417): then their synchronous parts run here and may block. Who blocks in each of
/// his steps, one after the other, does so on one thread and not in as many hand-overs between threads.
public final class BlockingThreads: TaskExecutor {
    public static let shared = BlockingThreads(threadCountMax: 64)

    private let threadCountMax: Int
    private let stackByteCount: Int
    private let queue = WorkQueue()

    /// - Parameters:
    ///   - threadCountMax: further calls wait in line. 64 hung calls are far past what one host's checks can have in
    ///   flight, and cost 64 × 512 KiB of address space.
    ///   - stackByteCount: of each thread, of which only what is used takes memory. Eight megabytes, as main threads have, for who nests calls as
    ///     deep as somebody else's text says.
    public init(threadCountMax: Int, stackByteCount: Int = 512 << 10) {
        self.threadCountMax = threadCountMax
        self.stackByteCount = stackByteCount
    }

    /// Whether the calling thread belongs to a pool, so that it may block. Holds until the next suspension.
    public static var mayBlockHere: Bool { pthread_getspecific(ownThreadKey) != nil }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Whoever prefers the pool keeps it.
        let own = asUnownedTaskExecutor()
        submit { job.runSynchronously(on: own) }
    }

    /// Runs `body` on a thread of the pool; nobody waits for it.
    func submit(_ body: @escaping @Sendable () -> Void) { submit(Work(body: body)) }

    private func submit(_ work: Work) {
        if queue.submit(work, threadCountMax: threadCountMax) {
            startThread(stackByteCount: stackByteCount) { [queue] in
                pthread_setspecific(ownThreadKey, UnsafeRawPointer(bitPattern: 1))
                queue.serve()
            }
        }
    }

    /// Runs `body` on a thread of the pool.
    /// - Parameters:
    ///   - limit: of real time, the wait for a thread included; nil for none.
    ///   - onExpiry: told when the limit has passed, so that `body` can end early.
    /// - Throws: what `body` throws, `CancellationError` as soon as the calling task is cancelled, `DeadlineExceeded` as soon as the
    ///   limit has passed.
    public func run<Result: Sendable>(
        within limit: Duration? = nil, onExpiry: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        let handoff = Handoff<Result>()
        let watch = limit.map { limit in
            Watchdog.shared.watch(limit) {
                handoff.finish(with: .failure(DeadlineExceeded(limit: limit)))
                onExpiry()
            }
        }
        defer { if let watch { Watchdog.shared.release(watch) } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard handoff.wait(with: continuation) else { return }
                submit { handoff.finish(with: Swift.Result { try body() }) }
            }
        } onCancel: {
            handoff.finish(with: .failure(CancellationError()))
        }
    }
}

/// Set on the threads of every pool.
private let ownThreadKey: pthread_key_t = {
    var key = pthread_key_t()
    let code = pthread_key_create(&key, nil)
    precondition(code == 0, "pthread_key_create failed with \(code)")
    return key
}()

/// Starts a thread of its own for `body`.
func startThread(stackByteCount: Int = 512 << 10, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, stackByteCount)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let code = pthread_create(
        &thread, &attributes,
        { argument in
            Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }, Unmanaged.passRetained(ThreadBody(body)).toOpaque())
    precondition(code == 0, "pthread_create failed with \(code): the process may not have more threads")
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private struct Work: Sendable {
    let body: @Sendable () -> Void
}

/// Gives a continuation exactly one result: the call's or the cancellation's, whichever is first.
final class Handoff<Result: Sendable>: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Result, any Error>)
        case finished(Swift.Result<Result, any Error>?)
    }

    private let state = Mutex(State.idle)

    /// - Returns: false when the result is there already.
    func wait(with continuation: CheckedContinuation<Result, any Error>) -> Bool {
        let early: Swift.Result<Result, any Error>? = state.withLock { state in
            if case .finished(let result) = state { return result }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(with: early) }
        return early == nil
    }

    func finish(with result: Swift.Result<Result, any Error>) {
        let waiting: CheckedContinuation<Result, any Error>? = state.withLock { state in
            switch state {
            case .idle:
                state = .finished(result)
                return nil
            case .waiting(let continuation):
                state = .finished(nil)
                return continuation
            case .finished:
                return nil
            }
        }
        waiting?.resume(with: result)
    }
}

/// The line of waiting calls, with the threads that serve it.
///
/// Of the idle threads the one that worked last is woken, since its stack is still in the caches; and so the others have nothing to do
/// long enough to end.
///
/// `@unchecked Sendable`: every field is read and written with `mutex` held, which the two methods see to.
private final class WorkQueue: @unchecked Sendable {
    /// A thread without work, on its own stack: it waits for `wakeUp` to be posted, by whoever takes it off the list.
    private struct Idle {
        var wakeUp: UnsafeMutablePointer<sem_t>
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var waiting: [Work] = []
    private var threadCount = 0
    /// The one that worked last comes last.
    private var idle: [Idle] = []
    /// Threads that were woken and have not taken work up yet.
    private var wakingCount = 0

    init() {
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// - Returns: whether the caller has to start one more thread.
    func submit(_ work: Work, threadCountMax: Int) -> Bool {
        pthread_mutex_lock(mutex)
        waiting.append(work)
        let needed = waiting.count > wakingCount
        let woken = needed ? idle.popLast() : nil
        var startsThread = false
        if woken != nil {
            wakingCount += 1
        } else if needed, threadCount < threadCountMax {
            threadCount += 1
            // Counted as on its way, so that the calls after this one wake others.
            wakingCount += 1
            startsThread = true
        }
        pthread_mutex_unlock(mutex)
        if let woken { sem_post(woken.wakeUp) }
        return startsThread
    }

    /// The life of one thread: works, waits at most ten seconds for more work, ends.
    func serve() {
        let wakeUp = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(wakeUp, 0, 0)
        defer {
            sem_destroy(wakeUp)
            wakeUp.deallocate()
        }
        pthread_mutex_lock(mutex)
        wakingCount -= 1
        while true {
            while !waiting.isEmpty {
                let work = waiting.removeFirst()
                pthread_mutex_unlock(mutex)
                work.body()
                pthread_mutex_lock(mutex)
            }
            idle.append(Idle(wakeUp: wakeUp))
            pthread_mutex_unlock(mutex)
            var until = timespec()
            clock_gettime(CLOCK_REALTIME, &until)
            until.tv_sec += 10
            var code: Int32
            repeat { code = sem_timedwait(wakeUp, &until) } while code != 0 && errno == EINTR
            pthread_mutex_lock(mutex)
            if code != 0 {
                // Nobody woke this thread while it is still on the list; else the post has come or is about to.
                if let place = idle.firstIndex(where: { $0.wakeUp == wakeUp }) {
                    idle.remove(at: place)
                    threadCount -= 1
                    pthread_mutex_unlock(mutex)
                    return
                }
                pthread_mutex_unlock(mutex)
                while sem_wait(wakeUp) != 0 {}
                pthread_mutex_lock(mutex)
            }
            wakingCount -= 1
        }
    }
}

/// A call took longer than it may.
public struct DeadlineExceeded: Failure {
    public let codeName = "deadline-exceeded"
    public let limit: Duration

    public init(limit: Duration) {
        self.limit = limit
    }

    public var summary: String { "no answer within \(limit)" }
}

/// Runs `body` and cancels it after `limit`. Comes back when `body` does, so `body` must heed its cancellation.
/// - Throws: `DeadlineExceeded` when the limit passed first, else what `body` throws.
public func withDeadline<Result: Sendable>(
    _ limit: Duration, clock: some Clock<Duration> = ContinuousClock(),
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await clock.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        do {
            guard let result = try await group.next()! else { throw DeadlineExceeded(limit: limit) }
            return result
        } catch is CancellationError where !Task.isCancelled {
            throw DeadlineExceeded(limit: limit)
        }
    }
}

/// Runs `body` and calls `onExpiry` if it has not ended after `limit`; `body` must end by itself then. No task and no thread is started for it.
/// - Parameter onExpiry: runs on another thread and must be short.
public func withTimer<Result>(
    _ limit: Duration, onExpiry: @escaping @Sendable () -> Void, _ body: () async throws -> Result
) async rethrows -> Result {
    let watch = Watchdog.shared.watch(limit, onExpiry)
    defer { Watchdog.shared.release(watch) }
    return try await body()
}
