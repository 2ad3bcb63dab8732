import Alerting
import Diagnostics
import Events
import JSONCoding
import Ledger
import Logging
import Notifications
import Rules
import Series
import Units

// From open alerts to queued messages. The rules keep which alerts are open (durably); the dispatcher decides which messages are
// due; the outbox keeps and sends them. This loop carries values between the three, and one rule makes it safe: what the
// dispatcher decided counts only when its messages are in the ledger. Until then its former state stands, and it decides again.
//
// After a restart the dispatcher learns from the ledger which messages were queued, and from the rules what is open now. So a
// crash at any point leads to each message being queued once: before the ledger took it, it is decided again; after, it is known.

/// Turns open alerts into messages of the outbox.
actor AlertPipeline {
    private let rules: RuleEngine
    private let outbox: Outbox
    private let ledger: Ledger
    private let clock: any WallClock
    private let logger: Logger
    private var dispatcher: Alerting.Dispatcher
    private var externalURL: String
    /// Without receivers nothing is decided: what is open then is announced once there are some.
    private var hasReceivers: Bool

    /// Messages read back at the start. A group that fires is announced again every few hours, so the newest of each is among
    /// them by far.
    private static let restoredCountMax = 2000

    init(
        rules: RuleEngine, outbox: Outbox, ledger: Ledger, tree: RoutingTree, hasReceivers: Bool, externalURL: String,
        clock: any WallClock, logger: Logger
    ) {
        self.rules = rules
        self.outbox = outbox
        self.ledger = ledger
        self.clock = clock
        self.logger = logger
        self.externalURL = externalURL
        self.hasReceivers = hasReceivers
        dispatcher = Dispatcher(tree: tree)
    }

    func apply(tree: RoutingTree, hasReceivers: Bool, externalURL: String) {
        self.hasReceivers = hasReceivers
        self.externalURL = externalURL
        dispatcher.replaceTree(tree, at: clock.now)
    }

    /// Works until cancelled: after each change of an alert, and when a message is due.
    func run(clock sleeper: some Clock<Duration>) async throws {
        try await restore()
        let changes = ledger.newEntries()
        await withThrowingTaskGroup(of: Void.self) { group in
            let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            group.addTask {
                for await entry in changes where entry.event.kind.rawValue.hasPrefix("alert.") { signal.yield() }
                signal.finish()
            }
            group.addTask {
                // A second is the grain of every interval in the settings, so nothing is told late by more than that.
                while !Task.isCancelled {
                    signal.yield()
                    try await sleeper.sleep(for: .seconds(1))
                }
            }
            for await _ in signals {
                await step()
                if Task.isCancelled { break }
            }
            group.cancelAll()
        }
    }

    /// Whether no message is due now or later, save the repetition of one that was sent.
    var isSettled: Bool { !hasReceivers || dispatcher.nextDeadline == nil }

    /// Looks at what is open and queues what is due.
    func step() async {
        guard hasReceivers else { return }
        let now = clock.now
        let firing = await rules.activeAlerts.filter { $0.state == .firing }.map(alert)
        var next = dispatcher
        next.reconcile(firing: firing, at: now)
        let due = next.advance(to: now)
        let events = due.flatMap { outbox.events(for: message($0), at: now) }
        do {
            if !events.isEmpty { try await ledger.record(events) }
            dispatcher = next
        } catch {
            logger.error(
                "messages could not be queued and will be tried again: \(describe(error))",
                metadata: ["messages": "\(events.count)"])
        }
    }

    // MARK: After a restart

    func restore() async throws {
        var filter = EntryFilter()
        filter.kindPrefix = EventKind.notificationQueued.rawValue
        filter.limit = Self.restoredCountMax
        filter.order = .newestFirst
        let entries = try await ledger.reader.entries(matching: filter).reversed()
        dispatcher.restore(
            entries.compactMap { entry in
                entry.event.payload["message"].flatMap { Notifications.NotificationRequest(json: $0) }
                    .map { restored($0, at: entry.event.time) }
            })
    }

    private func restored(
        _ request: Notifications.NotificationRequest, at time: Timestamp
    ) -> Alerting.NotificationRequest {
        Alerting.NotificationRequest(
            receiver: request.receiver, groupKey: request.groupKey,
            groupLabels: Labels(request.groupLabels.map { ($0.key, $0.value) }),
            alerts: request.alerts.map { alert in
                Alert(
                    labels: Labels(alert.labels.map { ($0.key, $0.value) }),
                    annotations: Labels(alert.annotations.map { ($0.key, $0.value) }), startsAt: alert.startsAt,
                    endsAt: alert.endsAt, generatorURL: alert.generatorURL)
            }, decidedAt: time)
    }

    // MARK: From one capability's words to the other's

    private func alert(_ active: ActiveAlert) -> Alert {
        Alert(
            labels: active.labels, annotations: Labels(active.annotations.map { ($0.key, $0.value) }),
            startsAt: active.firedAt ?? active.activeAt,
            generatorURL: externalURL.isEmpty ? "" : "\(externalURL)/alerts")
    }

    private func message(_ request: Alerting.NotificationRequest) -> Notifications.NotificationRequest {
        Notifications.NotificationRequest(
            receiver: request.receiver, groupKey: request.groupKey, groupLabels: dictionary(request.groupLabels),
            alerts: request.alerts.map { alert in
                .init(
                    status: alert.status == .firing ? .firing : .resolved, labels: dictionary(alert.labels),
                    annotations: dictionary(alert.annotations), startsAt: alert.startsAt, endsAt: alert.endsAt,
                    generatorURL: alert.generatorURL, fingerprint: alert.fingerprint.description)
            })
    }
}
