import Diagnostics
import Events
import Glibc
import Processes
import TestSupport
import Testing

@testable import Backup

/// Goal: a backup that fails leaves nothing behind but its reason. Method: real failures of each stage.
@Suite struct BackupFaultTests {
    @Test func `a wrong password is one sentence, and no secret is in it`() async throws {
        let folder = try TemporaryFolder()
        let server = try await PostgresServer.start(
            in: folder.path, .init(authentication: .scram(password: Secret("the:real\\\\one"))))
        do {
            let site = try BackupSite(server, "postgres", password: "not-the-password")
            let failure = await #expect(throws: BackupFailure.self) {
                try await site.backups.back(up: "shop", by: .jaga)
            }
            #expect(failure?.summary.contains("password") == true)
            #expect(failure?.summary.contains("not-the-password") == false)
            #expect(site.filesLeft() == [])
            #expect(try await BackupCatalogue.troubles(in: site.store).count == 1)
            #expect(try await site.value("jaga_backup_last_run_failed") == 1)
            let good = try BackupSite(server, "postgres")
            #expect(try await good.backups.back(up: "shop", by: .jaga).warnings == ["the database has no tables"])
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    @Test func `a database that vanishes while it is dumped leaves no backup`() async throws {
        let (server, name) = try await SharedPostgres.database(
            "CREATE TABLE t AS SELECT i, repeat(md5(i::text), 20) AS x FROM generate_series(1, 20000) i")
        let bin = try TemporaryFolder()
        // The real pg_dump behind a pipe that takes a little, tells so, and waits for the word to go on.
        let programs = try bin.fakePrograms(
            dump: """
                set -o pipefail
                /usr/lib/postgresql/15/bin/pg_dump "$@" | { head -c 20000; touch "\(bin.path)/begun"
                while [ ! -e "\(bin.path)/go" ]; do sleep 0.02; done; cat; }
                """)
        let site = try BackupSite(server, name, programs: programs)
        let task = Task { try await site.backups.back(up: "shop", by: .jaga) }
        try await waitUntil("the dump has begun") { access("\(bin.path)/begun", F_OK) == 0 }
        try await server.run(sql: "DROP DATABASE \(name) WITH (FORCE)")
        try writeBytes([], "\(bin.path)/go")
        let failure = await #expect(throws: BackupFailure.self) { try await task.value }
        #expect(failure?.code == .dumpFailed)
        #expect(failure?.summary.hasPrefix("the backup of 'shop' failed: ") == true, "\(String(describing: failure))")
        #expect(site.filesLeft() == [])
        #expect(try await BackupCatalogue.backups(in: site.store) == [])
    }

    @Test func `a pg_dump that fails after it wrote something leaves no backup`() async throws {
        let (server, name) = try await SharedPostgres.database("CREATE TABLE t (x int)")
        let bin = try TemporaryFolder()
        let programs = try bin.fakePrograms(dump: "echo PGDMP; echo 'pg_dump: error: out of memory' >&2; exit 1")
        let site = try BackupSite(server, name, programs: programs)
        let failure = await #expect(throws: BackupFailure.self) { try await site.backups.back(up: "shop", by: .jaga) }
        #expect(
            failure?.summary
                == "the backup of 'shop' failed: 'pg_dump' failed: exit code 1: pg_dump: error: out of memory")
        #expect(site.filesLeft() == [])
    }

    @Test(.enabled(if: SystemUser.currentIsRoot)) func `a full disk leaves no backup and says so`() async throws {
        let (server, name) = try await SharedPostgres.database(
            """
            CREATE TABLE t AS SELECT string_agg(md5((i * 64 + j)::text), '') AS x
            FROM generate_series(1, 2000) i, generate_series(1, 64) j GROUP BY i
            """)
        let disk = try TemporaryFolder()
        let mounted = try await Command("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", disk.path]).run()
        // A container may not be allowed to mount.
        guard mounted.isSuccess else { try Test.cancel("no small file system can be mounted here") }
        do {
            let site = try BackupSite(server, name, repository: "\(disk.path)/backups")
            let failure = await #expect(throws: BackupFailure.self) {
                try await site.backups.back(up: "shop", by: .jaga)
            }
            #expect(failure?.code == .diskFull)
            #expect(site.filesLeft() == [])
            #expect(site.backups.repository.sweep("shop") == [])
        }
        try await Command("umount", [disk.path]).run().checked()
    }

    @Test func `a server newer than every pg_dump is explained`() async throws {
        let failure = await #expect(throws: BackupFailure.self) {
            try await PostgresPrograms(versionsFolder: "/no/such").path(of: "pg_dump", serverVersion: 990_000)
        }
        #expect(failure?.summary.contains("99") == true || failure?.summary.contains("no pg_dump") == true)
        #expect(failure?.hint == "Install it with 'apt install postgresql-client-99'.")
    }

    @Test func `two things are not done with one target at a time`() async throws {
        let (server, name) = try await SharedPostgres.database("CREATE TABLE t (x int)")
        let bin = try TemporaryFolder()
        let programs = try bin.fakePrograms(
            dump: "touch '\(bin.path)/begun'; while [ ! -e '\(bin.path)/go' ]; do sleep 0.02; done; exit 1")
        let site = try BackupSite(server, name, programs: programs)
        let task = Task { try await site.backups.back(up: "shop", by: .jaga) }
        try await waitUntil("the dump has begun") { access("\(bin.path)/begun", F_OK) == 0 }
        let failure = await #expect(throws: BackupFailure.self) { try await site.backups.drill("shop", by: .jaga) }
        #expect(failure?.code == .locked)
        try writeBytes([], "\(bin.path)/go")
        _ = try? await task.value
    }
}

extension TemporaryFolder {
    /// PostgreSQL's programs with another pg_dump.
    func fakePrograms(dump: String) throws -> PostgresPrograms {
        for folder in ["15", "15/bin"] { mkdir(file(folder), 0o755) }
        let script =
            "#!/bin/bash\nif [ \"$1\" = --version ]; then echo 'pg_dump (PostgreSQL) 15.0'; exit; fi\n\(dump)\n"
        try writeBytes(Array(script.utf8), file("15/bin/pg_dump"))
        chmod(file("15/bin/pg_dump"), 0o755)
        for program in ["pg_dumpall", "pg_restore"] {
            symlink("/usr/lib/postgresql/15/bin/\(program)", file("15/bin/\(program)"))
        }
        return PostgresPrograms(versionsFolder: path)
    }
}

func readBytes(_ path: String) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try forEachPiece(of: path) { bytes += $0 }
    return bytes
}

func writeBytes(_ bytes: [UInt8], _ path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try writeAll(bytes, to: descriptor, path)
}
