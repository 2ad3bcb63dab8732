public import Diagnostics
import Glibc
import JSONCoding

/// The sample shop as a process of its own.
public final class ShopServer: StackServer {
    public let process: ServerProcess
    public let port: Int
    public let logPath: String
    /// For `/health/detailed`.
    public let token: Secret
    public var stopSignal: Int32 { SIGTERM }

    private init(process: ServerProcess, port: Int, logPath: String, token: Secret) {
        self.process = process
        self.port = port
        self.logPath = logPath
        self.token = token
    }

    /// What the shop leans on.
    public struct Dependencies: Sendable {
        public var postgres: PostgresServer
        public var database: String
        public var redis: RedisServer
        public var storageFolder: String
        public var smtpPort: Int?

        public init(
            postgres: PostgresServer, database: String, redis: RedisServer, storageFolder: String, smtpPort: Int? = nil
        ) {
            self.postgres = postgres
            self.database = database
            self.redis = redis
            self.storageFolder = storageFolder
            self.smtpPort = smtpPort
        }
    }

    /// Starts the shop with its configuration and log in `<folder>/shop`.
    /// - Parameter program: the words that start a shop when the path of a configuration file follows them: `jaga`
    ///   itself with `sample-shop --config`, or the program `sample-shop`.
    public static func start(
        in folder: String, program: [String], _ dependencies: Dependencies, token: Secret, port: Int? = nil
    ) async throws -> ShopServer {
        let home = "\(folder)/shop"
        try Files.makeFolder(home)
        let port = try port ?? freePort()
        let logPath = "\(home)/app.log"
        var configuration: [String: JSONValue] = [
            "port": .integer(Int64(port)), "token": .string(token.reveal()), "log": .string(logPath),
            "storage": .string(dependencies.storageFolder),
            "postgres": login(
                dependencies.postgres.port, dependencies.postgres.password,
                ["user": .string(dependencies.postgres.user), "database": .string(dependencies.database)]),
            "redis": login(dependencies.redis.port, dependencies.redis.password, [:]),
        ]
        if let port = dependencies.smtpPort { configuration["smtp"] = ["port": .integer(Int64(port))] }
        let file = "\(home)/shop.json"
        try Files.write(JSONValue.object(configuration).prettyText, to: file, mode: 0o600)
        var command = Command(program + [file])
        command.folder = home
        let process = ServerProcess(name: "sample shop", command, logPath: "\(home)/output.log")
        let shop = ShopServer(process: process, port: port, logPath: logPath, token: token)
        try await shop.start()
        return shop
    }

    private static func login(_ port: Int, _ password: Secret?, _ further: [String: JSONValue]) -> JSONValue {
        var members = further
        members["port"] = .integer(Int64(port))
        if let password { members["password"] = .string(password.reveal()) }
        return .object(members)
    }

    /// Whether the program answers at all; it may be ill.
    public func answers() async -> Bool {
        // Whatever the error, it does not answer.
        (try? await Loopback.request(port: port, "GET", "/metrics", limit: .seconds(1)))?.status == 200
    }

    /// The answer to the health page with details, in JSON.
    public func detailedHealth() async throws -> LoopbackResponse {
        try await Loopback.request(port: port, "GET", "/health/detailed", headers: authorization)
    }

    /// Makes the shop answer a share of requests with 500, or late. Zeros end it.
    /// - Parameter errorShare: from 0 to 1.
    public func order(errorShare: Double = 0, delay: Duration = .zero) async throws {
        let (seconds, attoseconds) = delay.components
        let delayMs = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let body: JSONValue = ["errorShare": .number(errorShare), "delayMs": .integer(delayMs)]
        let answer = try await Loopback.request(
            port: port, "POST", "/control/faults", headers: authorization, body: body.canonicalText)
        guard answer.status == 200 else {
            throw StackError(.faultUnavailable, "the shop refused the order with \(answer.status): \(answer.body)")
        }
    }

    private var authorization: [String: String] { ["Authorization": "Bearer \(token.reveal())"] }
}
