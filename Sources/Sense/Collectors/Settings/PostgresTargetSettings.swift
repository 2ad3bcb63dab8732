import Diagnostics
public import PostgresClient
public import Settings

public struct PostgresTargetSettings: SettingsSection, Sendable, Hashable {
    public var name: String
    public var connection: PostgresSettings
    public var limits: PostgresSource.Limits
    public var rhythm: Rhythm

    public init(
        name: String, connection: PostgresSettings, limits: PostgresSource.Limits = PostgresSource.Limits(),
        rhythm: Rhythm = Rhythm()
    ) {
        self.name = name
        self.connection = connection
        self.limits = limits
        self.rhythm = rhythm
    }

    public init(_ s: SettingsReader) {
        name = s.requiredText("name", "What the server is called here, the label 'instance'.")
        let url = s.secret("url", "postgres://user@host:port/database, instead of the keys that follow.")
        var connection = PostgresSettings()
        if let url {
            do throws(PostgresError) { connection = try PostgresSettings(url: url.reveal()) } catch {
                s.fault("url", "\(error.message); \(error.hint ?? "")")
            }
        }
        let host = s.optionalText("host", "Name, address, or folder of the unix socket.")
        let port = s.optionalInteger("port", in: 1...65535, "The port; libpq's default is 5432.")
        let database = s.optionalText("database", "The database to connect to; tables are reported of this one.")
        let user = s.optionalText("user", "The role to log in as; pg_monitor's rights are enough.")
        let password = s.secret("password", "Its password; without one libpq looks into .pgpass.")
        let sslMode = s.optionalText(
            "sslmode", "disable, allow, prefer, require, verify-ca or verify-full, as libpq knows them.")
        let rootCertificate = s.optionalText("sslrootcert", "File of the certificates to trust.")
        let service = s.optionalText("service", "An entry of PostgreSQL's connection service file.")
        if url != nil {
            for key in ["host", "port", "database", "user"] where s.isPresent(key) {
                s.fault(key, "stands in the url already; give either the url or the keys")
            }
        } else {
            connection.host = host
            connection.port = port
            connection.database = database ?? "postgres"
            connection.user = user
        }
        if let password { connection.password = password }
        connection.sslMode = sslMode ?? connection.sslMode
        connection.service = service ?? connection.service
        if let rootCertificate { connection.further["sslrootcert"] = rootCertificate }
        let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
        if let sslMode, !modes.contains(sslMode) {
            let nearest = nearestName(to: sslMode, among: modes).map { "; did you mean '\($0)'?" } ?? ""
            s.fault("sslmode", "'\(sslMode)' is none of \(modes.joined(separator: ", "))\(nearest)")
        }
        self.connection = connection
        rhythm = Rhythm(s)
        limits = PostgresSource.Limits(
            connect: s.duration(
                "connect_timeout", default: .seconds(3), atLeast: .milliseconds(100), "For making a connection."),
            query: s.duration(
                "query_timeout", default: .seconds(3), atLeast: .milliseconds(100), "For each query of a reading."),
            tableCountMax: s.integer(
                "tables", default: 100, in: 0...10_000, "How many tables are reported, largest first."))
    }

    func plan(onHost host: String) -> SourcePlan {
        SourcePlan(
            PostgresSource(
                name: "postgres/\(name)", labels: targetLabels(job: "postgres", instance: name, host: host), connection,
                interval: rhythm.interval, deadline: rhythm.timeout, limits: limits),
            identity: PlanIdentity(settings: self, host: host))
    }
}
