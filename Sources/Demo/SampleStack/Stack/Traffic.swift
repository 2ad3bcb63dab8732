import Synchronization

/// Visitors of the shop, at a steady rate and only on this machine: four look at the front page, four at products, one
/// places an order, one asks for a page that is not there.
public final class Traffic: Sendable {
    public struct Counts: Sendable, Hashable {
        public var answered = 0
        /// Answers of 500 and above.
        public var failed = 0
        /// No answer at all.
        public var unanswered = 0
    }

    private static let requestsPerSecondMax = 200.0

    private let port: Int
    private let pause: Duration
    private let userCount: Int
    private let productCount: Int
    private let state = Mutex(Counts())

    /// - Parameters:
    ///   - port: of nginx, on 127.0.0.1.
    ///   - requestsPerSecond: more than 0, at most 200; fewer when answers take long.
    public init(port: Int, requestsPerSecond: Double, data: SampleData = SampleData()) {
        precondition(requestsPerSecond > 0 && requestsPerSecond <= Self.requestsPerSecondMax, "rate out of bounds")
        self.port = port
        pause = .seconds(1) / requestsPerSecond
        userCount = data.rowCounts["users"]!
        productCount = data.rowCounts["products"]!
    }

    public var counts: Counts { state.withLock { $0 } }

    /// Sends requests one after the other until its task is cancelled.
    public func run(clock: some Clock<Duration> = ContinuousClock()) async {
        var number = 0
        while !Task.isCancelled {
            await send(number)
            number += 1
            // A cancelled sleep is seen by the loop.
            try? await clock.sleep(for: pause)
        }
    }

    private func send(_ number: Int) async {
        do {
            let answer = try await request(number)
            state.withLock { answer.status >= 500 ? ($0.failed += 1) : ($0.answered += 1) }
        } catch {
            state.withLock { $0.unanswered += 1 }
        }
    }

    private func request(_ number: Int) async throws -> LoopbackResponse {
        let limit = Duration.seconds(5)
        switch number % 10 {
        case 0, 2, 4, 6: return try await Loopback.request(port: port, "GET", "/", limit: limit)
        case 1, 3, 5, 7: return try await Loopback.request(port: port, "GET", "/products", limit: limit)
        case 8:
            let (user, product) = (1 + number % userCount, 1 + number / 10 % productCount)
            return try await Loopback.request(
                port: port, "POST", "/orders", headers: ["Content-Type": "application/json"],
                body: "{\"userId\":\(user),\"productId\":\(product),\"quantity\":1}", limit: limit)
        default: return try await Loopback.request(port: port, "GET", "/about-us", limit: limit)
        }
    }
}
