import Events
public import GRDB
import JSONCoding
public import Ledger
import Series
public import StateStore
import Units

/// The open alerts as a table, so that a restart finds them again with their times.
public struct AlertStateProjection: Projection {
    public let name = "alert-states"

    public init() {}

    public let migrations = [
        Migration("alert-states.1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE alert_state (
                        rule_group TEXT NOT NULL, rule TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
                        labels TEXT NOT NULL, annotations TEXT NOT NULL, value TEXT NOT NULL,
                        active_at INTEGER NOT NULL, fired_at INTEGER,
                        PRIMARY KEY (rule_group, rule, fingerprint)
                    ) WITHOUT ROWID
                    """)
        },
        Migration("alert-states.2") { db in
            try db.execute(sql: "ALTER TABLE alert_state ADD COLUMN began_at INTEGER")
        },
    ]

    public func apply(_ entry: Entry, in db: Database) throws {
        let payload = entry.event.payload
        switch entry.event.kind {
        case .alertPending, .alertFired:
            let isFiring = entry.event.kind == .alertFired
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO alert_state
                        (rule_group, rule, fingerprint, state, labels, annotations, value, active_at, fired_at,
                         began_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    payload["group"]?.stringValue ?? "", payload["rule"]?.stringValue ?? "",
                    payload["fingerprint"]?.stringValue ?? "", isFiring ? "firing" : "pending",
                    (payload["labels"] ?? [:]).canonicalText, (payload["annotations"] ?? [:]).canonicalText,
                    payload["value"]?.stringValue ?? "NaN", payload["activeAt"]?.intValue ?? 0,
                    isFiring ? entry.event.time.millisecondsSinceEpoch : nil, payload["beganAt"]?.intValue,
                ])
        case .alertResolved, .alertCleared:
            try db.execute(
                sql: "DELETE FROM alert_state WHERE rule_group = ? AND rule = ? AND fingerprint = ?",
                arguments: [
                    payload["group"]?.stringValue ?? "", payload["rule"]?.stringValue ?? "",
                    payload["fingerprint"]?.stringValue ?? "",
                ])
        default:
            break
        }
    }

    public func reset(in db: Database) throws {
        try db.execute(sql: "DELETE FROM alert_state")
    }

    /// The open alerts, for `RuleEngine` to begin with.
    public static func open(in store: StateStore) async throws -> [RestoredAlert] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM alert_state ORDER BY rule_group, rule, fingerprint").map { row in
                let labels = try JSONValue(parsing: row["labels"] as String).objectValue ?? [:]
                let annotations = try JSONValue(parsing: row["annotations"] as String).objectValue ?? [:]
                let firedAt = row["fired_at"] as Int64?
                let beganAt = row["began_at"] as Int64?
                return RestoredAlert(
                    group: row["rule_group"], rule: row["rule"],
                    alert: ActiveAlert(
                        labels: Labels(labels.map { ($0.key, $0.value.stringValue ?? "") }),
                        annotations: annotations.compactMapValues(\.stringValue),
                        value: Double(row["value"] as String) ?? .nan,
                        state: ActiveAlert.State(rawValue: row["state"]) ?? .pending,
                        activeAt: Timestamp(millisecondsSinceEpoch: row["active_at"]),
                        beganAt: beganAt.map { Timestamp(millisecondsSinceEpoch: $0) },
                        firedAt: firedAt.map { Timestamp(millisecondsSinceEpoch: $0) }))
            }
        }
    }
}

/// An alert that was open when the program ended.
public struct RestoredAlert: Sendable {
    /// `RuleGroup.id`
    public var group: String
    public var rule: String
    public var alert: ActiveAlert

    public init(group: String, rule: String, alert: ActiveAlert) {
        self.group = group
        self.rule = rule
        self.alert = alert
    }
}
