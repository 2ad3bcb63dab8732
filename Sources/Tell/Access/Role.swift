/// What a person or a token may do. Each role may do all that the ones before it may.
public enum Role: String, Sendable, Codable, CaseIterable {
    case viewer
    case `operator`
    case administrator
}

extension Role: Comparable {
    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .administrator: 2
        }
    }

    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}

/// Something that may be allowed or not.
public enum Permission: String, Sendable, CaseIterable {
    /// Pages and read endpoints: status, sources, probes, alerts, rules, jobs, backups, queries.
    case viewSite
    case viewLedger
    /// Reads the whole ledger, which costs seconds of a core.
    case verifyLedger
    /// Jaga's own metrics.
    case viewMetrics
    /// Send samples to the store.
    case writeSeries
    /// Delete series, keep snapshots.
    case administerSeries
    /// Effective configuration, with addresses and account names.
    case viewConfiguration
    /// Start a job, take or verify a backup, run a drill.
    case runActions
    /// Restore into a new database.
    case restore
    case reload
    case manageUsers
    case manageTokens
    /// Change one's own password, end one's own session.
    case manageOwnAccount
}

/// Who asks.
public struct Identity: Sendable, Hashable {
    public enum Means: Sendable, Hashable {
        /// A browser that has logged in. The digest names the session in the store.
        case session(digest: String)
        case token(id: String)
        /// The admin socket: whoever can open it is the local administrator.
        case socket
    }

    public let name: String
    public let role: Role
    public let means: Means

    public init(name: String, role: Role, means: Means) {
        self.name = name
        self.role = role
        self.means = means
    }

    public static let localAdministrator = Identity(name: "local", role: .administrator, means: .socket)
}

/// The one place where permission is decided: a pure function of who and what.
public func isAllowed(_ permission: Permission, to role: Role) -> Bool {
    switch permission {
    case .viewSite, .viewLedger, .viewMetrics, .manageOwnAccount: true
    case .viewConfiguration, .verifyLedger, .runActions, .restore, .writeSeries: role >= .operator
    case .reload, .administerSeries, .manageUsers, .manageTokens: role >= .administrator
    }
}
