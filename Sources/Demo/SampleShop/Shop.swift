import Diagnostics
import Glibc
import Hummingbird
import JSONCoding
import Logging
import PostgresClient
import RedisClient

/// A small web shop: something to watch.
///
/// It does what the web applications do that Jaga is for: pages from PostgreSQL, a cache in Redis, uploads on a disk, a
/// health page, metrics and a log. On order it misbehaves.
public enum Shop {
    /// Serves until SIGINT or SIGTERM, or until its task is cancelled.
    public static func run(configuration: ShopConfiguration) async throws {
        let log = ApplicationLog(path: configuration.logPath)
        mkdir("\(configuration.storageFolder)/outbox", 0o755)
        var quiet = Logger(label: "sample-shop")
        quiet.logLevel = .error
        let application = Application(
            router: router(configuration, log),
            configuration: .init(address: .hostname("127.0.0.1", port: configuration.port), serverName: "sample-shop"),
            onServerRunning: { _ in log.write(.info, "Shop startup") }, logger: quiet)
        try await application.runService()
        log.write(.info, "Shop shutdown")
    }

    private static func router(_ configuration: ShopConfiguration, _ log: ApplicationLog) -> Router<BasicRequestContext>
    {
        let postgres = configuration.postgres
        let database = PostgresPool(
            PostgresSettings(
                host: "127.0.0.1", port: postgres.port, database: postgres.database, user: postgres.user,
                password: postgres.password, applicationName: "sample-shop"),
            session: PostgresSession(statementTimeout: .seconds(3)), connectionCountMax: 6, connectTimeout: .seconds(2))
        let cache = RedisTarget(
            RedisSettings(port: configuration.redisPort, password: configuration.redisPassword),
            connectTimeout: .seconds(1))
        let health = HealthChecks(
            configuration: configuration, database: database, cache: cache, startedAt: .now)
        let pages = ShopPages(database: database, cache: cache, log: log)
        let metrics = RequestMetrics()
        let faults = FaultSwitch()

        let router = Router()
        router.add(middleware: RequestWatch(metrics: metrics, faults: faults, log: log))
        router.get("/") { request, _ in try await pages.front(request) }
        router.get("/products") { request, _ in try await pages.products(request) }
        router.post("/orders") { request, _ in try await pages.placeOrder(request) }
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: metrics.text)))
        }
        router.get("/health") { _, _ in
            let (isUp, body) = await health.basic()
            return json(body.canonicalText, status: isUp ? .ok : .serviceUnavailable)
        }
        router.get("/health/detailed") { request, _ in
            try checkToken(request, configuration)
            let (isUp, body) = await health.detailed()
            if !isUp { log.write(.error, "health check failed: \(body.canonicalText)") }
            return json(body.canonicalText, status: isUp ? .ok : .serviceUnavailable)
        }
        router.post("/control/faults") { request, _ in
            try checkToken(request, configuration)
            let body = try await request.body.collect(upTo: 4096)
            // What is no order, for whatever reason, is answered with 400.
            guard let order = (try? JSONValue(parsing: String(buffer: body))).flatMap({ OrderedFaults($0) }) else {
                throw HTTPError(.badRequest)
            }
            faults.set(order)
            return json("{}")
        }
        return router
    }

    private static func checkToken(_ request: Request, _ configuration: ShopConfiguration) throws {
        guard request.headers[.authorization] == "Bearer \(configuration.token.reveal())" else {
            throw HTTPError(.unauthorized)
        }
    }
}

extension Shop {
    /// Serves as the configuration file says; the whole of a program.
    public static func run(configurationPath path: String) async throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw PlainFailure("shop-configuration", "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        // A configuration has a few hundred bytes.
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &buffer, buffer.count)
        close(descriptor)
        try await run(configuration: ShopConfiguration(json: String(decoding: buffer[..<max(0, count)], as: UTF8.self)))
    }
}
