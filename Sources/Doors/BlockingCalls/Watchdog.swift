import Glibc

// A task that sleeps until a deadline costs two wake-ups for every call, also for those that end in time: the timer of a cancelled sleep
// still fires. Who calls thirty times a second would pay more for deadlines than for the calls. Here one thread sleeps until the earliest
// deadline of all; a call that ends in time only leaves the list, and the thread wakes about once per limit.

/// Runs an action for every call that has not ended when its limit passes.
///
/// `@unchecked Sendable`: every field is read and written with `mutex` held.
final class Watchdog: @unchecked Sendable {
    static let shared = Watchdog()

    private struct Watched {
        var due: Int64
        var onExpiry: @Sendable () -> Void
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wakeUp = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var watched: [UInt64: Watched] = [:]
    private var lastNumber: UInt64 = 0
    /// When the thread wakes by itself, in nanoseconds of the monotonic clock; 0 while there is no thread.
    private var wakesAt: Int64 = 0

    private init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(wakeUp, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    /// - Parameter onExpiry: runs on the watchdog's thread and must be short.
    /// - Returns: what `release` takes when the call has ended.
    func watch(_ limit: Duration, _ onExpiry: @escaping @Sendable () -> Void) -> UInt64 {
        let due = Self.now &+ Self.nanoseconds(limit)
        pthread_mutex_lock(mutex)
        lastNumber += 1
        let number = lastNumber
        watched[number] = Watched(due: due, onExpiry: onExpiry)
        let needsThread = wakesAt == 0
        if needsThread {
            wakesAt = due
        } else if due < wakesAt {
            pthread_cond_signal(wakeUp)
        }
        pthread_mutex_unlock(mutex)
        if needsThread { startThread { self.serve() } }
        return number
    }

    func release(_ number: UInt64) {
        pthread_mutex_lock(mutex)
        watched[number] = nil
        pthread_mutex_unlock(mutex)
    }

    /// The life of the thread: ends when there was nothing to watch at the time it woke.
    private func serve() {
        pthread_mutex_lock(mutex)
        while true {
            let now = Self.now
            let expired = watched.filter { $0.value.due <= now }
            for number in expired.keys { watched[number] = nil }
            if !expired.isEmpty {
                pthread_mutex_unlock(mutex)
                for entry in expired.values { entry.onExpiry() }
                pthread_mutex_lock(mutex)
                continue
            }
            guard let next = watched.values.lazy.map(\.due).min() else {
                wakesAt = 0
                pthread_mutex_unlock(mutex)
                return
            }
            wakesAt = next
            var until = timespec(tv_sec: Int(next / 1_000_000_000), tv_nsec: Int(next % 1_000_000_000))
            pthread_cond_timedwait(wakeUp, mutex, &until)
        }
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// A day stands for anything longer.
    private static func nanoseconds(_ limit: Duration) -> Int64 {
        let (seconds, attoseconds) = min(max(limit, .zero), .seconds(86_400)).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
