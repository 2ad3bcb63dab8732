import Synchronization

extension Ledger {
    /// New entries as they are committed, in order, from now on.
    ///
    /// Made for live pages: a reader that falls more than `bufferLimit` entries behind loses the oldest of them and sees a gap
    /// in `sequence`; `entries(matching:)` has what it missed.
    public func newEntries(bufferLimit: Int = 256) -> AsyncStream<Entry> {
        observers.add(bufferLimit: bufferLimit, from: head.size)
    }
}

/// The open streams. They end when their reader goes or the ledger is closed.
final class Observers: Sendable {
    private struct State {
        var next = 0
        var streams: [Int: Reader] = [:]
    }

    private struct Reader {
        var stream: AsyncStream<Entry>.Continuation
        /// The first entry for this reader. What was committed before it came may still be on its way here.
        var first: Int64
    }

    private let state = Mutex(State())

    func add(bufferLimit: Int, from first: Int64) -> AsyncStream<Entry> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Entry.self, bufferingPolicy: .bufferingNewest(bufferLimit))
        let id = state.withLock { state in
            state.next += 1
            state.streams[state.next] = Reader(stream: continuation, first: first)
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.streams.removeValue(forKey: id) }
        }
        return stream
    }

    func send(_ entries: [Entry]) {
        let readers = state.withLock { Array($0.streams.values) }
        for reader in readers {
            for entry in entries where entry.sequence >= reader.first { reader.stream.yield(entry) }
        }
    }

    func finish() {
        let readers = state.withLock { state in
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for reader in readers { reader.stream.finish() }
    }
}
