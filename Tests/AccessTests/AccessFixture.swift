import Access
import Diagnostics
import Events
import FoundationEssentials
import Ledger
import StateStore
import Synchronization
import Units

/// A clock that stands until it is moved.
final class StandingClock: WallClock {
    private let time = Mutex(Timestamp(millisecondsSinceEpoch: 1_767_225_600_000))

    var now: Timestamp { time.withLock { $0 } }

    func advance(by span: Duration) { time.withLock { $0 = $0 + span } }
}

/// Access control over a real store and ledger in a temporary folder, with cheap hashing.
final class AccessFixture: Sendable {
    static let cheap = ScryptCost(roundsLog2: 4, blockSize: 8, parallelism: 1)

    let clock = StandingClock()
    let store: StateStore
    let ledger: Ledger
    let access: AccessControl
    private let folder: String

    init() throws {
        folder =
            FileManager.default.temporaryDirectory.appending(path: "jaga-access-\(UInt64.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try StateStore.open(at: folder + "/jaga.db")
        ledger = try Ledger.open(store: store, projections: [UsersProjection()])
        access = AccessControl(store: store, events: ledger, clock: clock, limits: AccessLimits(cost: Self.cheap))
    }

    deinit {
        try? store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// A user who has set a password.
    func addUser(_ name: String, _ role: Role, password: String = "correct horse battery") async throws {
        let link = try await access.createUser(name, role: role, by: .jaga)
        try await access.setPassword(Secret(password), link: link.secret)
    }
}
