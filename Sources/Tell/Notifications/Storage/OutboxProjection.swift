import Events
public import GRDB
import JSONCoding
public import Ledger
public import StateStore
import Synchronization
import Units

/// The messages that wait, and how each channel fared so far, as they follow from the ledger.
public final class OutboxProjection: Projection {
    public let name = "notifications.outbox"
    private let onCommit = Mutex<(@Sendable () -> Void)?>(nil)

    public init() {}

    public var migrations: [Migration] {
        [
            Migration("notifications.outbox.1") { db in
                try db.execute(
                    sql: """
                        CREATE TABLE notification_outbox (
                            id TEXT PRIMARY KEY NOT NULL, sequence INTEGER NOT NULL, receiver TEXT NOT NULL,
                            channel TEXT NOT NULL, groupKey TEXT NOT NULL, status TEXT NOT NULL,
                            queuedAt INTEGER NOT NULL, message TEXT NOT NULL
                        ) STRICT;
                        CREATE INDEX notification_outbox_order ON notification_outbox (sequence);
                        CREATE TABLE notification_channel (
                            receiver TEXT NOT NULL, channel TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
                            abandoned INTEGER NOT NULL DEFAULT 0, lastDeliveredAt INTEGER, lastAbandonedAt INTEGER,
                            lastReason TEXT, PRIMARY KEY (receiver, channel)
                        ) STRICT, WITHOUT ROWID;
                        """)
            }
        ]
    }

    public func apply(_ entry: Entry, in db: Database) throws {
        let event = entry.event
        let payload = event.payload
        let known = [.notificationQueued, .notificationDelivered, .notificationAbandoned] as [EventKind]
        guard known.contains(event.kind), let id = payload["id"]?.stringValue else { return }
        let receiver = payload["receiver"]?.stringValue ?? ""
        let channel = payload["channel"]?.stringValue ?? ""
        let time = event.time.millisecondsSinceEpoch
        switch event.kind {
        case .notificationQueued:
            try db.execute(
                sql: "INSERT OR IGNORE INTO notification_outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    id, entry.sequence, receiver, channel, payload["group"]?.stringValue ?? "",
                    payload["status"]?.stringValue ?? "", time, (payload["message"] ?? .null).canonicalText,
                ])
        case .notificationDelivered:
            try db.execute(sql: "DELETE FROM notification_outbox WHERE id = ?", arguments: [id])
            try db.execute(
                sql: """
                    INSERT INTO notification_channel (receiver, channel, delivered, lastDeliveredAt) VALUES (?, ?, 1, ?)
                    ON CONFLICT (receiver, channel)
                    DO UPDATE SET delivered = delivered + 1, lastDeliveredAt = excluded.lastDeliveredAt
                    """, arguments: [receiver, channel, time])
        default:
            try db.execute(sql: "DELETE FROM notification_outbox WHERE id = ?", arguments: [id])
            try db.execute(
                sql: """
                    INSERT INTO notification_channel (receiver, channel, abandoned, lastAbandonedAt, lastReason)
                    VALUES (?, ?, 1, ?, ?)
                    ON CONFLICT (receiver, channel)
                    DO UPDATE SET abandoned = abandoned + 1, lastAbandonedAt = excluded.lastAbandonedAt,
                                  lastReason = excluded.lastReason
                    """, arguments: [receiver, channel, time, payload["reason"]?.stringValue])
        }
        // Not at once: a reader would not see the row before the commit, and would sleep on.
        if let wake = onCommit.withLock({ $0 }) { db.afterNextTransaction { _ in wake() } }
    }

    public func reset(in db: Database) throws {
        try db.execute(sql: "DELETE FROM notification_outbox; DELETE FROM notification_channel")
    }

    /// Calls `wake` after each commit that changed the outbox. It must not block.
    func whenCommitted(_ wake: (@Sendable () -> Void)?) {
        onCommit.withLock { $0 = wake }
    }
}

/// The rows that the outbox works on.
enum OutboxTables {
    struct Total: Sendable, Hashable {
        var receiver: String
        var channel: String
        var delivered: Int64
        var abandoned: Int64
        var lastDeliveredAt: Timestamp?
        var lastAbandonedAt: Timestamp?
        var lastReason: String?
    }

    /// Everything that waits, oldest first, without the messages.
    static func waiting(in db: Database) throws -> [WaitingMessage] {
        try Row.fetchAll(
            db,
            sql:
                "SELECT id, sequence, receiver, channel, groupKey, status, queuedAt FROM notification_outbox ORDER BY sequence, id"
        ).map { row in
            WaitingMessage(
                id: row[0], sequence: row[1], lane: Lane(receiver: row[2], channel: row[3]), groupKey: row[4],
                isFiring: row[5] == "firing", queuedAt: Timestamp(millisecondsSinceEpoch: row[6]))
        }
    }

    /// - Returns: nil when the message is gone or cannot be read.
    static func message(_ id: String, in db: Database) throws -> NotificationRequest? {
        // A message that cannot be read cannot be sent either: its sender takes nil for "give it up", where people see it.
        try String.fetchOne(db, sql: "SELECT message FROM notification_outbox WHERE id = ?", arguments: [id])
            .flatMap { try? JSONValue(parsing: $0) }.flatMap(NotificationRequest.init(json:))
    }

    static func totals(in db: Database) throws -> [Total] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT receiver, channel, delivered, abandoned, lastDeliveredAt, lastAbandonedAt, lastReason
                FROM notification_channel ORDER BY receiver, channel
                """
        ).map { row in
            Total(
                receiver: row[0], channel: row[1], delivered: row[2], abandoned: row[3],
                lastDeliveredAt: (row[4] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) },
                lastAbandonedAt: (row[5] as Int64?).map { Timestamp(millisecondsSinceEpoch: $0) }, lastReason: row[6])
        }
    }
}
