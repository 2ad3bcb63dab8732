import Synchronization
import WebAPI

/// Tells every open page that something changed. A change only says "read again", so a slow reader loses the oldest.
final class ChangeFeed: Sendable {
    private let readers = Mutex<[Int: AsyncStream<SiteChange>.Continuation]>([:])
    private let nextNumber = Mutex(0)

    func announce(_ change: SiteChange) {
        for reader in readers.withLock({ Array($0.values) }) { reader.yield(change) }
    }

    func subscribe() -> AsyncStream<SiteChange> {
        let number = nextNumber.withLock { number in
            number += 1
            return number
        }
        let (stream, continuation) = AsyncStream<SiteChange>.makeStream(bufferingPolicy: .bufferingNewest(32))
        continuation.onTermination = { [self] _ in readers.withLock { $0[number] = nil } }
        readers.withLock { $0[number] = continuation }
        return stream
    }

    /// Ends every stream.
    func close() {
        for reader in readers.withLock({ Array($0.values) }) { reader.finish() }
    }
}
