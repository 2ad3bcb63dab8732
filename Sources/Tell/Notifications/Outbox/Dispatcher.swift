import Units

// Which message is sent when, as a value without I/O, clock or chance of its own.
//
//   - A lane is one channel of one receiver. Lanes know nothing of each other, so a slow one holds up no other; within a lane
//     one message is under way at a time.
//   - A failed message waits 5 s, 10 s, 20 s … up to 15 min, each with up to a fifth more or less, so that many messages do
//     not come back together.
//   - A message never overtakes an older one of its group in its lane ("resolved" before "firing" would mislead). Others may:
//     a message that the far side dislikes does not block the rest.
//   - After three days of failures, or a refusal for good, it is given up, and that is an entry of the ledger.

/// One channel of one receiver.
struct Lane: Sendable, Hashable {
    var receiver: String
    var channel: String

    /// `webhook` of `webhook/0`.
    var kind: String { String(channel.prefix { $0 != "/" }) }
}

/// A row of the outbox without its message.
struct WaitingMessage: Sendable, Hashable {
    var id: String
    var sequence: Int64
    var lane: Lane
    var groupKey: String
    var isFiring: Bool
    var queuedAt: Timestamp
}

struct Dispatcher {
    enum Outcome: Sendable, Equatable {
        case delivered
        /// Worth another try, not before `retryAfter`.
        case failed(reason: String, retryAfter: Duration?)
        case refused(reason: String)
    }

    enum Action: Equatable {
        case recordDelivered(attempts: Int)
        case recordAbandoned(attempts: Int, reason: String)
        case waitUntil(Timestamp)
    }

    struct Attempts: Sendable, Equatable {
        var count = 0
        var notBefore: Timestamp?
        var lastReason: String?
        var lastFailedAt: Timestamp?
    }

    static let delayMin = Duration.seconds(5)
    static let delayMax = Duration.seconds(15 * 60)
    static let patience = Duration.seconds(3 * 86_400)

    private(set) var waiting: [WaitingMessage] = []
    private(set) var attempts: [String: Attempts] = [:]
    private var underWay: [Lane: String] = [:]

    /// Takes over what the table holds now, oldest first.
    mutating func replace(with messages: [WaitingMessage]) {
        waiting = messages
        let ids = Set(messages.map(\.id))
        attempts = attempts.filter { ids.contains($0.key) }
    }

    /// The messages to send now: at most one a lane. They count as under way until `finish`.
    mutating func start(at now: Timestamp) -> [WaitingMessage] {
        let ready = candidates().filter { isDue($0, now) }
        var started: [WaitingMessage] = []
        for message in ready where underWay[message.lane] == nil {
            underWay[message.lane] = message.id
            started.append(message)
        }
        return started
    }

    /// When there is something to send next; nil when nothing waits for the clock alone.
    func nextDue(_ now: Timestamp) -> Timestamp? {
        candidates().filter { underWay[$0.lane] == nil }.map { attempts[$0.id]?.notBefore ?? now }.min()
    }

    mutating func finish(
        _ message: WaitingMessage, _ outcome: Outcome, at now: Timestamp, random: inout some RandomNumberGenerator
    ) -> Action {
        precondition(underWay[message.lane] == message.id, "message \(message.id) is not under way in \(message.lane)")
        underWay[message.lane] = nil
        var state = attempts[message.id] ?? Attempts()
        state.count += 1
        switch outcome {
        case .delivered: return .recordDelivered(attempts: state.count)
        case .refused(let reason): return .recordAbandoned(attempts: state.count, reason: reason)
        case .failed(let reason, let retryAfter):
            if now - message.queuedAt >= Self.patience {
                return .recordAbandoned(attempts: state.count, reason: reason)
            }
            let delay = max(Self.delay(after: state.count, random: &random), retryAfter ?? .zero)
            state.notBefore = now + min(delay, Self.delayMax)
            state.lastReason = reason
            state.lastFailedAt = now
            attempts[message.id] = state
            return .waitUntil(now + min(delay, Self.delayMax))
        }
    }

    /// Keeps `message` back: it was dealt with, and that could not be written down yet.
    mutating func hold(_ message: WaitingMessage, until instant: Timestamp) {
        attempts[message.id, default: Attempts()].notBefore = instant
    }

    /// Drops `message`, whose outcome is written down.
    mutating func forget(_ message: WaitingMessage) {
        waiting.removeAll { $0.id == message.id }
        attempts[message.id] = nil
    }

    /// - Parameter failureCount: from 1.
    static func delay(after failureCount: Int, random: inout some RandomNumberGenerator) -> Duration {
        let doubled = delayMin * (1 << min(failureCount - 1, 10))
        let percent = Int.random(in: 80...120, using: &random)
        return max(delayMin, min(delayMax, doubled * percent / 100))
    }

    /// The oldest message of each group of each lane, those with the fewest failures first.
    private func candidates() -> [WaitingMessage] {
        struct Place: Hashable { var lane: Lane, group: String }
        var seen: Set<Place> = []
        let heads = waiting.filter { seen.insert(Place(lane: $0.lane, group: $0.groupKey)).inserted }
        return heads.sorted {
            (attempts[$0.id]?.count ?? 0, $0.sequence) < (attempts[$1.id]?.count ?? 0, $1.sequence)
        }
    }

    private func isDue(_ message: WaitingMessage, _ now: Timestamp) -> Bool {
        (attempts[message.id]?.notBefore ?? .distantPast) <= now
    }
}
