import Access
import Diagnostics
import Events
import FoundationEssentials
import Ledger
import Logging
import StateStore
import Synchronization
import Units

@testable import Web

/// A clock that stands until it is moved.
final class StandingClock: WallClock {
    private let time = Mutex(Timestamp(millisecondsSinceEpoch: 1_767_225_600_000))

    var now: Timestamp { time.withLock { $0 } }

    func advance(by span: Duration) { time.withLock { $0 = $0 + span } }
}

/// The pages and the API over a fake site, with real access control in a temporary folder.
final class WebFixture: Sendable {
    static let password = "correct horse battery"

    let clock: any WallClock
    let service: FakeSite
    let access: AccessControl
    let site: WebSite
    private let store: StateStore
    private let folder: String

    init(
        clock: any WallClock = StandingClock(), isCalm: Bool = false, assetsFolder: String? = nil,
        options: WebOptions = WebOptions(), serving other: (any SiteService)? = nil
    ) throws {
        self.clock = clock
        folder =
            FileManager.default.temporaryDirectory.appending(path: "jaga-web-\(UInt64.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try StateStore.open(at: folder + "/jaga.db")
        let ledger = try Ledger.open(store: store, projections: [UsersProjection()])
        let cost = ScryptCost(roundsLog2: 4, blockSize: 8, parallelism: 1)
        access = AccessControl(store: store, events: ledger, clock: clock, limits: AccessLimits(cost: cost))
        service = FakeSite(now: clock.now, isCalm: isCalm)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var options = options
        options.assetsFolder = assetsFolder
        site = WebSite(
            service: other ?? service, access: access, clock: clock, options: options, logger: logger)
    }

    deinit {
        try? store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Logs a new user in.
    /// - Returns: the session's secret.
    func session(_ role: Role) async throws -> String {
        let name = "\(role.rawValue)\(try await access.users().count)"
        let link = try await access.createUser(name, role: role, by: .jaga)
        try await access.setPassword(Secret(Self.password), link: link.secret)
        return try await access.logIn(name: name, password: Secret(Self.password), address: "test").secret
    }

    func token(_ role: Role) async throws -> String {
        try await access.createToken(role.rawValue, role: role, validFor: nil, by: .jaga).secret
    }

    func get(_ target: String, session: String? = nil, token: String? = nil, headers: [String: String] = [:]) async
        -> Reply
    {
        await send(.get, target, session: session, token: token, headers: headers)
    }

    func send(
        _ method: WebRequest.Method, _ target: String, session: String? = nil, token: String? = nil,
        headers: [String: String] = [:], body: String = "", trust: WebRequest.Trust = .network,
        isSecure: Bool = false, isForwarded: Bool = false
    ) async -> Reply {
        var headers = headers
        if let session { headers["cookie"] = "jaga_session=\(session)" }
        if let token { headers["authorization"] = "Bearer \(token)" }
        return await site.respond(
            to: WebRequest(
                method: method, target: target, headers: headers, body: Array(body.utf8), isSecure: isSecure,
                trust: trust, isForwarded: isForwarded))
    }

    /// Sends a form as one of our pages would.
    func post(_ target: String, session: String, _ fields: String = "") async -> Reply {
        let token = AccessControl.formToken(session: session)
        return await send(
            .post, target, session: session, headers: ["content-type": "application/x-www-form-urlencoded"],
            body: "form_token=\(token)&\(fields)")
    }
}
