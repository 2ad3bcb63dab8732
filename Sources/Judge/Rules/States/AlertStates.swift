import Series
import Units

// The life of an alert:
//
//            condition holds          held for `for`
//   inactive ───────────────▶ pending ───────────────▶ firing
//      ▲                         │ gone                   │ gone for `keep_firing_for`
//      └────────── cleared ──────┘◀─────── resolved ──────┘
//
// A condition that could not be evaluated changes nothing: the caller then does not call `observe`. While the states
// settle (after a start, or when the clock jumped), series may be missing because nobody has read them yet, so that an alert
// that is not found is neither resolved nor cleared.

/// The alerts of one rule. A value: it decides, and others act.
struct AlertStates: Sendable {
    /// An element of the rule's expression.
    struct Found: Sendable {
        var labels: Labels
        var annotations: [String: String]
        var value: Double
    }

    enum Change: Sendable, Equatable {
        case pending(ActiveAlert)
        case fired(ActiveAlert)
        case resolved(ActiveAlert)
        case cleared(ActiveAlert)
    }

    let hold: Duration
    let keepFiring: Duration
    private(set) var active: [Labels: ActiveAlert] = [:]
    /// When conditions began that hold again at a start, from the series of an earlier run. Used until the states have settled.
    var recalled: [Labels: Timestamp] = [:]

    init(hold: Duration, keepFiring: Duration, restored: [ActiveAlert] = []) {
        self.hold = hold
        self.keepFiring = keepFiring
        for alert in restored { active[alert.labels] = alert }
    }

    /// Takes what the expression gave at `now`.
    /// - Parameter isSettling: series may be missing for other reasons than that all is well.
    /// - Returns: what changed, in the order of labels.
    mutating func observe(_ found: [Found], at now: Timestamp, isSettling: Bool = false) -> [Change] {
        var changes: [Change] = []
        var seen: Set<Labels> = []
        for element in found.sorted(by: { $0.labels < $1.labels }) {
            seen.insert(element.labels)
            changes += see(element, at: now)
        }
        guard !isSettling else { return changes }
        recalled = [:]
        for labels in active.keys.filter({ !seen.contains($0) }).sorted() {
            if let change = miss(labels, at: now) { changes.append(change) }
        }
        return changes
    }

    private mutating func see(_ element: Found, at now: Timestamp) -> [Change] {
        var changes: [Change] = []
        let isNew = active[element.labels] == nil
        var alert =
            active[element.labels]
            ?? ActiveAlert(
                labels: element.labels, value: element.value, state: .pending, activeAt: recalled[element.labels] ?? now
            )
        alert.value = element.value
        alert.annotations = element.annotations
        alert.goneSince = nil
        if alert.state == .pending {
            if now - alert.activeAt >= hold {
                alert.state = .firing
                alert.firedAt = now
                changes.append(.fired(alert))
            } else if isNew {
                changes.append(.pending(alert))
            }
        }
        active[element.labels] = alert
        return changes
    }

    private mutating func miss(_ labels: Labels, at now: Timestamp) -> Change? {
        guard var alert = active[labels] else { return nil }
        if alert.state == .pending {
            active[labels] = nil
            return .cleared(alert)
        }
        let since = alert.goneSince ?? now
        guard now - since >= keepFiring else {
            alert.goneSince = since
            active[labels] = alert
            return nil
        }
        active[labels] = nil
        return .resolved(alert)
    }

    /// Lets the hold time of a pending alert begin at `time`.
    mutating func hold(_ labels: Labels, since time: Timestamp) {
        guard var alert = active[labels], alert.state == .pending else { return }
        if time > alert.since { alert.beganAt = alert.since }
        alert.activeAt = time
        active[labels] = alert
    }

    /// Sets the times of alerts that lie after `now` back to it: the clock was ahead and has been put right, and hold times
    /// measured against the future would never end.
    mutating func rebase(to now: Timestamp) {
        for (labels, alert) in active {
            var alert = alert
            alert.activeAt = min(alert.activeAt, now)
            alert.beganAt = alert.beganAt.map { min($0, now) }
            alert.firedAt = alert.firedAt.map { min($0, now) }
            alert.goneSince = alert.goneSince.map { min($0, now) }
            active[labels] = alert
        }
    }

    /// The alerts in the order of their labels.
    var sorted: [ActiveAlert] { active.values.sorted { $0.labels < $1.labels } }
}
