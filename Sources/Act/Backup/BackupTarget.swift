public import PostgresClient

/// A database that is backed up, and how.
public struct BackupTarget: Sendable {
    /// Letters, digits, `-` and `_`: it is also the name of a folder.
    public var name: String
    public var postgres: PostgresSettings
    /// Where drills restore; nil: the source's server.
    public var drillServer: PostgresSettings?
    public var retention: RetentionRule
    /// When the newest good backup counts as too old.
    public var maxAge: Duration
    public var timeLimit: Duration
    public var includesGlobals: Bool
    public var shrinkWarningPercent: Int
    /// Name to a query whose first value is recorded with the dump and compared by a drill.
    public var assertions: [String: String]

    public init(
        name: String, postgres: PostgresSettings, drillServer: PostgresSettings? = nil,
        retention: RetentionRule = RetentionRule(), maxAge: Duration = .seconds(26 * 3600),
        timeLimit: Duration = .seconds(6 * 3600), includesGlobals: Bool = true, shrinkWarningPercent: Int = 50,
        assertions: [String: String] = [:]
    ) {
        precondition(Self.isValidName(name), "'\(name)' cannot be the name of a backup target")
        self.name = name
        self.postgres = postgres
        self.drillServer = drillServer
        self.retention = retention
        self.maxAge = maxAge
        self.timeLimit = timeLimit
        self.includesGlobals = includesGlobals
        self.shrinkWarningPercent = shrinkWarningPercent
        self.assertions = assertions
    }

    static func isValidName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                (65...90).contains(byte) || (97...122).contains(byte) || (48...57).contains(byte) || byte == 0x2D
                    || byte == 0x5F
            }
    }
}
