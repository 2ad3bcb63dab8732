public import JSONCoding
public import Texts
public import Units

/// What a receiver is to be told: a group of alerts, with the names that Alertmanager uses.
public struct NotificationRequest: Sendable, Hashable {
    public enum Status: String, Sendable, Hashable {
        case firing, resolved
    }

    public struct Alert: Sendable, Hashable {
        public var status: Status
        public var labels: [String: String]
        public var annotations: [String: String]
        public var startsAt: Timestamp
        /// Nil while the alert fires.
        public var endsAt: Timestamp?
        public var generatorURL: String
        /// Stable over the life of the alert: hexadecimal.
        public var fingerprint: String

        public init(
            status: Status, labels: [String: String], annotations: [String: String] = [:], startsAt: Timestamp,
            endsAt: Timestamp? = nil, generatorURL: String = "", fingerprint: String
        ) {
            self.status = status
            self.labels = labels
            self.annotations = annotations
            self.startsAt = startsAt
            self.endsAt = endsAt
            self.generatorURL = generatorURL
            self.fingerprint = fingerprint
        }
    }

    public var receiver: String
    /// Names the group; the same for all messages about it, as in `{}:{alertname="DiskFull"}`.
    public var groupKey: String
    public var groupLabels: [String: String]
    public var alerts: [Alert]
    /// Alerts that were left out because the group is too large.
    public var truncatedAlertCount: Int

    /// One message names this many alerts; the rest is a number. A mail of more is not read, and the ledger keeps each.
    public static let alertCountMax = 100

    public init(receiver: String, groupKey: String, groupLabels: [String: String], alerts: [Alert]) {
        self.receiver = receiver
        self.groupKey = groupKey
        self.groupLabels = groupLabels
        // Those that fire come first, so that they are not the ones left out.
        let ordered = alerts.filter { $0.status == .firing } + alerts.filter { $0.status == .resolved }
        self.alerts = Array(ordered.prefix(Self.alertCountMax))
        truncatedAlertCount = max(0, alerts.count - Self.alertCountMax)
    }

    /// Firing as long as one alert is.
    public var status: Status { alerts.contains { $0.status == .firing } ? .firing : .resolved }

    /// The labels that all alerts share with the same value.
    public var commonLabels: [String: String] { Self.common(alerts.map(\.labels)) }
    public var commonAnnotations: [String: String] { Self.common(alerts.map(\.annotations)) }

    private static func common(_ maps: [[String: String]]) -> [String: String] {
        guard let first = maps.first else { return [:] }
        return first.filter { key, value in maps.allSatisfy { $0[key] == value } }
    }

    /// What a person calls the group: the alert's name, or how many there are.
    public func title(in language: Language) -> String {
        groupLabels["alertname"] ?? commonLabels["alertname"]
            ?? Phrases<MessageText>(language)(.alertCount, ["count": alerts.count])
    }
}

// The form in which a message waits in the ledger and the outbox. It holds no address and no secret: those are looked up in
// the settings when the message is sent.
extension NotificationRequest {
    public var json: JSONValue {
        [
            "receiver": .string(receiver), "groupKey": .string(groupKey), "groupLabels": Self.json(groupLabels),
            "truncatedAlerts": .integer(Int64(truncatedAlertCount)), "alerts": .array(alerts.map(\.json)),
        ]
    }

    /// - Returns: nil when `json` is not what `json` gives.
    public init?(json: JSONValue) {
        guard let receiver = json["receiver"]?.stringValue, let groupKey = json["groupKey"]?.stringValue,
            let items = json["alerts"]?.arrayValue
        else { return nil }
        let alerts = items.compactMap(Alert.init(json:))
        guard alerts.count == items.count else { return nil }
        self.init(
            receiver: receiver, groupKey: groupKey, groupLabels: Self.texts(json["groupLabels"]), alerts: alerts)
        truncatedAlertCount = Int(json["truncatedAlerts"]?.intValue ?? 0)
    }

    static func json(_ map: [String: String]) -> JSONValue { .object(map.mapValues { .string($0) }) }

    static func texts(_ json: JSONValue?) -> [String: String] {
        (json?.objectValue ?? [:]).compactMapValues(\.stringValue)
    }
}

extension NotificationRequest.Alert {
    var json: JSONValue {
        [
            "status": .string(status.rawValue), "labels": NotificationRequest.json(labels),
            "annotations": NotificationRequest.json(annotations), "startsAt": .string(startsAt.rfc3339),
            // Go's zero time, which Alertmanager sends for an alert that has not ended.
            "endsAt": .string(endsAt?.rfc3339 ?? "0001-01-01T00:00:00Z"), "generatorURL": .string(generatorURL),
            "fingerprint": .string(fingerprint),
        ]
    }

    init?(json: JSONValue) {
        guard let status = json["status"]?.stringValue.flatMap(NotificationRequest.Status.init(rawValue:)),
            let startsAt = json["startsAt"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }),
            let fingerprint = json["fingerprint"]?.stringValue
        else { return nil }
        let ends = json["endsAt"]?.stringValue.flatMap { $0.hasPrefix("0001-") ? nil : Timestamp(rfc3339: $0) }
        self.init(
            status: status, labels: NotificationRequest.texts(json["labels"]),
            annotations: NotificationRequest.texts(json["annotations"]), startsAt: startsAt, endsAt: ends,
            generatorURL: json["generatorURL"]?.stringValue ?? "", fingerprint: fingerprint)
    }
}
