public import JSONCoding
public import Units

/// A line of the ledger.
public struct LedgerEntry: Sendable, Codable, Hashable {
    public var sequence: Int64
    public var time: Timestamp
    /// `person`, `token`, `schedule`, `rule` or `system`.
    public var actorKind: String
    public var actorName: String
    public var kind: String
    public var subject: String
    public var payload: JSONValue

    public init(
        sequence: Int64,
        time: Timestamp,
        actorKind: String,
        actorName: String,
        kind: String,
        subject: String,
        payload: JSONValue
    ) {
        self.sequence = sequence
        self.time = time
        self.actorKind = actorKind
        self.actorName = actorName
        self.kind = kind
        self.subject = subject
        self.payload = payload
    }
}

/// Which entries. Everything that is given must hold.
public struct LedgerFilter: Sendable, Codable, Hashable {
    /// A kind (`alert.fired`) or, ending in a full stop, a family (`alert.`).
    public var kind: String?
    /// A subject or, ending in a slash, a family (`job/`).
    public var subject: String?
    public var actor: String?
    public var from: Timestamp?
    public var through: Timestamp?
    /// Only entries before this sequence number: the next page backwards.
    public var before: Int64?
    /// At most 1000.
    public var limit: Int = 50

    public init(
        kind: String? = nil,
        subject: String? = nil,
        actor: String? = nil,
        from: Timestamp? = nil,
        through: Timestamp? = nil,
        before: Int64? = nil,
        limit: Int = 50
    ) {
        self.kind = kind
        self.subject = subject
        self.actor = actor
        self.from = from
        self.through = through
        self.before = before
        self.limit = limit
    }
}

/// The newest entries first.
public struct LedgerPage: Sendable, Codable, Hashable {
    public var entries: [LedgerEntry]
    /// Pass it as `before` for older entries; nil when there are none.
    public var nextBefore: Int64?
    /// Entries in the whole ledger.
    public var size: Int64

    public init(
        entries: [LedgerEntry],
        nextBefore: Int64? = nil,
        size: Int64
    ) {
        self.entries = entries
        self.nextBefore = nextBefore
        self.size = size
    }
}

/// A signed statement on the whole ledger up to a size.
public struct LedgerCheckpoint: Sendable, Codable, Hashable {
    public var size: Int64
    /// In base64, as in the note.
    public var rootHash: String
    public var at: Timestamp
    /// The C2SP signed note, to be kept elsewhere.
    public var note: String
    /// The verifier's key, as `vkey` of C2SP signed notes.
    public var publicKey: String

    public init(
        size: Int64,
        rootHash: String,
        at: Timestamp,
        note: String,
        publicKey: String
    ) {
        self.size = size
        self.rootHash = rootHash
        self.at = at
        self.note = note
        self.publicKey = publicKey
    }
}

/// What a verification of the ledger found.
public struct LedgerVerification: Sendable, Codable, Hashable {
    public var intact: Bool
    public var size: Int64
    public var checkpoints: Int
    public var durationMs: Int64
    /// One sentence each, the first being the most telling. Empty when intact.
    public var faults: [String]

    public init(
        intact: Bool,
        size: Int64,
        checkpoints: Int,
        durationMs: Int64,
        faults: [String]
    ) {
        self.intact = intact
        self.size = size
        self.checkpoints = checkpoints
        self.durationMs = durationMs
        self.faults = faults
    }
}
