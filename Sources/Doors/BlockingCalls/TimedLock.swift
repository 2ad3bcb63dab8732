import Glibc

/// A lock that is waited for at most until an instant.
///
/// `@unchecked Sendable`: the mutex is made for use from several threads and lives as long as this object.
public final class TimedLock: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    public init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    public func tryLock() -> Bool { pthread_mutex_trylock(mutex) == 0 }

    public func unlock() { pthread_mutex_unlock(mutex) }

    /// - Returns: false when the lock was not to be had.
    public func lock(until deadline: ContinuousClock.Instant) -> Bool {
        let (seconds, attoseconds) = ContinuousClock.now.duration(to: deadline).components
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        until.tv_sec += Int(max(0, seconds))
        until.tv_nsec += Int(max(0, attoseconds) / 1_000_000_000)
        if until.tv_nsec >= 1_000_000_000 {
            until.tv_sec += 1
            until.tv_nsec -= 1_000_000_000
        }
        return pthread_mutex_timedlock(mutex, &until) == 0
    }
}
