public import Diagnostics
public import Series
import StateStore
import Synchronization
import Texts
public import Units

/// What a page says of the outbox.
public struct NotificationSnapshot: Sendable, Hashable {
    public struct Pending: Sendable, Hashable {
        public var id: String
        public var receiver: String
        public var channel: String
        public var groupKey: String
        public var isFiring: Bool
        public var queuedAt: Timestamp
        /// Failed attempts since the start of the program.
        public var attempts: Int
        public var nextAttemptAt: Timestamp?
        public var lastReason: String?
    }

    public struct ChannelState: Sendable, Hashable {
        public var receiver: String
        /// `webhook/0`, `email/1`.
        public var channel: String
        public var pending: Int
        public var delivered: Int64
        /// Given up for good.
        public var abandoned: Int64
        public var lastDeliveredAt: Timestamp?
        public var lastFailureAt: Timestamp?
        public var lastFailure: String?
    }

    public var pending: [Pending]
    /// Those of the settings and those that were used before, sorted by receiver.
    public var channels: [ChannelState]
}

extension Outbox {
    public func snapshot() async throws -> NotificationSnapshot {
        let (messages, totals) = try await store.read { db in
            (try OutboxTables.waiting(in: db), try OutboxTables.totals(in: db))
        }
        return state.withLock { state in
            let pending = messages.map { message in
                let attempts = state.dispatcher.attempts[message.id] ?? Dispatcher.Attempts()
                return NotificationSnapshot.Pending(
                    id: message.id, receiver: message.lane.receiver, channel: message.lane.channel,
                    groupKey: message.groupKey, isFiring: message.isFiring, queuedAt: message.queuedAt,
                    attempts: attempts.count, nextAttemptAt: attempts.notBefore, lastReason: attempts.lastReason)
            }
            var lanes = Set(totals.map { Lane(receiver: $0.receiver, channel: $0.channel) })
            for (name, receiver) in state.settings.receivers {
                lanes.formUnion(receiver.channelNames.map { Lane(receiver: name, channel: $0) })
            }
            lanes.formUnion(messages.map(\.lane))
            let channels = lanes.map { lane in
                let total = totals.first { $0.receiver == lane.receiver && $0.channel == lane.channel }
                let failure = state.lastFailure[lane]
                return NotificationSnapshot.ChannelState(
                    receiver: lane.receiver, channel: lane.channel, pending: messages.count { $0.lane == lane },
                    delivered: total?.delivered ?? 0, abandoned: total?.abandoned ?? 0,
                    lastDeliveredAt: total?.lastDeliveredAt, lastFailureAt: failure?.at ?? total?.lastAbandonedAt,
                    lastFailure: failure?.reason ?? total?.lastReason)
            }
            return NotificationSnapshot(
                pending: pending, channels: channels.sorted { ($0.receiver, $0.channel) < ($1.receiver, $1.channel) })
        }
    }

    /// How one channel fared in a test.
    public struct TestResult: Sendable {
        public var channel: String
        /// Nil when the message was taken over.
        public var failure: (any Failure)?
    }

    /// Sends a test message to every channel of `receiver` at once, past the outbox: the caller waits for the outcome.
    /// - Throws: `NotificationError` when there is no such receiver.
    public func sendTest(to receiver: String, at now: Timestamp) async throws -> [TestResult] {
        let (settings, number) = state.withLock { ($0.settings, $0.random.next()) }
        guard let channels = settings.receivers[receiver]?.channelNames else {
            throw NotificationError(.unknownReceiver(receiver))
        }
        let phrases = Phrases<MessageText>(language)
        let alert = NotificationRequest.Alert(
            status: .firing, labels: ["alertname": "JagaTest", "severity": "info"],
            annotations: ["summary": phrases[.testSummary], "description": phrases[.testDescription]],
            startsAt: now, fingerprint: "0000000000000000")
        let request = NotificationRequest(
            receiver: receiver, groupKey: "{}:{alertname=\"JagaTest\"}", groupLabels: ["alertname": "JagaTest"],
            alerts: [alert])
        let results = await withTaskGroup(of: TestResult.self) { group in
            for channel in channels {
                group.addTask {
                    let id = "test-\(String(number, radix: 36))-\(channel.split(separator: "/").joined(separator: "-"))"
                    do {
                        try await self.send(request, id: id, queuedAt: now, channel: channel)
                        return TestResult(channel: channel, failure: nil)
                    } catch {
                        let failure = error as? any Failure
                        return TestResult(
                            channel: channel, failure: failure ?? PlainFailure("not-sent", describe(error)))
                    }
                }
            }
            return await group.reduce(into: [TestResult]()) { $0.append($1) }
        }
        return results.sorted { $0.channel < $1.channel }
    }
}

/// The outbox as series.
public struct NotificationMetrics: SampleSource {
    public let name = "jaga/notifications"
    public let labels = Labels([("job", "jaga")])
    public let interval: Duration
    public var deadline: Duration { min(interval, .seconds(5)) }
    public let upMetric = "jaga_notification_outbox_up"
    private let outbox: Outbox

    public init(_ outbox: Outbox, interval: Duration = .seconds(15)) {
        self.outbox = outbox
        self.interval = interval
    }

    public func read(at now: Timestamp) async throws -> SampleBatch {
        let (messages, totals) = try await outbox.store.read { db in
            (try OutboxTables.waiting(in: db), try OutboxTables.totals(in: db))
        }
        let failures = outbox.state.withLock { $0.failures }
        var batch = SampleBatch(at: now)
        batch.add("jaga_notification_outbox_up", [:], 1)
        batch.add("jaga_notification_outbox_pending", [:], Double(messages.count))
        let oldest = messages.map(\.queuedAt).min().map { max(.zero, now - $0) } ?? .zero
        batch.add("jaga_notification_outbox_oldest_seconds", [:], oldest.inSeconds)
        for kind in ["email", "none", "webhook"] {
            let own = totals.filter { $0.channel.hasPrefix("\(kind)/") }
            batch.add(
                "jaga_notifications_total", ["channel": kind, "outcome": "delivered"],
                Double(own.reduce(0) { $0 + $1.delivered }))
            batch.add(
                "jaga_notifications_total", ["channel": kind, "outcome": "abandoned"],
                Double(own.reduce(0) { $0 + $1.abandoned }))
            batch.add("jaga_notification_failures_total", ["channel": kind], Double(failures[kind] ?? 0))
        }
        for metric in Self.metadata { batch.metadata[metric.name] = metric }
        batch.label(with: labels)
        return batch
    }

    private static let metadata: [MetricMetadata] = [
        MetricMetadata("jaga_notification_outbox_pending", .gauge, "Messages that wait to be delivered."),
        MetricMetadata("jaga_notification_outbox_oldest_seconds", .gauge, "How long the oldest message has waited."),
        MetricMetadata(
            "jaga_notifications_total", .counter,
            "Messages that were delivered or given up; channel 'none' counts those to a receiver that does not exist."),
        MetricMetadata("jaga_notification_failures_total", .counter, "Attempts that failed since the start."),
    ]
}
