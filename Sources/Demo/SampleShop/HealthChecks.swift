import BlockingCalls
import Diagnostics
import Glibc
import JSONCoding
import PostgresClient
import RedisClient
import Units

/// How the things that the shop leans on are, each looked at for two seconds at most, all at once.
struct HealthChecks: Sendable {
    private static let limit = Duration.seconds(2)

    let configuration: ShopConfiguration
    let database: PostgresPool
    let cache: RedisTarget
    let startedAt: ContinuousClock.Instant

    struct Finding: Sendable {
        let name: String
        let responseTime: Duration
        let error: String?
        var isHealthy: Bool { error == nil }

        var json: JSONValue {
            var members: [String: JSONValue] = [
                "status": isHealthy ? "healthy" : "unhealthy",
                "responseTime": .number((responseTime.inSeconds * 10_000).rounded() / 10),
            ]
            if let error { members["error"] = .string(error) }
            return .object(members)
        }
    }

    /// For people and programs without the token: nothing that helps an attacker.
    func basic() async -> (isUp: Bool, body: JSONValue) {
        let findings = await findings()
        let isUp = isUp(findings)
        let (seconds, _) = (ContinuousClock.now - startedAt).components
        return (
            isUp,
            [
                "status": isUp ? "healthy" : "unhealthy", "timestamp": .string(timeText),
                "uptime": .integer(seconds), "version": "1.0.0", "environment": "demo",
            ]
        )
    }

    /// With each dependency's state and the error where there is one.
    func detailed() async -> (isUp: Bool, body: JSONValue) {
        let findings = await findings()
        let isUp = isUp(findings)
        let status = !isUp ? "unhealthy" : findings.allSatisfy(\.isHealthy) ? "healthy" : "degraded"
        let services = Dictionary(uniqueKeysWithValues: findings.map { ($0.name, $0.json) })
        let memory = memoryUse()
        return (
            isUp,
            [
                "status": .string(status), "timestamp": .string(timeText), "services": .object(services),
                "memory": [
                    "used": .integer(memory.used), "total": .integer(memory.total),
                    "percentage": .number((Double(memory.used) / Double(max(1, memory.total)) * 1000).rounded() / 10),
                ],
            ]
        )
    }

    private func isUp(_ findings: [Finding]) -> Bool {
        findings.allSatisfy { $0.isHealthy || !configuration.critical.contains($0.name) }
    }

    private var timeText: String { wallClockNow().rfc3339 }

    private func findings() async -> [Finding] {
        async let postgres = look("database") { _ = try await database.query("SELECT 1", timeout: Self.limit) }
        async let redis = look("redis") { _ = try await cache.pipeline([["PING"]], timeout: Self.limit) }
        async let email = look("email") { try await checkMail() }
        async let storage = look("storage") { try await checkStorage() }
        return await [postgres, redis, email, storage]
    }

    private func look(_ name: String, _ check: @escaping @Sendable () async throws -> Void) async -> Finding {
        let start = ContinuousClock.now
        do {
            try await withDeadline(Self.limit) { try await check() }
            return Finding(name: name, responseTime: ContinuousClock.now - start, error: nil)
        } catch {
            return Finding(name: name, responseTime: ContinuousClock.now - start, error: describe(error))
        }
    }

    private func checkMail() async throws {
        guard let port = configuration.smtpPort else {
            return try await writeProbe(in: "\(configuration.storageFolder)/outbox")
        }
        let greeting = try await BlockingThreads.shared.run { try smtpGreeting(port: port, limitSeconds: 2) }
        guard greeting.hasPrefix("220") else {
            throw PlainFailure("smtp", "the mail server greets with '\(greeting.prefix(60))'")
        }
    }

    private func checkStorage() async throws {
        try await writeProbe(in: configuration.storageFolder)
    }

    /// Writes 64 KiB and removes them: a disk that is full shows.
    private func writeProbe(in folder: String) async throws {
        try await BlockingThreads.shared.run {
            let path = "\(folder)/.health-\(getpid())-\(UInt32.random(in: .min ... .max))"
            func failure() -> PlainFailure {
                PlainFailure("storage", "cannot write to the storage folder: \(String(cString: strerror(errno)))")
            }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw failure() }
            defer {
                close(descriptor)
                unlink(path)
            }
            let block = [UInt8](repeating: 0x6a, count: 65_536)
            guard block.withUnsafeBytes({ write(descriptor, $0.baseAddress!, $0.count) }) == block.count else {
                throw failure()
            }
        }
    }
}

/// The largest resident size of this process so far and the machine's memory, in bytes.
private func memoryUse() -> (used: Int64, total: Int64) {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return (Int64(usage.ru_maxrss) * 1024, Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE))))
}

private func smtpGreeting(port: Int, limitSeconds: Int) throws -> String {
    func failure() -> PlainFailure {
        PlainFailure("smtp", "cannot reach the mail server on port \(port): \(String(cString: strerror(errno)))")
    }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var time = timeval(tv_sec: limitSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port)).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    guard connected else { throw failure() }
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { throw failure() }
    return String(decoding: buffer[..<count], as: UTF8.self)
}
