import Units

// Guessing is slowed down per address and per user. The first few failures are free, since people mistype; each further one
// doubles the wait. An address can be shut out for long, since it is one guesser's; a user only for half a minute, so that
// nobody can lock an administrator out of their own incident by failing on purpose. Keys without a failure for an hour are
// forgotten. While a key waits, tries are refused before any hashing.

/// Counts failed logins and says how long to wait. A pure value: the caller gives the time.
struct LoginThrottle: Sendable {
    static let freeFailures = 5
    static let addressWaitMax = Duration.seconds(900)
    static let userWaitMax = Duration.seconds(30)
    static let forgetAfter = Duration.seconds(3600)
    /// A hostile crowd of addresses may not fill the memory: 10,000 entries are about a megabyte.
    static let keyCountMax = 10_000

    enum Key: Sendable, Hashable {
        case address(String)
        case user(String)
    }

    private struct Record {
        var failures: Int
        var lastFailure: Timestamp
    }

    private var records: [Key: Record] = [:]

    var keyCount: Int { records.count }

    /// How long a try from `address` for `user` has to wait; nil when it may go ahead.
    func wait(address: String, user: String, at now: Timestamp) -> Duration? {
        let waits = [wait(.address(address), at: now), wait(.user(user), at: now)].compactMap { $0 }
        return waits.max()
    }

    private func wait(_ key: Key, at now: Timestamp) -> Duration? {
        guard let record = records[key], record.failures >= Self.freeFailures else { return nil }
        let elapsed = now - record.lastFailure
        // A clock set back must not shut anybody out.
        guard elapsed >= .zero, elapsed < Self.forgetAfter else { return nil }
        let doublings = min(record.failures - Self.freeFailures, 10)
        let limit =
            switch key {
            case .address: Self.addressWaitMax
            case .user: Self.userWaitMax
            }
        let rest = min(.seconds(1 << doublings), limit) - elapsed
        return rest > .zero ? rest : nil
    }

    mutating func failed(address: String, user: String, at now: Timestamp) {
        for key in [Key.address(address), .user(user)] {
            var record = records[key] ?? Record(failures: 0, lastFailure: now)
            if now - record.lastFailure >= Self.forgetAfter { record.failures = 0 }
            record.failures += 1
            record.lastFailure = now
            records[key] = record
        }
        if records.count > Self.keyCountMax { makeRoom(at: now) }
    }

    mutating func succeeded(address: String, user: String) {
        records[.address(address)] = nil
        records[.user(user)] = nil
    }

    private mutating func makeRoom(at now: Timestamp) {
        records = records.filter { now - $0.value.lastFailure < Self.forgetAfter }
        guard records.count > Self.keyCountMax else { return }
        let oldest = records.sorted { $0.value.lastFailure < $1.value.lastFailure }.prefix(Self.keyCountMax / 10)
        for (key, _) in oldest { records[key] = nil }
    }
}
