import Diagnostics
import Glibc

/// A web application with all that it needs, running: nginx in front of the sample shop, on PostgreSQL and Redis.
///
/// Everything is in one folder and on ports of 127.0.0.1. `stop()` ends the servers and removes what they left; so does
/// the end of this process, whatever its kind.
public actor Stack {
    public nonisolated let postgres: PostgresServer
    public nonisolated let redis: RedisServer
    public nonisolated let shop: ShopServer
    public nonisolated let nginx: NginxServer
    public nonisolated let description: StackDescription
    private let storage: Storage
    private let folder: StackFolder
    private var lock: LockHolder?
    /// Owned by the stack; each ends when its fault is mended or the stack stops.
    private var slowdowns: [Fault.Part: Task<Void, Never>] = [:]

    public static let database = "shop"

    /// - Parameters:
    ///   - shopProgram: see `ShopServer.start`.
    ///   - syncsToDisk: whether PostgreSQL writes as a careful one does.
    public static func start(
        shopProgram: [String], data: SampleData = SampleData(), syncsToDisk: Bool = false
    ) async throws -> Stack {
        let folder = try StackFolder(prefix: "jaga-stack-")
        let password = newSecret()
        let redisPassword = newSecret()
        async let startingRedis = RedisServer.start(in: folder.path, .init(password: redisPassword))
        let postgres = try await PostgresServer.start(
            in: folder.path,
            .init(authentication: .scram(password: password), syncsToDisk: syncsToDisk))
        try await postgres.createDatabase(database)
        try await postgres.run(sql: data.sql, database: database)
        let redis = try await startingRedis
        let storage = try Storage(in: folder.path)
        let token = newSecret()
        let shop = try await ShopServer.start(
            in: folder.path, program: shopProgram,
            .init(postgres: postgres, database: database, redis: redis, storageFolder: storage.path), token: token)
        let nginx = try await NginxServer.start(in: folder.path, .init(upstreamPort: shop.port))
        return Stack(
            postgres: postgres, redis: redis, shop: shop, nginx: nginx, storage: storage, folder: folder,
            passwords: (password, redisPassword))
    }

    private init(
        postgres: PostgresServer, redis: RedisServer, shop: ShopServer, nginx: NginxServer, storage: Storage,
        folder: StackFolder, passwords: (postgres: Secret, redis: Secret)
    ) {
        self.postgres = postgres
        self.redis = redis
        self.shop = shop
        self.nginx = nginx
        self.storage = storage
        self.folder = folder
        let shopURL = "http://127.0.0.1:\(shop.port)"
        description = StackDescription(
            folder: folder.path, postgresPort: postgres.port, postgresUser: postgres.user,
            postgresPassword: passwords.postgres, postgresSocketFolder: postgres.socketFolder,
            postgresLogPath: postgres.process.logPath, database: Self.database, redisPort: redis.port,
            redisPassword: passwords.redis, webURL: "\(nginx.url)/", statusURL: nginx.statusURL,
            accessLogPath: nginx.accessLogPath, shopURL: "\(shopURL)/", metricsURL: "\(shopURL)/metrics",
            healthURL: "\(nginx.url)/health", detailedHealthURL: "\(nginx.url)/health/detailed",
            healthToken: shop.token,
            applicationLogPath: shop.logPath, storageFolder: storage.path, storageIsMounted: storage.isMounted)
    }

    /// Makes a fault, which stays until it is mended.
    /// - Throws: `faultUnavailable` when it cannot be had here.
    public func cause(_ fault: Fault) async throws {
        switch fault {
        case .killed(let part): await server(part).kill()
        case .paused(let part): server(part).pause()
        case .slow(let part):
            let slowdown = Slowdown(server: server(part))
            if slowdowns[part] == nil { slowdowns[part] = Task { await slowdown.run() } }
        case .locked:
            if lock == nil {
                lock = try await LockHolder(on: "orders", database: Self.database, postgres, folder: folder.path)
            }
        case .failing(let share): try await shop.order(errorShare: share)
        case .delayed(let delay): try await shop.order(delay: delay)
        case .diskFull: try storage.fill()
        }
    }

    /// Ends a fault and waits until the server concerned answers again.
    public func mend(_ fault: Fault) async throws {
        switch fault {
        case .killed(let part): try await server(part).start()
        case .paused(let part): server(part).resume()
        case .slow(let part):
            let slowdown = slowdowns.removeValue(forKey: part)
            slowdown?.cancel()
            await slowdown?.value
        case .locked:
            await lock?.release()
            lock = nil
        case .failing, .delayed: try await shop.order()
        case .diskFull: storage.empty()
        }
    }

    /// Ends all faults, all servers, and removes the folder.
    public func stop() async {
        for slowdown in slowdowns.values { slowdown.cancel() }
        for slowdown in slowdowns.values { await slowdown.value }
        slowdowns = [:]
        await lock?.release()
        lock = nil
        await nginx.stop()
        await shop.stop()
        await redis.stop()
        await postgres.stop()
        storage.remove()
        folder.remove()
    }

    public nonisolated func server(_ part: Fault.Part) -> any StackServer {
        switch part {
        case .database: postgres
        case .cache: redis
        case .web: nginx
        case .app: shop
        }
    }
}

/// 128 bits of chance in hexadecimal digits.
private func newSecret() -> Secret {
    let halves = [UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max)]
    return Secret(halves.map { String($0, radix: 16) }.joined())
}
