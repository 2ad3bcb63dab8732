public import Diagnostics
import Glibc
import JSONCoding

/// What the shop is started with. Read from a JSON file that only its owner may read, since it holds passwords.
public struct ShopConfiguration: Sendable {
    public struct Server: Sendable {
        public var port: Int
        public var user: String
        public var password: Secret?
        public var database: String

        public init(port: Int, user: String, password: Secret?, database: String) {
            self.port = port
            self.user = user
            self.password = password
            self.database = database
        }
    }

    /// The port on 127.0.0.1.
    public var port: Int
    public var postgres: Server
    public var redisPort: Int
    public var redisPassword: Secret?
    /// An SMTP server on 127.0.0.1 for mails to customers; nil leaves mails in `<storage>/outbox`.
    public var smtpPort: Int?
    /// What callers of `/health/detailed` show as `Authorization: Bearer`, and callers of `/control/faults` too.
    public var token: Secret
    public var logPath: String
    /// Where uploads lie.
    public var storageFolder: String
    /// Dependencies without which the shop answers 503 to health checks: `database`, `redis`, `email`, `storage`.
    public var critical: Set<String>

    public init(
        port: Int, postgres: Server, redisPort: Int, redisPassword: Secret? = nil, smtpPort: Int? = nil, token: Secret,
        logPath: String, storageFolder: String, critical: Set<String> = ["database"]
    ) {
        self.port = port
        self.postgres = postgres
        self.redisPort = redisPort
        self.redisPassword = redisPassword
        self.smtpPort = smtpPort
        self.token = token
        self.logPath = logPath
        self.storageFolder = storageFolder
        self.critical = critical
    }
}

extension ShopConfiguration {
    /// - Throws: `JSONFault`, or `PlainFailure` naming the key that is missing.
    public init(json text: String) throws {
        let document = try JSONValue(parsing: text)
        func value<Value>(_ path: String..., as read: (JSONValue) -> Value?) throws -> Value {
            guard let found = path.reduce(document, { $0?[$1] }).flatMap(read) else {
                throw PlainFailure(
                    "shop-configuration", "the shop's configuration has no usable '\(path.joined(separator: "."))'")
            }
            return found
        }
        func number(_ json: JSONValue) -> Int? { json.intValue.map(Int.init) }
        func secret(_ json: JSONValue) -> Secret? { json.stringValue.map { Secret($0) } }
        self.init(
            port: try value("port", as: number),
            postgres: Server(
                port: try value("postgres", "port", as: number), user: try value("postgres", "user", as: \.stringValue),
                password: document["postgres"]?["password"].flatMap(secret),
                database: try value("postgres", "database", as: \.stringValue)),
            redisPort: try value("redis", "port", as: number),
            redisPassword: document["redis"]?["password"].flatMap(secret),
            smtpPort: document["smtp"]?["port"].flatMap(number), token: try value("token", as: secret),
            logPath: try value("log", as: \.stringValue), storageFolder: try value("storage", as: \.stringValue),
            critical: Set(document["critical"]?.arrayValue?.compactMap(\.stringValue) ?? ["database"]))
    }
}

extension Optional where Wrapped == JSONValue {
    fileprivate subscript(_ key: String) -> JSONValue? { flatMap { $0[key] } }
}
