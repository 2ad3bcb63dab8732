import Synchronization

/// Turns of queries for which there was no memory while others ran, one after the other in their order: asked again at the same time, each would
/// take a part and none would have enough.
final class QueryTurns: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Runs `body` when all that asked before have ended. Who is cancelled meanwhile has its turn all the same: `body` is to end at once then.
    func inTurn<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        await take()
        defer { pass() }
        return try await body()
    }

    private func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isTaken {
                    state.waiting.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func pass() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
