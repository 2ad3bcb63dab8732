import Diagnostics
public import PostgresClient
public import Settings

/// The section `backup`.
public struct BackupSettings: SettingsSection, Sendable {
    /// Nil: `backups` in the data folder.
    public let folder: String?
    public let targets: [(name: String, value: BackupTargetSettings)]

    public init(_ s: SettingsReader) {
        folder = s.optionalText("folder", "Where backups are kept; 'backups' in the data folder unless set.")
        targets = s.map("targets", of: BackupTargetSettings.self, "What is backed up, by name.")
        if let folder, !folder.hasPrefix("/") { s.fault("folder", "'\(folder)' is not an absolute path") }
        for target in targets where !BackupTarget.isValidName(target.name) {
            s.fault("targets", "the name '\(target.name)' may hold only letters, digits, '-' and '_'")
        }
    }
}

/// The section `backup.targets.<name>`.
public struct BackupTargetSettings: SettingsSection, Sendable {
    public let postgres: PostgresSettings
    public let drillServer: PostgresSettings?
    public let keepLast: Int
    public let keepDays: Int
    public let keepWeeks: Int
    public let maxAge: Duration
    public let timeLimit: Duration
    public let includesGlobals: Bool
    public let shrinkWarningPercent: Int
    public let assertions: [String: String]

    public init(_ s: SettingsReader) {
        let host = s.optionalText("host", "A name, an address, or the folder of a unix socket.")
        let port = s.optionalInteger("port", in: 1...65535, "The server's port.")
        let user = s.optionalText("user", "The role that dumps.")
        let password = s.secret("password", "The role's password, from ${ENV} or file:.")
        let database = s.optionalText("database", "The database.")
        let url = s.secret("url", "A postgresql:// URL instead of host, port, user, password and database.")
        let drillURL = s.secret(
            "drill_server", "A postgresql:// URL of the server that drills restore into; the source's unless set.")
        keepLast = s.integer("keep_last", default: 7, in: 1...10_000, "Good backups that always stay.")
        keepDays = s.integer("keep_days", default: 30, in: 0...36_500, "Backups stay at least this many days.")
        keepWeeks = s.integer(
            "keep_weeks", default: 0, in: 0...520, "The newest backup of each of so many weeks stays.")
        maxAge = s.duration("max_age", default: .seconds(26 * 3600), "When the newest good backup counts as too old.")
        timeLimit = s.duration(
            "time_limit", default: .seconds(6 * 3600), atLeast: .seconds(1), "How long a dump or a restore may take.")
        includesGlobals = s.boolean("globals", default: true, "Whether roles and tablespaces are dumped too.")
        shrinkWarningPercent = s.integer(
            "shrink_warning_percent", default: 50, in: 1...100, "Warn when a backup is smaller than the last by this.")
        assertions = s.textMap("assertions", "Queries by name; a drill compares their first value with the dump's.")
        var postgres = PostgresSettings(host: host, port: port, database: database, user: user, password: password)
        func read(_ url: Secret, _ key: String) -> PostgresSettings? {
            do throws(PostgresError) {
                return try PostgresSettings(url: url.reveal())
            } catch {
                s.fault(key, error.summary)
                return nil
            }
        }
        if let url, let parsed = read(url, "url") { postgres = parsed }
        drillServer = drillURL.flatMap { read($0, "drill_server") }
        if postgres.database == nil && postgres.service == nil {
            s.fault(nil, "names no database; set 'database' or 'url'")
        }
        self.postgres = postgres
    }

    public func target(name: String) -> BackupTarget {
        BackupTarget(
            name: name, postgres: postgres, drillServer: drillServer,
            retention: RetentionRule(keepLast: keepLast, keepDays: keepDays, keepWeeks: keepWeeks), maxAge: maxAge,
            timeLimit: timeLimit, includesGlobals: includesGlobals, shrinkWarningPercent: shrinkWarningPercent,
            assertions: assertions)
    }
}
