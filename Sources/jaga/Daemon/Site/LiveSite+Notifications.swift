import Ledger
import Notifications
import Units
import WebAPI

extension LiveSite {
    func notifications() async throws -> NotificationOverview {
        let snapshot = try await parts.outbox.snapshot()
        let dayAgo = parts.clock.now - .seconds(86_400)
        return NotificationOverview(
            pending: snapshot.pending.count, deliveredLastDay: try await count("notification.delivered", since: dayAgo),
            failedLastDay: try await count("notification.abandoned", since: dayAgo),
            receivers: snapshot.channels.map { channel in
                ReceiverStatus(
                    name: channel.receiver, channel: channel.channel, pending: channel.pending,
                    lastDeliveredAt: channel.lastDeliveredAt, lastFailureAt: channel.lastFailureAt,
                    lastFailure: channel.lastFailure,
                    nextAttemptAt: snapshot.pending
                        .filter { $0.receiver == channel.receiver && $0.channel == channel.channel }
                        .compactMap(\.nextAttemptAt).min())
            })
    }

    /// At most a thousand, which is past what a page has to tell apart.
    private func count(_ kind: String, since start: Timestamp) async throws -> Int {
        var filter = EntryFilter()
        filter.kindPrefix = kind
        filter.since = start
        filter.limit = 1000
        filter.order = .newestFirst
        return try await parts.ledger.reader.entries(matching: filter).count
    }
}
