public import JSONCoding
public import Units

/// Who or what made something happen.
public struct Actor: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case person, token, schedule, rule, system
    }

    public var kind: Kind
    /// A user's name, a token's name, a job's or a rule's; `jaga` for the program itself.
    public var name: String

    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    public static let jaga = Actor(.system, "jaga")
}

extension Actor: CustomStringConvertible {
    public var description: String { "\(kind.rawValue):\(name)" }
}

/// Something that happened or was decided, before the ledger gave it a number.
public struct Event: Sendable, Hashable {
    public var time: Timestamp
    public var actor: Actor
    /// `noun.verb` in the past tense, from `EventKind`.
    public var kind: EventKind
    /// What it happened to, as in `alert/PostgresDown`, `job/nightly-backup`, `user/ani`.
    public var subject: String
    /// An object. Never holds a secret.
    public var payload: JSONValue

    public init(at time: Timestamp, by actor: Actor, _ kind: EventKind, _ subject: String, _ payload: JSONValue = [:]) {
        self.time = time
        self.actor = actor
        self.kind = kind
        self.subject = subject
        self.payload = payload
    }
}

/// What kind of thing happened. The names are a promise: they are stored for ever, and only added to.
public struct EventKind: RawRepresentable, Sendable, Hashable, Codable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(_ name: String) {
        rawValue = name
    }
}

extension EventKind: CustomStringConvertible {
    public var description: String { rawValue }
}

/// Takes events down. When the call returns they are on disk, in the order given, with nothing between them.
public protocol EventRecording: Sendable {
    /// - Returns: the sequence number of the first of `events`; the rest follow without a gap.
    @discardableResult
    func record(_ events: [Event]) async throws -> Int64
}
