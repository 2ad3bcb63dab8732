import Diagnostics
import Events
import Ledger
import PostgresClient
import Series
import StateStore
import TestSupport
import Testing
import Units

@testable import Backup

/// A repository with its ledger, over a database of a real server.
final class BackupSite: Sendable {
    let folder: TemporaryFolder
    let store: StateStore
    let ledger: Ledger
    let clock: ManualClock
    let backups: Backups
    let server: PostgresServer
    let database: String

    init(
        _ server: PostgresServer, _ database: String, password: String? = nil, repository: String? = nil,
        programs: PostgresPrograms = PostgresPrograms(), _ change: (inout BackupTarget) -> Void = { _ in }
    ) throws {
        folder = try TemporaryFolder()
        store = try StateStore.open(at: folder.file("jaga.db"))
        ledger = try Ledger.open(store: store, projections: [BackupCatalogue()])
        clock = ManualClock()
        self.server = server
        self.database = database
        var settings = PostgresSettings(
            host: server.host, port: server.port, database: database, user: server.user, password: server.password)
        if let password { settings.password = .init(password) }
        var target = BackupTarget(name: "shop", postgres: settings)
        change(&target)
        backups = Backups(
            [target], folder: repository ?? folder.file("backups"), events: ledger, store: store, wall: clock.wall,
            programs: programs)
    }

    /// A site over a new database of the shared server, with some rows.
    static func shop(_ change: (inout BackupTarget) -> Void = { _ in }) async throws -> BackupSite {
        let (server, name) = try await SharedPostgres.database(
            """
            CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
            INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 500) i;
            CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users, total numeric);
            INSERT INTO orders SELECT i, i % 500 + 1, i * 1.5 FROM generate_series(1, 2000) i;
            CREATE SCHEMA "Odd Name"; CREATE TABLE "Odd Name"."a ""b" (x int); INSERT INTO "Odd Name"."a ""b" VALUES (1);
            """)
        return try BackupSite(server, name, change)
    }

    func databases(like pattern: String) async throws -> String {
        try await server.run(sql: "SELECT datname FROM pg_database WHERE datname LIKE '\(pattern)' ORDER BY 1")
    }

    func value(_ name: String) async throws -> Double? {
        try await BackupSeries(backups).read(at: clock.time).rows.first { $0.labels.name == name }?.value
    }

    func filesLeft() -> [String] {
        var left: [String] = []
        for id in backups.repository.ids(of: "shop") { left.append(id) }
        return left
    }
}
