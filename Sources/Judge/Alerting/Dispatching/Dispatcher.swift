public import Series
public import Units

// Alerts come in as they change; messages come out. In between they are put into groups, one for each route and each set of
// values of the labels that the route groups by. A group remembers its alerts and which of them its last message called
// firing. It has something to say when
//
//   · an alert fires that the last message did not call firing, or
//   · an alert has ended that the last message called firing.
//
// An alert that ended before any message called it firing is forgotten: nobody heard of it, so nobody needs the all-clear.
// That holds also between two messages.
//
//     change ──groupWait──▶ message ──at least groupInterval──▶ next message …  ──repeatInterval──▶ the same again
//
// A change waits `groupWait` for others to join it, and until `groupInterval` after the last message. Alertmanager looks at
// an announced group once in each interval; the bound is the same, and a change after a quiet time is told sooner here.
//
// The clock may be set back: a last message that lies in the future counts as sent now, so nothing waits for hours.

/// Decides which messages are due. A value without I/O or clock.
///
/// A muting (a silence, a maintenance window) belongs between the group and its message: the alerts that `isMuted` names are
/// left out of what a group has to say, and come back when they are muted no more.
public struct Dispatcher: Sendable {
    private struct Group: Sendable {
        let route: ResolvedRoute
        let key: String
        let labels: Labels
        var alerts: [Fingerprint: Alert] = [:]
        /// What the last message called firing.
        var announced: Set<Fingerprint> = []
        var lastMessageAt: Timestamp?
        /// Since when there is something to say.
        var changedAt: Timestamp?
    }

    private var tree: RoutingTree
    private var groups: [String: Group] = [:]
    private let isMuted: @Sendable (Labels, Timestamp) -> Bool

    public init(
        tree: RoutingTree, isMuted: @escaping @Sendable (Labels, Timestamp) -> Bool = { _, _ in false }
    ) {
        self.tree = tree
        self.isMuted = isMuted
    }

    /// Takes changes: alerts that began to fire, that changed their annotations, that ended.
    public mutating func observe(_ alerts: [Alert], at now: Timestamp) {
        for alert in alerts {
            for route in tree.routes(for: alert.labels) {
                let labels = route.groupLabels(of: alert.labels)
                let key = Self.groupKey(route, labels)
                guard alert.status == .firing || groups[key] != nil else { continue }
                var group = groups[key] ?? Group(route: route, key: key, labels: labels)
                group.alerts[alert.fingerprint] = alert
                settle(&group, at: now)
                groups[key] = group.alerts.isEmpty ? nil : group
            }
        }
    }

    /// Says which alerts fire, all of them: after a start, or when changes may have been missed. What was announced and is not
    /// among them has ended, at the latest now.
    public mutating func reconcile(firing: [Alert], at now: Timestamp) {
        let fingerprints = Set(firing.map(\.fingerprint))
        for (key, var group) in groups {
            for (fingerprint, alert) in group.alerts
            where alert.status == .firing && !fingerprints.contains(fingerprint) {
                group.alerts[fingerprint]?.endsAt = max(now, alert.startsAt)
            }
            settle(&group, at: now)
            groups[key] = group.alerts.isEmpty ? nil : group
        }
        observe(firing, at: now)
    }

    /// The messages that are due, by group key. What comes out counts as sent: the caller makes it durable, and hands it to
    /// `restore` after a restart.
    public mutating func advance(to now: Timestamp) -> [NotificationRequest] {
        var requests: [NotificationRequest] = []
        for key in groups.keys.sorted() {
            guard var group = groups[key] else { continue }
            if let last = group.lastMessageAt, last > now { group.lastMessageAt = now }
            if let changed = group.changedAt, changed > now { group.changedAt = now }
            settle(&group, at: now)
            if let due = due(group), due <= now, let request = message(of: &group, at: now) { requests.append(request) }
            groups[key] = group.alerts.isEmpty ? nil : group
        }
        return requests
    }

    /// When `advance` will next have something to do; nil when only a change can bring that.
    public var nextDeadline: Timestamp? { groups.values.compactMap(due).min() }

    /// Takes up what was queued before a restart, in the order of the ledger. Follow it with `reconcile`.
    public mutating func restore(_ requests: some Sequence<NotificationRequest>) {
        let routes = Dictionary(tree.routes.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        for request in requests {
            // A route that the settings know no more has nobody to tell; its alerts find their new way by `reconcile`.
            guard let alert = request.alerts.first,
                let route = tree.routes(for: alert.labels).first(where: {
                    Self.groupKey($0, $0.groupLabels(of: alert.labels)) == request.groupKey
                }) ?? routes.values.first(where: { Self.groupKey($0, request.groupLabels) == request.groupKey })
            else { continue }
            var group = Group(route: route, key: request.groupKey, labels: request.groupLabels)
            for alert in request.alerts where alert.status == .firing {
                group.alerts[alert.fingerprint] = alert
                group.announced.insert(alert.fingerprint)
            }
            group.lastMessageAt = request.decidedAt
            groups[request.groupKey] = group.alerts.isEmpty ? nil : group
        }
    }

    /// Goes over to another tree, after a reload. Groups that both trees have keep their memory; the alerts of the others are
    /// put into their new groups and announced there.
    public mutating func replaceTree(_ newTree: RoutingTree, at now: Timestamp) {
        let old = groups
        tree = newTree
        groups = [:]
        for group in old.values {
            for alert in group.alerts.values {
                for route in tree.routes(for: alert.labels) {
                    let labels = route.groupLabels(of: alert.labels)
                    let key = Self.groupKey(route, labels)
                    let known = old[key]
                    guard alert.status == .firing || known != nil else { continue }
                    var moved = groups[key] ?? Group(route: route, key: key, labels: labels)
                    moved.alerts[alert.fingerprint] = alert
                    moved.announced = known?.announced ?? []
                    moved.lastMessageAt = known?.lastMessageAt
                    moved.changedAt = known?.changedAt
                    groups[key] = moved
                }
            }
        }
        for (key, var group) in groups {
            settle(&group, at: now)
            groups[key] = group.alerts.isEmpty ? nil : group
        }
    }

    // MARK: One group

    private static func groupKey(_ route: ResolvedRoute, _ labels: Labels) -> String { "\(route.key):\(labels)" }

    /// Forgets alerts that ended unheard, and notes since when there is something to say.
    private func settle(_ group: inout Group, at now: Timestamp) {
        for (fingerprint, alert) in group.alerts
        where alert.status == .resolved && !group.announced.contains(fingerprint) {
            group.alerts[fingerprint] = nil
        }
        group.announced = group.announced.filter { group.alerts[$0] != nil }
        let hasNews = group.alerts.contains { fingerprint, alert in
            (alert.status == .firing) != group.announced.contains(fingerprint) && !isMuted(alert.labels, now)
        }
        group.changedAt = hasNews ? group.changedAt ?? now : nil
    }

    private func due(_ group: Group) -> Timestamp? {
        let isAnnounced = !group.announced.isEmpty
        var due: Timestamp?
        if let changedAt = group.changedAt {
            due = changedAt + group.route.groupWait
            if let last = group.lastMessageAt {
                due = max(changedAt + group.route.groupWait, last + group.route.groupInterval)
            }
        }
        if isAnnounced, let last = group.lastMessageAt {
            let again = last + group.route.repeatInterval
            due = due.map { min($0, again) } ?? again
        }
        return due
    }

    private func message(of group: inout Group, at now: Timestamp) -> NotificationRequest? {
        let told = group.alerts.filter { !isMuted($0.value.labels, now) }
        group.lastMessageAt = now
        group.changedAt = nil
        guard !told.isEmpty else { return nil }
        for (fingerprint, alert) in told {
            if alert.status == .firing {
                group.announced.insert(fingerprint)
            } else {
                group.announced.remove(fingerprint)
                group.alerts[fingerprint] = nil
            }
        }
        return NotificationRequest(
            receiver: group.route.receiver, groupKey: group.key, groupLabels: group.labels,
            alerts: Array(told.values), decidedAt: now)
    }
}
