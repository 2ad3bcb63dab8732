public import JSONCoding
public import Series
public import Units

/// One message to be sent: a group of alerts for one receiver.
///
/// `json` is what goes into the ledger's `notification.queued` as its message. `Dispatcher.restore` reads it back after a
/// restart, so what has been queued is known exactly when it is durable, and never sent a second time.
public struct NotificationRequest: Sendable, Hashable {
    public let receiver: String
    /// `{}/{severity="critical"}:{alertname="PostgresDown"}`, stable over restarts.
    public let groupKey: String
    public let groupLabels: Labels
    /// Resolved when no alert of the group fires any more.
    public let status: Alert.Status
    /// Those that fire, and those that have ended since the last message; sorted by start, then by labels.
    public let alerts: [Alert]
    public let decidedAt: Timestamp

    public init(
        receiver: String, groupKey: String, groupLabels: Labels, alerts: [Alert], decidedAt: Timestamp
    ) {
        self.receiver = receiver
        self.groupKey = groupKey
        self.groupLabels = groupLabels
        self.alerts = alerts.sorted { ($0.startsAt, $0.labels) < ($1.startsAt, $1.labels) }
        self.decidedAt = decidedAt
        status = alerts.contains { $0.status == .firing } ? .firing : .resolved
    }

    /// The labels that all alerts share.
    public var commonLabels: Labels { common(alerts.map(\.labels)) }
    public var commonAnnotations: Labels { common(alerts.map(\.annotations)) }

    private func common(_ sets: [Labels]) -> Labels {
        guard let first = sets.first else { return Labels() }
        return Labels(
            first.pairs.filter { pair in sets.allSatisfy { $0[pair.name] == pair.value } }.map { ($0.name, $0.value) })
    }
}

// The keys are those of Alertmanager's webhook; `decidedAt` is ours.
extension NotificationRequest {
    public var json: JSONValue {
        [
            "receiver": .string(receiver), "groupKey": .string(groupKey), "groupLabels": groupLabels.json,
            "status": .string(status.rawValue), "commonLabels": commonLabels.json,
            "commonAnnotations": commonAnnotations.json, "decidedAt": .integer(decidedAt.millisecondsSinceEpoch),
            "alerts": .array(alerts.map(\.json)),
        ]
    }

    /// - Returns: nil when the value is something else.
    public init?(json: JSONValue) {
        guard let receiver = json["receiver"]?.stringValue, let groupKey = json["groupKey"]?.stringValue,
            let groupLabels = Labels(json: json["groupLabels"]), let decidedAt = json["decidedAt"]?.intValue,
            let items = json["alerts"]?.arrayValue
        else { return nil }
        let alerts = items.compactMap(Alert.init(json:))
        guard alerts.count == items.count else { return nil }
        self.init(
            receiver: receiver, groupKey: groupKey, groupLabels: groupLabels, alerts: alerts,
            decidedAt: Timestamp(millisecondsSinceEpoch: decidedAt))
    }
}

extension Alert {
    /// As in Alertmanager's webhook. An alert that fires has the year 1 as its end there.
    public var json: JSONValue {
        [
            "status": .string(status.rawValue), "labels": labels.json, "annotations": annotations.json,
            "startsAt": .string(startsAt.rfc3339), "endsAt": .string(endsAt?.rfc3339 ?? "0001-01-01T00:00:00Z"),
            "generatorURL": .string(generatorURL), "fingerprint": .string(fingerprint.description),
        ]
    }

    public init?(json: JSONValue) {
        guard let labels = Labels(json: json["labels"]), let annotations = Labels(json: json["annotations"]),
            let status = json["status"]?.stringValue.flatMap(Status.init(rawValue:)),
            let startsAt = json["startsAt"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }),
            let endsAt = json["endsAt"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) })
        else { return nil }
        self.init(
            labels: labels, annotations: annotations, startsAt: startsAt, endsAt: status == .resolved ? endsAt : nil,
            generatorURL: json["generatorURL"]?.stringValue ?? "")
    }
}

extension Labels {
    fileprivate var json: JSONValue {
        .object(Dictionary(pairs.map { ($0.name, .string($0.value)) }, uniquingKeysWith: { _, last in last }))
    }

    fileprivate init?(json: JSONValue?) {
        guard let members = json?.objectValue else { return nil }
        var pairs: [(String, String)] = []
        for (name, value) in members {
            guard let text = value.stringValue else { return nil }
            pairs.append((name, text))
        }
        self.init(pairs)
    }
}
