import Synchronization

/// Whether the peer of a connection is still there, for those who work for it: nobody reads the answer to a query whose client went away,
/// and a long one would keep a core and its samples busy to the end.
final class PeerPresence: Sendable {
    private struct State {
        var isGone = false
        var watchers: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    /// The peer will send nothing more. A peer that closes only its half and goes on listening (shutdown(2), as `nc -N` does) counts as gone
    /// too, as in Go's server, whose clients the reference has: both send the same FIN, and only a write would tell one that closed all,
    /// by the reset that it is answered with. A query has nothing to write before its end, so to wait for that would be to compute for nobody.
    func leave() {
        let watchers = state.withLock { state in
            state.isGone = true
            defer { state.watchers = [:] }
            return state.watchers.values
        }
        for watcher in watchers { watcher() }
    }

    /// Runs `body` in a task of its own, and cancels it when the peer leaves.
    /// - Parameter body: is given what cancels the task, for other reasons to give up.
    func whilePresent<Value: Sendable>(_ body: @escaping @Sendable (TaskCanceller) async -> Value) async -> Value {
        let canceller = TaskCanceller()
        let work = Task(executorPreference: WebServer.threads) { await body(canceller) }
        canceller.take { work.cancel() }
        let number = state.withLock { state -> Int? in
            guard !state.isGone else { return nil }
            state.next += 1
            state.watchers[state.next] = { work.cancel() }
            return state.next
        }
        if number == nil { work.cancel() }
        defer { if let number { state.withLock { $0.watchers[number] = nil } } }
        return await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
    }
}

/// Cancels a task from within or from beside it.
final class TaskCanceller: Sendable {
    private struct State {
        var isCancelled = false
        var cancel: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// The task has begun, and this cancels it.
    func take(_ cancel: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.cancel = cancel
            return state.isCancelled
        }
        if isLate { cancel() }
    }

    func cancel() {
        let cancel = state.withLock { state in
            state.isCancelled = true
            return state.cancel
        }
        cancel?()
    }
}
