public import Diagnostics

/// How to reach one Redis server.
public struct RedisSettings: Sendable, Hashable {
    public var host: String
    public var port: Int
    /// A unix socket's path; takes the place of host and port.
    public var socket: String?
    /// For the access control lists of Redis 6 and later; nil means the default user.
    public var user: String?
    public var password: Secret?
    public var database: Int

    public init(
        host: String = "127.0.0.1", port: Int = 6379, socket: String? = nil, user: String? = nil,
        password: Secret? = nil, database: Int = 0
    ) {
        self.host = host
        self.port = port
        self.socket = socket
        self.user = user
        self.password = password
        self.database = database
    }

    /// `host:port/database` or the socket's path, for messages.
    public var target: String {
        (socket ?? "\(host):\(port)") + (database == 0 ? "" : "/\(database)")
    }
}
