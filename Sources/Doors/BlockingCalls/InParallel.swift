import Glibc
import Synchronization

// A query that reads thousands of series does the same with each. One thread would leave the other processors idle while somebody waits for the
// page. The caller's own thread works along, so that the answer never depends on another thread being free: those that come late
// find nothing left to do.

/// The processors of this machine that may be computed on at once by one piece of work; 8 at most.
public let parallelWidth: Int = min(8, max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

/// Calls `body` with pieces of `0..<count` that together make it up, on the calling thread and on others, and comes back when all have ended.
/// - Parameters:
///   - grain: the length of a piece. One piece or one processor: all is done here, in one call.
///   - goesOn: asked on the calling thread between its pieces; false leaves what is not begun undone.
/// - Returns: whether all of it was done.
@discardableResult
public func inParallel(
    _ count: Int, grain: Int, while goesOn: () -> Bool = { true }, _ body: @Sendable (Range<Int>) -> Void
) -> Bool {
    precondition(grain > 0, "a piece has no length")
    let pieceCount = (count + grain - 1) / grain
    guard pieceCount > 1, parallelWidth > 1 else {
        if count > 0 { body(0..<count) }
        return true
    }
    return withoutActuallyEscaping(body) { body in
        let work = SharedWork(count: count, grain: grain, body)
        for _ in 1..<min(parallelWidth, pieceCount) { computingThreads.submit { work.help() } }
        while goesOn(), work.doPiece(body) {}
        return work.finish()
    }
}

/// How long pieces are so that all processors get some, and of few things each the same number: side by side, since what lies together
/// is often read together.
public func fairGrain(_ count: Int, max longest: Int) -> Int {
    let pieceCount = 2 * parallelWidth
    return max(1, min(longest, (count + pieceCount - 1) / pieceCount))
}

private let computingThreads = BlockingThreads(threadCountMax: parallelWidth)

/// One call of `inParallel`.
private final class SharedWork: Sendable {
    private struct State {
        /// Nil when no helper may begin any more.
        var body: (@Sendable (Range<Int>) -> Void)?
        var helperCount = 0
        /// Whether the caller waits for the helpers.
        var isAwaited = false
    }

    private let count: Int
    private let grain: Int
    private let next = Atomic(0)
    private let isEnded = Atomic(false)
    private let state: Mutex<State>
    /// Posted by the last helper.
    private let allGone = Semaphore()

    init(count: Int, grain: Int, _ body: @escaping @Sendable (Range<Int>) -> Void) {
        self.count = count
        self.grain = grain
        state = Mutex(State(body: body))
    }

    /// - Returns: false when nothing is left.
    func doPiece(_ body: (Range<Int>) -> Void) -> Bool {
        guard !isEnded.load(ordering: .relaxed) else { return false }
        let start = next.add(grain, ordering: .relaxed).oldValue
        guard start < count else { return false }
        body(start..<min(count, start + grain))
        return true
    }

    func help() {
        guard doPieces() else { return }
        let isLast = state.withLock { state in
            state.helperCount -= 1
            return state.helperCount == 0 && state.isAwaited
        }
        if isLast { allGone.post() }
    }

    /// A function of its own, so that nothing holds the caller's closure any more when the helper says that it has gone.
    /// - Returns: false when the caller is done already.
    @inline(never)
    private func doPieces() -> Bool {
        let body = state.withLock { state in
            if state.body != nil { state.helperCount += 1 }
            return state.body
        }
        guard let body else { return false }
        while doPiece(body) {}
        return true
    }

    /// Lets nobody begin any more and waits for those who have.
    /// - Returns: whether every piece was taken.
    func finish() -> Bool {
        isEnded.store(true, ordering: .relaxed)
        let waits = state.withLock { state in
            state.body = nil
            state.isAwaited = state.helperCount > 0
            return state.isAwaited
        }
        if waits { allGone.wait() }
        return next.load(ordering: .relaxed) >= count
    }
}

/// A semaphore of the system (sem_overview(7)).
///
/// `@unchecked Sendable`: the system's calls may come from any thread.
final class Semaphore: @unchecked Sendable {
    private let raw = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(raw, 0, 0) }

    deinit {
        sem_destroy(raw)
        raw.deallocate()
    }

    func post() { sem_post(raw) }
    func wait() { while sem_wait(raw) != 0 {} }
}
