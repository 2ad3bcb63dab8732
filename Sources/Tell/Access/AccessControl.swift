public import Events
public import StateStore
public import Units

import JSONCoding
import Synchronization

// An operation that changes something records its event first and touches the side tables after. Should the process end
// between the two, the ledger tells of a change that took no effect, which the person notices and repeats; the other order
// could leave a new password in force that no entry tells of.

/// Users, sessions, tokens and links over the state store. `AccessControl+….swift` has a chapter for each.
public final class AccessControl: Sendable {
    let store: StateStore
    let events: any EventRecording
    let clock: any WallClock
    let limits: AccessLimits
    let line = LoginLine()
    let throttle = Mutex(LoginThrottle())
    /// Stands in for the hash of a user who does not exist, so that the answer takes as long.
    let absentHash = Mutex<PasswordHash?>(nil)

    /// - Parameters:
    ///   - store: with `UsersProjection` among the projections of the ledger that stands on it.
    ///   - events: the ledger.
    public init(
        store: StateStore, events: any EventRecording, clock: any WallClock, limits: AccessLimits = AccessLimits()
    ) {
        self.store = store
        self.events = events
        self.clock = clock
        self.limits = limits
    }

    func record(_ kind: EventKind, by actor: Actor, _ subject: String, _ payload: [String: String]) async throws
        -> Int64
    {
        let members = payload.mapValues { JSONValue.string($0) }
        return try await events.record([Event(at: clock.now, by: actor, kind, subject, .object(members))])
    }
}

extension Identity {
    /// How the ledger names this caller.
    public var actor: Actor {
        switch means {
        case .session, .socket: Actor(.person, name)
        case .token: Actor(.token, name)
        }
    }
}
