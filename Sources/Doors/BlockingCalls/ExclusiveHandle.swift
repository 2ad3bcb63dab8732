import Synchronization

// libpq and hiredis have the same rule: a connection may be used by any thread, by one at a time, and never again after it was
// freed. Callers wait for their turn within their own deadline, and anybody may close at any moment: when nobody uses the
// handle it is freed at once, else when its present use ends.

/// A handle of a C library that one thread may use at a time.
///
/// `@unchecked Sendable`: `handle` is only touched with `turn` held, and in `deinit`, when nobody else is left.
public final class ExclusiveHandle<Handle>: @unchecked Sendable {
    /// Nil once freed.
    private var handle: Handle?
    private let release: @Sendable (Handle) -> Void
    private let turn = TimedLock()
    private let closing = Atomic<Bool>(false)

    /// Takes over `handle`.
    /// - Parameter release: frees it; called once.
    public init(_ handle: Handle, release: @escaping @Sendable (Handle) -> Void) {
        self.handle = handle
        self.release = release
    }

    deinit {
        if let handle { release(handle) }
    }

    /// Whether nobody has closed it.
    public var isOpen: Bool { !closing.load(ordering: .acquiring) }

    /// Closes it for good: now, or when its present use ends. May be called from within a use.
    public func close() {
        closing.store(true, ordering: .releasing)
        guard turn.tryLock() else { return }
        freeIfClosing()
        turn.unlock()
    }

    /// Waits for a turn and runs `body`. Blocks the calling thread.
    /// - Throws: `WaitEnd.timedOut` when the turn did not come by `deadline`, `HandleClosed`, or what `body` throws.
    public func use<Result>(until deadline: ContinuousClock.Instant, _ body: (Handle) throws -> Result) throws
        -> Result
    {
        guard turn.lock(until: deadline) else { throw WaitEnd.timedOut }
        defer {
            freeIfClosing()
            turn.unlock()
        }
        guard let handle, isOpen else { throw HandleClosed() }
        return try body(handle)
    }

    /// Runs `body` if it is nobody's turn now.
    /// - Returns: nil when somebody uses the handle or it is closed.
    public func useIfIdle<Result>(_ body: (Handle) -> Result) -> Result? {
        guard isOpen, turn.tryLock() else { return nil }
        defer {
            freeIfClosing()
            turn.unlock()
        }
        guard let handle else { return nil }
        return body(handle)
    }

    /// With `turn` held.
    private func freeIfClosing() {
        guard !isOpen, let handle else { return }
        release(handle)
        self.handle = nil
    }
}

/// The handle was closed before the turn came.
public struct HandleClosed: Error {}
