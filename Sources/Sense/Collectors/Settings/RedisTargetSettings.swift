public import RedisClient
public import Settings

public struct RedisTargetSettings: SettingsSection, Sendable, Hashable {
    public var name: String
    public var connection: RedisSettings
    public var rhythm: Rhythm

    public init(name: String, connection: RedisSettings, rhythm: Rhythm = Rhythm(timeout: .seconds(5))) {
        self.name = name
        self.connection = connection
        self.rhythm = rhythm
    }

    public init(_ s: SettingsReader) {
        name = s.requiredText("name", "What the server is called here, the label 'instance'.")
        connection = RedisSettings(
            host: s.text("host", default: "127.0.0.1", "Name or address."),
            port: s.integer("port", default: 6379, in: 1...65535, "The port."),
            socket: s.optionalText("socket", "Path of a unix socket, instead of host and port."),
            user: s.optionalText("user", "The user, where access control lists are in use."),
            password: s.secret("password", "The password (requirepass, or the user's)."),
            database: s.integer("database", default: 0, in: 0...65535, "The database's number."))
        if connection.socket != nil, s.isPresent("host") || s.isPresent("port") {
            s.fault("socket", "stands beside a host or a port; give either")
        }
        if connection.user != nil && connection.password == nil { s.fault("user", "has no password beside it") }
        rhythm = Rhythm(s, timeout: .seconds(5))
    }

    func plan(onHost host: String) -> SourcePlan {
        SourcePlan(
            RedisSource(
                name: "redis/\(name)", labels: targetLabels(job: "redis", instance: name, host: host), connection,
                interval: rhythm.interval, deadline: rhythm.timeout),
            identity: PlanIdentity(settings: self, host: host))
    }
}
