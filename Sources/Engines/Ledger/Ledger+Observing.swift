import Synchronization

extension Ledger {
    /// New entries as they are committed, in order, from now on.
    ///
    /// Made for live pages: a reader that falls more than `bufferLimit` entries behind loses the oldest of them and sees a gap
    /// in `sequence`; `entries(matching:)` has what it missed.
    public func newEntries(bufferLimit: Int = 256) -> AsyncStream<Entry> {
        observers.add(bufferLimit: bufferLimit)
    }
}

/// The open streams. They end when their reader goes or the ledger is closed.
final class Observers: Sendable {
    private struct State {
        var next = 0
        var streams: [Int: AsyncStream<Entry>.Continuation] = [:]
    }

    private let state = Mutex(State())

    func add(bufferLimit: Int) -> AsyncStream<Entry> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Entry.self, bufferingPolicy: .bufferingNewest(bufferLimit))
        let id = state.withLock { state in
            state.next += 1
            state.streams[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.streams.removeValue(forKey: id) }
        }
        return stream
    }

    func send(_ entries: [Entry]) {
        let streams = state.withLock { Array($0.streams.values) }
        for stream in streams {
            for entry in entries { stream.yield(entry) }
        }
    }

    func finish() {
        let streams = state.withLock { state in
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in streams { stream.finish() }
    }
}
