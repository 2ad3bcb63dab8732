import Diagnostics
public import Events
import JSONCoding
public import Logging
import Outbound
public import StateStore
import Synchronization
public import Texts
public import Units

// Written first, sent after. Whoever decides that somebody is to be told calls `events(for:)` and records what it gives together
// with the decision, in one `record`: either both are on disk or neither is. `OutboxProjection` keeps the rows, `run` sends
// them and records the outcome. A message is lost nowhere in between: after a crash the row is still there and is sent (again,
// if the crash fell between sending and recording; the id in the message shows it).

/// Sends the messages of the outbox.
public final class Outbox: Sendable {
    let store: StateStore
    private let projection: OutboxProjection
    private let recorder: any EventRecording
    private let logger: Logger
    /// What messages are written in.
    let language: Language
    let state: Mutex<State>

    struct State {
        var settings: NotificationSettings
        var site: String
        var externalURL: String
        var random: AnyGenerator
        var dispatcher = Dispatcher()
        /// Sent, and not yet recorded because the ledger could not be written: recorded before anything else of its lane.
        var sentUnrecorded: Set<String> = []
        /// Failed attempts since the start, by kind of channel.
        var failures: [String: Int] = [:]
        var lastFailure: [Lane: ChannelFailure] = [:]
    }

    /// - Parameters:
    ///   - projection: the one that the ledger was opened with.
    ///   - site: what messages call this installation.
    ///   - externalURL: where people find the pages; may be empty.
    ///   - random: for ids and jitter.
    public init(
        store: StateStore, projection: OutboxProjection, recorder: any EventRecording, settings: NotificationSettings,
        site: String, externalURL: String = "", language: Language = .english,
        random: some RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        logger: Logger = Logger(label: "jaga.notifications")
    ) {
        self.store = store
        self.projection = projection
        self.recorder = recorder
        self.logger = logger
        self.language = language
        state = Mutex(
            State(
                settings: settings, site: site, externalURL: externalURL, random: AnyGenerator(base: random)))
    }

    /// Takes over changed settings; messages that wait go to the new addresses.
    public func apply(_ settings: NotificationSettings, site: String, externalURL: String) {
        state.withLock {
            $0.settings = settings
            $0.site = site
            $0.externalURL = externalURL
        }
    }

    /// The events that put `request` into the outbox, one for each channel of its receiver. Record them in the same call as the
    /// decision they follow from. Empty when the receiver has no channel for it.
    public func events(for request: NotificationRequest, at now: Timestamp, by actor: Actor = .jaga) -> [Event] {
        state.withLock { state in
            state.settings.channelNames(for: request).map { channel in
                let number = state.random.next()
                let id = "\(String(now.millisecondsSinceEpoch, radix: 36))-\(String(number, radix: 36))"
                return Event(
                    at: now, by: actor, .notificationQueued, "receiver/\(request.receiver)",
                    [
                        "id": .string(id), "receiver": .string(request.receiver), "channel": .string(channel),
                        "group": .string(request.groupKey), "status": .string(request.status.rawValue),
                        "alerts": .integer(Int64(request.alerts.count)), "message": request.json,
                    ])
            }
        }
    }

    private enum Signal: Sendable {
        case changed
        case due
        case finished(WaitingMessage, Dispatcher.Outcome)
    }

    /// Sends what waits and what comes, until the task is cancelled. What is under way then is sent again at the next start.
    public func run(clock: some Clock<Duration>, wallClock: any WallClock) async {
        let (signals, mailbox) = AsyncStream.makeStream(of: Signal.self)
        projection.whenCommitted { mailbox.yield(.changed) }
        defer { projection.whenCommitted(nil) }
        mailbox.yield(.changed)
        await withTaskGroup(of: Void.self) { group in
            var timerDue: Timestamp?
            for await signal in signals {
                let now = wallClock.now
                switch signal {
                case .changed:
                    if await !reload() { retryReload(in: &group, clock, mailbox) }
                case .due: timerDue = nil
                case .finished(let message, let outcome):
                    await conclude(message, outcome, at: now)
                    if await !reload() { retryReload(in: &group, clock, mailbox) }
                }
                for message in state.withLock({ $0.dispatcher.start(at: now) }) {
                    group.addTask {
                        let outcome = await self.attempt(message)
                        if !Task.isCancelled { mailbox.yield(.finished(message, outcome)) }
                    }
                }
                guard let due = state.withLock({ $0.dispatcher.nextDue(now) }), timerDue.map({ due < $0 }) ?? true
                else {
                    continue
                }
                timerDue = due
                // At least a moment, so that a clock set back cannot make this spin.
                let pause = max(due - now, .milliseconds(10))
                group.addTask {
                    // Cancelled: the outbox ends.
                    guard (try? await clock.sleep(for: pause)) != nil else { return }
                    mailbox.yield(.due)
                }
            }
            group.cancelAll()
        }
    }

    /// - Returns: false when the table could not be read.
    private func reload() async -> Bool {
        do {
            let messages = try await store.read { db in try OutboxTables.waiting(in: db) }
            state.withLock { $0.dispatcher.replace(with: messages) }
            return true
        } catch is CancellationError {
            return true
        } catch {
            logger.error("cannot read the outbox", metadata: ["error": "\(describe(error))"])
            return false
        }
    }

    private func retryReload(
        in group: inout TaskGroup<Void>, _ clock: some Clock<Duration>, _ mailbox: AsyncStream<Signal>.Continuation
    ) {
        group.addTask {
            // Cancelled: the outbox ends.
            guard (try? await clock.sleep(for: Dispatcher.delayMin)) != nil else { return }
            mailbox.yield(.changed)
        }
    }

    private func attempt(_ message: WaitingMessage) async -> Dispatcher.Outcome {
        if state.withLock({ $0.sentUnrecorded.contains(message.id) }) { return .delivered }
        do {
            guard let request = try await store.read({ db in try OutboxTables.message(message.id, in: db) }) else {
                throw NotificationError(.unreadable(id: message.id))
            }
            try await send(request, id: message.id, queuedAt: message.queuedAt, channel: message.lane.channel)
            return .delivered
        } catch let error as NotificationError {
            return error.isTransient
                ? .failed(reason: error.summary, retryAfter: error.retryAfter) : .refused(reason: error.summary)
        } catch let error as OutboundError {
            return error.isTransient
                ? .failed(reason: error.summary, retryAfter: nil) : .refused(reason: error.summary)
        } catch {
            return .failed(reason: describe(error), retryAfter: nil)
        }
    }

    func send(_ request: NotificationRequest, id: String, queuedAt: Timestamp, channel: String) async throws {
        let (settings, site, externalURL) = state.withLock { ($0.settings, $0.site, $0.externalURL) }
        let delivery = Delivery(
            id: id, request: request, queuedAt: queuedAt, site: site, externalURL: externalURL,
            language: language)
        try await settings.channel(channel, of: request.receiver).send(delivery)
    }

    private func conclude(_ message: WaitingMessage, _ outcome: Dispatcher.Outcome, at now: Timestamp) async {
        let action = state.withLock { state in
            note(outcome, of: message, at: now, in: &state)
            return state.dispatcher.finish(message, outcome, at: now, random: &state.random)
        }
        var payload: [String: JSONValue] = [
            "id": .string(message.id), "receiver": .string(message.lane.receiver),
            "channel": .string(message.lane.channel),
        ]
        let kind: EventKind
        switch action {
        case .waitUntil(let next):
            logger.warning(
                "a message was not delivered and will be tried again",
                metadata: ["id": "\(message.id)", "receiver": "\(message.lane.receiver)", "next": "\(next.rfc3339)"])
            return
        case .recordDelivered(let attempts):
            kind = .notificationDelivered
            payload["attempt"] = .integer(Int64(attempts))
        case .recordAbandoned(let attempts, let reason):
            kind = .notificationAbandoned
            payload["attempts"] = .integer(Int64(attempts))
            payload["reason"] = .string(reason)
        }
        do {
            try await recorder.record([
                Event(at: now, by: .jaga, kind, "receiver/\(message.lane.receiver)", .object(payload))
            ])
            state.withLock { state in
                state.sentUnrecorded.remove(message.id)
                // Should the table be unreadable for a moment, this message must not go out again.
                state.dispatcher.forget(message)
            }
        } catch {
            // The row stays and comes up again; what was sent is then only recorded.
            logger.error("cannot record a delivery", metadata: ["error": "\(describe(error))"])
            state.withLock { state in
                if kind == .notificationDelivered { state.sentUnrecorded.insert(message.id) }
                state.dispatcher.hold(message, until: now + Dispatcher.delayMin)
            }
        }
    }

    private func note(
        _ outcome: Dispatcher.Outcome, of message: WaitingMessage, at now: Timestamp, in state: inout State
    ) {
        switch outcome {
        case .delivered: break
        case .failed(let reason, _), .refused(let reason):
            state.failures[message.lane.kind, default: 0] += 1
            state.lastFailure[message.lane] = ChannelFailure(at: now, reason: reason)
        }
    }
}

/// Why and when a channel last failed.
struct ChannelFailure: Sendable, Hashable {
    var at: Timestamp
    var reason: String
}

/// Any generator in a stored property.
struct AnyGenerator: RandomNumberGenerator, Sendable {
    var base: any RandomNumberGenerator & Sendable

    mutating func next() -> UInt64 { base.next() }
}
