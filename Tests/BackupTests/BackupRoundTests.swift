import Diagnostics
import Events
import GRDB
import JSONCoding
import Ledger
import StateStore
import TestSupport
import Testing
import Units

@testable import Backup

/// Goal: what was dumped can be restored, and what cannot is said so. Method: a real server, its own programs, real files
/// that are damaged on purpose.
@Suite struct BackupRoundTests {
    @Test func `a backup is taken, verified, drilled and restored, while the source moves on`() async throws {
        let site = try await BackupSite.shop { $0.assertions = ["has orders": "SELECT count(*) > 100 FROM orders"] }
        let record = try await site.backups.back(up: "shop", by: .jaga)
        #expect(record.rows == 2501)
        #expect(record.tables == 3)
        #expect(record.verification == .good)
        #expect(record.warnings == [])
        try await site.server.run(sql: "DELETE FROM orders WHERE id > 3", database: site.database)
        let drill = try await site.backups.drill("shop", by: .jaga)
        #expect(drill.passed)
        #expect(drill.restoreMs != nil)
        #expect(try await site.databases(like: site.backups.scratchPrefix("shop") + "%") == "")
        let name = "\(site.database)_back"
        let report = try await site.backups.restore("shop", into: name, by: Actor(.person, "ani"))
        #expect(report.rows == 2501)
        #expect(try await site.server.run(sql: "SELECT count(*) FROM orders", database: name).contains("2000"))
        let failure = await #expect(throws: BackupFailure.self) {
            try await site.backups.restore("shop", into: site.database, by: .jaga)
        }
        #expect(failure?.code == .databaseExists)
        #expect(try await site.value("jaga_backup_verified") == 1)
        #expect(try await site.value("jaga_drill_success") == 1)
        #expect(try await site.value("jaga_backup_last_success_timestamp_seconds") == site.clock.time.secondsSinceEpoch)
        try await site.server.dropDatabase(name)
    }

    /// libpq expands a name with `=` or with a scheme to a whole connection string, which would lead elsewhere.
    @Test(arguments: ["dbname=victim sslcrl=", "postgresql://127.0.0.1:1/x", "it's a \\ name"])
    func `a database's name is a name, whatever it looks like`(name: String) async throws {
        let site = try await BackupSite.shop()
        _ = try await site.backups.back(up: "shop", by: .jaga)
        let report = try await site.backups.restore("shop", into: name, by: .jaga)
        #expect(report.database == name)
        let quoted = name.replacing("'", with: "''")
        let found = try await site.server.run(
            sql: "SELECT count(*) FROM pg_database WHERE datname = '\(quoted)'", database: site.database)
        #expect(found.contains("1"))
        try await site.server.run(sql: "DROP DATABASE \"\(name)\"", database: site.database)
    }

    @Test(arguments: ["", "-x", "two\nlines", String(repeating: "x", count: 64)])
    func `a name that cannot be one is refused before anything is done`(name: String) async throws {
        let site = try await BackupSite.shop()
        _ = try await site.backups.back(up: "shop", by: .jaga)
        let failure = await #expect(throws: BackupFailure.self) {
            try await site.backups.restore("shop", into: name, by: .jaga)
        }
        #expect(failure?.code == .invalidName)
    }

    @Test(arguments: ["database.dump.zst", "globals.sql.zst", "manifest.json"])
    func `a flipped bit fails verification and drill, and shows in series and ledger`(file: String) async throws {
        let site = try await BackupSite.shop()
        let record = try await site.backups.back(up: "shop", by: .jaga)
        var bytes = try readBytes("\(record.path)/\(file)")
        bytes[bytes.count / 2] ^= 1
        try writeBytes(bytes, "\(record.path)/\(file)")
        let failure = await #expect(throws: BackupFailure.self) { try await site.backups.verify("shop", by: .jaga) }
        #expect(failure?.code == .damaged)
        #expect(try await site.value("jaga_backup_verified") == 0)
        #expect(try await site.value("jaga_backup_last_success_timestamp_seconds") == 0)
        await #expect(throws: BackupFailure.self) { try await site.backups.drill("shop", by: .jaga) }
        #expect(try await site.value("jaga_drill_success") == 0)
        await #expect(throws: BackupFailure.self) {
            try await site.backups.restore("shop", into: "never_made", by: .jaga)
        }
        #expect(try await site.databases(like: "never_made%") == "")
        let kinds = try await site.kinds()
        #expect(kinds.contains("backup.verification_failed"))
        #expect(kinds.contains("drill.failed"))
        #expect(kinds.contains("restore.failed"))
    }

    @Test func `a truncated or missing file is damage`() async throws {
        let site = try await BackupSite.shop()
        let record = try await site.backups.back(up: "shop", by: .jaga)
        let path = "\(record.path)/database.dump.zst"
        let bytes = try readBytes(path)
        try writeBytes(Array(bytes.dropLast()), path)
        let first = await #expect(throws: BackupFailure.self) { try await site.backups.verify("shop", by: .jaga) }
        #expect(first?.reason == "database.dump.zst has \(bytes.count - 1) bytes instead of \(bytes.count)")
        removeFile(path)
        await #expect(throws: BackupFailure.self) { try await site.backups.verify("shop", by: .jaga) }
        try writeBytes(bytes, path)
        #expect(try await site.backups.verify("shop", by: .jaga).verification == .good)
    }

    @Test func `a drill finds a missing row, and a restore of it leaves no database`() async throws {
        let site = try await BackupSite.shop { $0.assertions = ["users": "SELECT count(*) FROM users"] }
        let record = try await site.backups.back(up: "shop", by: .jaga)
        // As if the dump had lost a row: the record says that there was one more.
        try await site.rewriteManifest(record.id) {
            $0.rows["public.users"] = 501
            $0.assertions["users"]?.value = "501"
        }
        let failure = await #expect(throws: BackupFailure.self) { try await site.backups.drill("shop", by: .jaga) }
        #expect(
            failure?.reason
                == "public.users has 500 rows instead of 501; the assertion 'users' gives 500 instead of 501")
        #expect(try await site.databases(like: site.backups.scratchPrefix("shop") + "%") == "")
        let name = "\(site.database)_half"
        await #expect(throws: BackupFailure.self) { try await site.backups.restore("shop", into: name, by: .jaga) }
        #expect(try await site.databases(like: "\(name)%") == "")
    }

    @Test func `the scratch database of a drill that did not survive is dropped by the next one`() async throws {
        let site = try await BackupSite.shop()
        _ = try await site.backups.back(up: "shop", by: .jaga)
        let left = site.backups.scratchPrefix("shop") + "left"
        try await site.server.createDatabase(left)
        #expect(try await site.backups.drill("shop", by: .jaga).passed)
        #expect(try await site.databases(like: left) == "")
    }

    @Test func `a backup that is cancelled leaves nothing`() async throws {
        let (server, name) = try await SharedPostgres.database("CREATE TABLE t (x int)")
        let bin = try TemporaryFolder()
        let programs = try bin.fakePrograms(dump: "touch '\(bin.path)/begun'; exec sleep 1000")
        let site = try BackupSite(server, name, programs: programs)
        let task = Task { try await site.backups.back(up: "shop", by: .jaga) }
        try await waitUntil("the dump has begun") { (try? readBytes("\(bin.path)/begun")) != nil }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(site.filesLeft() == [])
        #expect(try await site.kinds() == ["backup.failed"])
    }

    @Test func `what a crash left is removed, entered or finished`() async throws {
        let site = try await BackupSite.shop()
        let record = try await site.backups.back(up: "shop", by: .jaga)
        let repository = site.backups.repository
        let (partial, path) = try repository.begin("shop", at: site.clock.time + .seconds(5))
        try writeBytes([1, 2, 3], "\(path)/database.dump.zst")
        // The catalogue is that of a ledger without the backup.
        try await site.ledger.record([
            Event(
                at: site.clock.time, by: .jaga, .backupRemoved, "backup/shop",
                ["backup": .string(record.id), "target": "shop"])
        ])
        try await site.backups.recover()
        let all = try await BackupCatalogue.backups(in: site.store)
        #expect(all.map(\.id) == [record.id])
        #expect(all[0].verification == .unverified)
        #expect(throws: (any Error).self) { try readBytes("\(path)/database.dump.zst") }
        #expect(repository.ids(of: "shop") == [record.id])
        #expect(partial != record.id)
        try repository.beginRemoval("shop", record.id)
        try await site.backups.recover()
        #expect(try await BackupCatalogue.backups(in: site.store) == [])
        #expect(repository.sweep("shop") == [])
    }

    @Test func `old backups go after a new good one, and only then`() async throws {
        let site = try await BackupSite.shop { $0.retention = RetentionRule(keepLast: 2, keepDays: 0) }
        for _ in 0..<3 {
            _ = try await site.backups.back(up: "shop", by: .jaga)
            site.clock.advance(by: .seconds(86_400))
        }
        let all = try await BackupCatalogue.backups(in: site.store)
        #expect(all.count == 2)
        #expect(site.backups.repository.ids(of: "shop") == all.map(\.id).sorted())
        try site.ledger.rebuildProjections()
        #expect(try await BackupCatalogue.backups(in: site.store) == all)
    }
}

extension BackupSite {
    func kinds() async throws -> [String] {
        try await store.read { db in try String.fetchAll(db, sql: "SELECT kind FROM ledger_entry ORDER BY sequence") }
    }

    /// Puts another manifest in the place of a backup's, and enters its checksum.
    func rewriteManifest(_ id: String, _ change: (inout BackupManifest) -> Void) async throws {
        var (manifest, _) = try backups.repository.manifest("shop", id)
        change(&manifest)
        try writeBytes(Array(manifest.json.prettyText.utf8), "\(backups.repository.path("shop", id))/manifest.json")
        let (_, sha256) = try backups.repository.manifest("shop", id)
        try await store.write { db in
            try db.execute(sql: "UPDATE backup SET sha256 = ? WHERE id = ?", arguments: [sha256, id])
        }
    }
}
