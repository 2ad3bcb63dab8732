public import Events
import Synchronization

/// Keeps events in memory, in order, for tests of what a capability says.
public final class RecordingEvents: EventRecording {
    private struct State {
        var events: [Event] = []
        var failure: (any Error)?
    }

    private let state = Mutex(State())

    public init() {}

    /// All that was recorded, oldest first.
    public var events: [Event] { state.withLock { $0.events } }
    public var kinds: [EventKind] { events.map(\.kind) }

    public func events(_ kind: EventKind) -> [Event] { events.filter { $0.kind == kind } }

    /// Makes further records fail, as a full disk does; nil ends it.
    public func failRecords(with error: (any Error)?) {
        state.withLock { $0.failure = error }
    }

    public func removeAll() {
        state.withLock { $0.events.removeAll() }
    }

    @discardableResult
    public func record(_ events: [Event]) async throws -> Int64 {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            let first = Int64(state.events.count)
            state.events += events
            return first
        }
    }
}
