import BlockingCalls
import Synchronization

/// Lets one password hash be computed at a time: each needs 16 MiB, and a crowd at the door must not cost more than one.
/// Those who wait stand in line; when the line is long, newcomers are turned away at once.
final class LoginLine: Sendable {
    static let waitingMax = 32

    private struct State {
        var busy = false
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())

    /// A place at the front. It is given up when the last reference goes: after the hash is done, also when the caller was
    /// cancelled and has left, since its hash goes on until it ends.
    private final class Place: Sendable {
        private let line: LoginLine

        init(_ line: LoginLine) { self.line = line }

        deinit { line.leave() }
    }

    func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await enter()
        let place = Place(self)
        return try await BlockingThreads.shared.run { try withExtendedLifetime(place) { try body() } }
    }

    private func enter() async throws {
        let admitted = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
            let answer: Bool? = state.withLock { state in
                guard state.busy else {
                    state.busy = true
                    return true
                }
                guard state.waiting.count < Self.waitingMax else { return false }
                state.waiting.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
        guard admitted else {
            throw AccessError(
                .tooManyTries, "too many people are logging in", hint: "Try again in some seconds.",
                retryAfter: .seconds(5))
        }
    }

    /// Hands the place to the next in line, who finds it still busy.
    private func leave() {
        let next: CheckedContinuation<Bool, Never>? = state.withLock { state in
            if state.waiting.isEmpty {
                state.busy = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume(returning: true)
    }
}
