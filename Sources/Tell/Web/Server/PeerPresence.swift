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

    /// The peer will send nothing more. A peer that closes only its half and goes on listening counts as gone too, as in Go's server, whose
    /// clients the reference has.
    func leave() {
        let watchers = state.withLock { state in
            state.isGone = true
            defer { state.watchers = [:] }
            return state.watchers.values
        }
        for watcher in watchers { watcher() }
    }

    /// Runs `body`, and cancels it when the peer leaves.
    func whilePresent<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let work = Task(executorPreference: WebServer.threads) { await body() }
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
